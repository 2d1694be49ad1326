import type { FastifyRequest } from 'fastify';
import { HubError, messageOf } from '../../media/errors.ts';
import type { Context } from '../context.ts';
import { isLower } from '../operations/stages.ts';
import { type Bounds, isTrusted, permissionsOn } from '../permission/decide.ts';
import { type Reach, reachOf } from '../permission/reach.ts';
import type { Permission } from '../permission/rules.ts';
import type { Addition } from '../protocol/http.ts';
import { saveAddition } from '../store/additions.ts';
import type { OperationFacts } from '../protocol/operations.ts';
import type { Lowers, Who } from '../store/facts-parts.ts';
import type { KnownFacts } from '../store/facts-view.ts';
import { actorOf } from './permit.ts';

/** What whoever asks may have to do with operations and cases, by this permission. */
export const reachFor = (request: FastifyRequest, permission: Permission): Reach => reachOf(actorOf(request), permission);

/** What whoever asks may do with an operation of these bounds. */
export function mayOnFor(request: FastifyRequest): (bounds: Bounds) => Permission[] {
  const actor = actorOf(request);
  return (bounds) => permissionsOn(actor, bounds);
}

/** With what whoever asks may do with it. */
export function factsFor(request: FastifyRequest, facts: KnownFacts): OperationFacts {
  const { squads, officers, confidentiality, state } = facts;
  const officerIds = officers.flatMap(({ personId }) => personId ?? []);
  return { ...facts, may: mayOnFor(request)({ squadIds: squads.map(({ squadId }) => squadId), confidentiality, officerIds, state }) };
}

/** Who asks, as it is written down. */
export function whoAsks(request: FastifyRequest): NonNullable<Who> {
  const { personId, name } = actorOf(request);
  return { personId, name };
}

/** What checks that whoever asks may lower a class: secrets are let out by those who are trusted with them. */
export const lowersFor =
  (request: FastifyRequest): Lowers =>
  (before, after, squadIds) => {
    if (!isLower(before, after) || isTrusted(actorOf(request), squadIds)) return;
    throw new HubError('forbidden', `confidentiality: a leader, the legal unit or a custodian makes ${before} ${after}`, {
      field: 'confidentiality',
    });
  };

/**
 * What was added to an operation, where its reason was said (R11). Consoles and reviews are told. It is there already, and its line
 * in the custody log has the reason: where the store refuses, that is logged only.
 */
export async function noteAddition(
  { store, hub, log }: Context,
  request: FastifyRequest,
  added: { operationId: string; angleId: string; what: Addition['what']; reason: string | undefined },
): Promise<void> {
  const { operationId, reason, ...rest } = added;
  if (reason === undefined) return;
  const addition = { ...rest, reason, atMs: hub.nowMs(), personName: whoAsks(request).name };
  await saveAddition(store, operationId, addition).catch((error: unknown) =>
    log.warn({ operationId, angleId: rest.angleId, reason: messageOf(error) }, 'why something was added was not stored'),
  );
  hub.emit('operation', operationId);
}

/**
 * The squads that something is given to by whoever plans for these (`plans`): what he gives must be his own, beside what it had.
 * Who plans for some squads only cannot give away what none of them has. Throws `forbidden`, `bad_request`.
 */
export function checkGiven(plans: Reach['squads'], given: string[], before: string[]): void {
  if (plans === 'all') return;
  if (!given.every((id) => plans.includes(id) || before.includes(id)))
    throw new HubError('forbidden', 'squadIds: you plan for other squads', { field: 'squadIds' });
  if (!given.some((id) => plans.includes(id)))
    throw new HubError('bad_request', 'squadIds: one of your own squads is needed', { field: 'squadIds' });
}
