import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AccessUnit } from '../../../media/rtp/access-unit.ts';
import type { Depacketizer } from '../../../media/rtp/codec.ts';
import { createDepacketizer } from '../../../media/rtp/depacketizers.ts';
import { SlabPool } from '../../../media/rtp/slabs.ts';
import { nalsOf } from '../../support/depacketize.ts';
import { packet, PPS, SPS } from '../../support/rtp.ts';

const IDR = Buffer.from([0x65, 0x88, 1, 2, 3, 4]);
const SLICE = Buffer.from([0x41, 0x9a, 5, 6]);

function stapA(...nals: Buffer[]): Buffer {
  return Buffer.concat([Buffer.from([24]), ...nals.flatMap((nal) => [Buffer.from([nal.length >> 8, nal.length & 255]), nal])]);
}
function fuA(nal: Buffer, size: number): Buffer[] {
  const first = nal[0] as number;
  const body = nal.subarray(1);
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; at += size) {
    const flags = (at === 0 ? 0x80 : 0) | (at + size >= body.length ? 0x40 : 0);
    parts.push(Buffer.concat([Buffer.from([(first & 0xe0) | 28, flags | (first & 0x1f)]), body.subarray(at, at + size)]));
  }
  return parts;
}
function depacketizer(sprop: string | null = null): { h264: Depacketizer; units: AccessUnit[] } {
  const units: AccessUnit[] = [];
  const track = { mimeType: 'video/H264', clockRate: 90_000, channels: null, parameters: { 'sprop-parameter-sets': sprop } };
  return { h264: createDepacketizer(track, (unit) => units.push(unit), new SlabPool()), units };
}

describe('H.264', () => {
  it('takes single units, aggregates and fragments', () => {
    const { h264, units } = depacketizer();
    h264.push(packet(1, { timestamp: 100, payload: stapA(SPS, PPS) }), 0, false);
    const big = Buffer.concat([Buffer.from([0x65, 0x88]), Buffer.alloc(3000, 7)]);
    const parts = fuA(big, 1000);
    parts.forEach((payload, i) => h264.push(packet(2 + i, { timestamp: 100, payload, marker: i === parts.length - 1 }), 0, false));
    h264.push(packet(9, { timestamp: 3100, payload: SLICE, marker: true }), 0, false);
    expect(units.map(({ key, damaged, timestamp }) => ({ key, damaged, timestamp }))).toEqual([
      { key: true, damaged: false, timestamp: 100 },
      { key: false, damaged: false, timestamp: 3100 },
    ]);
    expect(nalsOf(units[0]?.data)).toEqual([SPS, PPS, big]);
    expect(nalsOf(units[1]?.data)).toEqual([SLICE]);
    expect(h264.config).toEqual({ codec: 'h264', sps: SPS, pps: PPS });
  });

  it('puts the parameter sets in front of key frames that come without', () => {
    const { h264, units } = depacketizer();
    h264.push(packet(1, { timestamp: 1, payload: SPS }), 0, false);
    h264.push(packet(2, { timestamp: 1, payload: PPS }), 0, false);
    h264.push(packet(3, { timestamp: 1, payload: IDR, marker: true }), 0, false);
    h264.push(packet(4, { timestamp: 2, payload: IDR, marker: true }), 0, false);
    expect(nalsOf(units[1]?.data)).toEqual([SPS, PPS, IDR]);
  });

  it('knows sets from the SDP', () => {
    const { h264, units } = depacketizer(`${SPS.toString('base64')},${PPS.toString('base64')}`);
    h264.push(packet(1, { payload: IDR, marker: true }), 0, false);
    expect(nalsOf(units[0]?.data)).toEqual([SPS, PPS, IDR]);
  });

  it('puts all sets of the SDP in front where one is missing in band, and keeps one configuration while they stay', () => {
    const second = Buffer.from([0x68, 0x5c, 0x0f, 0xc8]); // pic_parameter_set_id 1
    const { h264, units } = depacketizer([SPS, PPS, second].map((set) => set.toString('base64')).join(','));
    h264.push(packet(1, { timestamp: 1, payload: IDR, marker: true }), 0, false);
    const config = h264.config;
    h264.push(packet(2, { timestamp: 2, payload: SPS }), 0, false);
    h264.push(packet(3, { timestamp: 2, payload: IDR, marker: true }), 0, false);
    expect(nalsOf(units[0]?.data)).toEqual([SPS, PPS, second, IDR]);
    expect(nalsOf(units[1]?.data)).toEqual([SPS, PPS, second, SPS, IDR]);
    expect(h264.config).toBe(config);
  });

  it('does not fill the memory with sets whose numbers are made up', () => {
    const { h264, units } = depacketizer();
    for (let i = 0; i < 1000; i += 1) {
      const id = Buffer.alloc(200, 1);
      id.writeUInt32BE((0x68 << 24) | (i + 1024) | 0, 0); // eleven zeros and i: a different Exp-Golomb number each
      h264.push(packet(i, { timestamp: 1, payload: id }), 0, false);
    }
    h264.push(packet(1000, { timestamp: 1, payload: SPS, marker: true }), 0, false);
    h264.push(packet(1001, { timestamp: 2, payload: IDR, marker: true }), 0, false);
    expect(nalsOf(units[0]?.data).length).toBeGreaterThan(2);
    expect(nalsOf(units[0]?.data).length).toBeLessThanOrEqual(65);
  });

  it('shows a changed profile with the key frame that brings it, not before', () => {
    const { h264 } = depacketizer();
    const high = Buffer.from(SPS);
    high[1] = 100;
    h264.push(packet(1, { timestamp: 1, payload: stapA(SPS, PPS) }), 0, false);
    h264.push(packet(2, { timestamp: 1, payload: IDR, marker: true }), 0, false);
    const before = h264.config;
    h264.push(packet(3, { timestamp: 2, payload: stapA(high, PPS) }), 0, false);
    expect(h264.config).toBe(before);
    h264.push(packet(4, { timestamp: 2, payload: IDR, marker: true }), 0, false);
    expect(h264.config).toEqual({ codec: 'h264', sps: high, pps: PPS });
  });

  it('ends a frame at the change of timestamp when the marker was lost', () => {
    const { h264, units } = depacketizer();
    h264.push(packet(1, { timestamp: 1, payload: SLICE }), 0, false);
    h264.push(packet(2, { timestamp: 2, payload: SLICE, marker: true }), 0, false);
    expect(units.map(({ timestamp }) => timestamp)).toEqual([1, 2]);
  });

  it('calls a frame damaged when its middle or its end is lost', () => {
    const parts = fuA(Buffer.concat([Buffer.from([0x41, 0x9a]), Buffer.alloc(300, 3)]), 100);
    const middle = depacketizer();
    middle.h264.push(packet(1, { timestamp: 1, payload: parts[0] as Buffer }), 0, false);
    middle.h264.push(packet(3, { timestamp: 1, payload: parts[2] as Buffer, marker: true }), 1, false);
    expect(middle.units.map(({ damaged }) => damaged)).toEqual([true]);
    const end = depacketizer();
    end.h264.push(packet(1, { timestamp: 1, payload: parts[0] as Buffer }), 0, false);
    end.h264.push(packet(4, { timestamp: 2, payload: SLICE, marker: true }), 2, false);
    expect(end.units.map(({ damaged, lostBefore }) => ({ damaged, lostBefore }))).toEqual([
      { damaged: true, lostBefore: 0 },
      { damaged: false, lostBefore: 2 },
    ]);
  });

  it('calls a frame whole when only frames before it are lost', () => {
    const { h264, units } = depacketizer();
    h264.push(packet(1, { timestamp: 1, payload: SLICE, marker: true }), 0, false);
    h264.push(packet(5, { timestamp: 4, payload: SLICE, marker: true }), 3, false);
    expect(units[1]).toMatchObject({ damaged: false, lostBefore: 3 });
  });

  it('calls a frame damaged when its begin is lost', () => {
    const { h264, units } = depacketizer();
    h264.push(packet(1, { timestamp: 1, payload: SLICE, marker: true }), 0, false);
    // first_mb_in_slice is not 0: not a frame's first slice
    h264.push(packet(3, { timestamp: 4, payload: Buffer.from([0x41, 0x4a, 5]), marker: true }), 1, false);
    expect(units[1]?.damaged).toBe(true);
  });

  it('keeps fragments whose end is missing beside what follows in the same frame, which is damaged then', () => {
    const parts = fuA(Buffer.concat([Buffer.from([0x41, 0x9a]), Buffer.alloc(300, 3)]), 100);
    const { h264, units } = depacketizer();
    h264.push(packet(1, { timestamp: 1, payload: parts[0] as Buffer }), 0, false);
    h264.push(packet(2, { timestamp: 1, payload: SLICE }), 0, false);
    h264.push(packet(3, { timestamp: 1, payload: parts[0] as Buffer, marker: true }), 0, false);
    expect(units.map(({ damaged }) => damaged)).toEqual([true]);
    const part = Buffer.concat([Buffer.from([0x41]), (parts[0] as Buffer).subarray(2)]);
    expect(nalsOf(units[0]?.data)).toEqual([part, SLICE, part]);
  });

  it('makes no frame of parameter sets or padding alone', () => {
    const { h264, units } = depacketizer();
    h264.push(packet(1, { timestamp: 1, payload: stapA(SPS, PPS), marker: true }), 0, false);
    h264.push(packet(2, { timestamp: 1, payload: Buffer.alloc(0) }), 0, false);
    expect(units).toEqual([]);
    h264.push(packet(3, { timestamp: 2, payload: IDR, marker: true }), 0, false);
    expect(units).toHaveLength(1);
  });

  it('never throws, whatever a device sends', () => {
    const payloads = fc.array(
      fc.record({ payload: fc.uint8Array({ maxLength: 40 }), timestamp: fc.nat(3), marker: fc.boolean(), lost: fc.nat(2) }),
    );
    fc.assert(
      fc.property(payloads, (sent) => {
        const { h264, units } = depacketizer();
        sent.forEach(({ payload, timestamp, marker, lost }, i) =>
          h264.push(packet(i, { payload: Buffer.from(payload), timestamp, marker }), lost, false),
        );
        h264.flush();
        for (const unit of units) expect(() => nalsOf(unit.data)).not.toThrow();
      }),
      { numRuns: 3000 },
    );
  });
});
