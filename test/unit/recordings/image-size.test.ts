import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readImage } from '../../../media/recordings/image-size.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

describe('readImage', () => {
  it('finds a JPEG’s frame header behind what stands before it', () => {
    // SOI, APP1 of 6 bytes with a marker's bytes in it, a fill byte, DHT of 3 bytes, SOF2 of 3000 × 4000
    const bytes = hex('ffd8 ffe1 0006 ffc0 0008 ff ffc4 0003 00 ffc2 0011 08 0bb8 0fa0 03 01 22 00');
    expect(readImage(bytes)).toEqual({ type: 'image/jpeg', width: 4000, height: 3000 });
  });

  it('reads a PNG’s header', () => {
    const bytes = hex('89504e470d0a1a0a 0000000d 49484452 00000280 000001e0 08020000 00');
    expect(readImage(bytes)).toEqual({ type: 'image/png', width: 640, height: 480 });
  });

  it('knows nothing else', () => {
    expect(readImage(Buffer.alloc(0))).toBeNull();
    expect(readImage(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'))).toBeNull();
    expect(readImage(hex('ffd8 ffe1 ffff 00'))).toBeNull(); // cut off
    expect(readImage(hex('ffd8 ffc0 0011 08 0000 0fa0 03'))).toBeNull(); // no height
  });

  it('throws on nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        readImage(Buffer.concat([hex('ffd8'), bytes]));
        readImage(Buffer.from(bytes));
      }),
    );
  });
});
