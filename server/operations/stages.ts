import { HubError } from '../../media/errors.ts';
import { CONFIDENTIALITY, type Confidentiality, type OperationStage, type OperationType } from '../protocol/cases.ts';
import { type OperationLabel, SEVERAL_ANGLES } from '../protocol/operations.ts';
import { missingLabels } from './labels.ts';

/** planned → live → ended → sealed; a planned one that comes to nothing is ended as it is. */
const NEXT: Record<OperationStage, readonly OperationStage[]> = {
  planned: ['live', 'ended'],
  live: ['ended'],
  ended: ['sealed'],
  sealed: [],
};

/** Throws `conflict`. */
export function checkStep(from: OperationStage, to: OperationStage): void {
  if (!NEXT[from].includes(to)) throw new HubError('conflict', `state: an operation that is ${from} cannot be ${to}`, { field: 'state' });
}

/** Throws `conflict`, naming what is missing: an operation is sealed when it has ended, is packed and checked, and says all that R18 asks. */
export function checkSeal(facts: { state: OperationStage; labels: OperationLabel[]; packaged: boolean }): void {
  checkStep(facts.state, 'sealed');
  if (!facts.packaged) throw new HubError('conflict', 'package: it has not been verified yet', { field: 'package' });
  const missing = missingLabels(facts.labels);
  if (missing.length > 0) throw new HubError('conflict', `labels: missing are ${missing.join(', ')}`, { field: 'labels' });
}

/** How many angles must be live: what was asked for, else what was so far, for the types of R12 two at least. Throws `bad_request`. */
export function requiredAngles(type: OperationType | null, asked: number | undefined, before: number): number {
  const least = type !== null && SEVERAL_ANGLES.includes(type) ? 2 : 1;
  if (asked === undefined) return Math.max(before, least);
  if (asked < least) throw new HubError('bad_request', `requiredAngles: a ${type} needs ${least} at least`, { field: 'requiredAngles' });
  return asked;
}

/** Whether the second is shown wider than the first. */
export const isLower = (before: Confidentiality, after: Confidentiality): boolean =>
  CONFIDENTIALITY.indexOf(after) < CONFIDENTIALITY.indexOf(before);

/** The narrower of two: an operation shows its case, so it is never wider than that. */
export const stricter = (one: Confidentiality, other: Confidentiality): Confidentiality => (isLower(other, one) ? other : one);
