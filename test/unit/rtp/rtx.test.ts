import { describe, expect, it } from 'vitest';
import { parseRtp } from '../../../media/rtp/packet.ts';
import { unwrapRtx } from '../../../media/rtp/rtx.ts';
import { rtpBytes } from '../../support/rtp.ts';

describe('unwrapRtx', () => {
  it('puts the original number back, with the original type and source', () => {
    const rtx = rtpBytes(7, 123_456, Buffer.from([0xff, 0xfe, 1, 2, 3]), true, 97, 99);
    expect(unwrapRtx(rtx, 96, 0xdeadbeef)).toEqual(rtpBytes(0xfffe, 123_456, Buffer.from([1, 2, 3]), true, 96, 0xdeadbeef));
  });

  it('keeps CSRC, extension and padding', () => {
    const rtx = Buffer.from('b1e1000700000001000000630000000abede000110ff00000102aabb0002', 'hex');
    expect(parseRtp(rtx, 0)?.payload.toString('hex')).toBe('0102aabb');
    const original = unwrapRtx(rtx, 96, 1) as Buffer;
    expect(original.toString('hex')).toBe('b1e0010200000001000000010000000abede000110ff0000aabb0002');
    expect(parseRtp(original, 0)).toMatchObject({ sequence: 0x102, ssrc: 1, payloadType: 96, marker: true });
  });

  it('is null for padding alone and for what is no packet', () => {
    expect(unwrapRtx(rtpBytes(7, 1, Buffer.alloc(0)), 96, 1)).toBeNull();
    expect(unwrapRtx(rtpBytes(7, 1, Buffer.alloc(1)), 96, 1)).toBeNull();
    expect(unwrapRtx(Buffer.alloc(5), 96, 1)).toBeNull();
  });
});
