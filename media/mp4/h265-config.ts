import { HubError } from '../errors.ts';
import { BitReader, withoutEmulationPrevention } from '../rtp/bit-reader.ts';
import { box, u16, u32, u8 } from './boxes.ts';

export type H265Config = {
  /** general_profile_space, general_profile_idc, general_tier_flag, general_level_idc */
  space: number;
  profile: number;
  tier: number;
  level: number;
  /** 32 general_profile_compatibility_flags, as sent. */
  compatibility: number;
  /** The six bytes of constraint flags that follow them. */
  constraints: Buffer;
  temporalLayers: number;
  temporalNesting: number;
  /** chroma_format_idc: 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4 */
  chroma: number;
  bitDepthLuma: number;
  bitDepthChroma: number;
  width: number;
  height: number;
  /** sps_max_num_reorder_pics of the highest sub-layer. */
  reorderFrames: number;
};

const NAL_VPS = 32;
const NAL_SPS = 33;
const NAL_PPS = 34;

/** What a sequence parameter set says (ITU-T H.265, 7.3.2.2 and 7.3.3), size after cropping. Throws `corrupt` for what cannot be read. */
export function parseH265Sps(sps: Buffer): H265Config {
  if (sps.length < 15 || ((sps[0] as number) >> 1) % 64 !== NAL_SPS) throw new HubError('corrupt', 'not a sequence parameter set');
  const bytes = withoutEmulationPrevention(sps.subarray(2));
  const bits = new BitReader(bytes);
  bits.skip(4); // sps_video_parameter_set_id
  const subLayers = bits.bits(3); // sps_max_sub_layers_minus1
  const temporalNesting = bits.bits(1);
  const general = readProfile(bits, bytes);
  skipSubLayerProfiles(bits, subLayers);
  bits.ue(); // sps_seq_parameter_set_id
  const chroma = bits.ue();
  const separatePlanes = chroma === 3 && bits.flag();
  const size = readSize(bits, separatePlanes ? 0 : chroma);
  const bitDepthLuma = 8 + bits.ue();
  const bitDepthChroma = 8 + bits.ue();
  if (chroma > 3 || bitDepthLuma > 15 || bitDepthChroma > 15) throw new HubError('corrupt', 'sequence parameter set: impossible sampling');
  bits.ue(); // log2_max_pic_order_cnt_lsb_minus4
  let reorderFrames = 0;
  for (let i = bits.flag() ? 0 : subLayers; i <= subLayers; i += 1) {
    bits.ue(); // sps_max_dec_pic_buffering_minus1
    reorderFrames = bits.ue();
    bits.ue(); // sps_max_latency_increase_plus1
  }
  if (reorderFrames > 16) reorderFrames = 0; // never more than the decoded picture buffer holds
  return { ...general, temporalLayers: subLayers + 1, temporalNesting, chroma, bitDepthLuma, bitDepthChroma, ...size, reorderFrames };
}

type Profile = Pick<H265Config, 'space' | 'tier' | 'profile' | 'compatibility' | 'constraints' | 'level'>;

function readProfile(bits: BitReader, bytes: Buffer): Profile {
  const space = bits.bits(2);
  const tier = bits.bits(1);
  const profile = bits.bits(5);
  const compatibility = bits.bits(32);
  const constraints = Buffer.from(bytes.subarray(bits.at / 8, bits.at / 8 + 6));
  bits.skip(48);
  return { space, tier, profile, compatibility, constraints, level: bits.bits(8) };
}

function skipSubLayerProfiles(bits: BitReader, subLayers: number): void {
  if (subLayers === 0) return;
  const flags: { profile: boolean; level: boolean }[] = [];
  for (let i = 0; i < subLayers; i += 1) flags.push({ profile: bits.flag(), level: bits.flag() });
  bits.skip(2 * (8 - subLayers)); // reserved_zero_2bits
  for (const { profile, level } of flags) bits.skip((profile ? 88 : 0) + (level ? 8 : 0));
}

function readSize(bits: BitReader, chroma: number): { width: number; height: number } {
  let width = bits.ue();
  let height = bits.ue();
  if (bits.flag()) {
    // conformance_window
    const unitX = chroma === 1 || chroma === 2 ? 2 : 1;
    const unitY = chroma === 1 ? 2 : 1;
    width -= (bits.ue() + bits.ue()) * unitX;
    height -= (bits.ue() + bits.ue()) * unitY;
  }
  if (width <= 0 || height <= 0 || width > 16384 || height > 16384)
    throw new HubError('corrupt', 'sequence parameter set: impossible size');
  return { width, height };
}

/** A set that we cannot read still describes pictures that a decoder may: take it for Main, say no size. */
export function h265SpsOrMain(sps: Buffer): H265Config {
  try {
    return parseH265Sps(sps);
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    const profile = { space: 0, profile: 1, tier: 0, level: 93, compatibility: 0x60000000, constraints: Buffer.alloc(6) };
    const sampling = { chroma: 1, bitDepthLuma: 8, bitDepthChroma: 8 };
    return { ...profile, ...sampling, temporalLayers: 1, temporalNesting: 0, width: 0, height: 0, reorderFrames: 0 };
  }
}

/** ISO/IEC 14496-15, E.3: `hev1.` and profile, compatibility flags with their bits reversed, tier and level, constraint bytes without trailing zeros. */
export function h265CodecString(config: H265Config): string {
  let reversed = 0;
  for (let i = 0; i < 32; i += 1) reversed = reversed * 2 + ((config.compatibility >>> i) & 1);
  let last = config.constraints.length;
  while (last > 0 && config.constraints[last - 1] === 0) last -= 1;
  const constraints = [...config.constraints.subarray(0, last)].map((byte) => `.${byte.toString(16)}`).join('');
  const space = ['', 'A', 'B', 'C'][config.space] ?? '';
  return `hev1.${space}${config.profile}.${reversed.toString(16)}.${config.tier ? 'H' : 'L'}${config.level}${constraints}`
    .toUpperCase()
    .replace('HEV1', 'hev1');
}

/** HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.3.1) with four-byte lengths; sets may stand in band too. */
export function hvcC(config: H265Config, vps: Buffer, sps: Buffer, pps: Buffer): Buffer {
  const { space, tier, profile, compatibility, constraints, level } = config;
  const sets = (
    [
      [NAL_VPS, vps],
      [NAL_SPS, sps],
      [NAL_PPS, pps],
    ] as const
  ).flatMap(([type, set]) => [u8(type), u16(1, set.length), set]);
  return box(
    'hvcC',
    u8(1, (space << 6) | (tier << 5) | profile),
    u32(compatibility),
    constraints,
    u8(level),
    u16(0xf000), // min_spatial_segmentation_idc: not known
    u8(0xfc, 0xfc | config.chroma, 0xf8 | (config.bitDepthLuma - 8), 0xf8 | (config.bitDepthChroma - 8)),
    u16(0), // avgFrameRate: not known
    u8((Math.min(7, config.temporalLayers) << 3) | (config.temporalNesting << 2) | 3, 3),
    ...sets,
  );
}
