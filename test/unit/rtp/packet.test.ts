import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRtp } from '../../../media/rtp/packet.ts';
import { Unwrapper } from '../../../media/rtp/unwrap.ts';
import { rtpBytes } from '../../support/rtp.ts';

describe('parseRtp', () => {
  it('reads the fixed header', () => {
    const parsed = parseRtp(rtpBytes(65_535, 0xfffffff0, Buffer.from([1, 2, 3]), true, 97, 0xdeadbeef), 12.5);
    expect(parsed).toMatchObject({ sequence: 65_535, timestamp: 0xfffffff0, marker: true, payloadType: 97, ssrc: 0xdeadbeef });
    expect(parsed?.payload).toEqual(Buffer.from([1, 2, 3]));
    expect(parsed?.arrivalMs).toBe(12.5);
  });

  it('steps over contributing sources and the header extension, and takes padding off', () => {
    const plain = rtpBytes(1, 2, Buffer.alloc(0));
    const extended = Buffer.concat([plain, Buffer.alloc(8), Buffer.from([0xbe, 0xde, 0, 1, 9, 9, 9, 9]), Buffer.from([7, 8, 0, 2])]);
    extended[0] = 0x80 | 0x20 | 0x10 | 2;
    expect(parseRtp(extended, 0)?.payload).toEqual(Buffer.from([7, 8]));
  });

  it('leaves an empty payload of a packet that is padding only', () => {
    const padded = Buffer.concat([rtpBytes(1, 2, Buffer.alloc(0)), Buffer.from([0, 0, 3])]);
    padded[0] = 0xa0;
    expect(parseRtp(padded, 0)?.payload.length).toBe(0);
  });

  it('refuses what is no whole packet', () => {
    expect(parseRtp(Buffer.alloc(11), 0)).toBeNull();
    expect(parseRtp(Buffer.alloc(20), 0)).toBeNull(); // version 0
    const padding = Buffer.concat([rtpBytes(1, 2, Buffer.alloc(0)), Buffer.from([200])]);
    padding[0] = 0xa0;
    expect(parseRtp(padding, 0)).toBeNull();
    const extension = rtpBytes(1, 2, Buffer.from([0xbe, 0xde, 0xff, 0xff]));
    extension[0] = 0x90;
    expect(parseRtp(extension, 0)).toBeNull();
  });

  it('never throws, and never reads outside the packet', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const packet = Buffer.from(bytes);
        const parsed = parseRtp(packet, 0);
        if (parsed) expect(parsed.payload.length).toBeLessThanOrEqual(packet.length - 12);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('Unwrapper', () => {
  it('follows a counter over its wrap, forwards and back', () => {
    const unwrap = new Unwrapper(16);
    const first = unwrap.next(65_534);
    expect(unwrap.next(1) - first).toBe(3);
    expect(unwrap.peek(65_535) - first).toBe(1);
    expect(unwrap.next(65_535) - first).toBe(1);
  });

  it('is exact for any walk of steps under half the range', () => {
    const steps = fc.array(fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 }), { maxLength: 50 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), steps, (start, walk) => {
        const unwrap = new Unwrapper(32);
        const origin = unwrap.next(start);
        let truth = start;
        for (const step of walk) {
          truth += step;
          expect(unwrap.next(((truth % 2 ** 32) + 2 ** 32) % 2 ** 32) - origin).toBe(truth - start);
        }
      }),
    );
  });
});
