import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ClockLine, hubTimeAt, settled } from '../../../media/recordings/time-map.ts';

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

describe('settled', () => {
  // 60 ms late at first (by arrival), learnt within the first segment
  const anchors = [
    { mediaMs: 0, hubMs: T0 + 60 },
    { mediaMs: 4000, hubMs: T0 + 4000 },
    { mediaMs: 4000, hubMs: T0 + 4000 },
  ];
  const clocks = [clock(4000, T0 + 4000)];

  it('keeps a moment with the picture it was said of, whatever was known of the clock', () => {
    expect(settled(anchors, clocks, T0 + 60)).toBeCloseTo(T0, 6);
    expect(settled(anchors, clocks, T0 + 2030)).toBeCloseTo(T0 + 2000, 6);
    expect(settled(anchors, clocks, T0 + 5000)).toBeCloseTo(T0 + 5000, 6);
    expect(settled(anchors, clocks, T0 - 940)).toBeCloseTo(T0 - 1000, 6); // before the first picture
  });

  it('changes nothing where there is nothing to know', () => {
    expect(settled([], [], T0)).toBe(T0);
    expect(settled(anchors, [], T0 + 60)).toBe(T0 + 60);
  });

  it('keeps order', () => {
    fc.assert(
      fc.property(fc.integer({ min: -5000, max: 9000 }), fc.integer({ min: 0, max: 3000 }), (atMs, stepMs) => {
        expect(settled(anchors, clocks, T0 + atMs + stepMs)).toBeGreaterThanOrEqual(settled(anchors, clocks, T0 + atMs));
      }),
    );
  });
});
