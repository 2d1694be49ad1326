import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openRecorder } from '../../support/direct-recorder.ts';
import { folder, problems } from '../../support/moving.ts';
import { journalLines } from '../../support/operation.ts';
import { MadeUpTime } from '../../support/replay.ts';
import { picturePayload, rtpBytes, videoInput } from '../../support/rtp.ts';

const T0 = 1_800_000_000_000;
const STEP_MS = 1000 / 30;
const LATE_MS = 6000;
const SOUND = Buffer.from([0xf8, 1, 2, 3]);

let root = '';
beforeEach(() => void (root = mkdtempSync(join(tmpdir(), 'fieldhub-late-'))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

it('a take verifies that began on a machine held up for seconds, whose damage is told when the clock is known better', async () => {
  const time = new MadeUpTime(T0 + LATE_MS);
  const recorder = await openRecorder(root, 2000, time.clock);
  await recorder.addAngle('east', '东');
  const take = recorder.startTake('east', 'camera');
  const video = take.addTrack(videoInput());
  const sound = take.addTrack(videoInput({ kind: 'audio', mimeType: 'audio/opus', clockRate: 48_000, channels: 2, payloadType: 111 }));
  let heard = 0;
  const hear = (): void => {
    for (; T0 + heard * 20 <= time.nowMs; heard += 1) sound.rtp(rtpBytes(heard, heard * 960, SOUND, false, 111, 5), time.nowMs);
  };
  // four pictures are lost of those that lay in the socket, and waited for while the sound that lay in the other tells of the delay
  for (let i = 0; i < 300; i += 1) {
    const dueMs = T0 + i * STEP_MS + 5;
    if (dueMs > time.nowMs) hear();
    time.nowMs = Math.max(time.nowMs, dueMs);
    if (i % 30 === 0) {
      const senderMs = T0 + i * STEP_MS;
      video.senderReport({ ssrc: 1, senderMs, rtpTimestamp: i * 3000 }, time.nowMs);
      sound.senderReport({ ssrc: 5, senderMs, rtpTimestamp: i * 1600 }, time.nowMs);
    }
    if (i < 40 || i >= 44) video.rtp(rtpBytes(i, i * 3000, picturePayload(i % 30 === 0), true), time.nowMs);
  }
  await recorder.endTake(take, 'source-removed');
  await recorder.end();
  const lines = journalLines(join(folder(root, 'op-1', 'east/0001'), 'journal.ndjson'));
  const [damage] = lines.flatMap((line) => (line['damage'] ?? []) as { toMs: number; missing: number }[]);
  expect(damage).toMatchObject({ missing: 4 });
  expect(Number(lines[0]?.['atMs']) - Number(damage?.toMs)).toBeGreaterThan(3000);
  expect(await problems(root, 'op-1')).toEqual([]);
});
