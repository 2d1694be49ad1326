import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SlabPool } from '../../../media/rtp/slabs.ts';

it('never gives out memory that is still in use, and uses again what was given back', () => {
  const steps = fc.array(fc.record({ size: fc.integer({ min: 1, max: 90_000 }), freeAt: fc.nat(30) }), { maxLength: 400 });
  fc.assert(
    fc.property(steps, (list) => {
      const pool = new SlabPool();
      const live: { piece: Buffer; mark: number; until: number }[] = [];
      list.forEach(({ size, freeAt }, i) => {
        const piece = pool.take(size);
        expect(piece.length).toBe(size);
        piece.fill(i % 251);
        live.push({ piece, mark: i % 251, until: i + freeAt });
        for (const each of live.filter(({ until }) => until <= i)) {
          expect(each.piece[0]).toBe(each.mark);
          expect(each.piece.at(-1)).toBe(each.mark);
          pool.free(each.piece);
          live.splice(live.indexOf(each), 1);
        }
      });
    }),
    { numRuns: 200 },
  );
});

it('holds no more than what is in use, and a little', () => {
  const pool = new SlabPool();
  const queue: Buffer[] = [];
  for (let i = 0; i < 20_000; i += 1) {
    queue.push(pool.take(10_000));
    if (queue.length > 20) pool.free(queue.shift() as Buffer);
  }
  expect(pool.heldBytes).toBeLessThan(1024 * 1024);
});

it('leaves foreign memory alone', () => {
  const pool = new SlabPool();
  pool.take(10);
  pool.free(Buffer.alloc(10));
  expect(pool.take(10).byteOffset).toBe(10);
});
