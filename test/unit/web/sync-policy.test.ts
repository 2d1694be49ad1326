import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hubAt, mediaAt, nextRecorded, type Piece, steer, stretches } from '../../../web/composables/sync-policy.ts';

const pieces: Piece[] = [
  { hubMs: 10_000, mediaS: 2, durationS: 4 },
  { hubMs: 14_000, mediaS: 6, durationS: 4 },
  { hubMs: 25_000, mediaS: 17, durationS: 2 },
];

describe('the map between hub time and a player', () => {
  it('knows where a moment lies, and where there is nothing', () => {
    expect(mediaAt(pieces, 10_000)).toBe(2);
    expect(mediaAt(pieces, 15_500)).toBe(7.5);
    expect(mediaAt(pieces, 20_000)).toBeNull();
    expect(mediaAt(pieces, 9_000)).toBeNull();
    expect(hubAt(pieces, 18)).toBe(26_000);
    expect(hubAt(pieces, 12)).toBeNull();
  });

  it('goes there and back', () => {
    fc.assert(
      fc.property(fc.double({ min: 10_000, max: 17_999, noNaN: true }), (hubMs) => {
        expect(hubAt(pieces, mediaAt(pieces, hubMs) as number)).toBeCloseTo(hubMs, 3);
      }),
    );
  });

  it('finds the next recording among all angles, and joins neighbours for drawing', () => {
    expect(nextRecorded([pieces, [{ hubMs: 19_000, mediaS: 0, durationS: 1 }]], 18_000)).toBe(19_000);
    expect(nextRecorded([pieces], 26_000)).toBeNull();
    expect(stretches(pieces, 100)).toEqual([
      { fromMs: 10_000, toMs: 18_000 },
      { fromMs: 25_000, toMs: 27_000 },
    ]);
  });
});

describe('steering', () => {
  it('leaves 15 ms alone, runs after 300 ms, seeks beyond', () => {
    expect(steer(0.012, 1)).toEqual({ action: 'rate', rate: 1 });
    expect(steer(0.31, 1)).toEqual({ action: 'seek' });
    expect(steer(-0.4, 2)).toEqual({ action: 'seek' });
  });

  it('never runs more than 3 % off the rate asked for, and always towards the clock', () => {
    fc.assert(
      fc.property(fc.double({ min: -0.3, max: 0.3, noNaN: true }), fc.constantFrom(0.5, 1, 2), (errorS, rate) => {
        const steering = steer(errorS, rate);
        if (steering.action !== 'rate') throw new Error('300 ms are run after');
        expect(Math.abs(steering.rate / rate - 1)).toBeLessThanOrEqual(0.03 + 1e-9);
        if (Math.abs(errorS) > 0.015) expect(Math.sign(steering.rate / rate - 1)).toBe(Math.sign(errorS));
      }),
    );
  });
});
