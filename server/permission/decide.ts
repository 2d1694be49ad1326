import type { Confidentiality, OperationStage } from '../protocol/cases.ts';
import { type RoleGrant, ROLES } from '../protocol/people.ts';
import { type Named, type Permission, PERMISSION_NAMES, PERMISSIONS, type Rule } from './rules.ts';

/** Somebody who is known: a person in a session, or a machine with a person's access token. */
export type Actor = {
  personId: string;
  login: string;
  name: string;
  grants: RoleGrant[];
  mustChange: boolean;
  /** The session it comes by; null for a machine. */
  sessionHash: string | null;
  sessionId: string | null;
  /** What the token is limited to; null for a person's session. */
  scopes: Permission[] | null;
  tokenId: string | null;
};

/** What of an operation, a case or a device decides who may do something with it. */
export type Bounds = {
  squadIds: string[];
  confidentiality: Confidentiality;
  /** Who was on it, or entered it: it is no secret from them. */
  officerIds: string[];
  /** A case of no squad is the brigade's own, which every squad sees. */
  brigades?: boolean;
  /** Null for what has no states. */
  state: OperationStage | null;
};

/** `over`: the operation has ended; `too-early`: it has not. */
export type Decision = 'allowed' | 'sign-in' | 'must-change' | 'forbidden' | `unknown-${Named}` | 'over' | 'too-early';

/** Who may not see it is told that it is not there. */
const SEEN_BY = { operation: 'operation.see', case: 'operation.see', device: 'device.see' } as const satisfies Record<Named, Permission>;

/**
 * The one place where it is decided who may do what, from user, role, squad, operation and state. `bounds`: of the operation,
 * case or device that is meant, null where there is none of that name; not looked at by rules that mean none. One that somebody
 * may not know of is as one that is not.
 */
export function decide(rule: Rule, actor: Actor | null, bounds: Bounds | null): Decision {
  if (rule.by === 'anyone' || rule.by === 'link') return 'allowed';
  if (actor === null) return 'sign-in';
  if (actor.mustChange && !(rule.by === 'signed-in' && rule.whileMustChange === true)) return 'must-change';
  if (rule.by === 'signed-in') return actor.scopes === null ? 'allowed' : 'forbidden'; // no token looks after its owner's account
  if (!mayAnywhere(actor, rule.permission)) return 'forbidden';
  if (rule.of === 'hub') return 'allowed';
  if (rule.of === 'brigade') return squadsWith(actor, rule.permission) === 'all' ? 'allowed' : 'forbidden';
  if (bounds === null || !inReach(actor, SEEN_BY[rule.of], bounds)) return `unknown-${rule.of}`;
  if (!inReach(actor, rule.permission, bounds)) return 'forbidden';
  const { state } = bounds;
  if (state === null || rule.states === undefined || rule.states.includes(state)) return 'allowed';
  return state === 'ended' || state === 'sealed' ? 'over' : 'too-early';
}

/** In some squad at least. */
export function mayAnywhere(actor: Actor, permission: Permission): boolean {
  return squadsWith(actor, permission) === 'all' || squadsWith(actor, permission).length > 0;
}

/** The squads in which an actor has a permission; `all`: a role in the whole brigade gives it. */
export function squadsWith(actor: Actor, permission: Permission): 'all' | string[] {
  if (actor.scopes !== null && !actor.scopes.includes(permission)) return [];
  const roles: readonly string[] = PERMISSIONS[permission];
  return squadsOf(actor.grants.filter(({ role }) => roles.includes(role)));
}

/** What a sensitive or secret operation shows, only these see who were not on it. */
const TRUSTED_WITH_SECRETS = ['leader', 'legal', 'custodian'];

function inReach(actor: Actor, permission: Permission, { squadIds, confidentiality, officerIds, brigades }: Bounds): boolean {
  const squads = squadsWith(actor, permission);
  const everybodys = brigades === true && permission === 'operation.see' && squads.length > 0;
  if (squads !== 'all' && !everybodys && !squadIds.some((id) => squads.includes(id))) return false;
  if (confidentiality === 'open' || confidentiality === 'internal' || officerIds.includes(actor.personId)) return true;
  return isTrusted(actor, squadIds);
}

/** With the secrets of one of these squads; with what is of no squad, in the whole brigade. Lowering a class takes that. */
export function isTrusted(actor: Actor, squadIds: string[]): boolean {
  const trusted = squadsTrusted(actor);
  return trusted === 'all' || squadIds.some((id) => trusted.includes(id));
}

/** The squads whose sensitive and secret operations an actor may see without having been on them. */
export function squadsTrusted(actor: Actor): 'all' | string[] {
  return squadsOf(actor.grants.filter(({ role }) => TRUSTED_WITH_SECRETS.includes(role)));
}

function squadsOf(grants: RoleGrant[]): 'all' | string[] {
  if (grants.some(({ squadId }) => squadId === null)) return 'all';
  return [...new Set(grants.flatMap(({ squadId }) => (squadId === null ? [] : [squadId])))];
}

/** All that an actor may do somewhere: what screens offer. */
export const permissionsOf = (actor: Actor): Permission[] => PERMISSION_NAMES.filter((each) => mayAnywhere(actor, each));

/** All that an actor may do with one operation: what screens offer of it. Empty: it is as one that is not there. */
export const permissionsOn = (actor: Actor, bounds: Bounds): Permission[] =>
  PERMISSION_NAMES.filter((permission) => decide({ by: 'permission', permission, of: 'operation' }, actor, bounds) === 'allowed');

/** Which roles a rule lets through, for the table in the documentation and for the walk over all routes. */
export const rolesOf = (rule: Rule): readonly string[] => (rule.by === 'permission' ? PERMISSIONS[rule.permission] : ROLES);
