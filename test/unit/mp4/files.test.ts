import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HubError } from '../../../media/errors.ts';
import { fragment, type Sample, type TrackRun } from '../../../media/mp4/fragment.ts';
import { h264CodecString, parseSps } from '../../../media/mp4/h264-config.ts';
import { AUDIO_TRACK_ID, initSegment, VIDEO_TRACK_ID } from '../../../media/mp4/init.ts';
import { readFragments, readInit } from '../../../media/mp4/read.ts';
import { PPS, SPS } from '../../support/rtp.ts';

const init = initSegment([
  { trackId: VIDEO_TRACK_ID, timescale: 90_000, config: { codec: 'h264', sps: SPS, pps: PPS } },
  { trackId: AUDIO_TRACK_ID, timescale: 48_000, config: { codec: 'opus', channels: 2 } },
]);
const runs = (pictures: number, sounds: number, baseTicks = 0) => [
  {
    trackId: VIDEO_TRACK_ID,
    baseTicks,
    samples: Array.from({ length: pictures }, (_, i) => ({
      data: Buffer.alloc(50 + i, i),
      durationTicks: 3000,
      key: i === 0,
      compositionTicks: 0,
    })),
  },
  {
    trackId: AUDIO_TRACK_ID,
    baseTicks,
    samples: Array.from({ length: sounds }, () => ({ data: Buffer.from([1, 2, 3]), durationTicks: 960, key: true, compositionTicks: 0 })),
  },
];

describe('a sequence parameter set', () => {
  it('says profile, level and size after cropping', () => {
    expect(parseSps(SPS)).toMatchObject({ profile: 0x42, level: 0x1f, width: 1280, height: 720 });
    expect(h264CodecString(parseSps(SPS))).toBe('avc3.42c01f');
  });

  it('throws nothing but HubError, whatever its bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (tail) => {
        try {
          parseSps(Buffer.from([0x67, ...tail]));
        } catch (error) {
          expect(error).toBeInstanceOf(HubError);
        }
      }),
      { numRuns: 20_000 },
    );
  });
});

describe('initialisation segments and fragments', () => {
  it('are read back as they were written', () => {
    expect(readInit(init)).toMatchObject([
      { trackId: VIDEO_TRACK_ID, kind: 'video', timescale: 90_000, width: 1280, height: 720 },
      { trackId: AUDIO_TRACK_ID, kind: 'audio', timescale: 48_000 },
    ]);
    const bytes = Buffer.concat([...fragment(1, runs(15, 25)), ...fragment(2, runs(3, 0, 45_000))]);
    const { fragments, wholeBytes } = readFragments(bytes);
    expect(wholeBytes).toBe(bytes.length);
    expect(fragments.map(({ tracks }) => tracks)).toEqual([
      [
        { trackId: VIDEO_TRACK_ID, baseTicks: 0, samples: 15, durationTicks: 45_000, startsWithSync: true },
        { trackId: AUDIO_TRACK_ID, baseTicks: 0, samples: 25, durationTicks: 24_000, startsWithSync: true },
      ],
      [{ trackId: VIDEO_TRACK_ID, baseTicks: 45_000, samples: 3, durationTicks: 9000, startsWithSync: true }],
    ]);
  });

  it('have composition offsets, signed, in a run that needs them and in no other', () => {
    const [pictures, sounds] = runs(3, 2) as [TrackRun, TrackRun];
    const plain = fragment(1, [pictures, sounds])[0] as Buffer;
    for (const [i, ticks] of [6000, -3000, 0].entries()) (pictures.samples[i] as Sample).compositionTicks = ticks;
    const chunks = fragment(1, [pictures, sounds]);
    const head = chunks[0] as Buffer;
    expect(head.length).toBe(plain.length + 3 * 4);
    const trun = head.indexOf('trun') + 4;
    expect(head.readUInt32BE(trun)).toBe(0x01000f01);
    expect([0, 1, 2].map((i) => head.readInt32BE(trun + 12 + i * 16 + 12))).toEqual([6000, -3000, 0]);
    expect(head.readInt32BE(trun + 8)).toBe(head.length); // the data begins behind moof and the head of mdat
    expect(head.readUInt32BE(head.lastIndexOf('trun') + 4)).toBe(0x000701);
    expect(readFragments(Buffer.concat(chunks)).fragments[0]?.tracks).toEqual([
      { trackId: VIDEO_TRACK_ID, baseTicks: 0, samples: 3, durationTicks: 9000, startsWithSync: true },
      { trackId: AUDIO_TRACK_ID, baseTicks: 0, samples: 2, durationTicks: 1920, startsWithSync: true },
    ]);
  });

  it('cut anywhere, give their whole fragments and the place to cut', () => {
    const first = Buffer.concat(fragment(1, runs(15, 25)));
    const both = Buffer.concat([first, ...fragment(2, runs(15, 25, 45_000))]);
    for (let size = 0; size <= both.length; size += 7) {
      const { fragments, wholeBytes } = readFragments(both.subarray(0, size));
      expect(wholeBytes).toBe(size >= both.length ? both.length : size >= first.length ? first.length : 0);
      expect(fragments).toHaveLength(size >= both.length ? 2 : size >= first.length ? 1 : 0);
    }
  });

  it('spoilt anywhere, are read or refused with HubError, never otherwise', () => {
    const good = [init, Buffer.concat([...fragment(1, runs(15, 25)), ...fragment(2, runs(15, 25, 45_000))])];
    const change = fc.array(fc.record({ at: fc.nat(5000), to: fc.nat(255) }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(fc.nat(1), change, (which, changes) => {
        const bytes = Buffer.from(good[which] as Buffer);
        for (const { at, to } of changes) bytes[at % bytes.length] = to;
        for (const read of [readFragments, readInit]) {
          try {
            read(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(HubError);
          }
        }
      }),
      { numRuns: 10_000 },
    );
  });
});
