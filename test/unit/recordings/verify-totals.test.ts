import { describe, expect, it } from 'vitest';
import type { Damage, SegmentLine, TakeLine } from '../../../media/recordings/lines.ts';
import { checkTotals } from '../../../media/recordings/verify-totals.ts';

const CELL = 450_000_000;
const T0 = CELL * 4000;
const NO_SUM = '0'.repeat(64);

function segment(n: number, fields: Partial<SegmentLine> = {}): SegmentLine {
  return {
    type: 'segment',
    file: `${CELL + n}-0.m4s`,
    init: 'init-1.mp4',
    cell: CELL + n,
    part: 0,
    startMs: T0 + n * 4000,
    offsetMs: 0,
    mediaMs: n * 4000,
    durationMs: 4000,
    alignmentErrorMs: 1,
    method: 'sender-report',
    clockOffsetMs: 0,
    driftPpm: 0,
    frames: 120,
    withheld: 0,
    missing: 0,
    audioFrames: 0,
    audioMissing: 0,
    damage: [],
    overrunMs: 0,
    fragments: 8,
    sizeBytes: 1,
    sha256: NO_SUM,
    ...fields,
  };
}
const started: TakeLine = {
  type: 'take.started',
  operationId: 'op',
  angleId: 'east',
  takeId: '0001',
  sourceKind: 'camera',
  atMs: T0,
  segmentMs: 4000,
};
const ended = (fields: Partial<Extract<TakeLine, { type: 'take.ended' }>> = {}): TakeLine => ({
  type: 'take.ended',
  atMs: T0 + 8000,
  reason: 'operation-ended',
  segments: 2,
  frames: 240,
  withheld: 0,
  missing: 0,
  damage: [],
  ...fields,
});
const aside = (frames: number): TakeLine => ({
  type: 'withheld',
  file: `withheld-${CELL}-1.m4s`,
  init: 'init-1.mp4',
  cell: CELL,
  fromMs: T0 + 1000,
  toMs: T0 + 1500,
  frames,
  sizeBytes: 1,
  sha256: NO_SUM,
});
const hole = (fromMs: number, toMs: number, withheld = 1, missing = 1): Damage => ({
  fromMs: T0 + fromMs,
  toMs: T0 + toMs,
  withheld,
  missing,
});
const check = (lines: TakeLine[], endMs: number | null = null): string[] => checkTotals(lines, 4000, endMs);

describe('checkTotals', () => {
  it('is content with a take that adds up, open or ended', () => {
    const damaged = segment(0, { withheld: 3, missing: 2, frames: 115, damage: [hole(1000, 1500, 3, 2)] });
    expect(check([started, damaged, aside(3), segment(1)])).toEqual([]);
    expect(check([started, damaged, aside(3), segment(1), ended({ frames: 235, withheld: 4, missing: 2 })], T0 + 8000)).toEqual([]);
  });

  it('finds totals that are not the sum of the segments', () => {
    expect(check([started, segment(0), segment(1), ended({ frames: 239 })])).toEqual([expect.stringContaining('240 frames')]);
    expect(check([started, segment(0), ended({ frames: 120 })])).toEqual([expect.stringContaining('1 segments')]);
    expect(check([started, segment(0, { missing: 2 }), segment(1), ended({ missing: 1 })])).toEqual([
      expect.stringContaining('2 missing frames'),
    ]);
    expect(check([started, segment(0, { withheld: 2 }), segment(1), ended()])).toEqual([expect.stringContaining('2 withheld frames')]);
    expect(check([started, aside(3), segment(0), segment(1), ended({ withheld: 2 })])).toEqual([expect.stringContaining('side files')]);
  });

  it('finds an overrun that start and duration do not bear out', () => {
    expect(check([started, segment(0, { durationMs: 5500, overrunMs: 1500 })])).toEqual([]);
    expect(check([started, segment(0, { durationMs: 5500 })])).toEqual([expect.stringContaining('1500.000 ms beyond its cell')]);
    expect(check([started, segment(0, { overrunMs: 3 })])).toHaveLength(1);
  });

  it('finds damage out of order, empty, backwards, and outside the take', () => {
    const damaged = (...damage: Damage[]): TakeLine[] => [started, segment(0, { damage }), segment(1), ended()];
    expect(check(damaged(hole(500, 600), hole(2000, 2500)))).toEqual([]);
    expect(check(damaged(hole(2000, 2500), hole(500, 600)))).toEqual([expect.stringContaining('out of order')]);
    expect(check(damaged(hole(600, 500)))).toEqual([expect.stringContaining('before it begins')]);
    expect(check(damaged(hole(500, 600, 0, 0)))).toEqual([expect.stringContaining('lacks no frame')]);
    expect(check(damaged(hole(20_000, 21_000)))).toEqual([expect.stringContaining('outside the take')]);
    expect(check(damaged(hole(-9000, -8000)))).toEqual([expect.stringContaining('outside the take')]);
  });

  it('lets damage begin before the first picture and last beyond the final one, not beyond the operation', () => {
    const lines = [started, segment(0, { damage: [hole(-3000, 0)] }), segment(1), ended({ damage: [hole(8000, 20_000)] })];
    expect(check(lines)).toEqual([]);
    expect(check(lines, T0 + 9000)).toEqual([expect.stringContaining('outside the take')]);
  });
});
