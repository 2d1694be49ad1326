import type { OperationListItem } from '../protocol/http.ts';
import type { Store } from './database.ts';
import { sealedSources } from './label-sources.ts';
import { byOperation, itemsOf } from './operation-items.ts';

/** So many are looked up at once: SQLite takes no list of any length. */
const CHUNK = 500;

export type ExportedOperation = Omit<OperationListItem, 'may'> & {
  number: number;
  latitude: number | null;
  longitude: number | null;
  requiredAngles: number;
  parties: string[];
  officers: string[];
  angleNames: string[];
};

/** Operations with all that a list for people elsewhere says of them, in the order of these numbers, looked up as they are asked for. */
export async function* exportedOperations(store: Store, numbers: number[]): AsyncGenerator<ExportedOperation> {
  for (let at = 0; at < numbers.length; at += CHUNK) yield* await chunk(store, numbers.slice(at, at + CHUNK));
}

async function chunk(store: Store, numbers: number[]): Promise<ExportedOperation[]> {
  const rows = await store
    .selectFrom('operation_facts as f')
    .leftJoin('enforcement_case as c', 'c.case_id', 'f.case_id')
    .where('f.number', 'in', numbers)
    .select(['f.number', 'f.operation_id', 'f.latitude', 'f.longitude', 'f.required_angles', 'c.parties'])
    .execute();
  const ids = rows.map(({ operation_id: id }) => id);
  const officers = await namesOf(store, 'operation_officer', ids);
  const angles = await namesOf(store, 'angle', ids);
  const sealed = await sealedSources(store, ids);
  const more = new Map(rows.map((row) => [row.operation_id, row]));
  return (await itemsOf(store, numbers, () => [])).flatMap((item) => {
    const row = more.get(item.operationId);
    if (!row) return [];
    const { number, latitude, longitude, required_angles: requiredAngles } = row;
    const seal = sealed.get(item.operationId);
    const live = row.parties === null ? [] : (JSON.parse(row.parties) as string[]);
    return {
      ...item,
      number,
      latitude,
      longitude,
      requiredAngles,
      parties: seal ? (seal.case?.parties ?? []) : live,
      officers: officers.get(item.operationId) ?? [],
      angleNames: angles.get(item.operationId) ?? [],
    };
  });
}

async function namesOf(store: Store, table: 'operation_officer' | 'angle', ids: string[]): Promise<Map<string, string[]>> {
  const rows = await store
    .selectFrom(table)
    .where('operation_id', 'in', ids)
    .select(['operation_id', 'name'])
    .orderBy('operation_id')
    .orderBy('position')
    .execute();
  return byOperation(rows, ({ name }) => name);
}
