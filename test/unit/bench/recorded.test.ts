import { describe, expect, it } from 'vitest';
import { fragment } from '../../../media/mp4/fragment.ts';
import { firstFrame, picturesOf } from '../../../scripts/bench/recorded.ts';
import type { SenderTruth } from '../../../scripts/bench/sender-order.ts';

const run = (trackId: number, baseTicks: number, sizes: number[]) => ({
  trackId,
  baseTicks,
  samples: sizes.map((size, i) => ({ data: Buffer.alloc(size), durationTicks: 3000, key: i === 0, compositionTicks: 0 })),
});
const truthOf = (bytes: number[]): SenderTruth => ({
  frames: bytes.length,
  packets: 0,
  captureMs: bytes.map((_, i) => 1000 + i * 33),
  delayMs: [],
  bytes,
  nacked: 0,
  resent: 0,
});

describe('the benches’ own reader of recordings', () => {
  it('gives time and size of every picture, not of sound', () => {
    const segment = Buffer.concat([
      ...fragment(1, [run(1, 90_000, [50, 20]), run(2, 48_000, [7, 7, 7])]),
      ...fragment(2, [run(1, 96_000, [30])]),
    ]);
    expect(picturesOf(segment).map(({ ms, bytes }) => [Math.round(ms), bytes])).toEqual([
      [1000, 50],
      [1033, 20],
      [1067, 30],
    ]);
  });

  it('does not count a fragment whose media data is torn', () => {
    const segment = Buffer.concat([...fragment(1, [run(1, 0, [50, 20])]), ...fragment(2, [run(1, 6000, [30])])]);
    expect(picturesOf(segment.subarray(0, -1))).toHaveLength(2);
  });

  it('finds which of the frames sent was recorded first, and the nearest of several', () => {
    const loop = [900, 10, 11, 12];
    const truth = truthOf([...loop, ...loop]);
    const recorded = [11, 12].map((bytes) => ({ ms: 0, bytes }));
    expect(firstFrame(recorded, truth)).toBe(2);
    expect(firstFrame(recorded, truth, 1000 + 6 * 33)).toBe(6);
    expect(firstFrame([{ ms: 0, bytes: 13 }], truth)).toBeNull();
  });
});
