import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WriteBuffers } from '../../../media/recorder/write-buffers.ts';

describe('write buffers', () => {
  it('hold what was joined until they are given back, whatever the sizes and the order', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.array(fc.integer({ min: 0, max: 90_000 }), { maxLength: 5 }), fc.boolean())), (steps) => {
        const buffers = new WriteBuffers();
        const held: { bytes: Buffer; mark: number; size: number }[] = [];
        steps.forEach(([sizes, giveBack], i) => {
          const bytes = buffers.join(sizes.map((size) => Buffer.alloc(size, i % 251)));
          held.push({ bytes, mark: i % 251, size: sizes.reduce((sum, size) => sum + size, 0) });
          if (giveBack) buffers.free((held.shift() as { bytes: Buffer }).bytes);
        });
        for (const { bytes, mark, size } of held) expect(bytes.equals(Buffer.alloc(size, mark))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('are used again', () => {
    const buffers = new WriteBuffers();
    const first = buffers.join([Buffer.alloc(100_000)]);
    buffers.free(first);
    expect(buffers.join([Buffer.alloc(90_000)]).buffer).toBe(first.buffer);
  });
});
