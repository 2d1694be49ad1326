import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DecodeOrder } from '../../../media/rtp/decode-order.ts';

/** Hands in presentation times in decoding order; gives [presentation, decode] of each. */
function order(shown: number[], declared = 0): [number, number][] {
  const out: [number, number][] = [];
  const decodeOrder = new DecodeOrder<number>((ticks, decodeTicks) => out.push([ticks, decodeTicks]));
  decodeOrder.declare(declared);
  for (const ticks of shown) decodeOrder.push(ticks, ticks);
  decodeOrder.flush();
  return out;
}

describe('decoding order', () => {
  it('lets frames that are not reordered through at once', () => {
    const out: number[] = [];
    const decodeOrder = new DecodeOrder<number>((frame, decodeTicks) => out.push(frame, decodeTicks));
    decodeOrder.push(3000, 3000);
    expect(out).toEqual([3000, 3000]);
    decodeOrder.push(6000, 6000);
    expect(out).toEqual([3000, 3000, 6000, 6000]);
  });

  it('gives I P B B the times of one place before, so that no offset is negative', () => {
    expect(order([0, 3, 1, 2, 6, 4, 5, 7], 1)).toEqual([
      [0, -1],
      [3, 0],
      [1, 1],
      [2, 2],
      [6, 3],
      [4, 4],
      [5, 5],
      [7, 6],
    ]);
  });

  it('gives pyramids of B-frames theirs too', () => {
    // x264: I0 P8 B4 B2 b1 b3 B6 b5 b7
    const shown = [0, 8, 4, 2, 1, 3, 6, 5, 7, 16, 12, 10, 9, 11, 14, 13, 15];
    expect(order(shown, 3)).toEqual(shown.map((ticks, i) => [ticks, i - 3]));
  });

  it('learns a depth that the stream does not declare, and is right from the next group on', () => {
    const shown = [0, 400, 800, 1200].flatMap((group) => [0, 300, 100, 200].map((ticks) => group + ticks));
    const out = order(shown);
    expect(out.map(([ticks]) => ticks)).toEqual(shown);
    expect(out.slice(8).map(([, decodeTicks]) => decodeTicks)).toEqual([700, 800, 900, 1000, 1100, 1200, 1300, 1400]);
  });

  it('never loses a frame, changes their order, or decodes two at once', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5000 }), { maxLength: 200 }), fc.integer({ min: 0, max: 20 }), (shown, depth) => {
        const out = order(shown, depth);
        expect(out.map(([ticks]) => ticks)).toEqual(shown);
        out.forEach(([, decodeTicks], i) => i > 0 && expect(decodeTicks).toBeGreaterThan((out[i - 1] as [number, number])[1]));
      }),
    );
  });
});
