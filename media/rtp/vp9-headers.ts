import { HubError } from '../errors.ts';
import { BitReader } from './bit-reader.ts';

export type Vp9Descriptor = {
  /** Where the frame's bytes begin; beyond the payload's end when the descriptor is not whole. */
  from: number;
  beginsFrame: boolean;
  endsFrame: boolean;
  interPredicted: boolean;
  spatialLayer: number;
  /** Of the highest spatial layer, where the scalability structure says sizes. */
  size: { width: number; height: number } | null;
};

/** The payload descriptor (RFC 9628, 4.2). */
export function readDescriptor(payload: Buffer): Vp9Descriptor {
  const flags = payload[0] as number;
  const [hasId, interPredicted, hasLayers, flexible] = [flags & 0x80, (flags & 0x40) !== 0, flags & 0x20, flags & 0x10];
  let at = 1;
  if (hasId) at += (payload[at] ?? 0) & 0x80 ? 2 : 1;
  let spatialLayer = 0;
  if (hasLayers) {
    spatialLayer = ((payload[at] ?? 0) >> 1) & 7;
    at += flexible ? 1 : 2; // TL0PICIDX only without references of their own
  }
  if (flexible && interPredicted) {
    for (let i = 0; i < 3; i += 1) {
      const reference = payload[at] ?? 0;
      at += 1;
      if (!(reference & 1)) break;
    }
  }
  const structure = flags & 0x02 ? readStructure(payload, at) : { from: at, size: null };
  return { ...structure, beginsFrame: (flags & 0x08) !== 0, endsFrame: (flags & 0x04) !== 0, interPredicted, spatialLayer };
}

/** The scalability structure (RFC 9628, 4.2.1). */
function readStructure(payload: Buffer, start: number): Pick<Vp9Descriptor, 'from' | 'size'> {
  const head = payload[start] ?? 0;
  let at = start + 1;
  let size: Vp9Descriptor['size'] = null;
  if (head & 0x10) {
    at += 4 * ((head >> 5) + 1);
    if (at <= payload.length) size = { width: payload.readUInt16BE(at - 4), height: payload.readUInt16BE(at - 2) };
  }
  if (!(head & 0x08)) return { from: at, size };
  const pictures = payload[at] ?? 0;
  at += 1;
  for (let i = 0; i < pictures; i += 1) at += 1 + (((payload[at] ?? 0) >> 2) & 3);
  return { from: at, size };
}

export type Vp9FrameHeader = { profile: number; bitDepth: number; chroma: number; fullRange: boolean; width: number; height: number };

/** subsampling_x and subsampling_y as `vpcC` numbers them: 4:2:0 (colocated, its default), 4:2:2, 4:4:4; 4:4:0 has no number, the first reserved one stands in. */
const CHROMA = { '11': 1, '10': 2, '01': 4, '00': 3 } as const;
const RGB = 7;

/** The uncompressed header of a key frame (VP9 bitstream specification, 6.2 and 6.2.1); null for any other frame. */
export function readKeyFrameHeader(frame: Buffer): Vp9FrameHeader | null {
  try {
    const bits = new BitReader(frame);
    if (bits.bits(2) !== 2) return null; // frame_marker
    const profile = bits.bits(1) + 2 * bits.bits(1);
    if (profile === 3) bits.skip(1);
    if (bits.flag() || bits.flag()) return null; // show_existing_frame; frame_type
    bits.skip(2); // show_frame, error_resilient_mode
    if (bits.bits(24) !== 0x498342) return null;
    const bitDepth = profile < 2 ? 8 : bits.flag() ? 12 : 10;
    const colour = readColour(bits, profile);
    return { profile, bitDepth, ...colour, width: bits.bits(16) + 1, height: bits.bits(16) + 1 };
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    return null;
  }
}

/** color_config (6.2.2) */
function readColour(bits: BitReader, profile: number): Pick<Vp9FrameHeader, 'chroma' | 'fullRange'> {
  const sampled = profile === 1 || profile === 3;
  if (bits.bits(3) === RGB) {
    if (sampled) bits.skip(1);
    return { chroma: CHROMA['00'], fullRange: true };
  }
  const fullRange = bits.flag();
  if (!sampled) return { chroma: CHROMA['11'], fullRange };
  const subsampling = `${bits.bits(1)}${bits.bits(1)}` as keyof typeof CHROMA;
  bits.skip(1);
  return { chroma: CHROMA[subsampling], fullRange };
}
