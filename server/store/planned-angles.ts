import { HubError } from '../../media/errors.ts';
import { linksOfAngle, revokeLinks } from './capture-links.ts';
import { inTransaction, type Store } from './database.ts';
import { factsRow } from './operation-facts.ts';
import { indexOperation } from './operation-index.ts';
import { removeTicksOf } from './operation-shots.ts';
import { angleName } from './operations.ts';

type OfAngle = { operationId: string; angleId: string };

/** Throws `not_found`; `conflict` unless the operation is planned (`state`) and nothing has filmed the angle or is to (`angleId`). */
export async function assertUnused(store: Store, { operationId, angleId }: OfAngle): Promise<void> {
  await angleName(store, operationId, angleId);
  if ((await factsRow(store, operationId)).state !== 'planned')
    throw new HubError('conflict', 'state: the operation has begun', { field: 'state' });
  for (const table of ['take', 'session', 'camera', 'gateway'] as const) {
    const row = await store
      .selectFrom(table)
      .where('operation_id', '=', operationId)
      .where('angle_id', '=', angleId)
      .select('angle_id')
      .executeTakeFirst();
    if (row) throw new HubError('conflict', 'angleId: a device or a source has it', { field: 'angleId' });
  }
}

/** As the media plane has been told. */
export async function renameAngle(store: Store, { operationId, angleId }: OfAngle, name: string): Promise<void> {
  await inTransaction(store, async (tx) => {
    await tx.updateTable('angle').set({ name }).where('operation_id', '=', operationId).where('angle_id', '=', angleId).execute();
    await indexOperation(tx, operationId);
  });
}

/** As the media plane has been told. What was ticked on it is not, and its links open nothing any more; their hashes. */
export function removeAngle(store: Store, { operationId, angleId }: OfAngle): Promise<string[]> {
  return inTransaction(store, async (tx) => {
    for (const table of ['angle', 'planned_angle'] as const)
      await tx.deleteFrom(table).where('operation_id', '=', operationId).where('angle_id', '=', angleId).execute();
    await removeTicksOf(tx, { operationId, angleId });
    await indexOperation(tx, operationId);
    return revokeLinks(tx, operationId, await linksOfAngle(tx, operationId, angleId));
  });
}
