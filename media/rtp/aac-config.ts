import { HubError } from '../errors.ts';
import { BitReader } from './bit-reader.ts';

export type AacConfig = {
  /** Of the coded frames; with spectral band replication half of what is heard. */
  coreRate: number;
  sampleRate: number;
  /** 0 where the stream itself says it. */
  channels: number;
  /** Samples a frame has at `coreRate`: 1024 or 960. */
  frameSamples: number;
};

/** By their index (ISO/IEC 14496-3, 1.6.3.4). */
export const AAC_RATES = [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000, 7350];
const SBR = 5;
const PS = 29;

/** AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1). Throws `corrupt` for what cannot be read. */
export function parseAudioSpecificConfig(config: Buffer): AacConfig {
  const bits = new BitReader(config);
  let type = readType(bits);
  const coreRate = readRate(bits);
  const channelConfiguration = bits.bits(4);
  let sampleRate = coreRate;
  if (type === SBR || type === PS) {
    sampleRate = readRate(bits);
    type = readType(bits);
  }
  const frameSamples = bits.flag() ? 960 : 1024; // GASpecificConfig (4.4.1): frameLengthFlag
  return { coreRate, sampleRate, channels: channelConfiguration === 7 ? 8 : channelConfiguration, frameSamples };
}

function readType(bits: BitReader): number {
  const type = bits.bits(5);
  return type === 31 ? 32 + bits.bits(6) : type;
}

function readRate(bits: BitReader): number {
  const index = bits.bits(4);
  const rate = index === 15 ? bits.bits(24) : AAC_RATES[index];
  if (!rate) throw new HubError('corrupt', 'AudioSpecificConfig: no such sampling rate');
  return rate;
}
