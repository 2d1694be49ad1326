import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cellOf, KeyFrameLead, nextTickMs } from '../../../media/time/grid.ts';

it('puts every moment into one cell, the same for everybody', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 4e12, noNaN: true }), fc.integer({ min: 1000, max: 10_000 }), (hubMs, segmentMs) => {
      const cell = cellOf(hubMs, segmentMs);
      expect(cell * segmentMs).toBeLessThanOrEqual(hubMs);
      expect((cell + 1) * segmentMs).toBeGreaterThan(hubMs);
      expect(nextTickMs(hubMs, segmentMs)).toBe((cell + 1) * segmentMs);
    }),
  );
});

it('asks for the key frame so that the quickest of late answers lands just after the tick', () => {
  const lead = new KeyFrameLead();
  expect(lead.leadMs).toBe(0);
  for (const answerMs of [60, 45, 80]) lead.answered(1000, 1000 + answerMs);
  expect(lead.leadMs).toBe(42);
  for (let i = 0; i < 8; i += 1) lead.answered(0, 5000);
  expect(lead.leadMs).toBe(200); // within reason
});
