import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WriteBudget } from '../../../media/recorder/write-budget.ts';

/** Takes whose disk stands still hold more and more until they are refused. */
function fill(budget: WriteBudget, stuck: number, pieceBytes: number): number[] {
  const own = Array.from({ length: stuck }, () => 0);
  for (let refused = false; !refused;) {
    refused = true;
    for (const [i, held] of own.entries()) {
      if (!budget.admits(held, pieceBytes)) continue;
      budget.hold(pieceBytes);
      own[i] = held + pieceBytes;
      refused = false;
    }
  }
  return own;
}

describe('memory for frames that wait for a disk', () => {
  it('goes to one slow take by half', () => {
    expect(fill(new WriteBudget(1000), 1, 1)).toEqual([500]);
  });

  it('is shared evenly by many, and as much as each has stays for those whose disk is well', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 59 }), (stuck) => {
        const budget = new WriteBudget(1_000_000);
        const own = fill(budget, stuck, 100);
        const share = 1_000_000 / (stuck + 1);
        for (const held of own) expect(Math.abs(held - share)).toBeLessThan(100 * (stuck + 1));
        expect(budget.admits(0, share - 100 * (stuck + 1))).toBe(true);
      }),
    );
  });

  it('is never held beyond what there is', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(7), fc.integer({ min: 1, max: 400 }), fc.boolean()), { maxLength: 200 }), (steps) => {
        const budget = new WriteBudget(1000);
        const own = Array.from({ length: 8 }, () => 0);
        for (const [who, size, release] of steps) {
          const held = own[who] as number;
          if (release) {
            budget.release(held);
            own[who] = 0;
          } else if (budget.admits(held, size)) {
            budget.hold(size);
            own[who] = held + size;
          }
          expect(budget.heldBytes).toBeLessThanOrEqual(1000);
          expect(budget.heldBytes).toBe(own.reduce((sum, each) => sum + each, 0));
        }
      }),
    );
  });
});
