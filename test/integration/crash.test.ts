import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { call } from '../../scripts/demo/hub.ts';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { OperationView } from '../../server/protocol/http.ts';
import { alive, type RunningHub, signal, startHub, until, workersOf } from '../support/hub.ts';
import { film, type FilmedOperation, journalLines, untilSegments } from '../support/operation.ts';
import { cutOff, segmentLines } from '../support/playback.ts';
import { Relay } from '../support/relay.ts';
import { stopwatch } from '../support/stopwatch.ts';

/** Of RTP's clock of 90 kHz, between two pictures. */
const PICTURE_TICKS = 3000;

let root = '';
let hub: RunningHub | null = null;
let operation: FilmedOperation | null = null;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-crash-'));
});
afterEach(async () => {
  for (const { camera } of operation?.angles ?? []) camera.cut();
  operation = null;
  await hub?.stop();
  hub = null;
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function filming(
  name: string,
  angles: string[],
  through?: Parameters<typeof film>[2],
): Promise<{ running: RunningHub; filmed: FilmedOperation }> {
  const running = await startHub(join(root, name), { SEGMENT_SECONDS: '2' });
  hub = running;
  const filmed = await film(running, angles, through);
  operation = filmed;
  return { running, filmed };
}

/** Frames are lost where the time line of a take has a hole, or where the recorder counted one. */
function expectWhole(dir: string, angleId: string, takeId: string): number {
  const lines = journalLines(join(dir, angleId, takeId, 'journal.ndjson'));
  const pictures = segmentLines(lines).filter((line) => Number(line['frames']) > 0);
  for (const [i, line] of pictures.entries()) {
    expect(line['missing']).toBe(0);
    expect(line['withheld']).toBe(line === pictures.at(-1) ? cutOff(lines) : 0);
    expect(Number(line['durationMs'])).toBeCloseTo((Number(line['frames']) * 1000) / 30, 0);
    const next = pictures[i + 1];
    if (next) expect(Number(line['mediaMs']) + Number(line['durationMs'])).toBeCloseTo(Number(next['mediaMs']), 1);
  }
  return pictures.length;
}

describe('kill -9 of the control process', () => {
  it('costs no frame, and what happened meanwhile is known when it is back', async () => {
    const { running, filmed } = await filming('control', ['东侧', '西侧']);
    const [east, west] = filmed.angles;
    if (!east || !west) throw new Error('two angles were asked for');
    await untilSegments(filmed, east.angleId, 2);
    const before = running.state();
    signal(before.control, 'SIGKILL');
    west.camera.cut(); // while nobody is there to hear of it
    await until('another control process answers', async () => {
      if (running.state().control === before.control) return false;
      return fetch(`${running.url}/readyz`).then(
        (response) => response.ok,
        () => false,
      );
    });
    expect(running.state().media).toBe(before.media);
    await until('the interruption is known', async () => (await filmed.view()).angles[1]?.status === 'interrupted');
    await untilSegments(filmed, east.angleId, 5);
    const path = await filmed.end();
    expect(path).toContain(filmed.operationId);

    const report = await verifyOperation(filmed.dir);
    expect(report.problems).toEqual([]);
    expect(report.angles.find(({ angleId }) => angleId === east.angleId)?.takes).toBe(1);
    expect(expectWhole(filmed.dir, east.angleId, '0001')).toBeGreaterThanOrEqual(5);
    expect(report.interruptions).toMatchObject([{ angleId: west.angleId, cause: 'connection-lost' }]);
    const view = await filmed.view();
    expect(view.interruptions).toHaveLength(1);
    expect(view.angles.map(({ segments }) => segments)).toEqual(report.angles.map(({ segments }) => segments));
  });
});

describe('kill -9 of everything', () => {
  it('costs at most the open fragment; on the next start the recordings are repaired, play and verify', async () => {
    /** By what came through them it is known how many pictures the hub was sent. */
    const relays: Relay[] = [];
    onTestFinished(() => relays.forEach((relay) => relay.close()));
    const { running, filmed } = await filming('all', ['东侧', '西侧'], async (_, target) => {
      const relay = await Relay.open(target);
      relays.push(relay);
      return relay.source;
    });
    await untilSegments(filmed, filmed.angles[1]?.angleId ?? '', 2);
    // in the midst of a segment: a file begins with its first fragment, the last of which is so new that none is on its way
    const fresh = ({ angleId }: { angleId: string }): boolean => {
      const folder = join(filmed.dir, angleId, '0001');
      const last = journalLines(join(folder, 'journal.ndjson')).at(-1);
      return last?.['type'] === 'segment.opened' && Date.now() - statSync(join(folder, String(last['file']))).mtimeMs < 400;
    };
    await until('both have one open', () => filmed.angles.every(fresh));
    const sent = relays.map((relay) => ({ pictures: relay.sent(PICTURE_TICKS), lastMs: relay.lastMs ?? NaN }));
    await running.killAll();
    for (const { camera } of filmed.angles) camera.cut();
    hub = await startHub(running.dataDir, { SEGMENT_SECONDS: '2' });

    const view = await call(hub, OperationView, 'GET', `/operations/${filmed.operationId}`);
    expect(view.status).toBe('live');
    const ends = new Map<string, number>();
    for (const [i, { angleId }] of filmed.angles.entries()) {
      const lines = journalLines(join(filmed.dir, angleId, '0001', 'journal.ndjson'));
      const last = segmentLines(lines).at(-1);
      const endMs = Number(last?.['startMs']) + Number(last?.['durationMs']);
      expect(last?.['recovered']).toBe(true);
      expect(lines.at(-1)).toMatchObject({ type: 'take.ended', reason: 'hub-crashed' });
      const frames = segmentLines(lines).reduce((total, line) => total + Number(line['frames']), 0);
      expect(Number(sent[i]?.pictures) - frames).toBeLessThan(21); // 700 ms: a fragment of half a second, and what was on its way
      expect(Math.abs(endMs - Number(sent[i]?.lastMs))).toBeLessThan(1000);
      ends.set(angleId, endMs);
      expectWhole(filmed.dir, angleId, '0001');
      for (const line of lines.filter((each) => each['type'] === 'segment')) {
        const folder = join(filmed.dir, angleId, '0001');
        const input = Buffer.concat([readFileSync(join(folder, String(line['init']))), readFileSync(join(folder, String(line['file'])))]);
        const decoded = spawnSync('ffmpeg', ['-v', 'error', '-i', 'pipe:0', '-f', 'null', '-'], { input });
        expect(decoded.stderr.toString()).toBe('');
      }
      expect(view.interruptions.find((each) => each.angleId === angleId)).toMatchObject({ cause: 'hub-crashed', endMs: null });
    }
    expect((await verifyOperation(filmed.dir)).problems).toEqual([]);

    // the same cameras, told nothing, are recorded again as new takes
    for (const { camera } of filmed.angles) camera.start();
    await until('both record again', async () => {
      const now = await call(hub as RunningHub, OperationView, 'GET', `/operations/${filmed.operationId}`);
      return now.angles.every((angle) => angle.status === 'recording');
    });
    await call(hub, OperationView, 'POST', `/operations/${filmed.operationId}/end`);
    const report = await verifyOperation(filmed.dir);
    expect(report.problems).toEqual([]);
    expect(report.angles.map(({ takes }) => takes)).toEqual([2, 2]);
    for (const found of report.interruptions) {
      expect(found.startMs).toBeCloseTo(ends.get(found.angleId) ?? NaN, 0);
      expect(found.endMs).toBeGreaterThan(found.startMs);
    }
    expect(report.interruptions).toHaveLength(2);
  });

  it('can hit the repair too: starting again goes on with it', async () => {
    const { running, filmed } = await filming('twice', ['东侧']);
    await untilSegments(filmed, filmed.angles[0]?.angleId ?? '', 2);
    await running.killAll();
    for (const { camera } of filmed.angles) camera.cut(); // else a new take begins while what is repaired is verified
    for (let round = 0; round < 3; round += 1) {
      // killed at whatever point the start has reached after so long
      const env = { ...process.env, FIELDHUB_MEDIA_SETTINGS: JSON.stringify(mediaSettings(running.dataDir)) };
      const child = spawn(process.execPath, ['media/main.ts'], { env, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
      const gone = once(child, 'exit');
      await new Promise((resolve) => setTimeout(resolve, 250 + round * 120));
      child.kill('SIGKILL');
      await gone;
    }
    hub = await startHub(running.dataDir, { SEGMENT_SECONDS: '2' });
    expect((await verifyOperation(filmed.dir)).problems).toEqual([]);
  });
});

function mediaSettings(dataDir: string): object {
  return {
    dataDir,
    socketPath: join(mkdtempSync('/tmp/fh-'), 'media.sock'),
    segmentMs: 2000,
    workers: 1,
    rtcListenIp: '127.0.0.1',
    rtcPort: 43_210,
    rtcAnnouncedAddress: '127.0.0.1',
    ingestIp: '127.0.0.1',
    silenceMs: 1500,
    diskReserveBytes: 1,
    logLevel: 'error',
  };
}

describe('a mediasoup worker that dies', () => {
  it('is replaced; its streams are interrupted and come back by themselves', async () => {
    const { running, filmed } = await filming('worker', ['东侧']);
    const [angle] = filmed.angles;
    if (!angle) throw new Error('an angle was asked for');
    await untilSegments(filmed, angle.angleId, 1);
    const { media, pid, control } = running.state();
    const [worker] = workersOf(media);
    if (worker === undefined) throw new Error('there is no worker');
    signal(worker, 'SIGKILL');
    await until('a second take records', async () => {
      const state = (await filmed.view()).angles[0];
      return state?.status === 'recording' && state.takes === 2;
    });
    expect([media, pid, control].every(alive)).toBe(true);
    expect(running.state().media).toBe(media);
    expect(workersOf(media)).not.toContain(worker);
    await filmed.end();
    const report = await verifyOperation(filmed.dir);
    expect(report.problems).toEqual([]);
    expect(report.interruptions).toMatchObject([{ angleId: angle.angleId, cause: 'worker-died' }]);
  });
});

describe('Redis that dies', () => {
  it('is started again, and recording does not notice', async () => {
    const { running, filmed } = await filming('redis', ['东侧']);
    const [angle] = filmed.angles;
    if (!angle) throw new Error('an angle was asked for');
    const before = running.state();
    expect(before.redis).not.toBeNull();
    signal(before.redis ?? 0, 'SIGKILL');
    expect((await fetch(`${running.url}/healthz`)).status).toBe(200);
    await until('Redis is there again', () => {
      const { redis } = running.state();
      return redis !== null && redis !== before.redis && alive(redis);
    });
    await untilSegments(filmed, angle.angleId, 3);
    await filmed.end(); // the package is made by a queue in Redis
    expect((await verifyOperation(filmed.dir)).problems).toEqual([]);
    expectWhole(filmed.dir, angle.angleId, '0001');
  });
});

describe('SIGTERM', () => {
  it('closes takes, finishes and hashes segments, exits 0 within 5 s, leaves no process; the operation goes on later', async () => {
    const { running, filmed } = await filming('term', ['东侧', '西侧']);
    await untilSegments(filmed, filmed.angles[0]?.angleId ?? '', 1);
    const { media, control, redis } = running.state();
    const workers = workersOf(media);
    const stoppedMs = stopwatch();
    expect(await running.stop()).toBe(0);
    expect(stoppedMs()).toBeLessThan(5000);
    expect([media, control, redis ?? 0, ...workers].filter(alive)).toEqual([]);
    hub = null;
    const report = await verifyOperation(filmed.dir);
    expect(report.problems).toEqual([]);
    expect(report.ended).toBe(false);
    for (const { angleId } of filmed.angles)
      expect(journalLines(join(filmed.dir, angleId, '0001', 'journal.ndjson')).at(-1)).toMatchObject({
        type: 'take.ended',
        reason: 'hub-stopped',
      });
    hub = await startHub(running.dataDir);
    expect((await call(hub, OperationView, 'GET', `/operations/${filmed.operationId}`)).status).toBe('live');
  });
});
