import type { z } from 'zod';
import type { HandOver, HandOverAnswer, HandOverCreate } from '../../server/protocol/hand-overs.ts';
import { OperationFacts } from '../../server/protocol/operations.ts';
import { api } from './api.ts';

/** What is done with hand-overs. All throw ApiFailure. */
export const handOversApi = {
  give: (operationId: string, given: z.input<typeof HandOverCreate>) =>
    api(OperationFacts, 'POST', `/operations/${operationId}/hand-overs`, given),
  answer: (operationId: string, handOverId: string, answer: z.input<typeof HandOverAnswer>) =>
    api(OperationFacts, 'POST', `/operations/${operationId}/hand-overs/${handOverId}/answer`, answer),
};

/** The words of the forms for the fields that the hub names. */
export const HAND_OVER_FIELDS: Record<string, string> = { takerId: 'handover.taker', note: 'handover.note' };
export const HAND_OVER_REFUSALS: Record<string, string> = {
  'conflict package': 'handover.noPackage',
  'conflict manifestSha256': 'handover.otherPackage',
  'conflict handOverId': 'handover.answered',
  'forbidden takerId': 'handover.answered',
  'bad_request takerId': 'handover.notCustodian',
  'bad_request note': 'handover.whyNot',
};

/** The one that nobody has answered yet. */
export const waitingOf = ({ handOvers }: Pick<OperationFacts, 'handOvers'>): HandOver | null =>
  handOvers.find(({ state }) => state === 'given') ?? null;
/** Whether it waits for this person. */
export const waitsFor = (facts: Pick<OperationFacts, 'handOvers' | 'may'>, personId: string | undefined): boolean =>
  facts.may.includes('operation.keep') && waitingOf(facts)?.takerId === personId;
