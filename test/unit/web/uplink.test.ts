import { describe, expect, it } from 'vitest';
import { measureUplink, rateOf, type Upload } from '../../../web/composables/uplink.ts';

/** A network of so many bits a second and this round trip, which first fills a buffer on the way. */
function network({ bps, roundTripMs = 40, buffer = 0 }: { bps: number; roundTripMs?: number; buffer?: number }) {
  const sent: number[] = [];
  const send = (bytes: number, deadlineMs: number): Promise<Upload | null> => {
    sent.push(bytes);
    const wayMs = (bytes * 8000) / bps;
    const elapsedMs = roundTripMs + (Math.max(0, bytes - buffer) * 8000) / bps;
    if (elapsedMs > deadlineMs) return Promise.resolve(null);
    return Promise.resolve({ bytes, elapsedMs, laterBytes: bytes * 0.9, hubMs: wayMs * 0.9 });
  };
  return { sent, send, measure: () => measureUplink(send, roundTripMs) };
}

describe('the measure of an uplink', () => {
  it.each([1e6, 3e6, 10e6, 50e6])('of %d bit/s is right', async (bps) => {
    const { bitsPerSecond, bound } = await network({ bps }).measure();
    expect(bitsPerSecond / bps).toBeCloseTo(1, 1);
    expect(bound).toBe(false);
  });

  it('is not taken in by what a buffer has swallowed', async () => {
    const { bitsPerSecond } = await network({ bps: 2e6, buffer: 400_000 }).measure();
    expect(bitsPerSecond / 2e6).toBeCloseTo(1, 1);
  });

  it('says “at most” of a network that does not carry the first upload in time', async () => {
    const { measure, sent } = network({ bps: 1e5 });
    expect(await measure()).toMatchObject({ bound: true });
    expect((await measure()).bitsPerSecond).toBeLessThan(250_000);
    expect(sent).toEqual([65_536, 65_536]);
  });

  it('takes little of a thin network, less than a megabyte of any', async () => {
    const thin = network({ bps: 8e5 });
    await thin.measure();
    expect(thin.sent).toEqual([65_536]);
    const fast = network({ bps: 1e9 });
    await fast.measure();
    expect(fast.sent.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(1e6);
  });

  it('hands on what the hub refuses', async () => {
    await expect(measureUplink(() => Promise.reject(new Error('busy')), 10)).rejects.toThrow('busy');
  });

  it('has only this side’s word for an upload that came in one piece', () => {
    expect(rateOf({ bytes: 1000, elapsedMs: 18, laterBytes: 0, hubMs: 0 }, 10)).toBe(1e6);
  });
});
