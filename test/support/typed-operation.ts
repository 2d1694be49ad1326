import type { OperationType } from '../../server/protocol/cases.ts';
import type { Store } from '../../server/store/database.ts';
import { shotsForType } from '../../server/store/operation-shots.ts';

/** An operation gets its type, and with it its shot list, straight in the hub's store. */
export async function nameType(store: Store, operationId: string, type: OperationType): Promise<void> {
  const { most } = await store
    .selectFrom('operation_facts')
    .select((eb) => eb.fn.max('number').as('most'))
    .executeTakeFirstOrThrow();
  await store
    .insertInto('operation_facts')
    .values({
      operation_id: operationId,
      number: (most ?? 0) + 1,
      state: 'live',
      type,
      confidentiality: 'internal',
      required_angles: 1,
      quick: 1,
      created_ms: Date.now(),
      version: 1,
    })
    .onConflict((oc) => oc.column('operation_id').doUpdateSet({ type }))
    .execute();
  await shotsForType(store, operationId, type);
}
