import { describe, expect, it } from 'vitest';
import { receive } from '../../support/depacketize.ts';

const bytes = (...values: number[]): Buffer => Buffer.from(values);
/** Frame tag of a key frame, start code, 640×480 with a scale that does not belong to the size (RFC 6386, 9.1). */
const vp8Key = (width = 640, height = 480): Buffer =>
  bytes(0x10, 2, 0, 0x9d, 1, 0x2a, width & 255, 0x40 | (width >> 8), height & 255, height >> 8, 7, 7);
const VP8_INTER = bytes(0x11, 2, 0, 5, 5);

describe('VP8', () => {
  it('joins packets, whatever their descriptors have', () => {
    const { send, units, depacketizer } = receive('video/VP8');
    const key = vp8Key();
    send(1, Buffer.concat([bytes(0x90, 0xf0, 0x81, 0x02, 3, 0x40), key.subarray(0, 5)])); // 15-bit picture id, TL0PICIDX, TID
    send(1, Buffer.concat([bytes(0x80, 0x80, 0x11), key.subarray(5)]), { marker: true }); // 7-bit picture id
    send(2, Buffer.concat([bytes(0x10), VP8_INTER]), { marker: true });
    expect(units.map(({ key, damaged }) => [key, damaged])).toEqual([
      [true, false],
      [false, false],
    ]);
    expect(units.map(({ data }) => data)).toEqual([key, VP8_INTER]);
    expect(depacketizer.config).toEqual({ codec: 'vp8', width: 640, height: 480 });
  });

  it('says a new size with a new configuration, and the old one as long as it stays', () => {
    const { send, depacketizer } = receive('video/vp8');
    const configs = [640, 640, 320].map((width, i) => {
      send(i, Buffer.concat([bytes(0x10), vp8Key(width)]), { marker: true });
      return depacketizer.config;
    });
    expect(configs[1]).toBe(configs[0]);
    expect(configs[2]).toMatchObject({ width: 320 });
  });

  it('calls a frame damaged whose beginning, middle or end is missing', () => {
    const { send, units } = receive('video/VP8');
    send(1, Buffer.concat([bytes(0x00), VP8_INTER]), { marker: true }); // joined in the middle
    send(2, Buffer.concat([bytes(0x10), VP8_INTER]));
    send(2, bytes(0x00, 1), { lost: 1, marker: true });
    send(3, Buffer.concat([bytes(0x10), VP8_INTER]));
    send(4, Buffer.concat([bytes(0x10), VP8_INTER]), { lost: 1, marker: true });
    send(5, bytes(0x11, 1), { lost: 1, marker: true }); // a second partition's beginning
    send(6, Buffer.concat([bytes(0x10), VP8_INTER]), { restart: true, marker: true });
    expect(units.map(({ damaged, restart }) => [damaged, restart])).toEqual([
      [true, false],
      [true, false],
      [true, false],
      [false, false],
      [true, false],
      [false, true],
    ]);
  });
});

/** Uncompressed headers (VP9 bitstream specification, 6.2), and bytes for the rest. */
const vp9Key = bytes(0x82, 0x49, 0x83, 0x42, 0x20, 0x13, 0xf0, 0x0b, 0x30, 1, 1); // profile 0, BT.709 studio range, 320×180
const VP9_INTER = bytes(0x86, 1, 2, 3);

describe('VP9', () => {
  it('knows key frames, profile and size by the frame, not by a sender that never sets P', () => {
    const { send, units, depacketizer } = receive('video/VP9');
    send(1, Buffer.concat([bytes(0x08), vp9Key.subarray(0, 6)]));
    send(1, Buffer.concat([bytes(0x04), vp9Key.subarray(6)]), { marker: true });
    send(2, Buffer.concat([bytes(0x0c), VP9_INTER]), { marker: true });
    expect(units.map(({ key, damaged, data }) => ({ key, damaged, data }))).toEqual([
      { key: true, damaged: false, data: vp9Key },
      { key: false, damaged: false, data: VP9_INTER },
    ]);
    const facts = { codec: 'vp9', profile: 0, bitDepth: 8, chroma: 1, fullRange: false };
    expect(depacketizer.config).toEqual({ ...facts, width: 320, height: 180 });
  });

  it('reads depth and sampling of higher profiles', () => {
    const { send, depacketizer } = receive('video/VP9');
    // profile 2, ten bits
    send(1, Buffer.concat([bytes(0x0c), bytes(0x92, 0x49, 0x83, 0x42, 0x08, 0x04, 0xfc, 0x02, 0xcc, 0)]), { marker: true });
    expect(depacketizer.config).toMatchObject({ profile: 2, bitDepth: 10, chroma: 1 });
    // profile 1, full range, 4:4:4
    send(2, Buffer.concat([bytes(0x0c), bytes(0xa2, 0x49, 0x83, 0x42, 0x30, 0x04, 0xfc, 0x02, 0xcc, 0)]), { marker: true });
    expect(depacketizer.config).toMatchObject({ profile: 1, bitDepth: 8, chroma: 3, fullRange: true });
  });

  it('makes one superframe of the spatial layers of a picture, sized as the structure says', () => {
    const { send, units, depacketizer } = receive('video/VP9');
    const structure = bytes(0x38, 0, 160, 0, 90, 1, 64, 0, 180, 1, 0x04, 1); // two layers with sizes, one picture with one reference
    const upper = Buffer.alloc(300, 0x84);
    send(1, Buffer.concat([bytes(0xae, 0x80, 1, 0x00, 9), structure, vp9Key]));
    send(1, Buffer.concat([bytes(0xa8, 1, 0x03, 9), upper.subarray(0, 200)]));
    send(1, Buffer.concat([bytes(0xa4, 1, 0x03, 9), upper.subarray(200)]), { marker: true });
    const index = bytes(0xc9, vp9Key.length, 0, 300 & 255, 300 >> 8, 0xc9);
    expect(units[0]?.data).toEqual(Buffer.concat([vp9Key, upper, index]));
    expect(units[0]).toMatchObject({ key: true, damaged: false });
    expect(depacketizer.config).toMatchObject({ width: 320, height: 180 });
  });

  it('reads flexible mode and its references', () => {
    const { send, units } = receive('video/VP9');
    send(1, Buffer.concat([bytes(0xfc, 0x05, 0x40, 0x03, 0x05, 0x08), VP9_INTER]), { marker: true }); // two more references after the first
    expect(units[0]?.data).toEqual(VP9_INTER);
    expect(units[0]?.key).toBe(false);
  });

  it('calls a picture damaged when a layer, its beginning or its end is missing', () => {
    const { send, units } = receive('video/VP9');
    const layer = (flags: number, id: number): Buffer => Buffer.concat([bytes(0x20 | flags, id << 1, 0), VP9_INTER]);
    send(1, layer(0x0c, 0), { marker: true });
    send(2, layer(0x0c, 1), { lost: 1, marker: true }); // the lower layer was lost
    send(3, layer(0x08, 0));
    send(3, layer(0x0c, 1), { marker: true }); // the lower one's end is missing, though no number is
    send(4, layer(0x04, 0), { marker: true });
    send(5, layer(0x0c, 0));
    send(6, layer(0x0c, 0), { lost: 1, marker: true });
    expect(units.map(({ damaged }) => damaged)).toEqual([false, true, true, true, true, false]);
  });
});
