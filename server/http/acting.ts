import type { FastifyRequest } from 'fastify';
import { HubError } from '../../media/errors.ts';
import type { Reach } from '../permission/reach.ts';
import type { Permission } from '../permission/rules.ts';
import type { Who } from '../store/facts-parts.ts';

/** What whoever asks may have to do with operations and cases, by this permission. */
export function reachFor(_request: FastifyRequest, _permission: Permission): Reach {
  return { squads: 'all', secrets: 'all', personId: '' };
}

/** Who asks, as it is written down. */
export function whoAsks(_request: FastifyRequest): Who {
  return null;
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
