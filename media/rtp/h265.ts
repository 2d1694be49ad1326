import { withoutEmulationPrevention } from './bit-reader.ts';
import type { VideoConfig } from './codec.ts';
import { ParameterSets, setId } from './parameter-sets.ts';
import type { Pieces } from './pieces.ts';
import type { PayloadFormat, Picture } from './unit-assembler.ts';

/** NAL unit types (ITU-T H.265, table 7-1) and payload types (RFC 7798, 4.4). */
const RASL_N = 8;
const RASL_R = 9;
const IRAP_FIRST = 16;
const IRAP_LAST = 21;
const LAST_SLICE = 31;
const NAL_VPS = 32;
const NAL_SPS = 33;
const NAL_PPS = 34;
const NAL_AUD = 35;
const NAL_FILLER = 38;
const NAL_PREFIX_SEI = 39;
const AP = 48;
const FU = 49;

/**
 * H.265 payloads (RFC 7798, 4.4.1–4.4.3): single NAL units, aggregation packets, fragmentation units; decoding order
 * numbers are skipped where `sprop-max-don-diff` announces them. Key frames (IRAP, CRA among them) always leave with their
 * parameter sets in front.
 */
export class H265Format implements PayloadFormat {
  readonly lengths = true;
  readonly #donBytes: 0 | 2;
  readonly #sets = new ParameterSets();
  #config: Extract<VideoConfig, { codec: 'h265' }> | null = null;
  /** The NAL unit whose fragments are coming in: its first piece and its type. */
  #fragmented: { first: number; type: number } | null = null;
  #key = false;
  #leading = false;
  #hasPicture = false;
  /** Which of VPS, SPS, PPS came with the picture, a bit for each. */
  #hasSets = 0;

  /** `sets`: NAL units from SDP (`sprop-vps`, `sprop-sps`, `sprop-pps`, RFC 7798, 7.1); `maxDonDiff`: `sprop-max-don-diff`. */
  constructor(sets: Buffer[] = [], maxDonDiff = 0) {
    this.#donBytes = maxDonDiff > 0 ? 2 : 0;
    for (const set of sets) this.#remember(set);
  }

  get config(): VideoConfig | null {
    return this.#config;
  }

  payload(payload: Buffer, pieces: Pieces): boolean {
    if (payload.length < 2) return false;
    const type = typeOf(payload, 0);
    if (type === FU) return this.#fragment(payload, pieces);
    // fragments come without anything between (RFC 7798, 4.4.3): else their end is missing
    const whole = !this.cut(pieces);
    if (type === AP) return this.#aggregate(payload, pieces) && whole;
    if (type > AP) return false; // PACI belongs to temporal scalability control, the rest to nobody
    return this.#single(payload, pieces) && whole;
  }

  cut(pieces: Pieces): boolean {
    if (!this.#fragmented) return false;
    pieces.endUnit(); // the picture is damaged and goes to no decoder; what there is of it is kept
    this.#fragmented = null;
    return true;
  }

  end(pieces: Pieces): Picture | null {
    const picture = this.#hasPicture ? { key: this.#key, leading: this.#leading } : null;
    if (this.#key) {
      if (this.#hasSets !== 7) pieces.front = this.#sets.all();
      this.#refreshConfig();
    }
    this.#key = false;
    this.#leading = false;
    this.#hasPicture = false;
    this.#hasSets = 0;
    return picture;
  }

  /** Parameter sets, AUD, prefix SEI, or a slice with first_slice_segment_in_pic_flag. */
  startsPicture(payload: Buffer): boolean {
    if (payload.length < 2) return false;
    let type = typeOf(payload, 0);
    let at = 2;
    if (type === AP) {
      at += this.#donBytes + 2;
      if (payload.length < at + 2) return false;
      type = typeOf(payload, at);
      at += 2;
    } else if (type === FU) {
      const header = payload[2] ?? 0;
      if (!(header & 0x80)) return false;
      type = header & 0x3f;
      at += 1 + this.#donBytes;
    } else at += this.#donBytes;
    if ((type >= NAL_VPS && type <= NAL_AUD) || type === NAL_PREFIX_SEI) return true;
    return type <= LAST_SLICE && ((payload[at] ?? 0) & 0x80) !== 0;
  }

  /** RFC 7798, 4.4.1 */
  #single(payload: Buffer, pieces: Pieces): boolean {
    const first = pieces.count;
    if (this.#donBytes === 0) pieces.add(payload, 0);
    else {
      if (payload.length < 4) return false;
      pieces.add(payload.subarray(0, 2), 0);
      pieces.add(payload, 4);
    }
    this.#whole(typeOf(payload, 0), first, pieces);
    return true;
  }

  /** RFC 7798, 4.4.2: the first unit has a DONL, all others a DOND of one byte, where there are any. */
  #aggregate(payload: Buffer, pieces: Pieces): boolean {
    let at = 2 + this.#donBytes;
    while (at + 2 <= payload.length) {
      const size = payload.readUInt16BE(at);
      at += 2;
      if (size < 2 || at + size > payload.length) return false;
      pieces.add(payload.subarray(at, at + size), 0);
      this.#whole(typeOf(payload, at), pieces.count - 1, pieces);
      at += size;
      if (at < payload.length && this.#donBytes > 0) at += 1;
    }
    return at === payload.length;
  }

  /** RFC 7798, 4.4.3 */
  #fragment(payload: Buffer, pieces: Pieces): boolean {
    const header = payload[2] ?? 0;
    const starts = (header & 0x80) !== 0;
    const from = starts ? 3 + this.#donBytes : 3;
    if (payload.length <= from) return false;
    let whole = true;
    if (starts) {
      whole = !this.cut(pieces);
      const type = header & 0x3f;
      this.#fragmented = { first: pieces.count, type };
      pieces.add(Buffer.from([((payload[0] as number) & 0x81) | (type << 1), payload[1] as number]), 0);
    }
    const open = this.#fragmented;
    if (!open) return false;
    pieces.add(payload, from);
    if (header & 0x40) {
      this.#fragmented = null;
      this.#whole(open.type, open.first, pieces);
    }
    return whole;
  }

  /** A NAL unit is complete, in the pieces from `first` on. */
  #whole(type: number, first: number, pieces: Pieces): void {
    if (type === NAL_AUD || type === NAL_FILLER) {
      pieces.truncate(first); // meaningless in a file sample
      return;
    }
    if (type >= NAL_VPS && type <= NAL_PPS) {
      this.#remember(pieces.peek(first, pieces.sizeFrom(first)));
      this.#hasSets |= 1 << (type - NAL_VPS);
    }
    if (type >= IRAP_FIRST && type <= IRAP_LAST) this.#key = true;
    if (type === RASL_N || type === RASL_R) this.#leading = true;
    if (type <= LAST_SLICE) this.#hasPicture = true;
    pieces.endUnit();
  }

  #remember(nal: Buffer): void {
    if (nal.length < 3) return;
    const type = typeOf(nal, 0);
    if (type === NAL_VPS) this.#sets.remember(type, (nal[2] as number) >> 4, nal);
    if (type === NAL_SPS) this.#sets.remember(type, spsId(nal), nal);
    if (type === NAL_PPS) this.#sets.remember(type, setId(nal, 2), nal);
  }

  #refreshConfig(): void {
    const [vps, sps, pps] = [this.#sets.latest(NAL_VPS), this.#sets.latest(NAL_SPS), this.#sets.latest(NAL_PPS)];
    if (!vps || !sps || !pps) return;
    const same = this.#config?.vps === vps && this.#config.sps === sps && this.#config.pps === pps;
    if (!same) this.#config = { codec: 'h265', vps, sps, pps };
  }
}

function typeOf(bytes: Buffer, at: number): number {
  return ((bytes[at] as number) >> 1) & 0x3f;
}

/**
 * sps_seq_parameter_set_id stands behind profile_tier_level (7.3.2.2.1): with one sub-layer at a fixed place, but for
 * emulation prevention. Elsewhere every set counts as number 0: senders with several of them are not known.
 */
function spsId(nal: Buffer): number {
  const oneLayer = (((nal[2] as number) >> 1) & 7) === 0;
  return oneLayer ? setId(withoutEmulationPrevention(nal.subarray(0, 32)), 15) : 0;
}
