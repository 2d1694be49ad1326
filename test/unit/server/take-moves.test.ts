import { expect, it } from 'vitest';
import { packageStatus, repack, requestPackage, savePackage } from '../../../server/store/archive-jobs.ts';
import { openStore, type Store } from '../../../server/store/database.ts';
import { insertOperation } from '../../../server/store/operations.ts';
import { assertNoMove, beginMove, dropMove, movesOf, noteMove, openMoves, saveMove } from '../../../server/store/take-moves.ts';

const between = { moveId: 'mv-00000001', operationId: 'op-1', toOperationId: 'op-2' };
async function twoOperations(): Promise<Store> {
  const store = openStore(':memory:');
  for (const operationId of ['op-1', 'op-2'])
    await insertOperation(store, { operationId, name: operationId, openedMs: 1, segmentMs: 4000 });
  return store;
}

it.each(['op-1', 'op-2'])('no take is moved while %s is sealed, and none is sealed while one is moved', async (sealed) => {
  const store = await twoOperations();
  await beginMove(store, between);
  await expect(assertNoMove(store, sealed)).rejects.toMatchObject({ code: 'conflict', field: 'takes' });
  await dropMove(store, between.moveId);
  await assertNoMove(store, sealed);
  await store.updateTable('operation_facts').set({ state: 'sealed' }).where('operation_id', '=', sealed).execute();
  const field = sealed === 'op-1' ? 'operationId' : 'toOperationId';
  await expect(beginMove(store, between)).rejects.toMatchObject({ code: 'conflict', field });
  expect(await openMoves(store)).toEqual([]);
  await store.destroy();
});

it('a move that the journals know is kept, and both operations have it', async () => {
  const store = await twoOperations();
  const place = (operationId: string) => ({ operationId, angleId: 'an-1', takeId: '0001' });
  const move = {
    moveId: between.moveId,
    from: place('op-1'),
    to: place('op-2'),
    atMs: 2,
    by: { personId: 'pe-1', name: '王' },
    reason: '错',
  };
  await beginMove(store, between);
  await saveMove(store, move);
  await noteMove(store, between);
  await dropMove(store, between.moveId);
  expect([await movesOf(store, 'op-1'), await movesOf(store, 'op-2'), await openMoves(store)]).toEqual([[move], [move], []]);
  await store.destroy();
});

it('what was packed while a take was moved does not count', async () => {
  const store = await twoOperations();
  await requestPackage(store, 'op-1', 1);
  await savePackage(store, 'op-1', { state: 'running' });
  await repack(store, 'op-1', 2);
  const packed = { state: 'verified', path: '/x', sizeBytes: 1, files: 1, verifiedMs: 3 } as const;
  expect(await savePackage(store, 'op-1', packed)).toBe(false);
  expect(await packageStatus(store, 'op-1', null)).toMatchObject({ state: 'waiting', path: null });
  await savePackage(store, 'op-1', { state: 'running' });
  expect(await savePackage(store, 'op-1', packed)).toBe(true);
  await repack(store, 'op-2', 2);
  expect(await packageStatus(store, 'op-2', null)).toMatchObject({ state: 'none' });
  await store.destroy();
});
