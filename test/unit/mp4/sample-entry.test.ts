import { describe, expect, it } from 'vitest';
import { initSegment } from '../../../media/mp4/init.ts';
import { readInit } from '../../../media/mp4/read.ts';
import { configKey, pictureSize, reorderFrames, sampleEntry } from '../../../media/mp4/sample-entry.ts';
import type { CodecConfig } from '../../../media/rtp/codec.ts';
import { fixtureConfig } from '../../support/depacketize.ts';
import { PPS, SPS } from '../../support/rtp.ts';

/** The first bytes of a box's body. */
function box(entry: Buffer, type: string, count: number): string {
  const at = entry.indexOf(type, 0, 'latin1');
  return entry.subarray(at + 4, at + 4 + count).toString('hex');
}
/** x264, High 4:2:2, 10 bits, 320×180; as ffmpeg's own muxer wrote its avcC: 017a000d … fefafa00. */
const HIGH_422 = Buffer.from('677a000db6cb40a0cfc6e022000003000200000300781e285540', 'hex');
const vp9 = { codec: 'vp9', profile: 0, bitDepth: 8, chroma: 1, fullRange: false, width: 320, height: 180 } as const;

describe('sample entries', () => {
  it('of H.264: avc3, sampling and depth for the profiles that have them', () => {
    const baseline = sampleEntry({ codec: 'h264', sps: SPS, pps: PPS });
    expect(baseline).toMatchObject({ codec: 'avc3.42c01f', width: 1280, height: 720 });
    expect(baseline.entry.toString('latin1', 4, 8)).toBe('avc3');
    expect(box(baseline.entry, 'avcC', 100)).toBe(`0142c01fffe10017${SPS.toString('hex')}010004${PPS.toString('hex')}`);
    const high = sampleEntry({ codec: 'h264', sps: HIGH_422, pps: PPS });
    expect(high).toMatchObject({ codec: 'avc3.7a000d', width: 320, height: 180 });
    expect(high.entry.toString('hex').endsWith('fefafa00')).toBe(true);
  });

  it('of H.265: hev1 with profile, tier, level, sampling and all sets', () => {
    const config = fixtureConfig('h265');
    const { entry, codec, width, height } = sampleEntry(config);
    expect({ codec, width, height }).toEqual({ codec: 'hev1.1.6.L30.90', width: 160, height: 90 });
    expect(entry.toString('latin1', 4, 8)).toBe('hev1');
    // beside level and number of arrays, what ffmpeg's own muxer writes for the same encoder
    expect(box(entry, 'hvcC', 23)).toBe('0101600000009000000000001ef000fcfdf8f800000f03');
    for (const [type, name] of [
      ['20', 'vps'],
      ['21', 'sps'],
      ['22', 'pps'],
    ] as const) {
      const set = (config as unknown as Record<string, Buffer>)[name] as Buffer;
      expect(entry.toString('hex')).toContain(`${type}0001${set.length.toString(16).padStart(4, '0')}${set.toString('hex')}`);
    }
  });

  it('of VP8, VP9 and AV1', () => {
    expect(sampleEntry({ codec: 'vp8', width: 640, height: 480 })).toMatchObject({ codec: 'vp08.00.30.08', width: 640, height: 480 });
    expect(box(sampleEntry(vp9).entry, 'vpcC', 12)).toBe('01000000000b820202020000');
    const ten = sampleEntry({ ...vp9, profile: 2, bitDepth: 10, width: 65_536, height: 65_536 });
    expect(ten).toMatchObject({ codec: 'vp09.02.60.10', width: 65_535, height: 65_535 });
    const av1 = sampleEntry(fixtureConfig('av1'));
    expect(av1).toMatchObject({ codec: 'av01.0.00M.08', width: 160, height: 90 });
    expect(box(av1.entry, 'av1C', 16)).toBe('81000c000a0a00000003b4fd936be401');
  });

  it('of sound', () => {
    const opus = sampleEntry({ codec: 'opus', channels: 2 });
    expect(opus).toMatchObject({ codec: 'opus', width: 0, height: 0 });
    expect(box(opus.entry, 'dOps', 11)).toBe('000200000000bb80000000');
    const aac = sampleEntry(fixtureConfig('aac'));
    expect(aac.codec).toBe('mp4a.40.2');
    expect(box(aac.entry, 'esds', 60)).toBe('0000000003808080250000000480808017401500000000000000000000000580808005119056e500068080800102');
    const fast = sampleEntry({ codec: 'aac', sampleRate: 96_000, channels: 2, config: Buffer.from('1010', 'hex') });
    expect(fast.entry.readUInt32BE(8 + 24)).toBe(0);
    expect(sampleEntry({ codec: 'pcmu', sampleRate: 8000, channels: 1 }).entry.toString('latin1', 4, 8)).toBe('ulaw');
    expect(sampleEntry({ codec: 'pcma', sampleRate: 8000, channels: 1 }).codec).toBe('alaw');
  });

  it('are made of sets that cannot be read, too', () => {
    const broken: CodecConfig[] = [
      { codec: 'h264', sps: Buffer.from('6764001f', 'hex'), pps: PPS },
      { codec: 'h265', vps: Buffer.alloc(3), sps: Buffer.from('420101', 'hex'), pps: Buffer.alloc(3) },
      { codec: 'av1', sequenceHeader: Buffer.from('0a00', 'hex') },
    ];
    for (const config of broken) {
      expect(pictureSize(config)).toBeNull();
      expect(reorderFrames(config)).toBe(0);
      const init = initSegment([{ trackId: 1, timescale: 90_000, config }]);
      expect(readInit(init)).toMatchObject([{ trackId: 1, kind: 'video', timescale: 90_000, width: 0, height: 0 }]);
    }
    expect(sampleEntry(broken[0] as CodecConfig).codec).toBe('avc3.64001f');
  });
});

describe('what an initialisation segment is bound to', () => {
  const level = Buffer.from(SPS);
  level[3] = 0x28;
  const constraint = Buffer.from(SPS);
  constraint[2] = 0x40;

  it('stays over changes of size and level', () => {
    expect(configKey({ codec: 'h264', sps: level, pps: PPS })).toBe(configKey({ codec: 'h264', sps: SPS, pps: PPS }));
    expect(configKey({ ...vp9, width: 640 })).toBe(configKey(vp9));
    expect(configKey({ codec: 'vp8', width: 1, height: 1 })).toBe(configKey({ codec: 'vp8', width: 2, height: 2 }));
  });

  it('changes with codec, profile, constraints, sampling, depth, rate and channels', () => {
    const keys = [
      { codec: 'h264', sps: SPS, pps: PPS },
      { codec: 'h264', sps: constraint, pps: PPS },
      { codec: 'h264', sps: HIGH_422, pps: PPS },
      fixtureConfig('h264'),
      fixtureConfig('h265'),
      vp9,
      { ...vp9, profile: 2, bitDepth: 10 },
      { ...vp9, chroma: 3 },
      fixtureConfig('vp8'),
      fixtureConfig('av1'),
      { codec: 'opus', channels: 2 },
      { codec: 'opus', channels: 1 },
      fixtureConfig('aac'),
      { codec: 'pcmu', sampleRate: 8000, channels: 1 },
      { codec: 'pcmu', sampleRate: 16_000, channels: 1 },
      { codec: 'pcma', sampleRate: 8000, channels: 1 },
    ].map((config) => configKey(config as CodecConfig));
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('size and order', () => {
  it('are read from real sets', () => {
    const facts = ['h264', 'h265', 'vp8', 'vp9', 'av1', 'aac'].map((codec) => {
      const config = fixtureConfig(codec);
      return [codec, pictureSize(config), reorderFrames(config)];
    });
    const size = { width: 160, height: 90 };
    expect(facts).toEqual([
      ['h264', size, 2],
      ['h265', size, 2],
      ['vp8', size, 0],
      ['vp9', size, 0],
      ['av1', size, 0],
      ['aac', null, 0],
    ]);
    expect(reorderFrames({ codec: 'h264', sps: SPS, pps: PPS })).toBe(0); // Baseline
  });
});
