import type { StillType } from '../protocol/stills.ts';

export type ImageFacts = { type: StillType; width: number; height: number };

/**
 * What the bytes themselves say of an image: JPEG by its frame header (ITU-T T.81, B.2.2), PNG by its IHDR (RFC 2083,
 * 4.1.1). Null for anything else, or where that lies beyond `bytes`.
 */
export function readImage(bytes: Buffer): ImageFacts | null {
  if (bytes.length >= 24 && bytes.readUInt32BE(0) === 0x89504e47 && bytes.toString('ascii', 12, 16) === 'IHDR')
    return known('image/png', bytes.readUInt32BE(16), bytes.readUInt32BE(20));
  if (bytes.length < 4 || bytes.readUInt16BE(0) !== 0xffd8) return null;
  for (let at = 2; at + 9 <= bytes.length;) {
    if (bytes[at] !== 0xff) return null;
    const marker = bytes[at + 1] ?? 0;
    if (marker === 0xff) {
      at += 1; // fill bytes may stand before a marker
      continue;
    }
    // SOF0 to SOF15, without DHT, JPG and DAC, which lie between them
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker))
      return known('image/jpeg', bytes.readUInt16BE(at + 7), bytes.readUInt16BE(at + 5));
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  return null;
}

function known(type: StillType, width: number, height: number): ImageFacts | null {
  return width > 0 && height > 0 ? { type, width, height } : null;
}
