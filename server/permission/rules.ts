import type { Json, What } from '../custody/lines.ts';
import type { OperationStage } from '../protocol/cases.ts';
import type { Role } from '../protocol/people.ts';

/** What people do with the hub, and which roles may. Nobody has a permission but through this table. */
export const PERMISSIONS = {
  /** Lists, facts, journals' figures of operations and cases; nothing that moves. */
  'operation.see': ['operator', 'commander', 'leader', 'reviewer', 'legal', 'custodian'],
  /** Cases, planned operations, their facts, begin and end. */
  'operation.plan': ['commander', 'leader'],
  /** Angles, links, sources, talk, marks, alarms of an operation. */
  'operation.run': ['commander', 'leader'],
  'operation.label': ['commander', 'leader', 'custodian'],
  'operation.seal': ['leader', 'custodian'],
  /** To a custodian, who keeps it from then on (R17). */
  'operation.hand-over': ['commander', 'leader', 'custodian'],
  'operation.keep': ['custodian'],
  'package.make': ['leader', 'custodian'],
  'live.watch': ['commander', 'leader', 'legal'],
  'recording.view': ['commander', 'leader', 'reviewer', 'legal'],
  'list.export': ['commander', 'leader', 'legal', 'custodian'],
  'shot-list.see': ['operator', 'commander', 'leader', 'reviewer', 'legal', 'custodian'],
  'shot-list.edit': ['legal'],
  'device.see': ['operator', 'commander', 'leader', 'legal', 'custodian', 'administrator'],
  'device.keep': ['leader', 'custodian'],
  /** Names and squads, to be chosen from. */
  'people.see': ['commander', 'leader', 'legal', 'custodian', 'administrator'],
  'people.manage': ['administrator'],
  'log.read': ['leader', 'legal', 'administrator'],
  'metrics.read': ['administrator'],
} as const satisfies Record<string, readonly Role[]>;
export type Permission = keyof typeof PERMISSIONS;
export const PERMISSION_NAMES = Object.keys(PERMISSIONS) as Permission[];

/** What the custody log has of a logged request; see `Rule`. */
type Logging = {
  logged?: What;
  how?: 'range' | 'route';
  /** What is made gets its id, with this before it, ahead of the line, which names it; the route takes it from `madeId`. */
  makes?: string;
  /** What the line says beside what was sent. */
  detail?: Record<string, Json>;
};

/**
 * The rule of a route or socket event, declared beside its schema; without one the hub does not start.
 * - `anyone`: no right is needed. `why` says why not.
 * - `link`: the secret of a capture link is the right, which the route itself checks. Never waits for the custody log.
 * - `signed-in`: anybody's own account; with `whileMustChange` also before a given password is changed.
 * - `permission`: one of the table's. `of: 'operation'`, `'case'`, `'device'` look at the one that the request names
 *   (`operationId` and so on): its squads, its confidentiality, and (`states`) how far an operation has come; `of: 'hub'` at
 *   nothing but the role, in whatever squad; `of: 'brigade'`: the role must be held in the whole brigade.
 *
 * `logged`: what the custody log says of it, before it happens: what cannot be written does not happen. The line has what was
 * sent, or asked for, as its detail, but for (`how`) `range`: many requests make one look at a recording, of which the log has the
 * beginning, and what was seen when it is over; `route`: the route writes it (`record`), when it knows what it does.
 */
export type Rule =
  | { by: 'anyone'; why: string }
  | { by: 'link'; why: string }
  | ({ by: 'signed-in'; whileMustChange?: boolean } & Logging)
  | ({ by: 'permission'; permission: Permission; of: Named | 'hub' | 'brigade'; states?: readonly OperationStage[] } & Logging);
/** What a rule may be about: something that the request names. */
export type Named = 'operation' | 'case' | 'device';

/** While there is still something to be filmed. */
export const ONGOING = { states: ['planned', 'live'] } as const satisfies { states: readonly OperationStage[] };

/** When everything has been filmed. */
export const OVER = { states: ['ended', 'sealed'] } as const satisfies { states: readonly OperationStage[] };

type Ruled = { config: { rule: Rule } };
type More = Omit<Logging, 'logged'> & { states?: readonly OperationStage[] };

export const anyone = (why: string): Ruled => ({ config: { rule: { by: 'anyone', why } } });
export const byLink = (why: string): Ruled => ({ config: { rule: { by: 'link', why } } });
export const signedIn = (more: { whileMustChange?: boolean } & Logging = {}): Ruled => ({
  config: { rule: { by: 'signed-in', ...more } },
});
const permitted =
  (of: Named | 'hub' | 'brigade') =>
  (permission: Permission, logged?: What, more: More = {}): Ruled => ({
    config: { rule: { by: 'permission', permission, of, ...(logged && { logged }), ...more } },
  });
/** Who may do this, to the operation that the request names. */
export const onOperation = permitted('operation');
export const onCase = permitted('case');
export const onDevice = permitted('device');
/** Who may do this at all; squads are looked at by the route itself, where they matter. */
export const onHub = permitted('hub');
/** Who may do this for the whole brigade: a role in one squad is not enough. */
export const onBrigade = permitted('brigade');
/** Looking at what was recorded of the angle that the request names. */
export const viewing = (): Ruled => onOperation('recording.view', 'view.recording', { how: 'range' });

declare module 'fastify' {
  // eslint-disable-next-line typescript/consistent-type-definitions -- merging needs an interface
  interface FastifyContextConfig {
    rule?: Rule;
  }
}
