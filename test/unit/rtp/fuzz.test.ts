import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { HubError } from '../../../media/errors.ts';
import { fragment } from '../../../media/mp4/fragment.ts';
import { initSegment } from '../../../media/mp4/init.ts';
import { readFragments, readInit } from '../../../media/mp4/read.ts';
import { configKey, pictureSize, reorderFrames, sampleEntry } from '../../../media/mp4/sample-entry.ts';
import type { AccessUnit } from '../../../media/rtp/access-unit.ts';
import type { CodecConfig } from '../../../media/rtp/codec.ts';
import { createDepacketizer, type TrackFormat } from '../../../media/rtp/depacketizers.ts';
import { parseRtp, type RtpPacket } from '../../../media/rtp/packet.ts';
import { unwrapRtx } from '../../../media/rtp/rtx.ts';
import { SlabPool } from '../../../media/rtp/slabs.ts';
import { obusOf } from '../../support/av1-rtp.ts';
import { fixture, fixtureConfig } from '../../support/depacketize.ts';
import { packet } from '../../support/rtp.ts';

const CODECS = ['h264', 'h265', 'vp8', 'vp9', 'av1', 'aac', 'opus', 'pcmu', 'pcma'] as const;
const MAX_UNIT_BYTES = 8 * 1024 * 1024;
/** Kept slabs (16) and a few in use. */
const MAX_HELD_BYTES = 24 * 128 * 1024;
let inputs = 0;

/** A property counted input by input. Seeds are fast-check's own: a failure prints the one that repeats it. */
function check<T>(arbitrary: fc.Arbitrary<T>, numRuns: number, property: (value: T) => void): void {
  fc.assert(
    fc.property(arbitrary, (value) => {
      inputs += 1;
      property(value);
    }),
    { numRuns },
  );
}

/** Whoever parses may refuse, with a HubError and nothing else. */
function refusable(read: () => void): void {
  try {
    read();
  } catch (error) {
    expect(error).toBeInstanceOf(HubError);
  }
}

function useConfig(config: CodecConfig): void {
  const { entry, codec } = sampleEntry(config);
  expect(entry.readUInt32BE(0)).toBe(entry.length);
  expect(codec).not.toBe('');
  expect(configKey(config)).not.toBe('');
  expect(reorderFrames(config)).toBeLessThanOrEqual(16);
  const size = pictureSize(config);
  if (size) expect(Math.max(size.width, size.height)).toBeLessThanOrEqual(65_536);
  expect(readInit(initSegment([{ trackId: 1, timescale: 1000, config }]))).toHaveLength(1);
}

/** Whether a unit, damaged or not, can be walked through to its very end. */
const WHOLE: Record<string, (data: Buffer) => boolean> = {
  'video/h264': isLengthPrefixed,
  'video/h265': isLengthPrefixed,
  'video/av1': (data) => obusOf(data).reduce((size, obu) => size + obu.length + sizeFieldBytes(obu), 0) === data.length,
};
function isLengthPrefixed(data: Buffer): boolean {
  let at = 0;
  while (at + 4 <= data.length) at += 4 + data.readUInt32BE(at);
  return at === data.length;
}
function sizeFieldBytes(obu: Buffer): number {
  const size = obu.length - ((obu[0] as number) & 4 ? 2 : 1);
  return size < 128 ? 1 : size < 16_384 ? 2 : size < 2_097_152 ? 3 : 4;
}

/** All of it through one depacketiser: nothing thrown, nothing too large, no more memory than a few slabs. */
function run(track: TrackFormat, packets: { packet: RtpPacket; lost: number; restart: boolean }[], memory: SlabPool): void {
  let sizeBytes = 0;
  const output = (unit: AccessUnit): void => {
    sizeBytes += unit.data.length;
    if (WHOLE[track.mimeType.toLowerCase()]?.(unit.data) === false) throw new Error(`not well formed: ${unit.data.toString('hex')}`);
    if (unit.data.length > MAX_UNIT_BYTES) throw new Error(`a unit of ${unit.data.length} bytes`);
    memory.free(unit.data);
  };
  const depacketizer = createDepacketizer(track, output, memory);
  let config: CodecConfig | null = null;
  let [sentBytes, units] = [0, 0];
  for (const { packet, lost, restart } of packets) {
    depacketizer.push(packet, lost, restart);
    sentBytes += packet.payload.length;
    units += 1;
    if (depacketizer.config !== config && depacketizer.config) useConfig((config = depacketizer.config));
  }
  depacketizer.flush();
  // what comes out has come in, but for lengths, sets in front of key frames, indexes
  if (sizeBytes > 20 * sentBytes + units * 70_000) throw new Error(`${sentBytes} bytes became ${sizeBytes}`);
  if (memory.heldBytes > MAX_HELD_BYTES) throw new Error(`${memory.heldBytes} bytes held`);
}

const mutation = fc.record({
  which: fc.nat(63),
  kind: fc.constantFrom('byte', 'byte', 'byte', 'bit', 'cut', 'grow', 'drop', 'twice', 'swap', 'marker', 'timestamp', 'restart', 'splice'),
  at: fc.oneof(fc.nat(24), fc.nat(500)),
  value: fc.nat(255),
});
type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never;

/** One change to a sequence of real packets. */
function mutate(list: { packet: RtpPacket; lost: number; restart: boolean }[], { which, kind, at, value }: Mutation): void {
  const index = which % list.length;
  const item = list[index];
  if (!item || list.length < 2) return;
  const old = item.packet;
  const payload = Buffer.from(old.payload);
  const put = (fields: Partial<RtpPacket>): void => void (list[index] = { ...item, packet: { ...old, ...fields } });
  if (kind === 'byte' && payload.length > 0) payload[at % payload.length] = value;
  if (kind === 'bit' && payload.length > 0) (payload[at % payload.length] as number) ^= 1 << (value & 7);
  if (kind === 'byte' || kind === 'bit') put({ payload });
  if (kind === 'cut') put({ payload: payload.subarray(0, at % (payload.length + 1)) });
  if (kind === 'grow') put({ payload: Buffer.concat([payload, Buffer.alloc(at, value)]) });
  if (kind === 'splice')
    put({ payload: Buffer.concat([payload.subarray(0, at), (list[value % list.length] ?? item).packet.payload.subarray(at)]) });
  if (kind === 'marker') put({ marker: !old.marker });
  if (kind === 'timestamp') put({ timestamp: value % 3 === 0 ? (list[0] ?? item).packet.timestamp : (old.timestamp + value * 1000) >>> 0 });
  if (kind === 'restart') list[index] = { ...item, restart: true };
  if (kind === 'twice') list.splice(index, 0, item);
  if (kind === 'drop') {
    list.splice(index, 1);
    const next = list[index];
    if (next) list[index] = { ...next, lost: next.lost + 1 };
  }
  if (kind === 'swap' && list[index + 1]) list.splice(index, 2, list[index + 1] as typeof item, item);
}

describe.each(CODECS)('%s from devices gone mad', (codec) => {
  const { track, packets } = fixture(codec);
  const real = packets.map((bytes) => ({ packet: parseRtp(bytes, 0) as RtpPacket, lost: 0, restart: false }));
  const memory = new SlabPool();

  it('mutated real packets', () => {
    check(fc.array(mutation, { minLength: 1, maxLength: 10 }), 6000, (mutations) => {
      const list = [...real];
      for (const one of mutations) mutate(list, one);
      run(track, list, memory);
    });
  });

  it('any bytes at all', () => {
    const sent = fc.record({ payload: fc.uint8Array({ maxLength: 48 }), timestamp: fc.nat(2), marker: fc.boolean(), lost: fc.nat(1) });
    check(fc.array(sent, { maxLength: 12 }), 3000, (list) => {
      const made = list.map(({ payload, lost, ...rest }, i) => ({
        packet: packet(i, { ...rest, payload: Buffer.from(payload) }),
        lost,
        restart: false,
      }));
      run(track, made, memory);
    });
  });

  it('a frame without end', () => {
    const endless = Array.from({ length: 12_000 }, (_, i) => {
      const { packet } = real[i % real.length] as (typeof real)[number];
      return {
        packet: { ...packet, timestamp: 7, marker: false, payload: Buffer.concat([packet.payload, Buffer.alloc(1000)]) },
        lost: 0,
        restart: false,
      };
    });
    run(track, endless, memory);
    inputs += 1;
  });
});

const HEADERS: { name: string; bytes: Buffer; make: (bytes: Buffer) => CodecConfig }[] = [
  sets('h264', 'sps'),
  sets('h265', 'sps'),
  sets('h265', 'vps'),
  sets('av1', 'sequenceHeader'),
  sets('aac', 'config'),
];
function sets(codec: (typeof CODECS)[number], field: string): (typeof HEADERS)[number] {
  const config = fixtureConfig(codec) as unknown as Record<string, Buffer>;
  return {
    name: `${codec} ${field}`,
    bytes: config[field] as Buffer,
    make: (bytes) => ({ ...config, [field]: bytes }) as unknown as CodecConfig,
  };
}

describe('configurations', () => {
  it.each(HEADERS)('$name, changed anywhere or made up', ({ bytes, make }) => {
    const change = fc.array(fc.record({ at: fc.nat(bytes.length - 1), to: fc.nat(255) }), { minLength: 1, maxLength: 6 });
    check(fc.tuple(change, fc.nat(bytes.length)), 2500, ([changes, cut]) => {
      const changed = Buffer.from(bytes);
      for (const { at, to } of changes) changed[at] = to;
      useConfig(make(changed));
      useConfig(make(changed.subarray(0, Math.max(1, cut))));
    });
    check(fc.uint8Array({ minLength: 1, maxLength: 80 }), 1000, (made) => useConfig(make(Buffer.concat([bytes.subarray(0, 1), made]))));
  });

  it('parameters of an SDP', () => {
    const { track } = fixture('aac');
    const names = [
      'config',
      'sizelength',
      'indexlength',
      'indexdeltalength',
      'ctsdeltalength',
      'mode',
      'sprop-parameter-sets',
      'sprop-sps',
    ];
    const parameters = fc.dictionary(
      fc.constantFrom(...names),
      fc.oneof(fc.string(), fc.integer(), fc.constant('1190'), fc.constant('13')),
    );
    const types = ['audio/mpeg4-generic', 'video/H264', 'video/H265', 'audio/opus', 'audio/G722'];
    check(fc.tuple(fc.constantFrom(...types), parameters), 5000, ([mimeType, made]) =>
      refusable(() => {
        const depacketizer = createDepacketizer({ ...track, mimeType, parameters: made }, () => undefined, new SlabPool());
        depacketizer.push(packet(1, { payload: Buffer.from([0, 16, 0, 8, 1, 2, 3]), marker: true }), 0, false);
      }),
    );
  });
});

describe('files', () => {
  const init = initSegment(CODECS.map((codec, i) => ({ trackId: i + 1, timescale: 1000, config: fixtureConfig(codec) })));
  const sample = (i: number, compositionTicks: number) => ({
    data: Buffer.alloc(20, i),
    durationTicks: 3000,
    key: i === 0,
    compositionTicks,
  });
  const track = (trackId: number, offset: number) => ({ trackId, baseTicks: 0, samples: [0, 1, 2].map((i) => sample(i, i * offset)) });
  const segment = Buffer.concat([1, 2, 3].flatMap((sequence) => fragment(sequence, [track(1, -10), track(2, 0)])));
  const change = fc.record({ at: fc.oneof(fc.nat(400), fc.nat(8000)), to: fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255)) });

  it('changed or cut anywhere', () => {
    check(fc.tuple(fc.array(change, { minLength: 1, maxLength: 8 }), fc.nat(8000)), 12_000, ([changes, cut]) => {
      for (const good of [init, segment]) {
        const bytes = Buffer.from(good);
        for (const { at, to } of changes) bytes[at % bytes.length] = to;
        for (const part of [bytes, bytes.subarray(0, cut)]) {
          refusable(() => void readInit(part));
          refusable(() => expect(readFragments(part).wholeBytes).toBeLessThanOrEqual(part.length));
        }
      }
    });
  });

  it('and packets that are none', () => {
    check(fc.uint8Array({ maxLength: 80 }), 5000, (made) => {
      const bytes = Buffer.from(made);
      if (bytes.length > 0) bytes[0] = 0x80 | ((bytes[0] as number) & 0x3f);
      const read = parseRtp(bytes, 0);
      const original = unwrapRtx(bytes, 96, 1);
      expect(original === null || read !== null).toBe(true);
      if (original) expect(original.length).toBe(bytes.length - 2);
    });
  });
});

afterAll(() => expect(inputs).toBeGreaterThanOrEqual(100_000));
