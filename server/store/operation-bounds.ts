import type { OperationBounds } from '../permission/decide.ts';
import type { Store } from './database.ts';

/** What of an operation decides who may do something with it; null where there is none of that name. */
export async function operationBounds(store: Store, operationId: string): Promise<OperationBounds | null> {
  const facts = await store
    .selectFrom('operation_facts')
    .where('operation_id', '=', operationId)
    .select('confidentiality')
    .executeTakeFirst();
  if (!facts) return null;
  const squads = await store.selectFrom('operation_squad').where('operation_id', '=', operationId).select('squad_id').execute();
  const officers = await store.selectFrom('operation_officer').where('operation_id', '=', operationId).select('person_id').execute();
  return {
    squadIds: squads.map(({ squad_id: id }) => id),
    confidentiality: facts.confidentiality,
    officerIds: officers.flatMap(({ person_id: id }) => (id === null ? [] : [id])),
  };
}

const lengths = new Map<string, number>();
/** Milliseconds of a cell of the operation's grid; it never changes. */
export async function segmentLength(store: Store, operationId: string): Promise<number> {
  const known = lengths.get(operationId);
  if (known !== undefined) return known;
  const row = await store.selectFrom('operation').where('operation_id', '=', operationId).select('segment_ms').executeTakeFirstOrThrow();
  lengths.set(operationId, row.segment_ms);
  return row.segment_ms;
}
