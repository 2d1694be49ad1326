import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HubError } from '../../../media/errors.ts';
import { fragment } from '../../../media/mp4/fragment.ts';
import { initSegment } from '../../../media/mp4/init.ts';
import { initOfTrack, segmentOfTrack } from '../../../media/mp4/one-track.ts';
import { readInit } from '../../../media/mp4/read.ts';
import { PPS, SPS } from '../../support/rtp.ts';

const INIT = initSegment([
  { trackId: 1, timescale: 90_000, config: { codec: 'h264', sps: SPS, pps: PPS } },
  { trackId: 2, timescale: 48_000, config: { codec: 'opus', channels: 2 } },
]);
const sample = fc.record({
  data: fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  durationTicks: fc.nat(5000),
  key: fc.boolean(),
  compositionTicks: fc.constantFrom(0, 0, 3000),
});
const tracks = fc.record({ video: fc.array(sample, { maxLength: 8 }), audio: fc.array(sample, { maxLength: 8 }) });
const KINDS = { video: 1, audio: 2 } as const;

describe('one track of a recording', () => {
  it('is what the recorder would have written of that track alone, byte for byte', () => {
    fc.assert(
      fc.property(fc.array(tracks, { maxLength: 6 }), (list) => {
        const made = list.filter(({ video, audio }) => video.length + audio.length > 0);
        const runs = (i: number, kinds: ('video' | 'audio')[]) =>
          kinds.map((kind) => ({ trackId: KINDS[kind], baseTicks: 90_000 * i, samples: made[i]?.[kind] ?? [] }));
        const segment = Buffer.concat(made.flatMap((_, i) => fragment(i + 1, runs(i, ['video', 'audio']))));
        for (const kind of ['video', 'audio'] as const) {
          const alone = made.flatMap((each, i) => (each[kind].length > 0 ? fragment(i + 1, runs(i, [kind])) : []));
          expect(segmentOfTrack(segment, KINDS[kind]).equals(Buffer.concat(alone))).toBe(true);
        }
      }),
    );
  });

  it('is described alone by its initialisation segment', () => {
    for (const trackId of [1, 2]) {
      const one = initOfTrack(INIT, trackId);
      expect(readInit(one)).toEqual(readInit(INIT).filter((track) => track.trackId === trackId));
      expect(one.length).toBeLessThan(INIT.length);
    }
    expect(() => initOfTrack(INIT, 3)).toThrow(HubError);
  });

  it('is refused, and nothing else happens, where the file is not one of ours', () => {
    const samples = [{ data: Buffer.alloc(9), durationTicks: 1, key: true, compositionTicks: 0 }];
    const whole = Buffer.concat(fragment(1, [{ trackId: 1, baseTicks: 0, samples }]));
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, value, end) => {
        const bytes = Buffer.from(whole);
        bytes[at] = value;
        try {
          segmentOfTrack(bytes.subarray(0, end), 1);
        } catch (error) {
          expect(error).toBeInstanceOf(HubError);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
