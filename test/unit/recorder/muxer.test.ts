import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readFragments } from '../../../media/mp4/read.ts';
import type { Frame } from '../../../media/recorder/frame.ts';
import type { SegmentTracks } from '../../../media/recorder/init-for.ts';
import { Muxer } from '../../../media/recorder/muxer.ts';
import { Timeline } from '../../../media/recorder/timeline.ts';
import type { VideoConfig } from '../../../media/rtp/codec.ts';
import { PPS, SPS } from '../../support/rtp.ts';

const T0 = 1_800_000_001_000; // a second into a cell of four
type Cut = {
  cell: number;
  startMs: number;
  mediaMs: number;
  tracks: SegmentTracks;
  frames: number;
  audioFrames: number;
  bytes: Buffer[];
  endMs: number;
};

function muxer(expects = { video: true, audio: true }): { mux: Muxer; cuts: Cut[]; asked: () => number } {
  const cuts: Cut[] = [];
  let asked = 0;
  const last = (): Cut => cuts.at(-1) as Cut;
  const mux = new Muxer(4000, 1500, new Timeline(), {
    open: ({ capture, mediaMs, cell, tracks }) =>
      cuts.push({ cell, startMs: capture.hubMs, mediaMs, tracks, frames: 0, audioFrames: 0, bytes: [], endMs: 0 }),
    fragment: (chunks, frames, audioFrames) => {
      last().frames += frames;
      last().audioFrames += audioFrames;
      last().bytes.push(Buffer.concat(chunks));
    },
    close: ({ mediaMs }) => void (last().endMs = mediaMs),
    dropped: () => undefined,
    unheard: () => undefined,
    needKey: () => (asked += 1),
    wantKey: () => (asked += 1),
  });
  mux.expect(expects);
  return { mux, cuts, asked: () => asked };
}
const configs = new Map<Buffer, VideoConfig>();
/** One object a parameter set, as depacketisers give it. */
function configOf(sps: Buffer): VideoConfig {
  const config = configs.get(sps) ?? { codec: 'h264', sps, pps: PPS };
  configs.set(sps, config);
  return config;
}
function picture(atMs: number, key: boolean, sps = SPS): Frame {
  const capture = { hubMs: T0 + atMs, errorMs: 1, method: 'sender-report' as const };
  return {
    ticks: Math.round(atMs * 90),
    compositionTicks: 0,
    clockRate: 90_000,
    run: 0,
    data: Buffer.alloc(100),
    key,
    capture,
    arrivalMs: T0 + atMs + 40,
    config: key ? configOf(sps) : null,
  };
}
const OPUS = { codec: 'opus' as const, channels: 2 };
function sound(atMs: number): Frame {
  const capture = { hubMs: T0 + atMs, errorMs: 1, method: 'sender-report' as const };
  const times = { ticks: atMs * 48, compositionTicks: 0, clockRate: 48_000, run: 0, arrivalMs: T0 + atMs + 40 };
  return { ...times, data: Buffer.alloc(20), key: true, capture, config: OPUS };
}
/** Hand in pictures of 30 a second and sound of 50, in the order of their capture. */
function feed(mux: Muxer, from: number, to: number, keyEveryMs: number, kinds = { video: true, audio: true }): void {
  const all: { at: number; push: () => void }[] = [];
  for (let i = Math.ceil((from * 3) / 100); (i * 100) / 3 < to; i += 1) {
    const at = (i * 100) / 3;
    const key = Math.floor(at / keyEveryMs) !== Math.floor((at - 100 / 3) / keyEveryMs) || i === 0;
    if (kinds.video) all.push({ at, push: () => mux.video(picture(at, key)) });
  }
  for (let at = Math.ceil(from / 20) * 20; at < to; at += 20) if (kinds.audio) all.push({ at, push: () => mux.audio(sound(at)) });
  for (const { push } of all.toSorted((a, b) => a.at - b.at)) push();
}

describe('Muxer', () => {
  it('cuts at the first key frame of each cell, in fragments of at most half a second, and loses nothing', () => {
    const { mux, cuts } = muxer();
    feed(mux, 0, 20_000, 1000);
    mux.flush(T0 + 21_000);
    expect(cuts.map(({ cell }) => cell - Math.floor(T0 / 4000))).toEqual([0, 1, 2, 3, 4, 5]);
    expect(cuts.map(({ startMs }) => Math.round(startMs - T0))).toEqual([0, 3000, 7000, 11_000, 15_000, 19_000]);
    expect(cuts.reduce((sum, { frames }) => sum + frames, 0)).toBe(600);
    expect(cuts.reduce((sum, { audioFrames }) => sum + audioFrames, 0)).toBe(1000);
    cuts.forEach((cut, i) => {
      const next = cuts[i + 1];
      if (next) expect(cut.endMs).toBeCloseTo(next.mediaMs, 3);
      for (const bytes of cut.bytes)
        for (const { tracks } of readFragments(bytes).fragments) expect(tracks[0]?.durationTicks).toBeLessThanOrEqual(45_000);
    });
  });

  it('lets a segment run on when no key frame comes, and leaves the cells it covers empty', () => {
    const { mux, cuts } = muxer();
    feed(mux, 0, 20_000, 9500);
    mux.flush(T0 + 21_000);
    expect(cuts.map(({ cell }) => cell - Math.floor(T0 / 4000))).toEqual([0, 2, 5]);
    expect(cuts.reduce((sum, { frames }) => sum + frames, 0)).toBe(600);
  });

  it('begins a new segment in the same cell when the profile changes, not when the size does', () => {
    const wider = Buffer.from(SPS);
    wider[6] = (wider[6] as number) ^ 0x10; // another size, the same profile
    const other = Buffer.from(SPS);
    other[1] = 0x4d;
    const { mux, cuts } = muxer({ video: true, audio: false });
    mux.video(picture(0, true));
    mux.video(picture(33, false));
    mux.video(picture(66, true, wider));
    mux.video(picture(100, true, other));
    mux.flush(T0 + 1000);
    expect(cuts.map(({ cell }) => cell - Math.floor(T0 / 4000))).toEqual([0, 0]);
    expect(cuts.map(({ frames }) => frames)).toEqual([3, 1]);
  });

  it('does not let a silent track hold up the other', () => {
    const { mux, cuts } = muxer();
    feed(mux, 0, 2000, 1000);
    feed(mux, 2000, 12_000, 1000, { video: true, audio: false });
    mux.advance(T0 + 12_000);
    expect(cuts.reduce((sum, { frames }) => sum + frames, 0)).toBeGreaterThan(330);
    const stalled = muxer();
    feed(stalled.mux, 0, 2000, 1000);
    feed(stalled.mux, 2000, 12_000, 1000, { video: false, audio: true });
    stalled.mux.advance(T0 + 12_000);
    expect(stalled.cuts.reduce((sum, { audioFrames }) => sum + audioFrames, 0)).toBeGreaterThan(500);
    expect(stalled.asked()).toBeGreaterThan(0);
  });

  it('keeps sound that came before the first picture, in a segment of its own', () => {
    const { mux, cuts } = muxer();
    feed(mux, 0, 800, 1000, { video: false, audio: true });
    mux.video({ ...picture(800, true) });
    feed(mux, 820, 3000, 1000);
    mux.flush(T0 + 4000);
    expect(cuts[0]).toMatchObject({ frames: 0, audioFrames: 40, tracks: { video: null, audio: { config: OPUS, timescale: 48_000 } } });
    expect(cuts[1]?.frames).toBeGreaterThan(60);
    expect(cuts[1]?.mediaMs).toBeCloseTo(800, 0);
    expect(cuts.reduce((sum, { audioFrames }) => sum + audioFrames, 0)).toBe(149);
  });

  it('records sound alone on the grid, and pictures alone', () => {
    const soundOnly = muxer({ video: false, audio: true });
    feed(soundOnly.mux, 0, 9000, 1000, { video: false, audio: true });
    soundOnly.mux.flush(T0 + 10_000);
    expect(soundOnly.cuts.map(({ startMs }) => startMs - T0)).toEqual([0, 3000, 7000]);
    const mute = muxer({ video: true, audio: false });
    feed(mute.mux, 0, 5000, 1000, { video: true, audio: false });
    mute.mux.flush(T0 + 6000);
    expect(mute.cuts.every(({ tracks }) => !tracks.audio)).toBe(true);
    expect(mute.cuts.reduce((sum, { frames }) => sum + frames, 0)).toBe(150);
  });
});

describe('sound whose capture times step back', () => {
  it('is all written, and never holds up the muxer', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -3000, max: 3000 }), { minLength: 1, maxLength: 120 }), fc.boolean(), (shifts, picture1) => {
        const { mux, cuts } = muxer({ video: picture1, audio: true });
        if (picture1) mux.video(picture(0, true));
        shifts.forEach((shift, i) => {
          const frame = sound(i * 20);
          mux.audio({ ...frame, capture: { ...frame.capture, hubMs: frame.capture.hubMs + 4000 + shift } });
        });
        mux.advance(T0 + 9000);
        mux.flush(T0 + 9000);
        if (!picture1) expect(cuts.reduce((sum, { audioFrames }) => sum + audioFrames, 0)).toBe(shifts.length);
      }),
    );
  });
});

describe('pictures that the disk did not take', () => {
  it('are let go of up to the next key frame, which then begins a fragment', () => {
    const lost: Frame[] = [];
    const written: { frames: number; startsWithKey: boolean }[] = [];
    const mux = new Muxer(4000, 1500, new Timeline(), {
      open: () => undefined,
      fragment: (chunks, frames) => {
        const [track] = readFragments(Buffer.concat(chunks)).fragments[0]?.tracks ?? [];
        written.push({ frames, startsWithKey: track?.startsWithSync ?? false });
      },
      close: () => undefined,
      dropped: (frame) => lost.push(frame),
      unheard: () => undefined,
      needKey: () => undefined,
      wantKey: () => undefined,
    });
    mux.expect({ video: true, audio: false });
    feed(mux, 0, 900, 10_000, { video: true, audio: false });
    const before = written.reduce((sum, { frames }) => sum + frames, 0);
    expect(mux.discard()).toEqual({ lost: 27 - before, keyMs: null });
    expect(lost).toHaveLength(27 - before);
    expect(mux.discard()).toEqual({ lost: 0, keyMs: null });
    mux.video(picture(1000, true));
    expect(mux.discard()).toEqual({ lost: 0, keyMs: T0 + 1000 }); // the key frame is what was waited for
    for (let i = 1; i < 20; i += 1) mux.video(picture(1000 + (i * 100) / 3, false));
    mux.flush(T0 + 2000);
    expect(written.slice(-2)).toMatchObject([{ startsWithKey: true }, {}]);
    expect(written.reduce((sum, { frames }) => sum + frames, 0)).toBe(before + 20);
  });

  it('leave a segment behind in which there is what it says: sound that follows gets one of its own, until the key frame', () => {
    const { mux, cuts } = muxer();
    feed(mux, 0, 1200, 10_000);
    mux.discard();
    feed(mux, 1200, 1500, 10_000, { video: false, audio: true });
    feed(mux, 1500, 2000, 1500);
    mux.flush(T0 + 2100);
    expect(cuts.map(({ tracks, cell }) => [tracks.video !== null, cell])).toEqual([
      [true, cuts[0]?.cell],
      [false, cuts[0]?.cell],
      [true, cuts[0]?.cell],
    ]);
    const [before, between, after] = cuts as [Cut, Cut, Cut];
    expect(between.frames).toBe(0);
    expect(after.frames).toBe(15);
    expect(before.audioFrames + between.audioFrames + after.audioFrames).toBe(100); // none of the sound is lost
    expect(between.startMs).toBeGreaterThanOrEqual(T0 + before.endMs - 20);
    expect(after.startMs).toBe(T0 + 1500);
  });
});
