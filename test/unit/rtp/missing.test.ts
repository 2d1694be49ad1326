import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MissingFrames } from '../../../media/rtp/missing.ts';

describe('missing frames', () => {
  it('are the steps that a loss made longer', () => {
    const missing = new MissingFrames();
    for (const i of [0, 1, 2, 3, 4]) expect(missing.push(i * 3000, 0, 0)).toBe(0);
    expect(missing.push(8 * 3000, 12, 0)).toBe(3);
    expect(missing.push(9 * 3000, 0, 0)).toBe(0);
  });

  it('are none where the sender skipped frames and no packet was lost', () => {
    const missing = new MissingFrames();
    for (const i of [0, 1, 2, 3, 7, 8, 12]) expect(missing.push(i * 3000, 0, 0)).toBe(0);
  });

  it('are never more than the packets lost', () => {
    const missing = new MissingFrames();
    for (const i of [0, 1, 2, 3]) missing.push(i * 3000, 0, 0);
    expect(missing.push(30 * 3000, 2, 0)).toBe(2);
  });

  it('are counted between frames that come out of order', () => {
    const missing = new MissingFrames();
    let found = 0;
    // I P B B, the second group's two B-frames lost
    for (const [i, lost] of [
      [0, 0],
      [3, 0],
      [1, 0],
      [2, 0],
      [6, 0],
      [9, 4],
      [7, 0],
      [8, 0],
      [12, 0],
      [10, 0],
      [11, 0],
      [15, 0],
    ] as const)
      found += missing.push(i * 3000, lost, 1);
    expect(found).toBe(2);
  });

  it('add up: received and missing are all that was sent, whatever whole frames are lost', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 40, maxLength: 400 }), (kept) => {
        const missing = new MissingFrames();
        let received = 0;
        let counted = 0;
        let lost = 0;
        for (const [i, keep] of [...Array<boolean>(10).fill(true), ...kept, true].entries()) {
          if (!keep) {
            lost += 7;
            continue;
          }
          received += 1;
          counted += missing.push(i * 3000, lost, 0);
          lost = 0;
        }
        expect(received + counted).toBe(kept.length + 11);
      }),
    );
  });
});
