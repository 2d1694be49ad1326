import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyBag } from '../../media/archive/bag.ts';
import { listFiles } from '../../media/recordings/verify-files.ts';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { call } from '../../scripts/demo/hub.ts';
import { hubFetch } from '../../scripts/demo/sign-in.ts';
import { CustodyPage } from '../../server/protocol/custody.ts';
import { OperationView, TakeMoved } from '../../server/protocol/http.ts';
import { openStore } from '../../server/store/database.ts';
import { type RunningHub, startHub, until } from '../support/hub.ts';
import { film, type FilmedOperation, untilPacked, untilSegments } from '../support/operation.ts';
import { playTake, takesOf } from '../support/playback.ts';

let root = '';
let hub: RunningHub;
let wrong: FilmedOperation;
let right: FilmedOperation;
let east = '';
let firstPackage = '';
const reason = '扫错了二维码';

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-moved-'));
  hub = await startHub(join(root, 'data'), { SEGMENT_SECONDS: '2' });
  right = await film(hub, ['西侧']);
  wrong = await film(hub, ['东侧']);
  east = wrong.angles[0]?.angleId ?? '';
  await untilSegments(wrong, east, 2);
  right.angles[0]?.camera.cut();
});
afterAll(async () => {
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

const pathOf = (operationId: string, angleId: string, takeId: string): string =>
  `/operations/${operationId}/angles/${angleId}/takes/${takeId}/move`;
async function refused(path: string, body: object): Promise<{ status: number; field: unknown }> {
  const headers = { 'content-type': 'application/json' };
  const reply = await hubFetch(`${hub.url}/api${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: reply.status, field: ((await reply.json()) as { field?: unknown }).field };
}
const verified = async (): Promise<unknown[]> =>
  (await Promise.all([wrong, right].map(({ dir }) => verifyOperation(dir)))).flatMap(({ problems }) => problems);

describe('a camera that filmed the wrong operation', () => {
  it('keeps its take while that runs', async () => {
    const path = pathOf(wrong.operationId, east, '0001');
    const body = { toOperationId: right.operationId, toAngleName: '东侧', reason };
    expect(await refused(path, body)).toEqual({ status: 409, field: 'takeId' });
    wrong.angles[0]?.camera.cut();
    await until('the take has ended', async () => (await wrong.view()).takes.every(({ endMs }) => endMs !== null));
    expect(await refused(path, { ...body, toOperationId: '20260101-nowhere' })).toEqual({ status: 409, field: 'toOperationId' });
    expect(await refused(path, { ...body, toAngleId: 'an-nowhere' })).toMatchObject({ status: 400, field: 'toAngleId' });
  });

  it('has it moved to a new angle of the right one, which ends and is packed with it', async () => {
    firstPackage = await wrong.end();
    const { package: before } = await wrong.view();
    const body = { toOperationId: right.operationId, toAngleName: '东侧', reason };
    const { to } = await call(hub, TakeMoved, 'POST', pathOf(wrong.operationId, east, '0001'), body);
    const [left, got] = [await wrong.view(), await right.view()];
    expect(left.takes).toEqual([]);
    expect(left.angles[0]).toMatchObject({ segments: 0, frames: 0 });
    const angle = got.angles.find(({ angleId }) => angleId === to.angleId);
    expect(angle).toMatchObject({ name: '东侧', frames: expect.any(Number) as number });
    expect(angle?.frames).toBeGreaterThan(30);
    expect(got.takes.find(({ angleId }) => angleId === to.angleId)?.frames).toBe(angle?.frames);
    expect(left.moves).toMatchObject([{ to, reason, by: { name: expect.any(String) as string } }]);
    expect(got.moves).toEqual(left.moves);
    expect(await verified()).toEqual([]);
    const { status, said } = await playTake(right.dir, to.angleId, to.takeId);
    expect([status, said]).toEqual([0, '']);
    const list = await hubFetch(`${hub.url}/hls/${right.operationId}/${to.angleId}/index.m3u8`);
    const segment = /^\d{4}\/\d+-\d+\.m4s$/m.exec(await list.text())?.[0] ?? '';
    expect((await hubFetch(`${hub.url}/hls/${right.operationId}/${to.angleId}/${segment}`)).status).toBe(200);
    // packed once already: anew, and what was packed before is kept
    const again = await untilPacked(wrong.view);
    expect(again).toBe(firstPackage);
    expect((await wrong.view()).package.verifiedMs).toBeGreaterThan(before.verifiedMs ?? Infinity);
    expect(takesOf(join(again, 'data', east))).toEqual([]);
    expect(takesOf(join(`${again}.earlier-1`, 'data', east))).toEqual(['0001']);
    const packed = await right.end();
    expect((await verifyBag(packed)).problems).toEqual([]);
    expect((await listFiles(packed)).join()).toContain(`data/${to.angleId}/${to.takeId}/journal.ndjson`);
    expect((await verifyBag(again)).problems).toEqual([]);
  });

  it('is told in the log of both operations', async () => {
    for (const { operationId } of [wrong, right]) {
      const { lines } = await call(hub, CustodyPage, 'GET', `/custody?what=take.moved&operation=${operationId}`);
      expect(lines.map(({ outcome }) => outcome)).toContain('done');
    }
  });
});

describe('a hub that is killed in a move', () => {
  it('finishes on its start what both journals know, undoes what only one knows, and tells the board', async () => {
    const { takes } = await right.view();
    expect(takes).toHaveLength(2);
    const journal = join(wrong.dir, 'operation.ndjson');
    const moved: { source: string; target: string; toAngleId: string; angleId: string }[] = [];
    const lengths: number[] = [];
    for (const { angleId, takeId } of takes) {
      lengths.push(readFileSync(journal).length);
      const body = { toOperationId: wrong.operationId, toAngleName: `${angleId} 又一次`, reason };
      const { to } = await call(hub, TakeMoved, 'POST', pathOf(right.operationId, angleId, takeId), body);
      const target = join(wrong.dir, to.angleId, to.takeId);
      moved.push({ source: join(right.dir, angleId, takeId), target, toAngleId: to.angleId, angleId });
    }
    await hub.killAll();
    // as it is when the hub dies before the folders are renamed, of the second take before the second line too
    for (const { source, target } of moved) renameSync(target, source);
    truncateSync(journal, lengths[1]);
    const store = openStore(join(hub.dataDir, 'fieldhub.sqlite'));
    await store.updateTable('take_move').set({ data: null }).where('to_operation_id', '=', wrong.operationId).execute();
    for (const { angleId, toAngleId } of moved) {
      const back = { operation_id: right.operationId, angle_id: angleId };
      const { numUpdatedRows } = await store.updateTable('take').set(back).where('angle_id', '=', toAngleId).executeTakeFirst();
      expect(numUpdatedRows).toBe(1n);
    }
    await store.destroy();
    hub = await startHub(hub.dataDir, { SEGMENT_SECONDS: '2' });
    const [first, second] = moved;
    expect(moved.map(({ source, target }) => [existsSync(source), existsSync(target)])).toEqual([
      [false, true],
      [true, false],
    ]);
    expect(await verified()).toEqual([]);
    expect(readFileSync(join(right.dir, 'operation.ndjson'), 'utf8').match(/"type":"take.move-undone"/g)).toHaveLength(1);
    const [left, kept] = await Promise.all(
      [wrong, right].map(({ operationId }) => call(hub, OperationView, 'GET', `/operations/${operationId}`)),
    );
    expect(left?.takes.map(({ angleId }) => angleId)).toEqual([first?.toAngleId]);
    expect(kept?.takes.map(({ angleId }) => angleId)).toEqual([second?.angleId]);
    expect(left?.moves).toHaveLength(2);
    expect(kept?.moves).toEqual(left?.moves);
    expect(['waiting', 'running', 'verified']).toContain(left?.package.state);
  });
});
