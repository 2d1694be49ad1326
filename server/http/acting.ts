import type { FastifyRequest } from 'fastify';
import { HubError } from '../../media/errors.ts';
import { type Reach, reachOf } from '../permission/reach.ts';
import { type OperationBounds, permissionsOn } from '../permission/decide.ts';
import type { Permission } from '../permission/rules.ts';
import type { Who } from '../store/facts-parts.ts';
import { actorOf } from './permit.ts';

/** What whoever asks may have to do with operations and cases, by this permission. */
export const reachFor = (request: FastifyRequest, permission: Permission): Reach => reachOf(actorOf(request), permission);

/** What whoever asks may do with an operation of these bounds. */
export function mayOnFor(request: FastifyRequest): (bounds: OperationBounds) => Permission[] {
  const actor = actorOf(request);
  return (bounds) => permissionsOn(actor, bounds);
}

/** Who asks, as it is written down. */
export function whoAsks(request: FastifyRequest): NonNullable<Who> {
  const { personId, name } = actorOf(request);
  return { personId, name };
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
