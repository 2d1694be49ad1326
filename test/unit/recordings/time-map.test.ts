import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ClockLine, hubTimeAt, settledDamage } from '../../../media/recordings/time-map.ts';

const T0 = 1_800_000_000_000;
const clock = (mediaMs: number, hubMs: number): ClockLine => ({
  type: 'clock',
  atMs: hubMs,
  method: 'sender-report',
  kind: 'video',
  mediaMs,
  hubMs,
  driftPpm: 0,
  errorMs: 1,
});

describe('hubTimeAt', () => {
  it('takes the last line while the clock settles, then the first one after the moment', () => {
    const clocks = [clock(4000, T0 + 4060), clock(32_000, T0 + 32_000), clock(36_000, T0 + 36_003)];
    expect(hubTimeAt(clocks.slice(0, 1), 1000)).toBe(T0 + 1060);
    expect(hubTimeAt(clocks, 1000)).toBe(T0 + 1000);
    expect(hubTimeAt(clocks, 33_000)).toBe(T0 + 33_003);
    expect(hubTimeAt(clocks, 50_000)).toBe(T0 + 50_003);
    expect(hubTimeAt([], 0)).toBeNull();
  });
});

describe('settledDamage', () => {
  // 60 ms late at first (by arrival), learnt within the first segment; then wrong by 1.2 s for a moment
  const anchors = [
    { mediaMs: 0, hubMs: T0 + 60 },
    { mediaMs: 4000, hubMs: T0 + 4000 },
    { mediaMs: 4000, hubMs: T0 + 5200 },
    { mediaMs: 8000, hubMs: T0 + 8000 },
  ];
  const clocks = [clock(8000, T0 + 8000)];
  const settled = (toMs: number, lengthMs: number): number[] => {
    const stretch = { fromMs: T0 + toMs - lengthMs, toMs: T0 + toMs, withheld: 2, missing: 1 };
    const { fromMs, toMs: endMs, withheld, missing } = settledDamage(anchors, clocks, stretch);
    expect({ withheld, missing }).toEqual({ withheld: 2, missing: 1 });
    return [fromMs - T0, endMs - T0].map((ms) => Math.round(ms * 1000) / 1000);
  };

  it('ends where the picture that ends it is placed, and keeps its length', () => {
    expect(settled(2030, 500)).toEqual([1500, 2000]);
    expect(settled(9000, 400)).toEqual([8600, 9000]);
    expect(settled(60, 1000)).toEqual([-1000, 0]); // before the first picture
    expect(settled(5200, 534)).toEqual([3466, 4000]); // began by the one reading, ended by the other
    expect(settled(4700, 100)).toEqual([3900, 4000]); // between two readings of the same moment
  });

  it('changes nothing where nothing is known', () => {
    const stretch = { fromMs: T0, toMs: T0 + 40, withheld: 0, missing: 1 };
    expect(settledDamage([], [], stretch)).toEqual(stretch);
    expect(settledDamage(anchors, [], stretch)).toEqual(stretch);
  });

  it('never turns a stretch round, nor the order of two', () => {
    fc.assert(
      fc.property(fc.integer({ min: -5000, max: 9000 }), fc.nat(3000), fc.nat(3000), (atMs, lengthMs, stepMs) => {
        const [fromMs = 0, toMs = 0] = settled(atMs, lengthMs);
        expect(toMs - fromMs).toBeCloseTo(lengthMs, 2);
        expect(settled(atMs + stepMs, lengthMs)[1]).toBeGreaterThanOrEqual(toMs - 0.001);
      }),
    );
  });
});
