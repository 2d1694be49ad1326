import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readFragments } from '../../../media/mp4/read.ts';
import type { Frame } from '../../../media/recorder/frame.ts';
import { Muxer } from '../../../media/recorder/muxer.ts';
import { Timeline } from '../../../media/recorder/timeline.ts';
import type { CodecConfig } from '../../../media/rtp/codec.ts';
import { cellOf } from '../../../media/time/grid.ts';
import { PPS, SPS } from '../../support/rtp.ts';

const T0 = 1_800_000_001_000;
const SEGMENT_MS = 2000;
const HIGH = Buffer.from(SPS);
HIGH[1] = 0x64;
const PICTURES: CodecConfig[] = [
  { codec: 'h264', sps: SPS, pps: PPS },
  { codec: 'h264', sps: HIGH, pps: PPS },
];
const SOUNDS: { config: CodecConfig; clockRate: number; stepMs: number }[] = [
  { config: { codec: 'opus', channels: 2 }, clockRate: 48_000, stepMs: 20 },
  { config: { codec: 'pcmu', channels: 1, sampleRate: 8000 }, clockRate: 8000, stepMs: 20 },
];

const events = fc.record({
  kind: fc.constantFrom(
    'video',
    'video',
    'video',
    'audio',
    'audio',
    'audio',
    'both',
    'both',
    'both',
    'tick',
    'pause',
    'expect',
    'discard',
    'restart',
    'profile',
    'sound',
  ),
  times: fc.integer({ min: 1, max: 40 }),
  key: fc.integer({ min: 0, max: 12 }),
  shiftMs: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: -1500, max: 5000 }) }),
  lateMs: fc.integer({ min: 0, max: 400 }),
});
type Event = typeof events extends fc.Arbitrary<infer T> ? T : never;

type Segment = { cell: number; startMs: number; video: boolean; chunks: Buffer[]; closed: boolean };

/** As `expect`, which costs more than the muxer where it is asked a million times. */
function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(`it does not hold that ${what}`);
}

/** A take of made-up frames, and what of them came out. */
class Rig {
  readonly segments: Segment[] = [];
  readonly sent: Frame[] = [];
  readonly written: Buffer[] = [];
  readonly dropped: Buffer[] = [];
  readonly #frames = new Map<Buffer, Frame>();
  readonly #mux: Muxer;
  #mayNotRefer = true;
  #run = { video: 0, audio: 1, next: 2 };
  #ms = { video: 0, audio: 0, now: 0 };
  #shiftMs = 0;
  #picture = 0;
  #sound = 0;

  constructor() {
    const last = (): Segment => this.segments.at(-1) as Segment;
    this.#mux = new Muxer(SEGMENT_MS, 1500, new Timeline(), {
      open: ({ capture, cell, tracks }) => {
        must(this.segments.at(-1)?.closed ?? true, 'one segment is open at a time');
        this.segments.push({ cell, startMs: capture.hubMs, video: tracks.video !== null, chunks: [], closed: false });
      },
      fragment: (chunks, frames, audioFrames) => {
        must(!last().closed, 'fragments go into open segments');
        must(chunks.length === 1 + frames + audioFrames, 'a fragment has a head and its frames');
        this.written.push(...chunks.slice(1));
        const pictures = chunks.slice(1, 1 + frames).map((data) => this.#frames.get(data) as Frame);
        const [first, newest] = [pictures[0], pictures.at(-1)];
        if (first && newest?.run === first.run) must((newest.ticks - first.ticks) / 90 <= 500, 'fragments are short');
        last().chunks.push(Buffer.concat(chunks));
      },
      close: () => (last().closed = true),
      dropped: ({ data }) => this.dropped.push(data),
      unheard: () => undefined,
      needKey: () => (this.#mayNotRefer = true),
      wantKey: () => undefined,
    });
    this.#mux.expect({ video: true, audio: true });
  }

  apply({ kind, times, key, shiftMs, lateMs }: Event): void {
    if (kind === 'expect') this.#mux.expect({ video: times % 2 === 0, audio: times % 3 === 0 });
    if (kind === 'discard') {
      this.#mux.discard();
      this.#mayNotRefer = true;
    }
    if (kind === 'restart') this.#run = { video: this.#run.next, audio: this.#run.next + 1, next: this.#run.next + 2 };
    if (kind === 'profile') [this.#picture, this.#mayNotRefer] = [times % 2, true];
    if (kind === 'sound') this.#sound = times % 2;
    if (kind === 'pause') for (const each of ['video', 'audio', 'now'] as const) this.#ms[each] += times * 100;
    this.#shiftMs += shiftMs;
    for (let i = 0; i < times; i += 1) {
      if (kind === 'video' || kind === 'both') this.#video(key === 0 || i % 13 === key, lateMs);
      if (kind === 'audio' || kind === 'both') this.#audio(lateMs);
      if (kind === 'tick') this.#mux.advance(T0 + (this.#ms.now += 100));
    }
  }
  end(): void {
    this.#mux.flush(T0 + this.#ms.now);
  }

  #video(wantsKey: boolean, lateMs: number): void {
    const key = wantsKey || this.#mayNotRefer;
    this.#mayNotRefer = false;
    const atMs = (this.#ms.video += 100 / 3);
    this.#hand(
      {
        ticks: Math.round(atMs * 90),
        run: this.#run.video,
        key,
        clockRate: 90_000,
        config: key ? (PICTURES[this.#picture] ?? null) : null,
      },
      atMs,
      lateMs,
    );
  }
  #audio(lateMs: number): void {
    const { config, clockRate, stepMs } = SOUNDS[this.#sound] as (typeof SOUNDS)[number];
    const atMs = (this.#ms.audio += stepMs);
    this.#hand(
      { ticks: Math.round((atMs * clockRate) / 1000), run: this.#run.audio + this.#sound * 1000, key: true, clockRate, config },
      atMs,
      lateMs,
    );
  }
  #hand(facts: Pick<Frame, 'ticks' | 'run' | 'key' | 'clockRate' | 'config'>, atMs: number, lateMs: number): void {
    this.#ms.now = Math.max(this.#ms.now, atMs + lateMs);
    const capture = { hubMs: T0 + atMs + this.#shiftMs, errorMs: 1, method: 'arrival' as const };
    const frame: Frame = { ...facts, compositionTicks: 0, data: Buffer.alloc(8), capture, arrivalMs: T0 + this.#ms.now };
    this.sent.push(frame);
    this.#frames.set(frame.data, frame);
    if (facts.clockRate === 90_000) this.#mux.video(frame);
    else this.#mux.audio(frame);
  }
}

let most = { frames: 0, segments: 0 };

it('hands out every frame once and in order, whatever comes: fragments short, segments beginning with key frames', () => {
  fc.assert(
    fc.property(fc.array(events, { minLength: 1, maxLength: 150, size: 'max' }), (list) => {
      const rig = new Rig();
      for (const event of list) rig.apply(event);
      rig.end();
      const out = [...rig.written, ...rig.dropped];
      expect(new Set(out).size).toBe(out.length);
      expect(rig.segments.every(({ closed }) => closed)).toBe(true);
      const sent = new Set(rig.sent.map(({ data }) => data));
      expect(out.every((data) => sent.has(data))).toBe(true);
      let decodedTicks = 0;
      for (const { cell, startMs, chunks, video } of rig.segments) {
        must(cell === cellOf(startMs, SEGMENT_MS), 'a segment lies in its cell');
        const { fragments } = readFragments(Buffer.concat(chunks));
        must(fragments.length === chunks.length, 'every fragment can be read');
        const pictures = fragments.flatMap(({ tracks }) => tracks.filter(({ trackId }) => trackId === 1));
        must(video ? (pictures[0]?.startsWithSync ?? true) : pictures.length === 0, 'segments of pictures begin with a key frame');
        for (const { baseTicks } of pictures) {
          must(baseTicks >= decodedTicks, 'decoding times do not go back');
          decodedTicks = baseTicks;
        }
      }
      const lost = rig.sent.length - out.length;
      expect(lost).toBe(0);
      most = { frames: Math.max(most.frames, out.length), segments: Math.max(most.segments, rig.segments.length) };
    }),
    { numRuns: 1500 },
  );
  expect(most.frames).toBeGreaterThan(1000);
  expect(most.segments).toBeGreaterThan(10);
});
