import { TYPE_WORDS } from '../protocol/cases.ts';
import type { Officer, OperationFacts, OperationLabel } from '../protocol/operations.ts';

/** What R18 calls them, as the screens do. */
const LABEL_WORDS: Record<OperationLabel['label'], { zh: string; en: string }> = {
  squads: { zh: '中队(组)', en: 'Squad' },
  officers: { zh: '执法人员', en: 'Officers' },
  time: { zh: '记录时间', en: 'Recording time' },
  cause: { zh: '案由', en: 'Cause of case' },
  parties: { zh: '当事人', en: 'Parties' },
  place: { zh: '地点', en: 'Place' },
  type: { zh: '行动类型', en: 'Type' },
};

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

/** The labels of a sealed operation as its package has them (`labels.json`). */
export function packageLabels({
  operationId,
  number,
  name,
  confidentiality,
  case: ofCase,
  steps,
  labels,
  handOvers,
  keeper,
}: Omit<OperationFacts, 'may'>): object {
  const iso = (ms: number): string => new Date(ms).toISOString();
  const seal = steps.find(({ state }) => state === 'sealed');
  return {
    operationId,
    number,
    name,
    confidentiality,
    caseNumber: ofCase?.number ?? null,
    caseStage: ofCase?.stage ?? null,
    sealedAt: seal ? iso(seal.atMs) : null,
    sealedBy: seal?.personName ?? null,
    keeper: keeper && { name: keeper.name, since: iso(keeper.sinceMs) },
    handedOver: handOvers
      .filter(({ state }) => state === 'taken')
      .map(({ giverName, takerName, givenMs, answeredMs, manifestSha256 }) => ({
        givenBy: giverName,
        givenAt: iso(givenMs),
        takenBy: takerName,
        takenAt: iso(answeredMs ?? givenMs),
        manifestSha256,
      })),
    labels: labels.map(({ label, value }) => ({ label, ...LABEL_WORDS[label], value })),
  };
}

/** What stands between an ended operation and its seal; empty: nothing. */
export const missingLabels = (labels: OperationLabel[]): OperationLabel['label'][] =>
  labels.filter(({ value }) => value === null).map(({ label }) => label);
