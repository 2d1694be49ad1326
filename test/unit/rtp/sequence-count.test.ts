import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SequenceCount } from '../../../media/rtp/sequence-count.ts';

const count = (sequences: number[]): { expected: number; lost: number } => {
  const counter = new SequenceCount();
  for (const sequence of sequences) counter.note(sequence & 0xffff);
  return counter.counts;
};

describe('packets counted by their numbers', () => {
  it('are all there, also over the wrap and out of order', () => {
    expect(count([])).toEqual({ expected: 0, lost: 0 });
    expect(count([65_534, 65_535, 0, 1])).toEqual({ expected: 4, lost: 0 });
    expect(count([10, 12, 11, 13])).toEqual({ expected: 4, lost: 0 });
  });

  it('are lost where numbers are left out', () => {
    expect(count([10, 11, 15])).toEqual({ expected: 6, lost: 3 });
    expect(count([65_530, 5])).toEqual({ expected: 12, lost: 10 });
  });

  it('are counted on when the sender numbers anew, and what came twice makes up for no more than was lost', () => {
    expect(count([1, 3, 40_000, 40_001])).toEqual({ expected: 5, lost: 1 });
    expect(count([1, 2, 2, 2])).toEqual({ expected: 2, lost: 0 });
  });

  it('miss exactly those that were dropped', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 65_535 }), fc.array(fc.boolean(), { minLength: 1, maxLength: 2000 }), (first, dropped) => {
        const kept = dropped.map((is, i) => (is ? null : first + 1 + i)).filter((each) => each !== null);
        const { lost } = count([first, ...kept, first + 1 + dropped.length]);
        expect(lost).toBe(dropped.filter(Boolean).length);
      }),
    );
  });
});
