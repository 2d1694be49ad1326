import type { VideoConfig } from '../rtp/codec.ts';
import { fullBox, u16, u8 } from './boxes.ts';

export type VpConfig = Extract<VideoConfig, { codec: 'vp8' | 'vp9' }>;

/** Levels and the largest luma picture each allows (VP9 levels, webmproject.org/vp9/levels). */
const LEVELS: readonly (readonly [level: number, pixels: number])[] = [
  [10, 36_864],
  [11, 73_728],
  [20, 122_880],
  [21, 245_760],
  [30, 552_960],
  [31, 983_040],
  [40, 2_228_224],
  [50, 8_912_896],
];
const HIGHEST_LEVEL = 60;
const UNSPECIFIED = 2;

function facts(config: VpConfig): { profile: number; level: number; bitDepth: number; chroma: number; fullRange: boolean } {
  const pixels = config.width * config.height;
  const level = LEVELS.find(([, most]) => pixels <= most)?.[0] ?? HIGHEST_LEVEL;
  if (config.codec === 'vp8') return { profile: 0, level, bitDepth: 8, chroma: 1, fullRange: false };
  return { profile: config.profile, level, bitDepth: config.bitDepth, chroma: config.chroma, fullRange: config.fullRange };
}

/** "VP Codec ISO Media File Format Binding", Codecs Parameter String: sample entry, profile, level, bit depth. */
export function vpCodecString(config: VpConfig): string {
  const { profile, level, bitDepth } = facts(config);
  return `${config.codec === 'vp8' ? 'vp08' : 'vp09'}.${[profile, level, bitDepth].map((part) => String(part).padStart(2, '0')).join('.')}`;
}

/** VPCodecConfigurationBox, version 1 (the same binding). The level goes by size alone: frame rates are not announced. */
export function vpcC(config: VpConfig): Buffer {
  const { profile, level, bitDepth, chroma, fullRange } = facts(config);
  const sampling = (bitDepth << 4) | (chroma << 1) | (fullRange ? 1 : 0);
  return fullBox('vpcC', 1, 0, u8(profile, level, sampling, UNSPECIFIED, UNSPECIFIED, UNSPECIFIED), u16(0));
}
