import { HubError } from '../errors.ts';
import { BitReader } from '../rtp/bit-reader.ts';
import { box, u8 } from './boxes.ts';

export type Av1Config = {
  profile: number;
  level: number;
  tier: number;
  bitDepth: number;
  monochrome: boolean;
  subsamplingX: number;
  subsamplingY: number;
  chromaPosition: number;
  width: number;
  height: number;
};

/** CP_BT_709, TC_SRGB, MC_IDENTITY: together they mean 4:4:4 without more words. */
const SRGB = [1, 13, 0];

/** What a sequence header OBU says (AV1 bitstream specification, 5.5). Throws `corrupt` for what cannot be read. */
export function parseSequenceHeader(obu: Buffer): Av1Config {
  const first = obu[0] ?? 0;
  if (((first >> 3) & 15) !== 1) throw new HubError('corrupt', 'not a sequence header');
  let from = first & 4 ? 2 : 1;
  if (first & 2) {
    while ((obu[from] ?? 0) & 0x80 && from < 9) from += 1; // obu_size
    from += 1;
  }
  const bits = new BitReader(obu, from);
  const profile = bits.bits(3);
  bits.skip(1); // still_picture
  const reduced = bits.flag();
  const { level, tier } = reduced ? { level: bits.bits(5), tier: 0 } : readOperatingPoints(bits);
  const widthBits = bits.bits(4) + 1;
  const heightBits = bits.bits(4) + 1;
  const width = bits.bits(widthBits) + 1;
  const height = bits.bits(heightBits) + 1;
  skipTools(bits, reduced);
  return { profile, level, tier, ...readColour(bits, profile), width, height };
}

/** Level and tier of operating point 0 (5.5.1), timing information skipped (5.5.3, 5.5.4). */
function readOperatingPoints(bits: BitReader): { level: number; tier: number } {
  let delayBits = 0;
  const timing = bits.flag();
  if (timing) {
    bits.skip(64);
    if (bits.flag()) bits.ue(); // equal_picture_interval; uvlc() reads like Exp-Golomb (4.10.3)
    if (bits.flag()) {
      delayBits = bits.bits(5) + 1;
      bits.skip(42);
    }
  }
  const initialDelay = bits.flag();
  const count = bits.bits(5) + 1;
  const points: { level: number; tier: number }[] = [];
  for (let i = 0; i < count; i += 1) {
    bits.skip(12); // operating_point_idc
    const level = bits.bits(5);
    points.push({ level, tier: level > 7 ? bits.bits(1) : 0 });
    if (delayBits > 0 && bits.flag()) bits.skip(2 * delayBits + 1);
    if (initialDelay && bits.flag()) bits.skip(4);
  }
  return points[0] as { level: number; tier: number };
}

function skipTools(bits: BitReader, reduced: boolean): void {
  if (!reduced && bits.flag()) bits.skip(7); // frame_id_numbers_present_flag
  bits.skip(3); // use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter
  if (!reduced) {
    bits.skip(4); // interintra, masked compound, warped motion, dual filter
    const orderHint = bits.flag();
    if (orderHint) bits.skip(2);
    const chosen = bits.flag(); // seq_choose_screen_content_tools
    const screenContent = chosen ? 2 : bits.bits(1);
    if (screenContent > 0 && !bits.flag()) bits.skip(1); // seq_choose_integer_mv
    if (orderHint) bits.skip(3);
  }
  bits.skip(3); // superres, cdef, restoration
}

type Colour = Pick<Av1Config, 'bitDepth' | 'monochrome' | 'subsamplingX' | 'subsamplingY' | 'chromaPosition'>;

/** color_config (5.5.2) */
function readColour(bits: BitReader, profile: number): Colour {
  const high = bits.flag();
  const bitDepth = profile === 2 && high ? (bits.flag() ? 12 : 10) : high ? 10 : 8;
  const monochrome = profile !== 1 && bits.flag();
  const described = bits.flag() ? [bits.bits(8), bits.bits(8), bits.bits(8)] : [2, 2, 2];
  if (monochrome) return { bitDepth, monochrome, subsamplingX: 1, subsamplingY: 1, chromaPosition: 0 };
  if (SRGB.every((value, i) => described[i] === value))
    return { bitDepth, monochrome, subsamplingX: 0, subsamplingY: 0, chromaPosition: 0 };
  bits.skip(1); // color_range
  let [subsamplingX, subsamplingY] = profile === 0 ? [1, 1] : profile === 1 ? [0, 0] : [1, 0];
  if (profile === 2 && bitDepth === 12) {
    subsamplingX = bits.bits(1);
    subsamplingY = subsamplingX ? bits.bits(1) : 0;
  }
  return { bitDepth, monochrome, subsamplingX, subsamplingY, chromaPosition: subsamplingX && subsamplingY ? bits.bits(2) : 0 };
}

/** A header that we cannot read still goes before pictures that a decoder may: take it for Main, say no size. */
export function sequenceHeaderOrMain(obu: Buffer): Av1Config {
  try {
    return parseSequenceHeader(obu);
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    const sampling = { bitDepth: 8, monochrome: false, subsamplingX: 1, subsamplingY: 1, chromaPosition: 0 };
    return { profile: 0, level: 8, tier: 0, ...sampling, width: 0, height: 0 };
  }
}

/** "AV1 Codec ISO Media File Format Binding", 5: profile, level and tier, bit depth. */
export function av1CodecString({ profile, level, tier, bitDepth }: Av1Config): string {
  return `av01.${profile}.${String(level).padStart(2, '0')}${tier ? 'H' : 'M'}.${String(bitDepth).padStart(2, '0')}`;
}

/** AV1CodecConfigurationBox (the same binding, 2.3), with the sequence header as its one configuration OBU. */
export function av1C(config: Av1Config, sequenceHeader: Buffer): Buffer {
  const { profile, level, tier, bitDepth, monochrome, subsamplingX, subsamplingY, chromaPosition } = config;
  const flags =
    (tier << 7) |
    ((bitDepth > 8 ? 1 : 0) << 6) |
    ((bitDepth > 10 ? 1 : 0) << 5) |
    ((monochrome ? 1 : 0) << 4) |
    (subsamplingX << 3) |
    (subsamplingY << 2) |
    chromaPosition;
  return box('av1C', u8(0x81, (profile << 5) | level, flags, 0), sequenceHeader);
}
