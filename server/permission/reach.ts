import { type Actor, squadsTrusted, squadsWith } from './decide.ts';
import type { Permission } from './rules.ts';

/**
 * Which operations and cases somebody has a permission for, in the shape that lists are filtered by: `decide` says it of one,
 * the store of many at once. Of sensitive and secret ones only those of the squads in `secrets`, and those he was on.
 */
export type Reach = { squads: 'all' | string[]; secrets: 'all' | string[]; personId: string };

export function reachOf(actor: Actor, permission: Permission): Reach {
  return { squads: squadsWith(actor, permission), secrets: squadsTrusted(actor), personId: actor.personId };
}
