import { HubError } from '../../media/errors.ts';
import { TakeMove } from '../../media/protocol/moves.ts';
import type { Store } from './database.ts';
import { factsRow } from './operation-facts.ts';

type Between = { moveId: string; operationId: string; toOperationId: string };

/** Before the media plane is asked for it: what becomes of a move is looked up when it does not answer. Throws `not_found`, `conflict` when either is sealed. */
export async function beginMove(store: Store, { moveId, operationId, toOperationId }: Between): Promise<void> {
  await store.transaction().execute(async (tx) => {
    for (const [id, field] of [
      [operationId, 'operationId'],
      [toOperationId, 'toOperationId'],
    ] as const)
      if ((await factsRow(tx, id)).state === 'sealed') throw new HubError('conflict', `${field}: the operation is sealed`, { field });
    await noteMove(tx, { moveId, operationId, toOperationId });
  });
}

/** A move of which the journals have not been read yet. Once more changes nothing. */
export async function noteMove(store: Store, { moveId, operationId, toOperationId }: Between): Promise<void> {
  await store
    .insertInto('take_move')
    .values({ move_id: moveId, operation_id: operationId, to_operation_id: toOperationId })
    .onConflict((oc) => oc.doNothing())
    .execute();
}

/** It came to nothing. One that the journals know stays. */
export async function dropMove(store: Store, moveId: string): Promise<void> {
  await store.deleteFrom('take_move').where('move_id', '=', moveId).where('data', 'is', null).execute();
}

export async function openMoves(store: Store): Promise<Between[]> {
  const rows = await store.selectFrom('take_move').where('data', 'is', null).selectAll().execute();
  return rows.map((row) => ({ moveId: row.move_id, operationId: row.operation_id, toOperationId: row.to_operation_id }));
}

/** Throws `conflict` while a take is moved from or to this operation. */
export async function assertNoMove(store: Store, operationId: string): Promise<void> {
  const moving = (await openMoves(store)).some((move) => move.operationId === operationId || move.toOperationId === operationId);
  if (moving) throw new HubError('conflict', 'takes: one is being moved', { field: 'takes' });
}

/** As the journals have it. */
export async function saveMove(store: Store, move: TakeMove): Promise<void> {
  const data = JSON.stringify(move);
  await store
    .insertInto('take_move')
    .values({ move_id: move.moveId, operation_id: move.from.operationId, to_operation_id: move.to.operationId, data })
    .onConflict((oc) => oc.column('move_id').doUpdateSet({ data }))
    .execute();
}

/** Takes that were moved from or to an operation, in that order. */
export async function movesOf(store: Store, operationId: string): Promise<TakeMove[]> {
  const rows = await store
    .selectFrom('take_move')
    .where((eb) => eb.or([eb('operation_id', '=', operationId), eb('to_operation_id', '=', operationId)]))
    .where('data', 'is not', null)
    .select('data')
    .execute();
  return rows.map(({ data }) => TakeMove.parse(JSON.parse(data ?? ''))).toSorted((a, b) => a.atMs - b.atMs);
}
