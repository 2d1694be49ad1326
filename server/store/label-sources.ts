import { TALK_ANGLE } from '../../media/protocol/talk.ts';
import type { OperationFacts } from '../protocol/operations.ts';
import type { Store } from './database.ts';

/**
 * What R18's labels say of an operation beside its own facts. It is kept elsewhere, and goes on changing there: at its seal an
 * operation takes a copy, and shows that from then on.
 */
export type LabelSources = Pick<OperationFacts, 'squads' | 'case'> & {
  /** From the first take's begin to the last one's end, hub time; null: nothing was recorded. */
  recorded: { fromMs: number; toMs: number } | null;
};

type Named = { operation_id: string; case_id: string | null };

/** As it was at the seal of a sealed operation, of any other as it is now. */
export async function labelSources(store: Store, operation: Named): Promise<LabelSources> {
  const { operation_id: id } = operation;
  return (await sealedSources(store, [id])).get(id) ?? liveSources(store, operation);
}

/** Part of the seal. */
export async function keepSources(store: Store, operation: Named): Promise<void> {
  const { squads, case: ofCase, recorded } = await liveSources(store, operation);
  await store
    .insertInto('operation_seal')
    .values({
      operation_id: operation.operation_id,
      squads: JSON.stringify(squads),
      of_case: ofCase && JSON.stringify(ofCase),
      from_ms: recorded?.fromMs ?? null,
      to_ms: recorded?.toMs ?? null,
    })
    .execute();
}

/** Of those of these operations that are sealed. */
export async function sealedSources(store: Store, ids: string[]): Promise<Map<string, LabelSources>> {
  const rows = await store.selectFrom('operation_seal').where('operation_id', 'in', ids).selectAll().execute();
  return new Map(
    rows.map(({ operation_id: id, squads, of_case: ofCase, from_ms: fromMs, to_ms: toMs }): [string, LabelSources] => [
      id,
      {
        squads: JSON.parse(squads) as LabelSources['squads'],
        case: ofCase === null ? null : (JSON.parse(ofCase) as LabelSources['case']),
        recorded: fromMs === null || toMs === null ? null : { fromMs, toMs },
      },
    ]),
  );
}

async function liveSources(store: Store, { operation_id: id, case_id: caseId }: Named): Promise<LabelSources> {
  const squads = await store
    .selectFrom('operation_squad as o')
    .innerJoin('squad as s', 's.squad_id', 'o.squad_id')
    .where('o.operation_id', '=', id)
    .select(['s.squad_id as squadId', 's.name'])
    .orderBy('s.name')
    .execute();
  return { squads, case: await caseSummary(store, caseId), recorded: await recordedTime(store, id) };
}

async function caseSummary(store: Store, caseId: string | null): Promise<OperationFacts['case']> {
  if (caseId === null) return null;
  const row = await store.selectFrom('enforcement_case').where('case_id', '=', caseId).selectAll().executeTakeFirstOrThrow();
  const { number, cause, stage, confidentiality } = row;
  return { caseId, number, cause, stage, confidentiality, parties: JSON.parse(row.parties) as string[] };
}

async function recordedTime(store: Store, operationId: string): Promise<LabelSources['recorded']> {
  const { fromMs, toMs } = await store
    .selectFrom('take')
    .where('operation_id', '=', operationId)
    .where('angle_id', '!=', TALK_ANGLE) // what commanders said is no recording of what they ordered
    .select((eb) => [eb.fn.min('start_ms').as('fromMs'), eb.fn.max(eb.fn.coalesce('end_ms', 'start_ms')).as('toMs')])
    .executeTakeFirstOrThrow();
  return fromMs === null || toMs === null ? null : { fromMs, toMs };
}
