import { HubError } from '../errors.ts';
import { BitReader, withoutEmulationPrevention } from '../rtp/bit-reader.ts';
import { box, u16, u8 } from './boxes.ts';

export type H264Config = {
  profile: number;
  compatibility: number;
  level: number;
  /** chroma_format_idc: 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4 */
  chroma: number;
  bitDepthLuma: number;
  bitDepthChroma: number;
  width: number;
  height: number;
  /** Pictures that may come before one that is shown sooner; 0 where the set does not say. */
  reorderFrames: number;
};

const BASELINE = 66;
/** Profiles whose sets say chroma format and bit depths (ITU-T H.264, 7.3.2.1.1). */
const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);
const EXTENDED_SAR = 255;

/**
 * What a sequence parameter set says (ITU-T H.264, 7.3.2.1.1): profile, level, sampling and the picture's size after
 * cropping (7.4.2.1.1). Throws `corrupt` for what cannot be read.
 */
export function parseSps(sps: Buffer): H264Config {
  if (sps.length < 4 || ((sps[0] as number) & 0x1f) !== 7) throw new HubError('corrupt', 'not a sequence parameter set');
  const bits = new BitReader(withoutEmulationPrevention(sps.subarray(4)));
  const profile = sps[1] as number;
  bits.ue(); // seq_parameter_set_id
  const sampling = readSampling(bits, profile);
  bits.ue(); // log2_max_frame_num_minus4
  const orderType = readOrder(bits);
  bits.ue(); // max_num_ref_frames
  bits.skip(1);
  const size = readSize(bits, sampling.chroma);
  const reorderFrames = profile === BASELINE || orderType === 2 ? 0 : readReorder(bits);
  return { profile, compatibility: sps[2] as number, level: sps[3] as number, ...sampling, ...size, reorderFrames };
}

function readSampling(bits: BitReader, profile: number): Pick<H264Config, 'chroma' | 'bitDepthLuma' | 'bitDepthChroma'> {
  if (!HIGH_PROFILES.has(profile)) return { chroma: 1, bitDepthLuma: 8, bitDepthChroma: 8 };
  const chroma = bits.ue();
  if (chroma === 3) bits.skip(1); // separate_colour_plane_flag
  const bitDepthLuma = 8 + bits.ue();
  const bitDepthChroma = 8 + bits.ue();
  if (chroma > 3 || bitDepthLuma > 14 || bitDepthChroma > 14) throw new HubError('corrupt', 'sequence parameter set: impossible sampling');
  bits.skip(1); // qpprime_y_zero_transform_bypass_flag
  if (bits.flag()) skipScalingMatrices(bits, chroma === 3 ? 12 : 8);
  return { chroma, bitDepthLuma, bitDepthChroma };
}

/** pic_order_cnt_type; 2 means that pictures are shown in the order in which they come (8.2.1.3). */
function readOrder(bits: BitReader): number {
  const orderType = bits.ue();
  if (orderType === 0) bits.ue();
  if (orderType !== 1) return orderType;
  bits.skip(1);
  bits.ue();
  bits.ue();
  const cycle = bits.ue();
  if (cycle > 255) throw new HubError('corrupt', 'sequence parameter set: order cycle too long');
  for (let i = 0; i < cycle; i += 1) bits.ue();
  return orderType;
}

function readSize(bits: BitReader, chroma: number): { width: number; height: number } {
  const widthMbs = bits.ue() + 1;
  const heightUnits = bits.ue() + 1;
  const frameMbsOnly = bits.bits(1);
  if (!frameMbsOnly) bits.skip(1);
  bits.skip(1); // direct_8x8_inference_flag
  const crop = { left: 0, right: 0, top: 0, bottom: 0 };
  if (bits.flag()) Object.assign(crop, { left: bits.ue(), right: bits.ue(), top: bits.ue(), bottom: bits.ue() });
  const cropX = chroma === 1 || chroma === 2 ? 2 : 1;
  const cropY = (chroma === 1 ? 2 : 1) * (2 - frameMbsOnly);
  const width = widthMbs * 16 - (crop.left + crop.right) * cropX;
  const height = heightUnits * 16 * (2 - frameMbsOnly) - (crop.top + crop.bottom) * cropY;
  if (width <= 0 || height <= 0 || width > 16384 || height > 16384)
    throw new HubError('corrupt', 'sequence parameter set: impossible size');
  return { width, height };
}

/** max_num_reorder_frames of the usability information (E.1.1); what cannot be read there costs no more than itself. */
function readReorder(bits: BitReader): number {
  try {
    if (!bits.flag()) return 0; // vui_parameters_present_flag
    if (bits.flag() && bits.bits(8) === EXTENDED_SAR) bits.skip(32);
    if (bits.flag()) bits.skip(1); // overscan
    if (bits.flag()) {
      bits.skip(4); // video_format, video_full_range_flag
      if (bits.flag()) bits.skip(24); // colour_description
    }
    if (bits.flag()) for (let i = 0; i < 2; i += 1) bits.ue(); // chroma_loc_info
    if (bits.flag()) bits.skip(65); // timing_info
    const nalHrd = bits.flag();
    if (nalHrd) skipHrd(bits);
    const vclHrd = bits.flag();
    if (vclHrd) skipHrd(bits);
    if (nalHrd || vclHrd) bits.skip(1); // low_delay_hrd_flag
    bits.skip(1); // pic_struct_present_flag
    if (!bits.flag()) return 0; // bitstream_restriction_flag
    bits.skip(1);
    for (let i = 0; i < 4; i += 1) bits.ue();
    const frames = bits.ue();
    return frames <= 16 ? frames : 0; // never more than the decoded picture buffer holds
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    return 0;
  }
}

/** hrd_parameters (E.1.2) */
function skipHrd(bits: BitReader): void {
  const count = bits.ue() + 1;
  if (count > 32) throw new HubError('corrupt', 'sequence parameter set: too many buffers');
  bits.skip(8);
  for (let i = 0; i < count; i += 1) {
    bits.ue();
    bits.ue();
    bits.skip(1);
  }
  bits.skip(20);
}

function skipScalingMatrices(bits: BitReader, count: number): void {
  for (let i = 0; i < count; i += 1) {
    if (!bits.flag()) continue;
    let last = 8;
    let next = 8;
    for (let j = 0; j < (i < 6 ? 16 : 64); j += 1) {
      if (next !== 0) next = (last + bits.se() + 256) % 256;
      last = next === 0 ? last : next;
    }
  }
}

/** A set that we cannot read still describes pictures that a decoder may: keep its profile, say no size. */
export function spsOrProfile(sps: Buffer): H264Config {
  try {
    return parseSps(sps);
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    const [, profile = BASELINE, compatibility = 0, level = 31] = sps;
    const sampling = { chroma: 1, bitDepthLuma: 8, bitDepthChroma: 8 };
    return { profile, compatibility, level, ...sampling, width: 0, height: 0, reorderFrames: 0 };
  }
}

/** RFC 6381, 3.3: `avc3.` and profile, constraints, level in hex. */
export function h264CodecString(config: H264Config): string {
  return `avc3.${[config.profile, config.compatibility, config.level].map((v) => v.toString(16).padStart(2, '0')).join('')}`;
}

/** AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1) with four-byte lengths. */
export function avcC(config: H264Config, sps: Buffer, pps: Buffer): Buffer {
  const record = [u8(1, config.profile, config.compatibility, config.level, 0xff, 0xe1), u16(sps.length), sps, u8(1), u16(pps.length), pps];
  if (HIGH_PROFILES.has(config.profile))
    record.push(u8(0xfc | config.chroma, 0xf8 | (config.bitDepthLuma - 8), 0xf8 | (config.bitDepthChroma - 8), 0));
  return box('avcC', ...record);
}
