import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import type { TakeMoves } from '../../../media/operations/take-moves.ts';
import { Turns } from '../../../media/operations/turns.ts';
import { EventLog, MediaClient, type MediaHandlers, serveMedia } from '../../../media/protocol/channel.ts';
import { MovedTakes } from '../../../server/live/moved-takes.ts';
import { openStore, type Store } from '../../../server/store/database.ts';
import { insertAngle, insertOperation } from '../../../server/store/operations.ts';
import { assertNoMove, beginMove, movesOf, openMoves } from '../../../server/store/take-moves.ts';
import { openRecorder } from '../../support/direct-recorder.ts';
import { filmTake, mover, orderOf } from '../../support/moving.ts';
import { MadeUpTime } from '../../support/replay.ts';

const FROM = 'op-wrong';
const TO = 'op-right';
const PLACE = { operationId: FROM, angleId: 'east', takeId: '0001' };
let root = '';
let channel: { close: () => Promise<void> };
let media: MediaClient;
let moves: TakeMoves;
let store: Store;
let moved: MovedTakes;
const turns = new Turns();
const time = new MadeUpTime(1_800_000_000_500);

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-follow-'));
  for (const [operationId, angleId] of [
    [FROM, 'east'],
    [TO, 'west'],
  ] as const) {
    const recorder = await openRecorder(root, 2000, time.clock, operationId);
    await recorder.addAngle(angleId, angleId);
    if (operationId === FROM) await filmTake(recorder, angleId, time);
    await recorder.end();
  }
  ({ moves } = await mover(root, time, new Map(), turns));
  const handlers = { movesUnderWay: async () => ({ moveIds: moves.underWay }) } as Partial<MediaHandlers> as MediaHandlers;
  const socketPath = join(root, 'media.sock');
  channel = await serveMedia({ socketPath, handlers, events: new EventLog(), warn: (message) => expect.unreachable(message) });
  media = new MediaClient(socketPath, () => undefined);
  const up = once(media, 'up');
  media.start();
  await up;
});
afterAll(async () => {
  media.close();
  await channel.close();
  rmSync(root, { recursive: true, force: true });
});
beforeEach(async () => {
  store = openStore(':memory:');
  for (const [operationId, angleId] of [
    [FROM, 'east'],
    [TO, 'west'],
  ] as const) {
    await insertOperation(store, { operationId, name: operationId, openedMs: 1, segmentMs: 2000 });
    await insertAngle(store, operationId, angleId, angleId);
  }
  const log = pino({ level: 'silent' });
  moved = new MovedTakes({ store, media, dataDir: root, nowMs: () => time.nowMs, log, changed: () => undefined });
  return async () => {
    moved.close();
    await store.destroy();
  };
});

const begin = (moveId: string): Promise<void> => beginMove(store, { moveId, operationId: FROM, toOperationId: TO });
const refused = { code: 'conflict', field: 'takes' };

it('a move that nobody makes came to nothing, and one whose answer is awaited is left alone', async () => {
  const answer = Promise.withResolvers<void>();
  await begin('mv-nobody-01');
  await begin('mv-asked-001');
  const asked = moved.ask('mv-asked-001', () => answer.promise);
  await moved.follow();
  expect((await openMoves(store)).map(({ moveId }) => moveId)).toEqual(['mv-asked-001']);
  await expect(assertNoMove(store, FROM)).rejects.toMatchObject(refused);
  answer.reject(new Error('no answer'));
  await expect(asked).rejects.toThrow('no answer');
  await assertNoMove(store, FROM);
});

it('neither operation is sealed while the media plane moves a take of which this process never asked', async () => {
  const before = Promise.withResolvers<void>();
  const held = turns.take([FROM], () => before.promise);
  await begin('mv-test0001');
  const going = moves.move(orderOf(`${FROM}/east/0001`, `${TO}/west`));
  await moved.follow(new Set(['mv-another1'])); // another one is over
  for (const operationId of [FROM, TO]) await expect(assertNoMove(store, operationId)).rejects.toMatchObject(refused);
  before.resolve();
  await Promise.all([held, going]);
  // it is looked after again without being told
  await expect.poll(() => openMoves(store)).toEqual([]);
  expect(await movesOf(store, TO)).toMatchObject([{ moveId: 'mv-test0001', to: { operationId: TO } }]);
  await assertNoMove(store, FROM);
});

it('a store that cannot be read for a moment loses no event for whoever follows them', async () => {
  await begin('mv-nobody-02');
  await store.schema.alterTable('take_move').renameTo('away').execute();
  await moved.told([{ type: 'take.moved', moveId: 'mv-nobody-02', from: PLACE, to: PLACE }]);
  await store.schema.alterTable('away').renameTo('take_move').execute();
  // it is looked after again without being told
  await expect.poll(() => openMoves(store)).toEqual([]);
});

it('closed while it looks, it does not look again', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  await store.schema.alterTable('take_move').renameTo('away').execute();
  const looking = moved.follow();
  moved.close();
  await looking;
  expect(vi.getTimerCount()).toBe(0);
});
