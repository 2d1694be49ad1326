import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { fixture } from '../support/depacketize.ts';
import { openRecorder } from '../support/direct-recorder.ts';
import { journalLines } from '../support/operation.ts';
import { complaints, packetTimes, playTake, segmentsOf } from '../support/playback.ts';
import { MadeUpTime, repeated } from '../support/replay.ts';
import { trackInput } from '../support/rtp.ts';

const SEGMENT_MS = 2000;
const LEAST_MS = 7000;

/** Every captured codec, pictures with a sound each. */
const cameras = {
  av1: { audio: 'opus', codecs: /^av01\.0\.\d\dM\.08,opus$/ },
  h264: { audio: 'aac', codecs: /^avc3\.64.*,mp4a\.40\.2$/ },
  h265: { audio: 'pcma', codecs: /^hev1\..*,alaw$/ },
  vp8: { audio: 'pcmu', codecs: /^vp08\..*,ulaw$/ },
  vp9: { audio: 'opus', codecs: /^vp09\..*,opus$/ },
} as const;
type Name = keyof typeof cameras;
const names = Object.keys(cameras) as Name[];
const filmed = new Map<Name, { frames: number; soundMs: number }>();

let root = '';
let dir = '';
const take = (name: Name): string => join(dir, name, '0001');

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-fixtures-'));
  const time = new MadeUpTime(1_800_000_000_500);
  dir = join(root, 'recordings', 'op-1');
  const recorder = await openRecorder(root, SEGMENT_MS, time.clock);
  for (const name of names) {
    const [video, audio] = [fixture(name), fixture(cameras[name].audio)];
    await recorder.addAngle(name, name);
    const running = recorder.startTake(name, 'camera');
    const pictures = repeated(video, LEAST_MS);
    const sound = repeated(audio, LEAST_MS);
    time.receive([
      { sink: running.addTrack(trackInput(video)), sent: pictures.sent },
      { sink: running.addTrack(trackInput(audio)), sent: sound.sent },
    ]);
    filmed.set(name, { frames: pictures.frames, soundMs: sound.sent.at(-1)?.atMs ?? 0 });
    await recorder.endTake(running, 'stopped-by-operator');
  }
  await recorder.end();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('a stream as it was captured, recorded to the disk', () => {
  it('is verified, whatever its codecs', async () => {
    const { problems, angles } = await verifyOperation(dir);
    expect(problems).toEqual([]);
    expect(angles.map(({ takes }) => takes)).toEqual(names.map(() => 1));
  });

  it.each(names)('%s: every picture is in the segments, and the codecs are named', (name) => {
    const lines = journalLines(join(take(name), 'journal.ndjson'));
    const inits = lines.filter(({ type }) => type === 'init') as unknown as { tracks: { codec: string }[] }[];
    expect(inits.map(({ tracks }) => tracks.map(({ codec }) => codec).join(','))).toEqual([expect.stringMatching(cameras[name].codecs)]);
    const frames = filmed.get(name)?.frames ?? 0;
    expect(lines.at(-1)).toMatchObject({ type: 'take.ended', frames, withheld: 0, missing: 0, damage: [] });
    const shown = packetTimes(take(name), 'video');
    expect(shown).toHaveLength(frames);
    expect(new Set(shown).size).toBe(frames);
  });

  it.each(names)('%s: segments follow each other without a hole, and all sound is there', (name) => {
    const segments = segmentsOf(take(name));
    expect(segments.length).toBeGreaterThanOrEqual(4);
    segments.slice(1).forEach((segment, i) => {
      const before = segments[i];
      if (before) expect(before.mediaMs + before.durationMs).toBeCloseTo(segment.mediaMs, 0);
    });
    const heard = packetTimes(take(name), 'audio');
    const spanMs = (Math.max(...heard) - Math.min(...heard)) * 1000;
    expect(Math.abs(spanMs - (filmed.get(name)?.soundMs ?? 0))).toBeLessThan(80);
  });

  it.each(names)('%s: plays without a word from ffmpeg', async (name) => {
    const { status, said, playlist } = await playTake(dir, name, '0001');
    expect(said, playlist).toBe('');
    expect(status).toBe(0);
    expect(playlist).not.toMatch(/EXT-X-(GAP|DISCONTINUITY)/);
    expect(complaints(dir, name)).toEqual([]);
  });
});
