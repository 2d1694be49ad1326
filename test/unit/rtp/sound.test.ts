import { describe, expect, it } from 'vitest';
import { HubError } from '../../../media/errors.ts';
import { receive } from '../../support/depacketize.ts';

const bytes = (...values: number[]): Buffer => Buffer.from(values);
const HBR = { mode: 'AAC-hbr', config: '1190', sizelength: '13', indexlength: '3', indexdeltalength: '3' };
/** AU headers of 13 and 3 bits. */
const packed = (...frames: Buffer[]): Buffer =>
  Buffer.concat([bytes(0, frames.length * 16), ...frames.map((frame) => bytes(frame.length >> 5, (frame.length & 31) << 3)), ...frames]);
const part = (size: number, piece: Buffer): Buffer => Buffer.concat([bytes(0, 16, size >> 5, (size & 31) << 3), piece]);

describe('AAC', () => {
  it('takes several frames a packet, each a frame later than the one before, over the wrap of the timestamp', () => {
    const { send, units, depacketizer } = receive('audio/MPEG4-generic', HBR);
    const [a, b, c] = [Buffer.alloc(200, 1), bytes(2, 2), Buffer.alloc(33, 3)];
    send(0xffffff00, packed(a, b, c), { marker: true });
    expect(units.map(({ timestamp, data }) => ({ timestamp, data }))).toEqual([
      { timestamp: 0xffffff00, data: a },
      { timestamp: 0x300, data: b },
      { timestamp: 0x700, data: c },
    ]);
    expect(depacketizer.config).toEqual({ codec: 'aac', sampleRate: 48_000, channels: 2, config: bytes(0x11, 0x90) });
  });

  it('knows frames of 960 samples and frames whose clock runs at twice the core rate', () => {
    const short = receive('audio/mpeg4-generic', { ...HBR, config: '1194' });
    short.send(0, packed(bytes(1), bytes(2)), { marker: true });
    expect(short.units[1]?.timestamp).toBe(960);
    // explicit SBR: 24 kHz core, heard at 48
    const sbr = receive('audio/mpeg4-generic', { ...HBR, config: '2b118800' });
    sbr.send(0, packed(bytes(1), bytes(2)), { marker: true });
    expect(sbr.units[1]?.timestamp).toBe(2048);
    expect(sbr.depacketizer.config).toMatchObject({ sampleRate: 48_000 });
  });

  it('joins fragments, and says when one is missing', () => {
    const { send, units } = receive('audio/mpeg4-generic', HBR);
    const frame = Buffer.from(Array.from({ length: 30 }, (_, i) => i));
    const first = part(30, frame.subarray(0, 10));
    send(1, first);
    first.fill(0xee); // the packet's memory is used again
    send(1, part(30, frame.subarray(10, 20)));
    send(1, part(30, frame.subarray(20)), { marker: true });
    send(2, part(30, frame.subarray(0, 10)));
    send(2, part(30, frame.subarray(20)), { lost: 1, marker: true });
    send(3, part(30, frame.subarray(0, 10)));
    send(4, packed(bytes(9)), { lost: 1, marker: true });
    expect(units.map(({ timestamp, damaged, lostBefore }) => [timestamp, damaged, lostBefore])).toEqual([
      [1, false, 0],
      [2, true, 1],
      [3, true, 0],
      [4, false, 1],
    ]);
    expect(units[0]?.data).toEqual(frame);
  });

  it('takes low bit rate headers, auxiliary data and an offset flag into account', () => {
    const low = receive('audio/mpeg4-generic', { mode: 'AAC-lbr', config: '1190' });
    low.send(0, Buffer.concat([bytes(0, 16, 2 << 2, 1 << 2), bytes(7, 8, 9)]), { marker: true });
    expect(low.units.map(({ data }) => data)).toEqual([bytes(7, 8), bytes(9)]);
    const more = receive('audio/mpeg4-generic', { ...HBR, ctsDeltaLength: 7, auxiliaryDataSizeLength: 8 });
    // 16 header bits, CTS flag and 7 bits; then auxiliary data of 8 bits
    more.send(0, bytes(0, 24, 0, 2 << 3, 0x85, 8, 0xaa, 1, 2), { marker: true });
    expect(more.units.map(({ data }) => data)).toEqual([bytes(1, 2)]);
  });

  it('refuses a track without a configuration, with odd lengths, or interleaved', () => {
    for (const parameters of [
      {},
      { ...HBR, config: 'ff' },
      { ...HBR, sizelength: 'x' },
      { ...HBR, sizelength: 0 },
      { ...HBR, maxDisplacement: 5 },
    ])
      expect(() => receive('audio/mpeg4-generic', parameters)).toThrow(HubError);
  });

  it('drops what makes no sense', () => {
    const { send, units } = receive('audio/mpeg4-generic', HBR);
    for (const payload of [bytes(0), bytes(0, 16, 0), bytes(0, 15, 0, 8, 1), bytes(0, 0, 1), bytes(0, 16, 0, 0, 1)]) send(1, payload);
    expect(units).toEqual([]);
  });
});

describe('Opus', () => {
  it('makes a unit of every packet, none of silence, and carries a loss over it', () => {
    const { send, units, depacketizer } = receive('audio/opus', {}, { channels: 2 });
    send(0, bytes(1, 2), { marker: true, arrivalMs: 5 });
    send(960, bytes(), { lost: 2 });
    send(1920, bytes(3), { restart: true });
    depacketizer.flush();
    expect(units).toEqual([
      { timestamp: 0, data: bytes(1, 2), key: true, damaged: false, lostBefore: 0, restart: false, arrivalMs: 5 },
      { timestamp: 1920, data: bytes(3), key: true, damaged: false, lostBefore: 2, restart: true, arrivalMs: 0 },
    ]);
    expect(depacketizer.config).toEqual({ codec: 'opus', channels: 2 });
  });
});

describe('G.711', () => {
  it.each([
    ['audio/PCMU', 'pcmu'],
    ['audio/pcma', 'pcma'],
  ])('%s', (mimeType, codec) => {
    const { send, units, depacketizer } = receive(mimeType, {}, { clockRate: 8000 });
    send(160, bytes(0xff, 0x7f));
    expect(units).toMatchObject([{ timestamp: 160, data: bytes(0xff, 0x7f), key: true }]);
    expect(depacketizer.config).toEqual({ codec, sampleRate: 8000, channels: 1 });
  });
});

describe('a codec that is not recorded', () => {
  it('is named', () => {
    expect(() => receive('video/theora')).toThrow(/video\/theora/);
    expect(() => receive('video/theora')).toThrow(HubError);
  });
});
