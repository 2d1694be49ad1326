import type { HandOver } from '../protocol/hand-overs.ts';
import type { OperationFacts } from '../protocol/operations.ts';

/** Who answers for what was filmed (R17). `handOvers`: the newest first. */
export function keeperOf(handOvers: HandOver[], steps: OperationFacts['steps']): OperationFacts['keeper'] {
  const taken = handOvers.find(({ state }) => state === 'taken');
  if (taken?.answeredMs) return { name: taken.takerName, sinceMs: taken.answeredMs };
  const seal = steps.find(({ state }) => state === 'sealed');
  return seal?.personName ? { name: seal.personName, sinceMs: seal.atMs } : null;
}
