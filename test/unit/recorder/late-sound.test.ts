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
const PICTURE_MS = 1000 / 30;
const SOUND_MS = 20;
const SOUND = Buffer.from([0xf8, 1, 2, 3]);
/** Pictures come at once, and stop. Sound begins after them, before a tick of the grid, and comes only when they have stopped. */
const STOP_MS = 3000;
const SOUND_FROM_MS = 1500;
const SOUND_COMES_MS = 4500;
const END_MS = 7000;

let root = '';
beforeEach(() => void (root = mkdtempSync(join(tmpdir(), 'fieldhub-late-'))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

it('a take verifies whose pictures stand still while sound from before their last segment comes at last', async () => {
  const time = new MadeUpTime(T0);
  const recorder = await openRecorder(root, 2000, time.clock);
  await recorder.addAngle('east', '东');
  const take = recorder.startTake('east', 'camera');
  const video = take.addTrack(videoInput());
  const sound = take.addTrack(videoInput({ kind: 'audio', mimeType: 'audio/opus', clockRate: 48_000, channels: 2, payloadType: 111 }));
  const events = [
    ...Array.from({ length: (END_MS - SOUND_FROM_MS) / SOUND_MS }, (_, i) => ({
      atMs: T0 + Math.max(SOUND_COMES_MS, SOUND_FROM_MS + i * SOUND_MS) + 5,
      come: (now: number) => sound.rtp(rtpBytes(i, i * 960, SOUND, false, 111, 5), now),
    })),
    ...Array.from({ length: STOP_MS / PICTURE_MS }, (_, i) => ({
      atMs: T0 + i * PICTURE_MS + 5,
      come: (now: number) => video.rtp(rtpBytes(i, i * 3000, picturePayload(i % 30 === 0), true), now),
    })),
  ].toSorted((a, b) => a.atMs - b.atMs);
  video.senderReport({ ssrc: 1, senderMs: T0, rtpTimestamp: 0 }, T0);
  sound.senderReport({ ssrc: 5, senderMs: T0 + SOUND_FROM_MS, rtpTimestamp: 0 }, T0);
  for (const { atMs, come } of events) {
    time.nowMs = atMs;
    come(atMs);
  }
  await recorder.endTake(take, 'source-removed');
  await recorder.end();
  const began = journalLines(join(folder(root, 'op-1', 'east/0001'), 'journal.ndjson'))
    .filter(({ type }) => type === 'segment')
    .map(({ mediaMs }) => mediaMs);
  expect(began).toEqual([0, 2000, 1500, 2000, 4000, 6000]);
  expect(await problems(root, 'op-1')).toEqual([]);
});
