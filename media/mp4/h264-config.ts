import { HubError } from '../errors.ts';
import { box, u16, u8 } from './boxes.ts';

export type H264Config = { profile: number; compatibility: number; level: number; width: number; height: number };

const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);

/**
 * What a sequence parameter set says (ITU-T H.264, 7.3.2.1.1): profile, level and the picture's size after cropping
 * (7.4.2.1.1). Throws `corrupt` for what cannot be read.
 */
export function parseSps(sps: Buffer): H264Config {
  if (sps.length < 4 || ((sps[0] as number) & 0x1f) !== 7) throw new HubError('corrupt', 'not a sequence parameter set');
  const bits = new BitReader(unescape(sps.subarray(4)));
  const profile = sps[1] as number;
  bits.ue(); // seq_parameter_set_id
  let chromaFormat = 1;
  if (HIGH_PROFILES.has(profile)) {
    chromaFormat = bits.ue();
    if (chromaFormat === 3) bits.bits(1);
    bits.ue();
    bits.ue();
    bits.bits(1);
    if (bits.bits(1)) skipScalingMatrices(bits, chromaFormat === 3 ? 12 : 8);
  }
  bits.ue(); // log2_max_frame_num_minus4
  const orderType = bits.ue();
  if (orderType === 0) bits.ue();
  else if (orderType === 1) {
    bits.bits(1);
    bits.ue();
    bits.ue();
    const cycle = bits.ue();
    if (cycle > 255) throw new HubError('corrupt', 'sequence parameter set: order cycle too long');
    for (let i = 0; i < cycle; i += 1) bits.ue();
  }
  bits.ue(); // max_num_ref_frames
  bits.bits(1);
  const widthMbs = bits.ue() + 1;
  const heightUnits = bits.ue() + 1;
  const frameMbsOnly = bits.bits(1);
  if (!frameMbsOnly) bits.bits(1);
  bits.bits(1); // direct_8x8_inference_flag
  const crop = { left: 0, right: 0, top: 0, bottom: 0 };
  if (bits.bits(1)) Object.assign(crop, { left: bits.ue(), right: bits.ue(), top: bits.ue(), bottom: bits.ue() });
  const cropX = chromaFormat === 1 || chromaFormat === 2 ? 2 : 1;
  const cropY = (chromaFormat === 1 ? 2 : 1) * (2 - frameMbsOnly);
  const width = widthMbs * 16 - (crop.left + crop.right) * cropX;
  const height = heightUnits * 16 * (2 - frameMbsOnly) - (crop.top + crop.bottom) * cropY;
  if (width <= 0 || height <= 0 || width > 16384 || height > 16384)
    throw new HubError('corrupt', 'sequence parameter set: impossible size');
  return { profile, compatibility: sps[2] as number, level: sps[3] as number, width, height };
}

/** RFC 6381, 3.3: `avc3.` and profile, constraints, level in hex. */
export function h264CodecString(config: H264Config): string {
  return `avc3.${[config.profile, config.compatibility, config.level].map((v) => v.toString(16).padStart(2, '0')).join('')}`;
}

/** AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1) with four-byte lengths. */
export function avcC(config: H264Config, sps: Buffer, pps: Buffer): Buffer {
  const record = [u8(1, config.profile, config.compatibility, config.level, 0xff, 0xe1), u16(sps.length), sps, u8(1), u16(pps.length), pps];
  // High profiles add chroma format and bit depths; 4:2:0 with 8 bits is all WebRTC and our cameras send.
  if (HIGH_PROFILES.has(config.profile)) record.push(u8(0xfd, 0xf8, 0xf8, 0));
  return box('avcC', ...record);
}

function skipScalingMatrices(bits: BitReader, count: number): void {
  for (let i = 0; i < count; i += 1) {
    if (!bits.bits(1)) continue;
    let last = 8;
    let next = 8;
    for (let j = 0; j < (i < 6 ? 16 : 64); j += 1) {
      if (next !== 0) next = (last + bits.se() + 256) % 256;
      last = next === 0 ? last : next;
    }
  }
}

/** Take out emulation prevention bytes (7.4.1.1). */
function unescape(bytes: Buffer): Buffer {
  const out = Buffer.allocUnsafe(bytes.length);
  let length = 0;
  let zeros = 0;
  for (const byte of bytes) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    out[length++] = byte;
  }
  return out.subarray(0, length);
}

class BitReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i += 1) {
      const byte = this.#bytes[this.#at >> 3];
      if (byte === undefined) throw new HubError('corrupt', 'sequence parameter set ends too early');
      value = value * 2 + ((byte >> (7 - (this.#at & 7))) & 1);
      this.#at += 1;
    }
    return value;
  }

  /** Exp-Golomb (9.1). */
  ue(): number {
    let zeros = 0;
    while (this.bits(1) === 0) {
      zeros += 1;
      if (zeros > 31) throw new HubError('corrupt', 'sequence parameter set: number too long');
    }
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  se(): number {
    const code = this.ue();
    return code & 1 ? (code + 1) / 2 : -code / 2;
  }
}
