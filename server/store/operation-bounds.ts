import type { Bounds } from '../permission/decide.ts';
import type { Named } from '../permission/rules.ts';
import type { Store } from './database.ts';
import { squadsOf } from './facts-parts.ts';

/** What of an operation decides who may do something with it; null where there is none of that name. */
export async function operationBounds(store: Store, operationId: string): Promise<Bounds | null> {
  const facts = await store
    .selectFrom('operation_facts')
    .where('operation_id', '=', operationId)
    .select(['confidentiality', 'state'])
    .executeTakeFirst();
  if (!facts) return null;
  const officers = await store.selectFrom('operation_officer').where('operation_id', '=', operationId).select('person_id').execute();
  return {
    squadIds: await squadsOf(store, operationId),
    ...facts,
    officerIds: officers.flatMap(({ person_id: id }) => (id === null ? [] : [id])),
  };
}

/** The same of a case: whoever entered it is on it. */
async function caseBounds(store: Store, caseId: string): Promise<Bounds | null> {
  const columns = ['squad_id', 'confidentiality', 'created_by'] as const;
  const row = await store.selectFrom('enforcement_case').where('case_id', '=', caseId).select(columns).executeTakeFirst();
  if (!row) return null;
  const { squad_id: squadId, confidentiality, created_by: officerId } = row;
  const squadIds = squadId === null ? [] : [squadId];
  return { squadIds, confidentiality, officerIds: [officerId], brigades: squadId === null, state: null };
}

/** The same of a device. */
async function deviceBounds(store: Store, deviceId: string): Promise<Bounds | null> {
  const row = await store.selectFrom('device').where('device_id', '=', deviceId).select('squad_id').executeTakeFirst();
  return row ? { squadIds: [row.squad_id], confidentiality: 'internal', officerIds: [], state: null } : null;
}

/** By which parameter a request names it, and how its bounds are read. */
export const BOUNDS: Record<Named, { param: string; read: (store: Store, id: string) => Promise<Bounds | null> }> = {
  operation: { param: 'operationId', read: operationBounds },
  case: { param: 'caseId', read: caseBounds },
  device: { param: 'deviceId', read: deviceBounds },
};

const lengths = new Map<string, number>();
/** Milliseconds of a cell of the operation's grid; it never changes. */
export async function segmentLength(store: Store, operationId: string): Promise<number> {
  const known = lengths.get(operationId);
  if (known !== undefined) return known;
  const row = await store.selectFrom('operation').where('operation_id', '=', operationId).select('segment_ms').executeTakeFirstOrThrow();
  lengths.set(operationId, row.segment_ms);
  return row.segment_ms;
}
