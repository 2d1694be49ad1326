import { HubError } from '../../media/errors.ts';
import type { RecordedOperation } from '../../media/recordings/read.ts';
import { revokeLinksOfAngle } from './capture-links.ts';
import { inTransaction, type Store } from './database.ts';
import { factsRow } from './operation-facts.ts';
import { indexOperation } from './operation-index.ts';
import { removeTicksOf } from './operation-shots.ts';
import { angleName, angleState, saveAngleState } from './operations.ts';

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

/** Names as the journal has them: one given by somebody who had no answer any more may have reached nothing else. */
export async function saveRecordedNames(store: Store, { operationId, angles }: RecordedOperation): Promise<void> {
  const known = await store.selectFrom('angle').where('operation_id', '=', operationId).select(['angle_id', 'name', 'state']).execute();
  for (const { angle_id: angleId, name, state } of known) {
    const recorded = angles.find((each) => each.angleId === angleId);
    if (recorded && recorded.name !== name)
      await saveAngleState(store, operationId, { ...angleState(state, angleId, name, 'live'), name: recorded.name });
  }
}

/** As the journal has it. What was ticked on it is not, and its links open nothing any more; their hashes. Once more changes nothing. */
export function removeAngle(store: Store, { operationId, angleId }: OfAngle): Promise<string[]> {
  return inTransaction(store, async (tx) => {
    for (const table of ['angle', 'planned_angle'] as const)
      await tx.deleteFrom(table).where('operation_id', '=', operationId).where('angle_id', '=', angleId).execute();
    await removeTicksOf(tx, { operationId, angleId });
    await indexOperation(tx, operationId);
    return revokeLinksOfAngle(tx, operationId, angleId);
  });
}
