import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { OperationRecorder } from '../../media/recorder/operation-recorder.ts';
import { readOperation } from '../../media/recordings/read.ts';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { fixture } from '../support/depacketize.ts';
import { openRecorder } from '../support/direct-recorder.ts';
import { makeReadOnly } from '../support/disk.ts';
import { until } from '../support/hub.ts';
import { MadeUpTime, repeated } from '../support/replay.ts';
import { trackInput } from '../support/rtp.ts';

const time = new MadeUpTime(1_800_000_000_500);
let root = '';
let recorder: OperationRecorder;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-broken-take-'));
  recorder = await openRecorder(root, 2000, time.clock, undefined, () => undefined);
  await recorder.addAngle('east', '东侧');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const BROKEN_MS = 3000;
const video = fixture('h264');
const { sent } = repeated(video, 9000);
const dir = (): string => join(root, 'recordings', 'op-1');

it('what is lacking begins where the last file of a broken take ends, also when the next take begins before that is known', async () => {
  const sink = recorder.startTake('east', 'camera').addTrack(trackInput(video));
  time.receive([{ sink, sent: sent.filter(({ atMs }) => atMs < BROKEN_MS) }]);
  await until('a segment is on the disk', () => recorder.angle('east').segments === 1);
  const allow = makeReadOnly(join(dir(), 'east'));
  const rest = sent.filter(({ atMs }) => atMs >= BROKEN_MS).map(({ bytes, atMs }) => ({ bytes, atMs: atMs - BROKEN_MS }));
  time.receive([{ sink, sent: rest }]);
  await until('the take is broken', () => recorder.angle('east').interruption?.cause === 'write-failed');
  const handedInMs = recorder.angle('east').interruption?.startMs ?? 0;
  allow();
  time.nowMs += 4000;
  // before it is tried again to write the end of the first
  const next = recorder.startTake('east', 'camera').addTrack(trackInput(video));
  time.receive([{ sink: next, sent }]);
  expect(recorder.angle('east').interruption).toBeNull();
  await recorder.end();
  const { angles, interruptions } = await readOperation(dir());
  const last = angles[0]?.takes[0]?.segments.at(-1);
  const endMs = Number(last?.startMs) + Number(last?.durationMs);
  expect(endMs).toBeLessThan(handedInMs - 1000);
  expect(interruptions).toMatchObject([{ angleId: 'east', cause: 'write-failed', startMs: expect.closeTo(endMs, 0) as number }]);
  expect((await verifyOperation(dir())).problems).toEqual([]);
});
