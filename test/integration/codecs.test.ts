import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fragment, type Sample } from '../../media/mp4/fragment.ts';
import { initSegment } from '../../media/mp4/init.ts';
import { readFragments, readInit } from '../../media/mp4/read.ts';
import { pictureSize, reorderFrames, sampleEntry } from '../../media/mp4/sample-entry.ts';
import type { AccessUnit } from '../../media/rtp/access-unit.ts';
import type { CodecConfig } from '../../media/rtp/codec.ts';
import { createDepacketizer, type TrackFormat } from '../../media/rtp/depacketizers.ts';
import { parseRtp } from '../../media/rtp/packet.ts';
import { ReorderBuffer } from '../../media/rtp/reorder.ts';
import { SlabPool } from '../../media/rtp/slabs.ts';
import { Unwrapper } from '../../media/rtp/unwrap.ts';
import { av1Packets } from '../support/av1-rtp.ts';
import { ffmpegRtp } from '../support/ffmpeg-rtp.ts';

let dir = '';
beforeAll(() => void (dir = mkdtempSync(join(tmpdir(), 'fieldhub-codecs-'))));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

type Depacketized = { units: AccessUnit[]; config: CodecConfig; configs: Set<CodecConfig> };

/** Packets as a take receives them: in order, then to units; the configuration is read where a key unit comes out. */
function depacketize(track: TrackFormat, packets: Buffer[]): Depacketized {
  const units: AccessUnit[] = [];
  const configs = new Set<CodecConfig>();
  const depacketizer = createDepacketizer(
    track,
    (unit) => {
      units.push(unit);
      if (unit.key && depacketizer.config) configs.add(depacketizer.config);
    },
    new SlabPool(),
  );
  const order = new ReorderBuffer((packet, lost, restart) => depacketizer.push(packet, lost, restart));
  packets.forEach((bytes, i) => {
    const packet = parseRtp(bytes, i);
    if (packet) order.push(packet, i);
  });
  order.flush();
  depacketizer.flush();
  const config = [...configs].at(-1);
  if (!config) throw new Error('no configuration');
  return { units, config, configs };
}

/** Units as samples: decoded in the order in which they came, shown when their timestamps say. */
function samplesOf(units: AccessUnit[]): Sample[] {
  const unwrap = new Unwrapper(32);
  const shown = units.map(({ timestamp }) => unwrap.next(timestamp));
  const decoded = [...shown].sort((a, b) => a - b);
  return units.map(({ data, key }, i) => ({
    data,
    key,
    durationTicks: (decoded[i + 1] ?? (decoded[i] as number) + (decoded[1] as number) - (decoded[0] as number)) - (decoded[i] as number),
    compositionTicks: (shown[i] as number) - (decoded[i] as number),
  }));
}

/** An initialisation segment and fragments of ten samples, as a file. */
function fileOf(name: string, track: TrackFormat, { units, config }: Depacketized): { path: string; bytes: Buffer; initBytes: number } {
  const samples = samplesOf(units);
  const init = initSegment([{ trackId: 1, timescale: track.clockRate, config }]);
  const chunks: Buffer[] = [init];
  let baseTicks = 0;
  for (let i = 0; i < samples.length; i += 10) {
    const some = samples.slice(i, i + 10);
    chunks.push(...fragment(1 + i / 10, [{ trackId: 1, baseTicks, samples: some }]));
    for (const { durationTicks } of some) baseTicks += durationTicks;
  }
  const path = join(dir, `${name}.mp4`);
  const bytes = Buffer.concat(chunks);
  writeFileSync(path, bytes);
  return { path, bytes, initBytes: init.length };
}

type Probed = { codec_name: string; width?: number; height?: number; nb_read_frames: string; profile?: string; duration_ts?: number };

function probe(path: string): Probed {
  const args = ['-v', 'error', '-count_frames', '-show_streams', '-of', 'json', path];
  const { stdout, stderr } = spawnSync('ffprobe', args, { encoding: 'utf8' });
  expect(stderr).toBe('');
  return (JSON.parse(stdout) as { streams: Probed[] }).streams[0] as Probed;
}

/** ffmpeg decodes all of it without a word. */
function decodes(path: string): void {
  const { status, stderr } = spawnSync('ffmpeg', ['-v', 'error', '-i', path, '-f', 'null', '-'], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
}

/** Presentation times of the file, in its own timescale. */
function shownTicks(path: string): number[] {
  const args = ['-v', 'error', '-show_entries', 'packet=pts', '-of', 'csv=p=0', path];
  return spawnSync('ffprobe', args, { encoding: 'utf8' }).stdout.trim().split('\n').map(Number);
}

const FRAMES = 45;
const PICTURE = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=30', '-frames:v', String(FRAMES), '-g', '15', '-pix_fmt', 'yuv420p'];
const SOUND = ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000', '-t', '1.5', '-ac', '2'];

const videos: { name: string; args: string[]; codec: string; string: RegExp; reorder?: boolean }[] = [
  {
    name: 'H.264 baseline',
    args: ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-profile:v', 'baseline', '-flags', '+global_header'],
    codec: 'h264',
    string: /^avc3\.42c00d$/,
  },
  {
    name: 'H.264 high with B-frames',
    args: ['-c:v', 'libx264', '-preset', 'veryfast', '-bf', '3', '-profile:v', 'high', '-b_strategy', '0'],
    codec: 'h264',
    string: /^avc3\.64000d$/,
    reorder: true,
  },
  {
    name: 'H.265',
    args: ['-c:v', 'libx265', '-preset', 'ultrafast', '-tune', 'zerolatency', '-x265-params', 'log-level=none'],
    codec: 'hevc',
    string: /^hev1\.1\.6\.L60\./,
  },
  {
    name: 'H.265 with B-frames, sets in SDP only',
    args: [
      '-c:v',
      'libx265',
      '-preset',
      'ultrafast',
      '-bf',
      '3',
      '-flags',
      '+global_header',
      '-x265-params',
      'log-level=none:open-gop=1:keyint=15',
    ],
    codec: 'hevc',
    string: /^hev1\.1\.6\.L60\./,
    reorder: true,
  },
  {
    name: 'VP8',
    args: ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '800k'],
    codec: 'vp8',
    string: /^vp08\.00\.11\.08$/,
  },
  {
    name: 'VP9',
    args: ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '800k', '-strict', 'experimental'],
    codec: 'vp9',
    string: /^vp09\.00\.11\.08$/,
  },
];

describe('pictures that ffmpeg sends', () => {
  it.each(videos)('$name: every frame, decodable', async ({ name, args, codec, string, reorder }) => {
    const sent = await ffmpegRtp([...PICTURE, ...args]);
    const done = depacketize(sent.track, sent.packets);
    expect(done.units).toHaveLength(FRAMES);
    expect(done.units.filter(({ damaged, lostBefore }) => damaged || lostBefore > 0)).toEqual([]);
    const keys = done.units.flatMap(({ key, timestamp }) => (key ? [(timestamp - (done.units[0]?.timestamp ?? 0)) >>> 0] : []));
    expect(keys).toEqual([0, 45_000, 90_000]);
    expect(done.configs.size).toBe(1);
    expect(pictureSize(done.config)).toEqual({ width: 320, height: 180 });
    expect(sampleEntry(done.config).codec).toMatch(string);
    expect(reorderFrames(done.config) > 0).toBe(reorder === true);
    const { path, bytes, initBytes } = fileOf(name, sent.track, done);
    expect(probe(path)).toMatchObject({ codec_name: codec, width: 320, height: 180, nb_read_frames: String(FRAMES) });
    decodes(path);
    // with negative offsets ffmpeg counts from the earliest possible decode time: only the steps can be compared
    const shown = shownTicks(path).sort((a, b) => a - b);
    expect(shown.map((ticks) => ticks - (shown[0] as number))).toEqual(Array.from({ length: FRAMES }, (_, i) => i * 3000));
    expect(samplesOf(done.units).some(({ compositionTicks }) => compositionTicks !== 0)).toBe(reorder === true);
    const { fragments, wholeBytes } = readFragments(bytes.subarray(initBytes));
    expect(wholeBytes).toBe(bytes.length - initBytes);
    expect(fragments.flatMap(({ tracks }) => tracks.map(({ samples }) => samples))).toEqual([10, 10, 10, 10, 5]);
    expect(fragments[0]?.tracks[0]).toMatchObject({ startsWithSync: true, durationTicks: 30_000, baseTicks: 0 });
    expect(readInit(bytes)).toMatchObject([{ kind: 'video', width: 320, height: 180 }]);
  });

  it('H.265 from a CRA picture on: decodable without the leading pictures', async () => {
    const open = 'log-level=none:open-gop=1:keyint=15:min-keyint=15';
    const sent = await ffmpegRtp([...PICTURE, '-c:v', 'libx265', '-preset', 'ultrafast', '-bf', '3', '-x265-params', open]);
    const done = depacketize(sent.track, sent.packets);
    const units = done.units.slice(done.units.findIndex(({ key }, i) => key && i > 0));
    const leading = units.filter((unit) => unit.leading);
    expect(leading.length).toBeGreaterThan(0);
    expect(leading.every(({ key }) => !key)).toBe(true);
    const kept = units.filter((unit, i) => !unit.leading || i > 10);
    const { path } = fileOf('cra', sent.track, { ...done, units: kept });
    expect(Number(probe(path).nb_read_frames)).toBe(kept.length);
    decodes(path);
  });

  it.each([true, false])('AV1, OBUs counted in the header: %s', (counted) => {
    const ivf = join(dir, 'av1.ivf');
    const encoder = ['-c:v', 'libaom-av1', '-cpu-used', '8', '-usage', 'realtime', '-b:v', '800k', '-strict', 'experimental'];
    expect(spawnSync('ffmpeg', ['-y', '-v', 'error', ...PICTURE, ...encoder, ivf], { encoding: 'utf8' })).toMatchObject({ status: 0 });
    const track = { mimeType: 'video/AV1', clockRate: 90_000, channels: null, parameters: {} };
    const packets = av1Packets(readFileSync(ivf), counted);
    expect(packets.length).toBeGreaterThan(FRAMES);
    const done = depacketize(track, packets);
    expect(done.units).toHaveLength(FRAMES);
    expect(done.units.some(({ damaged }) => damaged)).toBe(false);
    expect(done.units.flatMap(({ key }, i) => (key ? [i] : []))).toEqual([0, 15, 30]);
    expect(done.configs.size).toBe(1);
    expect(sampleEntry(done.config).codec).toMatch(/^av01\.0\.\d\dM\.08$/);
    const { path } = fileOf(`av1-${counted}`, track, done);
    expect(probe(path)).toMatchObject({ codec_name: 'av1', width: 320, height: 180, nb_read_frames: String(FRAMES) });
    decodes(path);
  });
});

const sounds: { name: string; args: string[]; codec: string; string: string; unitTicks: number }[] = [
  { name: 'AAC', args: ['-c:a', 'aac', '-flags', '+global_header'], codec: 'aac', string: 'mp4a.40.2', unitTicks: 1024 },
  { name: 'Opus', args: ['-c:a', 'libopus'], codec: 'opus', string: 'opus', unitTicks: 960 },
  { name: 'G.711 µ-law', args: ['-c:a', 'pcm_mulaw', '-ar', '8000', '-ac', '1'], codec: 'pcm_mulaw', string: 'ulaw', unitTicks: 0 },
  { name: 'G.711 A-law', args: ['-c:a', 'pcm_alaw', '-ar', '8000', '-ac', '1'], codec: 'pcm_alaw', string: 'alaw', unitTicks: 0 },
];

describe('sound that ffmpeg sends', () => {
  it.each(sounds)('$name: every unit, decodable, as long as it was', async ({ name, args, codec, string, unitTicks }) => {
    const sent = await ffmpegRtp([...SOUND, ...args]);
    const done = depacketize(sent.track, sent.packets);
    expect(done.units.filter(({ damaged, lostBefore }) => damaged || lostBefore > 0)).toEqual([]);
    expect(sampleEntry(done.config)).toMatchObject({ codec: string, width: 0, height: 0 });
    if (unitTicks > 0) for (const { durationTicks } of samplesOf(done.units)) expect(durationTicks).toBe(unitTicks);
    const { path } = fileOf(name, sent.track, done);
    const stream = probe(path);
    expect(stream.codec_name).toBe(codec);
    expect((stream.duration_ts ?? 0) / sent.track.clockRate).toBeGreaterThan(1.45);
    expect((stream.duration_ts ?? 0) / sent.track.clockRate).toBeLessThan(1.6);
    if (unitTicks > 0) expect(Number(stream.nb_read_frames)).toBe(done.units.length);
    decodes(path);
  });
});
