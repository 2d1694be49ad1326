import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TrackSink } from '../../media/recorder/input.ts';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { filmDirectly } from '../support/direct-camera.ts';
import { openRecorder } from '../support/direct-recorder.ts';
import { journalLines } from '../support/operation.ts';
import { packetTimes, playTake, segmentsOf } from '../support/playback.ts';

const SECONDS = 10;
const FRAMES = SECONDS * 30;
const PICTURE = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=30', '-frames:v', String(FRAMES), '-g', '30', '-pix_fmt', 'yuv420p'];
const SOUND = ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000', '-t', String(SECONDS)];
const CAMERA = {
  video: [...PICTURE, '-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency'],
  audio: [...SOUND, '-c:a', 'libopus', '-ac', '2'],
};
/** The pictures of these stand still on their way, and come all at once after it: sound has gone on alone over a tick meanwhile. */
const HELD_MS = { from: 3000, to: 7000 };

let root = '';
let dir = '';
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-late-'));
  dir = join(root, 'recordings', 'op-1');
  const recorder = await openRecorder(root, 2000);
  await recorder.addAngle('an-1', '东侧');
  const take = recorder.startTake('an-1', 'camera');
  await filmDirectly(CAMERA, (input) => (input.kind === 'video' ? late(take.addTrack(input)) : take.addTrack(input)));
  await recorder.endTake(take, 'stopped-by-operator');
  await recorder.end();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function late(sink: TrackSink): TrackSink {
  let firstMs: number | null = null;
  const waiting: Buffer[] = [];
  return {
    ...sink,
    rtp: (bytes, atMs) => {
      firstMs ??= atMs;
      const sinceMs = atMs - firstMs;
      if (sinceMs >= HELD_MS.from && sinceMs < HELD_MS.to) return void waiting.push(Buffer.from(bytes));
      for (const packet of waiting.splice(0)) sink.rtp(packet, atMs);
      sink.rtp(bytes, atMs);
    },
  };
}

describe('a camera whose pictures come seconds after their sound', () => {
  it('is recorded in full, where each belongs, and verified', async () => {
    const { problems } = await verifyOperation(dir);
    expect(problems).toEqual([]);
    const segments = segmentsOf(join(dir, 'an-1', '0001'));
    const behind = segments.filter(({ frames, mediaMs }, i) => frames > 0 && mediaMs < (segments[i - 1]?.mediaMs ?? 0));
    expect(behind.length, 'sound alone stands before pictures that begin earlier').toBeGreaterThan(0);
    const ended = journalLines(join(dir, 'an-1', '0001', 'journal.ndjson')).at(-1);
    expect(Number(ended?.['frames']) + Number(ended?.['withheld'])).toBe(FRAMES);
    const shown = packetTimes(join(dir, 'an-1', '0001'), 'video');
    expect(Math.min(...shown.slice(1).map((time, i) => time - (shown[i] ?? 0)))).toBeGreaterThan(0);
  });

  it('plays without a word from ffmpeg', async () => {
    const { status, said, playlist } = await playTake(dir, 'an-1', '0001');
    expect(said, playlist).toBe('');
    expect(status).toBe(0);
  });
});
