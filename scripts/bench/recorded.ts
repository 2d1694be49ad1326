import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SenderTruth } from './sender-order.ts';

/** One picture, or packet of sound, in a recording: presentation time and size. */
export type Sample = { ms: number; bytes: number };

type Track = { id: number; ticksPerMs: number };
/** Both recorders use RTP's clock rates. */
const VIDEO: Track = { id: 1, ticksPerMs: 90 };
const AUDIO: Track = { id: 2, ticksPerMs: 48 };
/** Frames whose sizes say together which ones they are. */
const TELLING = 20;

/**
 * The pictures of one segment of fragmented MP4 (ISO/IEC 14496-12, 8.8), whoever wrote it; track 1 is the picture. A
 * fragment whose media data is not whole does not count. Written for the benches alone, so that they do not measure the
 * recorder by its own reader.
 */
export const picturesOf = (bytes: Buffer): Sample[] => samplesOf(bytes, VIDEO);
/** Its packets of sound, likewise: track 2. */
export const soundsOf = (bytes: Buffer): Sample[] => samplesOf(bytes, AUDIO);

function samplesOf(bytes: Buffer, track: Track): Sample[] {
  const samples: Sample[] = [];
  let open: Sample[] = [];
  for (const box of boxes(bytes, 0, bytes.length)) {
    if (box.type === 'moof')
      open = [...boxes(bytes, box.from, box.to)].filter(({ type }) => type === 'traf').flatMap((traf) => trafOf(bytes, traf, track));
    if (box.type === 'mdat') samples.push(...open.splice(0));
  }
  return samples;
}

/** The pictures in a folder of ffmpeg's HLS segments, in order. */
export function picturesIn(dir: string): Sample[] {
  if (!existsSync(dir)) return [];
  const names = readdirSync(dir)
    .filter((each) => each.endsWith('.m4s'))
    .toSorted();
  return names.flatMap((name) => picturesOf(readFileSync(join(dir, name))));
}

/**
 * Which of the frames sent the first picture of a recording is, by the sizes of the first 20; where several places fit
 * (the source repeats itself after ten seconds), the one captured nearest to `nearMs`. Null where none fits.
 */
export function firstFrame(samples: Sample[], truth: SenderTruth, nearMs = 0): number | null {
  const head = samples.slice(0, TELLING);
  let best: number | null = null;
  const offMs = (at: number): number => Math.abs((truth.captureMs[at] as number) - nearMs);
  for (let at = 0; at + head.length <= truth.frames; at += 1) {
    if (!head.every(({ bytes }, i) => bytes === truth.bytes[at + i])) continue;
    if (best === null || offMs(at) < offMs(best)) best = at;
  }
  return best;
}

type Box = { type: string; from: number; to: number };

function* boxes(bytes: Buffer, start: number, end: number): Generator<Box> {
  for (let at = start; at + 8 <= end;) {
    const size = bytes.readUInt32BE(at);
    if (size < 8 || at + size > end) return;
    yield { type: bytes.toString('latin1', at + 4, at + 8), from: at + 8, to: at + size };
    at += size;
  }
}

function trafOf(bytes: Buffer, traf: Box, wanted: Track): Sample[] {
  const samples: Sample[] = [];
  let track = 0;
  let ticks = 0;
  const usual = { duration: 0, size: 0 };
  for (const { type, from } of boxes(bytes, traf.from, traf.to)) {
    const flags = bytes.readUInt32BE(from) & 0xffffff;
    if (type === 'tfhd') {
      track = bytes.readUInt32BE(from + 4);
      let at = from + 8 + (flags & 0x1 ? 8 : 0) + (flags & 0x2 ? 4 : 0);
      if (flags & 0x8) usual.duration = bytes.readUInt32BE(at);
      at += flags & 0x8 ? 4 : 0;
      if (flags & 0x10) usual.size = bytes.readUInt32BE(at);
    } else if (type === 'tfdt') {
      ticks = bytes[from] === 1 ? Number(bytes.readBigUInt64BE(from + 4)) : bytes.readUInt32BE(from + 4);
    } else if (type === 'trun' && track === wanted.id) {
      let at = from + 8 + (flags & 0x1 ? 4 : 0) + (flags & 0x4 ? 4 : 0);
      for (let i = bytes.readUInt32BE(from + 4); i > 0; i -= 1) {
        const duration = flags & 0x100 ? bytes.readUInt32BE(at) : usual.duration;
        at += flags & 0x100 ? 4 : 0;
        const size = flags & 0x200 ? bytes.readUInt32BE(at) : usual.size;
        at += (flags & 0x200 ? 4 : 0) + (flags & 0x400 ? 4 : 0);
        const offset = flags & 0x800 ? bytes.readInt32BE(at) : 0;
        at += flags & 0x800 ? 4 : 0;
        samples.push({ ms: (ticks + offset) / wanted.ticksPerMs, bytes: size });
        ticks += duration;
      }
    }
  }
  return samples;
}
