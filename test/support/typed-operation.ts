import type { OperationType } from '../../server/protocol/cases.ts';
import type { Store } from '../../server/store/database.ts';
import { shotsForType } from '../../server/store/operation-shots.ts';

/** An operation gets its type, and with it its shot list, straight in the hub's store. */
export async function nameType(store: Store, operationId: string, type: OperationType): Promise<void> {
  await store.updateTable('operation_facts').set({ type }).where('operation_id', '=', operationId).execute();
  await shotsForType(store, operationId, type);
}
