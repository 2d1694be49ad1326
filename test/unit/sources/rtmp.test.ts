import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TrackSink } from '../../../media/recorder/input.ts';
import type { AccessUnit } from '../../../media/rtp/access-unit.ts';
import { createDepacketizer } from '../../../media/rtp/depacketizers.ts';
import { parseRtp } from '../../../media/rtp/packet.ts';
import { SlabPool } from '../../../media/rtp/slabs.ts';
import { decodeAmf, encodeAmf } from '../../../media/sources/rtmp/amf0.ts';
import { FlvItems } from '../../../media/sources/rtmp/flv-items.ts';
import { ChunkReader, RTMP, type RtmpMessage } from '../../../media/sources/rtmp/chunks.ts';
import type { DescribedTrack } from '../../../media/sources/gateway/recording.ts';
import type { StreamItem } from '../../../media/sources/stream/items.ts';
import { StreamPlanner } from '../../../media/sources/stream/plan.ts';
import { StreamTap } from '../../../media/sources/stream/tap.ts';
import { itemsOf, messagesOf, pushed } from '../../support/pushed-rtmp.ts';

const pictures = (items: StreamItem[]): Extract<StreamItem, { kind: 'video' }>[] => items.filter((item) => item.kind === 'video');
const sounds = (items: StreamItem[]): Extract<StreamItem, { kind: 'audio' }>[] => items.filter((item) => item.kind === 'audio');

describe('chunks of RTMP', () => {
  const whole = messagesOf(pushed);

  it('become the same messages wherever the bytes are cut', () => {
    expect(whole.length).toBeGreaterThan(70);
    for (const sizes of [[1], [7, 1, 130], [4096]]) expect(messagesOf(pushed, sizes)).toEqual(whole);
    const names = whole.filter(({ type }) => type === RTMP.command).map(({ payload }) => decodeAmf(payload)[0]);
    expect(names).toEqual(['connect', 'releaseStream', 'FCPublish', 'createStream', 'publish', 'FCUnpublish', 'deleteStream']);
  });

  const head = (format: number, time: number, length: number, type: number): Buffer => {
    const bytes = Buffer.alloc(format === 0 ? 12 : 8);
    bytes[0] = (format << 6) | 5;
    bytes.writeUIntBE(time, 1, 3);
    bytes.writeUIntBE(length, 4, 3);
    bytes[7] = type;
    return bytes;
  };
  const extended = Buffer.from([0x01, 0x00, 0x00, 0x00]);
  const body = Buffer.alloc(200, 0xaa);

  it.each([
    ['with', [extended]],
    ['without', []],
  ])('tell the time after 4.6 hours, %s it in the chunks that go on', (_, again) => {
    const bytes = Buffer.concat([
      head(0, 0xffffff, 200, 9),
      extended,
      body.subarray(0, 128),
      Buffer.from([0xc5]),
      ...again,
      body.subarray(128),
    ]);
    for (const sizes of [[1000], [1], [3, 5]]) {
      const next = Buffer.concat([bytes, head(1, 40, 1, 8), Buffer.from([7])]);
      expect(messagesOf(next, sizes)).toEqual([
        { type: 9, streamId: 0, timestampMs: 0x01000000, payload: body },
        { type: 8, streamId: 0, timestampMs: 0x01000000 + 40, payload: Buffer.from([7]) },
      ]);
    }
  });

  it('that promise more than any camera sends are refused before memory is taken', () => {
    expect(() => messagesOf(head(0, 0, 0xffffff, 9))).toThrow(RangeError);
    const many = Array.from({ length: 3 }, (_, i) => {
      const one = Buffer.concat([head(0, 0, 3_000_000, 9), body.subarray(0, 128)]);
      one[0] = 10 + i;
      return one;
    });
    expect(() => messagesOf(Buffer.concat(many))).toThrow(/too large/);
    const reader = new ChunkReader(() => undefined, 1000);
    expect(() => reader.push(head(0, 0, 2000, 20))).toThrow(RangeError);
  });
});

describe('AMF0', () => {
  it('is read as it is written', () => {
    const values = ['connect', 1, { app: 'live', nested: { deep: true } }, null, false, ['hvc1', 2, []]];
    expect(decodeAmf(encodeAmf(...values))).toEqual(values);
  });
  it('that is cut off, endless or unknown is refused', () => {
    const whole = encodeAmf('publish', 5, { app: 'live' });
    for (let size = 1; size < whole.length; size += 1) {
      if (size === 10 || size === 19) continue; // between two values
      expect(() => decodeAmf(whole.subarray(0, size))).toThrow(RangeError);
    }
    expect(() => decodeAmf(Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff]))).toThrow(RangeError);
    expect(() => decodeAmf(Buffer.from(Array.from({ length: 60 }, () => [0x03, 0, 1, 0x61]).flat()))).toThrow(/deep/);
  });
});

describe('what an encoder pushes', () => {
  const items = itemsOf(messagesOf(pushed));

  it('is read picture by picture with its own times, and planned', () => {
    const video = pictures(items);
    expect(video).toHaveLength(31); // parameter sets, and thirty pictures
    const shown = video.slice(1).map(({ ticks }) => ticks / 90);
    expect(shown.some((ms, i) => i > 0 && ms < (shown[i - 1] ?? 0))).toBe(true);
    shown.sort((a, b) => a - b);
    shown.forEach((ms, i) => expect(Math.abs(ms - (shown[0] ?? 0) - (i * 1000) / 30)).toBeLessThanOrEqual(1));
    const planner = new StreamPlanner();
    const plan = items.map((item, i) => planner.push(item, i * 10)).find((each) => each !== null);
    expect(plan).toMatchObject({
      video: { codec: 'H.264', profile: 'Main', width: 64, height: 48, fps: 30, bFrames: true, live: 'transcoded' },
      audio: { codec: 'AAC', sampleRate: 44_100, channels: 1, recorded: true },
    });
  });

  it('goes to the recorder as RTP that gives back every byte, sound without gaps between frames', () => {
    const units: Record<string, AccessUnit[]> = { video: [], audio: [] };
    const reports: { ssrc: number; senderMs: number; rtpTimestamp: number }[] = [];
    const rates: Record<string, number> = {};
    const tap = new StreamTap((track: DescribedTrack): TrackSink => {
      rates[track.kind] = track.clockRate;
      const depacketizer = createDepacketizer(track, (unit) => units[track.kind]?.push(unit), new SlabPool());
      return {
        rtp: (bytes, arrivalMs) => depacketizer.push(parseRtp(bytes, arrivalMs) ?? expect.unreachable(), 0, false),
        senderReport: (report) => reports.push(report),
        roundTrip: () => undefined,
        setPaused: () => undefined,
        close: () => undefined,
      };
    });
    items.forEach((item, i) => tap.item(item, 1000 + i));
    expect(units['video']).toHaveLength(30);
    expect(units['video']?.filter(({ key }) => key)).toHaveLength(2);
    expect(units['video']?.some(({ damaged }) => damaged)).toBe(false);
    expect(units['video']?.map(({ timestamp }) => timestamp)).toEqual(
      pictures(items)
        .slice(1)
        .map(({ ticks }) => ticks),
    );
    const sound = sounds(items);
    expect(units['audio']?.map(({ data }) => data.toString('hex'))).toEqual(sound.map(({ frame }) => frame.toString('hex')));
    units['audio']?.forEach(({ timestamp }, i, all) => i > 0 && expect(timestamp - (all[i - 1]?.timestamp ?? 0)).toBe(1024));
    // both tracks are told to run on one clock
    const [one, two] = reports;
    expect(reports).toHaveLength(2);
    const [sound0] = sound;
    const apartMs = ((sound0?.ticks ?? 0) - (pictures(items)[0]?.ticks ?? 0)) / 90;
    expect((two?.senderMs ?? 0) - (one?.senderMs ?? 0)).toBeCloseTo(apartMs, 6);
    expect([rates['video'], rates['audio']]).toEqual([90_000, 44_100]);
  });

  it('in H.265, by the enhanced and by the older way, is read too', () => {
    const set = (type: number): Buffer => Buffer.from([type << 1, 1, 9, 9]);
    const array = (type: number): Buffer => Buffer.concat([Buffer.from([type, 0, 1, 0, 4]), set(type)]);
    const record = Buffer.concat([Buffer.alloc(21), Buffer.from([3, 3]), array(32), array(33), array(34)]);
    const picture = Buffer.concat([Buffer.from([0, 0, 0, 4]), set(19)]);
    const video = (head: number[], ...parts: Buffer[]): RtmpMessage => ({
      type: RTMP.video,
      streamId: 1,
      timestampMs: 100,
      payload: Buffer.concat([Buffer.from(head), ...parts]),
    });
    const hvc1 = [...Buffer.from('hvc1')];
    const enhanced = [video([0x90, ...hvc1], record), video([0x91, ...hvc1, 0, 0, 40], picture), video([0xa3, ...hvc1], picture)];
    const older = [video([0x1c, 0, 0, 0, 0], record), video([0x1c, 1, 0, 0, 40], picture), video([0x2c, 1, 0, 0, 0], picture)];
    for (const messages of [enhanced, older]) {
      const read = pictures(itemsOf(messages));
      expect(read.map(({ codec, nals, ticks }) => [codec, nals.length, ticks / 90])).toEqual([
        ['H265', 3, 100],
        ['H265', 1, 140],
        ['H265', 1, 100],
      ]);
    }
  });

  it('mutated in any way, throws nothing but what its connection is closed for', () => {
    const silent: TrackSink = {
      rtp: () => undefined,
      senderReport: () => undefined,
      roundTrip: () => undefined,
      setPaused: () => undefined,
      close: () => undefined,
    };
    const changes = fc.array(fc.tuple(fc.nat(pushed.length - 1), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(changes, fc.integer({ min: 1, max: 5000 }), fc.nat(3000), (changed, size, cut) => {
        const bytes = Buffer.concat([pushed.subarray(0, cut), pushed.subarray(cut + (cut % 7))]);
        for (const [at, value] of changed) if (at < bytes.length) bytes[at] = value;
        const planner = new StreamPlanner();
        const tap = new StreamTap(() => silent);
        const flv = new FlvItems((item) => {
          tap.item(item, 0);
          try {
            planner.push(item, 0);
          } catch (error) {
            expect(error).toMatchObject({ reason: { code: 'codec-not-recorded' } });
          }
        });
        const reader = new ChunkReader((message) => {
          if (message.type === RTMP.command) decodeAmf(message.payload);
          flv.message(message);
        });
        try {
          for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
