import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hubFetch } from '../../scripts/demo/sign-in.ts';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { call } from '../../scripts/demo/hub.ts';
import { AngleState } from '../../server/protocol/http.ts';
import { type Desk, openDesk } from '../support/console.ts';
import { SmallDisk } from '../support/disk.ts';
import { alive, freePort, type RunningHub, startHub, until } from '../support/hub.ts';
import { film, type FilmedOperation, untilSegments } from '../support/operation.ts';
import { complaints, cutOff, segmentLines, journalsOf } from '../support/playback.ts';

let root = '';
let hub: RunningHub | null = null;
const filmed: FilmedOperation[] = [];
const disks: SmallDisk[] = [];
const desks: Desk[] = [];

beforeAll(() => void (root = mkdtempSync(join(tmpdir(), 'fieldhub-faults-'))));
afterEach(async () => {
  for (const { angles } of filmed.splice(0)) for (const { camera } of angles) camera.cut();
  for (const desk of desks.splice(0)) desk.close();
  for (const disk of disks) disk.clear();
  await hub?.stop();
  hub = null;
  for (const disk of disks.splice(0).toReversed()) disk.unmount();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function smallDisk(path: string, sizeMib: number): SmallDisk {
  const disk = SmallDisk.mount(path, sizeMib);
  disks.push(disk);
  return disk;
}
async function start(dataDir: string, env: Record<string, string> = {}): Promise<RunningHub> {
  hub = await startHub(dataDir, { SEGMENT_SECONDS: '2', ...env });
  return hub;
}
async function filming(running: RunningHub, names: string[]): Promise<FilmedOperation> {
  const operation = await film(running, names);
  filmed.push(operation);
  return operation;
}
async function watching(running: RunningHub, operation: FilmedOperation): Promise<Desk> {
  const desk = await openDesk(running, operation.operationId);
  desks.push(desk);
  return desk;
}
const heard = (desk: Desk, code: string): Promise<void> =>
  until(`the alarm ${code}`, () => desk.raised.some((alarm) => alarm.code === code));
const refusal = async (running: RunningHub, path: string): Promise<{ status: number; code: string }> => {
  const response = await hubFetch(`${running.url}/api${path}`, { method: 'POST' });
  return { status: response.status, code: ((await response.json()) as { code: string }).code };
};

describe('a disk that fills up', () => {
  it('is told early, refuses new takes, closes running ones while there is room, and goes on when there is again', async () => {
    const disk = smallDisk(join(root, 'small'), 72);
    const running = await start(disk.path, { DISK_RESERVE_MB: '24' });
    const { media, control } = running.state();
    const operation = await filming(running, ['东侧', '西侧']);
    const desk = await watching(running, operation);
    for (const { angleId } of operation.angles) await untilSegments(operation, angleId, 1);

    disk.leave(30);
    await heard(desk, 'disk-low');
    disk.leave(20);
    await heard(desk, 'disk-refusing');
    const base = `/operations/${operation.operationId}`;
    const third = await call(running, AngleState, 'POST', `${base}/angles`, { name: '北侧' });
    expect(await refusal(running, `${base}/angles/${third.angleId}/camera`)).toEqual({ status: 507, code: 'disk_full' });
    expect((await operation.view()).angles.slice(0, 2).map(({ status }) => status)).toEqual(['recording', 'recording']);

    disk.leave(5);
    await heard(desk, 'disk-closed');
    await until('both takes are closed', () =>
      operation.angles.every(({ angleId }) => journalsOf(operation.dir, angleId)[0]?.lines.at(-1)?.['type'] === 'take.ended'),
    );
    expect(disk.freeBytes).toBeGreaterThan(2 * 2 ** 20); // long before it was full
    for (const { angleId } of operation.angles) {
      const [take] = journalsOf(operation.dir, angleId);
      expect(take?.lines.at(-1)).toMatchObject({ reason: 'disk-full', missing: 0 });
      expect(segmentLines(take?.lines ?? []).every((line) => line['recovered'] === undefined)).toBe(true);
      expect(complaints(operation.dir, angleId)).toEqual([]);
    }
    expect((await verifyOperation(operation.dir)).problems).toEqual([]);
    const standing = (await operation.view()).alarms;
    expect(standing.map(({ code }) => code)).toEqual(['disk-closed']); // raised once, the worst of it
    expect(standing[0]?.message).toContain(disk.path);

    disk.clear();
    await until('both record again', async () => (await operation.view()).angles.slice(0, 2).every(({ status }) => status === 'recording'));
    await until('the alarm is over', () => desk.cleared.includes(standing[0]?.alarmId ?? ''));
    expect((await operation.view()).alarms).toEqual([]);
    await untilSegments(operation, operation.angles[1]?.angleId ?? '', 2);
    await operation.end();
    const report = await verifyOperation(operation.dir);
    expect(report.problems).toEqual([]);
    expect(report.interruptions.map(({ cause }) => cause)).toEqual(['disk-full', 'disk-full']);
    expect(running.state()).toMatchObject({ media, control });
  });

  it('in one go costs what was on its way, and nothing else: no file, no journal, no other disk', async () => {
    const disk = smallDisk(join(root, 'flooded'), 96);
    // none that the kernel gives to somebody else while the hub is away
    const PORT = String(await freePort());
    let running = await start(disk.path, { DISK_RESERVE_MB: '8', PORT });
    const here = await filming(running, ['东侧']);
    const there = await filming(running, ['西侧']);
    await running.stop();
    const moved = join(root, 'moved');
    cpSync(there.dir, moved, { recursive: true });
    smallDisk(there.dir, 96);
    cpSync(moved, there.dir, { recursive: true });
    running = await start(disk.path, { DISK_RESERVE_MB: '8', PORT });
    const { media, control } = running.state();
    const [east, west] = [here.angles[0]?.angleId ?? '', there.angles[0]?.angleId ?? ''];
    for (const operation of [here, there])
      await until('it records', async () => (await operation.view()).angles[0]?.status === 'recording');
    const desk = await watching(running, here);
    const take = (await here.view()).angles[0]?.takes ?? 0;
    await until('a segment', () => segmentLines(journalsOf(here.dir, east)[take - 1]?.lines ?? []).length > 0);
    const closed = segmentLines(journalsOf(there.dir, west).at(-1)?.lines ?? []).length;

    disk.flood();
    await until('an alarm', () => desk.raised.some(({ code }) => code === 'disk-full' || code === 'disk-closed'));
    expect(complaints(here.dir, east)).toEqual([]);
    await until('the other disk records on', () => segmentLines(journalsOf(there.dir, west).at(-1)?.lines ?? []).length >= closed + 2);
    expect(alive(media)).toBe(true);

    disk.clear();
    await until('it records again', async () => (await here.view()).angles[0]?.takes === take + 1);
    await until('a segment', () => segmentLines(journalsOf(here.dir, east)[take]?.lines ?? []).length >= 1);
    for (const operation of [here, there]) await operation.end();
    for (const [operation, angleId] of [
      [here, east],
      [there, west],
    ] as const) {
      expect((await verifyOperation(operation.dir)).problems).toEqual([]);
      expect(complaints(operation.dir, angleId)).toEqual([]);
    }
    const lines = journalsOf(here.dir, east)[take - 1]?.lines ?? [];
    expect(lines.at(-1)).toMatchObject({ type: 'take.ended', reason: 'disk-full' });
    const last = segmentLines(lines).at(-1);
    const broken = (await verifyOperation(here.dir)).interruptions.find(({ cause }) => cause === 'disk-full');
    expect(broken?.startMs).toBeCloseTo(Number(last?.['startMs']) + Number(last?.['durationMs']), 0);
    expect((await verifyOperation(there.dir)).interruptions.map(({ cause }) => cause)).not.toContain('disk-full');
    expect(journalsOf(there.dir, west)).toHaveLength(2); // before and after the hub was stopped
    expect(running.state()).toMatchObject({ media, control });
  });
});

describe('a disk that does not keep up', () => {
  it('costs pictures, which are counted and placed, and neither memory nor the take', async () => {
    const library = join(root, 'slow-disk.so');
    const source = fileURLToPath(new URL('../fixtures/slow-disk.c', import.meta.url));
    execFileSync('g++', ['-xc', '-shared', '-fPIC', '-o', library, source, '-ldl']);
    const stuck = join(root, 'stuck');
    const running = await start(join(root, 'slow'), { WRITE_BUFFER_MB: '1', LD_PRELOAD: library, SLOW_DISK_SWITCH: stuck });
    const { media } = running.state();
    const operation = await filming(running, ['东侧']);
    const angleId = operation.angles[0]?.angleId ?? '';
    const desk = await watching(running, operation);
    await untilSegments(operation, angleId, 1);
    writeFileSync(stuck, '');
    await heard(desk, 'disk-slow');
    await until('the interruption is known', async () => (await operation.view()).angles[0]?.interruption?.cause === 'disk-slow');
    await new Promise((resolve) => setTimeout(resolve, 2500)); // longer than a cell: one stays empty
    rmSync(stuck);
    await until('the disk is back', () => desk.cleared.some((alarmId) => alarmId.startsWith('disk-slow')));
    const count = (await operation.view()).angles[0]?.segments ?? 0;
    await untilSegments(operation, angleId, count + 2);
    await operation.end();

    const report = await verifyOperation(operation.dir);
    expect(report.problems).toEqual([]);
    expect(complaints(operation.dir, angleId)).toEqual([]);
    expect(journalsOf(operation.dir, angleId)).toHaveLength(1);
    const segments = segmentLines(journalsOf(operation.dir, angleId)[0]?.lines ?? []);
    const sum = (key: string): number => segments.reduce((total, line) => total + Number(line[key] ?? 0), 0);
    const shown = segments.filter((line) => Number(line['frames']) > 0);
    const [first, last] = [shown[0], shown.at(-1)];
    const spanMs = Number(last?.['mediaMs']) + Number(last?.['durationMs']) - Number(first?.['mediaMs']);
    expect(sum('unwritten')).toBeGreaterThan(30);
    const counted = sum('frames') + sum('missing') + sum('withheld') - cutOff(segments);
    expect(counted, JSON.stringify(segments)).toBe(Math.round((spanMs * 30) / 1000));
    expect(report.interruptions).toMatchObject([{ angleId, cause: 'disk-slow' }]);
    const view = (await operation.view()).angles[0];
    expect([view?.frames, view?.missingFrames]).toEqual([sum('frames'), sum('missing')]);
    expect(running.state().media).toBe(media);
  });
});
