import type { AudioConfig, CodecConfig, VideoConfig } from '../rtp/codec.ts';
import { av1C, av1CodecString, sequenceHeaderOrMain } from './av1-config.ts';
import { box, fullBox, u16, u32, u8 } from './boxes.ts';
import { avcC, h264CodecString, spsOrProfile } from './h264-config.ts';
import { h265CodecString, h265SpsOrMain, hvcC } from './h265-config.ts';
import { vpcC, vpCodecString } from './vp-config.ts';

export type SampleEntry = {
  /** The box that goes into `stsd`. */
  entry: Buffer;
  /** RFC 6381 */
  codec: string;
  /** 0 for sound, and where the picture's size cannot be read. */
  width: number;
  height: number;
};

const OPUS_RATE = 48_000;

/**
 * What the initialisation segment says of a codec. H.264 is `avc3` and H.265 `hev1`, since parameter sets stand in every
 * key sample and may change in mid-stream (ISO/IEC 14496-15, 5.3.4 and 8.4.1). A set that cannot be read still gives an entry.
 */
export function sampleEntry(config: CodecConfig): SampleEntry {
  return isAudio(config) ? audioEntry(config) : videoEntry(config);
}

export function isAudio(config: CodecConfig): config is AudioConfig {
  return 'channels' in config;
}

/**
 * What an initialisation segment is bound to: codec and profile, constraints, sampling and depth; of sound also rate and
 * channels. Neither level nor size is in it: while the key stays, the segment serves on.
 */
export function configKey(config: CodecConfig): string {
  if (config.codec === 'h264') {
    const { profile, compatibility, chroma, bitDepthLuma, bitDepthChroma } = spsOrProfile(config.sps);
    return `h264:${profile}:${compatibility}:${chroma}:${bitDepthLuma}:${bitDepthChroma}`;
  }
  if (config.codec === 'h265') {
    const { space, profile, compatibility, constraints, chroma, bitDepthLuma, bitDepthChroma } = h265SpsOrMain(config.sps);
    return `h265:${space}:${profile}:${compatibility}:${constraints.toString('hex')}:${chroma}:${bitDepthLuma}:${bitDepthChroma}`;
  }
  if (config.codec === 'av1') {
    const { profile, bitDepth, monochrome, subsamplingX, subsamplingY } = sequenceHeaderOrMain(config.sequenceHeader);
    return `av1:${profile}:${bitDepth}:${monochrome}:${subsamplingX}${subsamplingY}`;
  }
  if (config.codec === 'vp9') return `vp9:${config.profile}:${config.bitDepth}:${config.chroma}:${config.fullRange}`;
  if (config.codec === 'vp8') return 'vp8';
  if (config.codec === 'opus') return `opus:${config.channels}`;
  if (config.codec === 'aac') return `aac:${config.config.toString('hex')}:${config.sampleRate}:${config.channels}`;
  return `${config.codec}:${config.sampleRate}:${config.channels}`;
}

/** The picture's size as the configuration says it; null for sound, and where it cannot be read. */
export function pictureSize(config: CodecConfig): { width: number; height: number } | null {
  const size = isAudio(config) ? null : sizeOf(config);
  return size && size.width > 0 && size.height > 0 ? { width: size.width, height: size.height } : null;
}

/** How many pictures may come before one that is shown sooner (B-frames); 0 where the sender does not say. */
export function reorderFrames(config: CodecConfig): number {
  if (config.codec === 'h264') return spsOrProfile(config.sps).reorderFrames;
  if (config.codec === 'h265') return h265SpsOrMain(config.sps).reorderFrames;
  return 0;
}

function sizeOf(config: VideoConfig): { width: number; height: number } {
  if (config.codec === 'h264') return spsOrProfile(config.sps);
  if (config.codec === 'h265') return h265SpsOrMain(config.sps);
  if (config.codec === 'av1') return sequenceHeaderOrMain(config.sequenceHeader);
  return config;
}

function videoEntry(config: VideoConfig): SampleEntry {
  if (config.codec === 'h264') {
    const facts = spsOrProfile(config.sps);
    return visual('avc3', h264CodecString(facts), facts, avcC(facts, config.sps, config.pps));
  }
  if (config.codec === 'h265') {
    const facts = h265SpsOrMain(config.sps);
    return visual('hev1', h265CodecString(facts), facts, hvcC(facts, config.vps, config.sps, config.pps));
  }
  if (config.codec === 'av1') {
    const facts = sequenceHeaderOrMain(config.sequenceHeader);
    return visual('av01', av1CodecString(facts), facts, av1C(facts, config.sequenceHeader));
  }
  return visual(config.codec === 'vp8' ? 'vp08' : 'vp09', vpCodecString(config), config, vpcC(config));
}

/** VisualSampleEntry (ISO/IEC 14496-12, 12.1.3) */
function visual(type: string, codec: string, size: { width: number; height: number }, configuration: Buffer): SampleEntry {
  // VP9 and AV1 can say 65536, for which there is no room
  const [width, height] = [Math.min(size.width, 0xffff), Math.min(size.height, 0xffff)];
  const entry = box(
    type,
    Buffer.alloc(6),
    u16(1),
    Buffer.alloc(16),
    u16(width, height),
    u32(0x480000, 0x480000, 0),
    u16(1),
    Buffer.alloc(32),
    u16(0x18, 0xffff),
    configuration,
  );
  return { entry, codec, width, height };
}

function audioEntry(config: AudioConfig): SampleEntry {
  const { channels } = config;
  if (config.codec === 'opus') return sound('Opus', 'opus', OPUS_RATE, channels, dOps(channels));
  if (config.codec === 'aac')
    return sound('mp4a', `mp4a.40.${objectType(config.config)}`, config.sampleRate, channels, esds(config.config));
  const type = config.codec === 'pcmu' ? 'ulaw' : 'alaw';
  return sound(type, type, config.sampleRate, channels, Buffer.alloc(0));
}

/** AudioSampleEntry (ISO/IEC 14496-12, 12.2.3); its rate has 16 bits, beyond them 0 leaves it to the codec's own header. */
function sound(type: string, codec: string, rate: number, channels: number, configuration: Buffer): SampleEntry {
  const entry = box(
    type,
    Buffer.alloc(6),
    u16(1),
    u32(0, 0),
    u16(channels, 16, 0, 0),
    u32(rate <= 0xffff ? rate * 0x10000 : 0),
    configuration,
  );
  return { entry, codec, width: 0, height: 0 };
}

/** "Encapsulation of Opus in ISO Base Media File Format", 4.3.2: dOps, version 0, 48 kHz, no gain, mapping family 0. */
function dOps(channels: number): Buffer {
  return box('dOps', u8(0, channels), u16(0), u32(OPUS_RATE), u16(0), u8(0));
}

/** audioObjectType (ISO/IEC 14496-3, 1.6.2.1) */
function objectType(config: Buffer): number {
  const type = (config[0] ?? 0) >> 3;
  return type === 31 ? 32 + ((((config[0] ?? 0) & 7) << 3) | ((config[1] ?? 0) >> 5)) : type;
}

/** ESDBox (ISO/IEC 14496-14, 5.6; descriptors ISO/IEC 14496-1, 7.2.6.5 and 7.2.6.6): MPEG-4 audio with its AudioSpecificConfig. */
function esds(config: Buffer): Buffer {
  const specific = descriptor(0x05, config);
  const decoder = descriptor(0x04, u8(0x40, 0x15, 0, 0, 0), u32(0, 0), specific);
  return fullBox('esds', 0, 0, descriptor(0x03, u16(0), u8(0), decoder, descriptor(0x06, u8(2))));
}

/** A descriptor with its size in four bytes (ISO/IEC 14496-1, 8.3.3). */
function descriptor(tag: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const size = body.length;
  return Buffer.concat([u8(tag, 0x80 | (size >>> 21), 0x80 | ((size >>> 14) & 0x7f), 0x80 | ((size >>> 7) & 0x7f), size & 0x7f), body]);
}
