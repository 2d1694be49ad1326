import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { call } from '../../scripts/demo/hub.ts';
import { OperationView } from '../../server/protocol/http.ts';
import { type Desk, openDesk } from '../support/console.ts';
import { makeReadOnly } from '../support/disk.ts';
import { freePort, type RunningHub, startHub, until } from '../support/hub.ts';
import { film, type FilmedOperation, untilSegments } from '../support/operation.ts';
import { complaints, type Line, segmentLines, journalsOf } from '../support/playback.ts';

let root = '';
let hub: RunningHub | null = null;
let operation: FilmedOperation | null = null;
let desk: Desk | null = null;
const undo: (() => void)[] = [];

beforeAll(() => void (root = mkdtempSync(join(tmpdir(), 'fieldhub-gone-'))));
afterEach(async () => {
  for (const { camera } of operation?.angles ?? []) camera.cut();
  operation = null;
  desk?.close();
  await hub?.stop();
  hub = null;
  for (const step of undo.splice(0)) step();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function filming(name: string, angles: string[]): Promise<{ running: RunningHub; filmed: FilmedOperation; console: Desk }> {
  // a port that the kernel gives to nobody else while the hub is away
  const running = await startHub(join(root, name), { SEGMENT_SECONDS: '2', PORT: String(await freePort()) });
  hub = running;
  const filmed = await film(running, angles);
  operation = filmed;
  desk = await openDesk(running, filmed.operationId);
  for (const { angleId } of filmed.angles) await untilSegments(filmed, angleId, 1);
  return { running, filmed, console: desk };
}

function readOnly(path: string): () => void {
  const restore = makeReadOnly(path);
  const once = (): void => {
    if (undo.includes(once)) restore();
    undo.splice(0, undo.length, ...undo.filter((step) => step !== once));
  };
  undo.push(once);
  return once;
}

describe('files that are removed under the hub', () => {
  it('are named by an alarm, by the journal and by the check; recording goes on', async () => {
    const { running, filmed, console } = await filming('removed', ['东侧', '西侧']);
    const { media } = running.state();
    const [east, west] = filmed.angles.map(({ angleId }) => angleId);
    if (!east || !west) throw new Error('two angles were asked for');
    const dir = join(filmed.dir, east, '0001');
    const lastLine = (angleId: string): Line => journalsOf(filmed.dir, angleId)[0]?.lines.at(-1) ?? {};
    /** And not being closed already, two seconds after it has begun: then the file would still be found. */
    const isOpen = (angleId: string): boolean => {
      const { type, startMs } = lastLine(angleId);
      return type === 'segment.opened' && Date.now() - Number(startMs) < 1750;
    };
    await until('a segment of each is being written', () => isOpen(east) && isOpen(west));
    const unfinished = String(lastLine(east)['file']);
    const finished = String(segmentLines(journalsOf(filmed.dir, east)[0]?.lines ?? [])[0]?.['file']);
    rmSync(join(dir, unfinished));
    rmSync(join(dir, finished));
    rmSync(join(filmed.dir, west, '0001'), { recursive: true });

    await until('an alarm names the file', () => console.raised.some(({ message }) => message.includes(join(dir, unfinished))));
    await until('an alarm names the folder', () =>
      console.raised.some(({ message }) => message.startsWith(`${join(filmed.dir, west, '0001')} `)),
    );
    await until('west records again', async () => {
      const angle = (await filmed.view()).angles[1];
      return angle?.status === 'recording' && angle.takes === 2;
    });
    const raised = console.raised.find(({ code }) => code === 'file-missing');
    expect(raised?.lasting).toBe(false);
    await console.dismiss(raised?.alarmId ?? '');
    await until('it is dismissed for everybody', () => console.cleared.includes(raised?.alarmId ?? ''));
    await until('both have gone on', () =>
      [journalsOf(filmed.dir, east)[0], journalsOf(filmed.dir, west).at(-1)].every((take) => segmentLines(take?.lines ?? []).length >= 2),
    );
    await call(running, OperationView, 'POST', `/operations/${filmed.operationId}/end`);

    const lines = journalsOf(filmed.dir, east)[0]?.lines ?? [];
    expect(lines.filter((line) => line['type'] === 'file.missing').map((line) => line['file'])).toEqual([unfinished, finished]);
    await until('an alarm names the other file, too', () => console.raised.some(({ message }) => message.includes(join(dir, finished))));
    const problems = (await verifyOperation(filmed.dir)).problems.map(({ path, message }) => `${path} ${message}`);
    expect(problems.filter((problem) => problem.startsWith(`${east}/`)).toSorted()).toEqual(
      [unfinished, finished].map((file) => `${east}/0001/${file} is missing: it was removed while the take was recorded`).toSorted(),
    );
    expect(
      problems.filter((problem) => !problem.startsWith(`${east}/`)).every((problem) => problem.startsWith(`${west}/0001/journal.ndjson`)),
    ).toBe(true);
    expect(running.state().media).toBe(media);
  });
});

describe('folders that cannot be written', () => {
  it('while it is recorded: the take ends, an alarm names the folder, and it goes on when it can be written again', async () => {
    const { running, filmed, console } = await filming('forbidden', ['东侧']);
    const { media } = running.state();
    const angleId = filmed.angles[0]?.angleId ?? '';
    const folder = join(filmed.dir, angleId);
    const allow = readOnly(folder);
    await until('an alarm names the folder', () =>
      console.raised.some(({ code, message }) => code === 'not-writable' && message.includes(folder)),
    );
    await until('it is interrupted', async () => (await filmed.view()).angles[0]?.interruption?.cause === 'write-failed');
    await until('an alarm says so', () => console.raised.some(({ code }) => code === 'write-failed'));
    allow();
    await until('the alarm is over', () => console.cleared.includes(`not-writable:${folder}`));
    await until('it records again', async () => (await filmed.view()).angles[0]?.status === 'recording');
    await until('a segment', () => segmentLines(journalsOf(filmed.dir, angleId).at(-1)?.lines ?? []).length >= 1);
    await filmed.end();
    const report = await verifyOperation(filmed.dir);
    expect(report.problems).toEqual([]);
    expect(complaints(filmed.dir, angleId)).toEqual([]);
    expect(report.interruptions).toMatchObject([{ angleId, cause: 'write-failed' }]);
    expect(journalsOf(filmed.dir, angleId)[0]?.lines.at(-1)).toMatchObject({ reason: 'write-failed' });
    expect(running.state().media).toBe(media);
  });

  it('at start: the hub says which and what to do, or takes up what it can and the rest when it can', async () => {
    const { running, filmed } = await filming('start', ['东侧']);
    await running.stop();
    const recordings = join(running.dataDir, 'recordings');
    const allowAll = readOnly(recordings);
    const main = fileURLToPath(new URL('../../server/supervisor/main.ts', import.meta.url));
    const env = { ...process.env, DATA: running.dataDir, PORT: '0', RTC_PORT: running.rtcPort };
    const refused = spawnSync(process.execPath, [main], { encoding: 'utf8', timeout: 30_000, env });
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(new RegExp(`fieldhub cannot start: .*${recordings}.*right to write there`));
    allowAll();

    const allow = readOnly(filmed.dir);
    hub = await startHub(running.dataDir, { SEGMENT_SECONDS: '2', PORT: new URL(running.url).port });
    const { media } = hub.state();
    await until('the alarm', async () =>
      (await filmed.view()).alarms.some(({ code, message }) => code === 'recorder-failed' && message.includes(filmed.dir)),
    );
    await until('it is not said to be recorded', async () => (await filmed.view()).angles[0]?.status === 'interrupted');
    allow();
    await until('the operation is taken up', async () => (await filmed.view()).angles[0]?.status === 'recording');
    expect((await filmed.view()).alarms).toEqual([]);
    await filmed.end();
    expect((await verifyOperation(filmed.dir)).problems).toEqual([]);
    expect(hub.state().media).toBe(media);
  });
});
