import { TYPE_WORDS } from '../protocol/cases.ts';
import type { Officer, OperationFacts, OperationLabel } from '../protocol/operations.ts';

type Labelled = Pick<OperationFacts, 'squads' | 'case' | 'place' | 'type'> & {
  officers: Officer[];
  /** From the first take's begin to the last one's end, hub time; null: nothing was recorded. */
  recorded: { fromMs: number; toMs: number } | null;
};

/** The labels of R18, each with what it says; null: it is missing. */
export function labelsOf({ squads, officers, recorded, case: ofCase, place, type }: Labelled): OperationLabel[] {
  const list = (names: string[]): string | null => (names.length === 0 ? null : names.join('、'));
  const iso = (ms: number): string => new Date(ms).toISOString();
  return [
    { label: 'squads', value: list(squads.map(({ name }) => name)) },
    { label: 'officers', value: list(officers.map(({ name }) => name)) },
    { label: 'time', value: recorded && `${iso(recorded.fromMs)}/${iso(recorded.toMs)}` },
    { label: 'cause', value: ofCase?.cause ?? null },
    { label: 'parties', value: list(ofCase?.parties ?? []) },
    { label: 'place', value: place },
    { label: 'type', value: type && TYPE_WORDS[type].zh },
  ];
}

/** What stands between an ended operation and its seal; empty: nothing. */
export const missingLabels = (labels: OperationLabel[]): OperationLabel['label'][] =>
  labels.filter(({ value }) => value === null).map(({ label }) => label);
