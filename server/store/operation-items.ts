import type { Bounds } from '../permission/decide.ts';
import type { OperationListItem } from '../protocol/http.ts';
import type { Store } from './database.ts';
import { packageStatuses } from './archive-jobs.ts';
import { type LabelSources, sealedSources } from './label-sources.ts';
import { standingCalls } from './marks.ts';
import { unrecorded } from './unrecorded.ts';

/** What a reader may do with an operation of these bounds. */
export type MayOn = (bounds: Bounds) => string[];

/** Operations as a list shows them to a reader, in the order of these numbers. */
export async function itemsOf(store: Store, numbers: number[], mayOn: MayOn): Promise<OperationListItem[]> {
  if (numbers.length === 0) return [];
  const rows = await store
    .selectFrom('operation_facts as f')
    .innerJoin('operation as o', 'o.operation_id', 'f.operation_id')
    .leftJoin('enforcement_case as c', 'c.case_id', 'f.case_id')
    .where('f.number', 'in', numbers)
    .select(['f.number', 'f.operation_id', 'f.name', 'f.state', 'f.type', 'f.place', 'f.at_ms', 'f.planned_ms', 'f.confidentiality'])
    .select(unrecorded.as('unrecorded'))
    .select('f.squads')
    .select(['o.status', 'o.opened_ms', 'o.ended_ms', 'c.case_id', 'c.number as case_number', 'c.cause'])
    .execute();
  const ids = rows.map(({ operation_id: id }) => id);
  const angles = await angleCounts(store, ids);
  const squads = await squadNames(store, ids);
  const officers = await officerIds(store, ids);
  const started = await startTimes(store, ids);
  const calls = await standingCalls(store);
  const packages = await packageStatuses(store, ids);
  const sealed = await sealedSources(store, ids);
  const items = new Map(
    rows.map((row): [number, OperationListItem] => {
      const { operation_id: operationId, name, status, state, type, place, confidentiality, case_id: caseId, case_number: number } = row;
      const seal = sealed.get(operationId);
      const ofCase = caseId === null || number === null ? null : { caseId, number, cause: row.cause ?? '' };
      return [
        row.number,
        {
          operationId,
          name,
          status,
          state,
          type,
          place,
          confidentiality,
          unrecorded: row.unrecorded === 1,
          openedMs: row.opened_ms,
          endedMs: row.ended_ms,
          plannedMs: row.planned_ms,
          startedMs: started.get(operationId) ?? null,
          angles: angles.get(operationId) ?? 0,
          calls: status === 'live' ? (calls.get(operationId) ?? 0) : 0,
          package: packages(operationId),
          case: seal ? shortCase(seal.case) : ofCase,
          squads: seal?.squads.map((each) => each.name) ?? squads.get(operationId) ?? [],
          may: mayOn({
            squadIds: row.squads.split(' ').filter(Boolean),
            confidentiality,
            officerIds: officers.get(operationId) ?? [],
            state: row.state,
          }),
        },
      ];
    }),
  );
  return numbers.flatMap((number) => items.get(number) ?? []);
}

const shortCase = (of: LabelSources['case']): OperationListItem['case'] => of && { caseId: of.caseId, number: of.number, cause: of.cause };

async function angleCounts(store: Store, ids: string[]): Promise<Map<string, number>> {
  const rows = await store
    .selectFrom('angle')
    .where('operation_id', 'in', ids)
    .select((eb) => ['operation_id', eb.fn.countAll<number>().as('count')])
    .groupBy('operation_id')
    .execute();
  return new Map(rows.map((row) => [row.operation_id, row.count]));
}

async function squadNames(store: Store, ids: string[]): Promise<Map<string, string[]>> {
  const rows = await store
    .selectFrom('operation_squad as o')
    .innerJoin('squad as s', 's.squad_id', 'o.squad_id')
    .where('o.operation_id', 'in', ids)
    .select(['o.operation_id', 's.name'])
    .orderBy('s.name')
    .execute();
  return byOperation(rows, ({ name }) => name);
}

async function officerIds(store: Store, ids: string[]): Promise<Map<string, string[]>> {
  const rows = await store
    .selectFrom('operation_officer')
    .where('operation_id', 'in', ids)
    .where('person_id', 'is not', null)
    .select(['operation_id', 'person_id'])
    .execute();
  return byOperation(rows, ({ person_id: personId }) => personId ?? '');
}

/** What is said of each operation, in the order of these rows. */
export function byOperation<Row extends { operation_id: string }>(rows: Row[], said: (row: Row) => string): Map<string, string[]> {
  const groups = Map.groupBy(rows, (row) => row.operation_id);
  return new Map([...groups].map(([id, of]) => [id, of.map(said)]));
}

async function startTimes(store: Store, ids: string[]): Promise<Map<string, number>> {
  const rows = await store
    .selectFrom('operation_step')
    .where('operation_id', 'in', ids)
    .where('state', '=', 'live')
    .select(['operation_id', 'at_ms'])
    .execute();
  return new Map(rows.map((row) => [row.operation_id, row.at_ms]));
}
