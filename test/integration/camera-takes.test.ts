import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { filmDirectly } from '../support/direct-camera.ts';
import { openRecorder } from '../support/direct-recorder.ts';
import { journalLines } from '../support/operation.ts';
import { packetTimes, playTake, segmentsOf } from '../support/playback.ts';

const SEGMENT_MS = 2000;
const SECONDS = 7;
const FRAMES = SECONDS * 30;
const PICTURE = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=30', '-frames:v', String(FRAMES), '-g', '30', '-pix_fmt', 'yuv420p'];
const SOUND = ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000', '-t', String(SECONDS), '-flags', '+global_header'];
const picture = (...encoder: string[]): string[] => [...PICTURE, ...encoder];
const sound = (...encoder: string[]): string[] => [...SOUND, ...encoder];
const AAC = sound('-c:a', 'aac', '-ac', '2');

/** What body cams, IP cameras and encoders send, recorded as it came. */
const cameras = {
  'h264-b': {
    video: picture('-c:v', 'libx264', '-preset', 'veryfast', '-bf', '3', '-b_strategy', '0'),
    audio: AAC,
    units: (SECONDS * 48_000) / 1024,
    codecs: /^avc3\..*,mp4a/,
  },
  h265: {
    video: picture('-c:v', 'libx265', '-preset', 'ultrafast', '-bf', '2', '-x265-params', 'log-level=none:keyint=30:open-gop=0'),
    audio: sound('-c:a', 'pcm_alaw', '-ar', '8000', '-ac', '1'),
    units: null,
    codecs: /^hev1\..*,alaw/,
  },
  vp9: {
    video: picture('-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-strict', 'experimental'),
    audio: sound('-c:a', 'libopus', '-ac', '2'),
    units: SECONDS * 50,
    codecs: /^vp09\..*,opus/,
  },
  vp8: { video: picture('-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8'), audio: null, units: null, codecs: /^vp08/ },
  sound: { video: null, audio: sound('-c:a', 'pcm_mulaw', '-ar', '8000', '-ac', '1'), units: null, codecs: /^ulaw/ },
} as const;
type Name = keyof typeof cameras;
const names = Object.keys(cameras) as Name[];

let root = '';
let dir = '';

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-cameras-'));
  dir = join(root, 'recordings', 'op-1');
  const recorder = await openRecorder(root, SEGMENT_MS);
  for (const name of names) await recorder.addAngle(name, name);
  await Promise.all(
    names.map(async (name) => {
      const take = recorder.startTake(name, 'camera');
      await filmDirectly(cameras[name], (input) => take.addTrack(input));
      await recorder.endTake(take, 'stopped-by-operator');
    }),
  );
  await recorder.end();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('a camera recorded without the SFU', () => {
  it('is verified, every angle in one take', async () => {
    const { problems, angles } = await verifyOperation(dir);
    expect(problems).toEqual([]);
    expect(angles.map(({ takes }) => takes)).toEqual(names.map(() => 1));
  });

  it.each(names)('%s: every picture sent is in the segments, in order and evenly, and the codec is named', (name) => {
    const { video, codecs } = cameras[name];
    const lines = journalLines(join(dir, name, '0001', 'journal.ndjson'));
    const [init] = lines.filter(({ type }) => type === 'init') as unknown as { tracks: { codec: string }[] }[];
    expect(init?.tracks.map(({ codec }) => codec).join(',')).toMatch(codecs);
    expect(lines.filter(({ type }) => type === 'init')).toHaveLength(1);
    expect(lines.at(-1)).toMatchObject({ type: 'take.ended', frames: video ? FRAMES : 0, withheld: 0, missing: 0 });
    if (!video) return;
    const shown = packetTimes(join(dir, name, '0001'), 'video').toSorted((a, b) => a - b);
    expect(shown).toHaveLength(FRAMES);
    const steps = shown.slice(1).map((time, i) => time - (shown[i] ?? 0));
    expect(Math.min(...steps)).toBeGreaterThan(0.0332);
    expect(Math.max(...steps)).toBeLessThan(0.0335);
  });

  it.each(names)('%s: segments follow each other without a hole, and all sound is there', (name) => {
    const segments = segmentsOf(join(dir, name, '0001'));
    expect(segments.length).toBeGreaterThanOrEqual(3);
    segments.slice(1).forEach((segment, i) => {
      const before = segments[i];
      if (before) expect(before.mediaMs + before.durationMs).toBeCloseTo(segment.mediaMs, 0);
    });
    if (!cameras[name].audio) return;
    const heard = packetTimes(join(dir, name, '0001'), 'audio');
    expect(Math.max(...heard) - Math.min(...heard)).toBeGreaterThan(SECONDS - 0.3);
    const sent = cameras[name].units;
    if (sent !== null) expect(Math.abs(heard.length - sent)).toBeLessThanOrEqual(4); // what an encoder adds at its end
  });

  it.each(names)('%s: plays without a word from ffmpeg', async (name) => {
    const { status, said, playlist } = await playTake(dir, name, '0001');
    expect(said, playlist).toBe('');
    expect(status).toBe(0);
    for (const { init, file } of segmentsOf(join(dir, name, '0001'))) {
      const input = Buffer.concat([init, file].map((each) => readFileSync(join(dir, name, '0001', each))));
      expect(spawnSync('ffmpeg', ['-v', 'error', '-i', 'pipe:0', '-f', 'null', '-'], { input }).stderr.toString()).toBe('');
    }
  });
});
