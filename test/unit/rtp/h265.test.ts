import { describe, expect, it } from 'vitest';
import { nalsOf, receive } from '../../support/depacketize.ts';

const nal = (type: number, ...body: number[]): Buffer => Buffer.from([type << 1, 1, ...body]);
const VPS = nal(32, 0x0c, 1, 0xff);
const SPS = nal(33, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14);
const PPS = nal(34, 0xc0, 7);
const IDR = nal(19, 0x80, 1, 2, 3, 4, 5, 6, 7, 8);
const TRAIL = nal(1, 0x80, 9, 9);
const CRA = nal(21, 0x80, 5);
const RASL = nal(9, 0x80, 6);

function aggregate(...nals: Buffer[]): Buffer {
  return Buffer.concat([nal(48), ...nals.flatMap((unit) => [Buffer.from([unit.length >> 8, unit.length & 255]), unit])]);
}
function fragments(unit: Buffer, size: number, don: number[] = []): Buffer[] {
  const body = unit.subarray(2);
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; at += size) {
    const [first, last] = [at === 0, at + size >= body.length];
    const header = (first ? 0x80 : 0) | (last ? 0x40 : 0) | ((unit[0] as number) >> 1);
    parts.push(Buffer.concat([nal(49, header, ...(first ? don : [])), body.subarray(at, at + size)]));
  }
  return parts;
}

describe('H.265', () => {
  it('takes single units, aggregates and fragments', () => {
    const { send, units, depacketizer } = receive('video/H265');
    send(100, aggregate(VPS, SPS, PPS));
    const parts = fragments(IDR, 4);
    expect(parts).toHaveLength(3);
    parts.forEach((part, i) => send(100, part, { marker: i === 2 }));
    send(3100, TRAIL, { marker: true });
    expect(units.map(({ key, damaged }) => ({ key, damaged }))).toEqual([
      { key: true, damaged: false },
      { key: false, damaged: false },
    ]);
    expect(nalsOf(units[0]?.data)).toEqual([VPS, SPS, PPS, IDR]);
    expect(nalsOf(units[1]?.data)).toEqual([TRAIL]);
    expect(depacketizer.config).toEqual({ codec: 'h265', vps: VPS, sps: SPS, pps: PPS });
  });

  it('puts sets from the SDP in front of key frames, and keeps one configuration while they stay', () => {
    const sets = { 'sprop-vps': VPS.toString('base64'), 'sprop-sps': SPS.toString('base64'), 'sprop-pps': PPS.toString('base64') };
    const { send, units, depacketizer } = receive('video/h265', sets);
    expect(depacketizer.config).toBeNull();
    send(1, IDR, { marker: true });
    const config = depacketizer.config;
    send(2, aggregate(VPS, SPS, PPS));
    send(2, CRA, { marker: true });
    expect(nalsOf(units[0]?.data)).toEqual([VPS, SPS, PPS, IDR]);
    expect(nalsOf(units[1]?.data)).toEqual([VPS, SPS, PPS, CRA]);
    expect(depacketizer.config).toBe(config);
    const other = Buffer.concat([PPS, Buffer.from([1])]);
    send(3, aggregate(VPS, SPS, other));
    expect(depacketizer.config).toBe(config);
    send(3, IDR, { marker: true });
    expect(depacketizer.config).toEqual({ codec: 'h265', vps: VPS, sps: SPS, pps: other });
  });

  it('marks pictures that lead a CRA picture, and takes an end of sequence', () => {
    const { send, units } = receive('video/H265');
    send(1, CRA, { marker: true });
    send(2, RASL, { marker: true });
    send(3, TRAIL);
    send(3, nal(36), { marker: true });
    expect(units.map(({ key, leading, damaged }) => ({ key, leading, damaged }))).toEqual([
      { key: true, leading: undefined, damaged: false },
      { key: false, leading: true, damaged: false },
      { key: false, leading: undefined, damaged: false },
    ]);
    expect(nalsOf(units[2]?.data)).toEqual([TRAIL, nal(36)]);
  });

  it('skips decoding order numbers only where they are announced', () => {
    const { send, units } = receive('video/H265', { 'sprop-max-don-diff': '2' });
    send(1, Buffer.concat([TRAIL.subarray(0, 2), Buffer.from([0, 5]), TRAIL.subarray(2)]), { marker: true });
    const sized = (unit: Buffer): Buffer[] => [Buffer.from([0, unit.length]), unit];
    send(2, Buffer.concat([nal(48), Buffer.from([0, 6]), ...sized(VPS), Buffer.from([1]), ...sized(TRAIL)]), { marker: true });
    fragments(IDR, 4, [0, 7]).forEach((part, i) => send(3, part, { marker: i === 2 }));
    expect(units.map(({ damaged }) => damaged)).toEqual([false, false, false]);
    expect(units.map(({ data }) => nalsOf(data))).toEqual([[TRAIL], [VPS, TRAIL], [VPS, IDR]]);
  });

  it('leaves delimiters and filler out', () => {
    const { send, units } = receive('video/H265');
    send(1, aggregate(nal(35, 0x50), TRAIL, nal(38, 0xff)), { marker: true });
    expect(nalsOf(units[0]?.data)).toEqual([TRAIL]);
  });

  it('says where a loss fell: at the beginning, in the middle, at the end, between', () => {
    const [first, second, third] = fragments(IDR, 4) as [Buffer, Buffer, Buffer];
    const { send, units } = receive('video/H265');
    send(1, TRAIL, { marker: true });
    send(2, second, { lost: 1 });
    send(2, third, { marker: true });
    send(3, first);
    send(3, third, { lost: 1, marker: true });
    send(4, first);
    send(4, second);
    send(5, TRAIL, { lost: 1, marker: true });
    send(6, TRAIL, { lost: 2, marker: true });
    send(7, nal(1, 0x00, 9), { lost: 1, marker: true }); // not a picture's first slice
    expect(units.map(({ damaged, lostBefore }) => [damaged, lostBefore])).toEqual([
      [false, 0],
      [true, 1],
      [true, 1],
      [true, 0],
      [false, 1],
      [false, 2],
      [true, 1],
    ]);
  });
});
