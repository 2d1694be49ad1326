import type { Addition } from '../protocol/http.ts';
import type { Store } from './database.ts';

/** An angle, or a source of one, was added for this reason. */
export async function saveAddition(store: Store, operationId: string, addition: Addition): Promise<void> {
  const { angleId, atMs, what, personName, reason } = addition;
  await store
    .insertInto('addition')
    .values({ operation_id: operationId, angle_id: angleId, at_ms: Math.round(atMs), what, person_name: personName, reason })
    .execute();
}

/** All of an operation, in order. */
export async function additionsOf(store: Store, operationId: string): Promise<Addition[]> {
  return store
    .selectFrom('addition')
    .where('operation_id', '=', operationId)
    .select(['angle_id as angleId', 'at_ms as atMs', 'what', 'person_name as personName', 'reason'])
    .orderBy('at_ms')
    .execute();
}
