import type { VideoConfig } from './codec.ts';
import { ParameterSets, setId } from './parameter-sets.ts';
import type { Pieces } from './pieces.ts';
import type { PayloadFormat, Picture } from './unit-assembler.ts';

const NAL_IDR = 5;
const NAL_SPS = 7;
const NAL_PPS = 8;
const NAL_AUD = 9;
const NAL_FILLER = 12;
const STAP_A = 24;
const FU_A = 28;
/** Every possible NAL unit header, to stand before fragments. */
const HEADERS = Array.from({ length: 256 }, (_, byte) => Buffer.from([byte]));

/**
 * H.264 payloads for packetization-mode 0 and 1 (RFC 6184, 5.6, 5.7.1, 5.8): single NAL units, STAP-A, FU-A. Key frames
 * always leave with their parameter sets in front.
 */
export class H264Format implements PayloadFormat {
  readonly lengths = true;
  #sets = new ParameterSets();
  #config: Extract<VideoConfig, { codec: 'h264' }> | null = null;
  /** The NAL unit whose fragments are coming in: its first piece and its header. */
  #fragmented: { first: number; header: number } | null = null;
  #key = false;
  #hasSps = false;
  #hasPps = false;
  #hasPicture = false;

  /** `sets`: NAL units from SDP (`sprop-parameter-sets`, RFC 6184, 8.1), for senders that never send them in band. */
  constructor(sets: Buffer[] = []) {
    for (const set of sets) this.#remember(set);
  }

  get config(): VideoConfig | null {
    return this.#config;
  }

  payload(payload: Buffer, pieces: Pieces): boolean {
    const type = (payload[0] as number) & 0x1f;
    if (type === FU_A) return this.#fragment(payload, pieces);
    // fragments come without anything between (RFC 6184, 5.8): else their end is missing
    const whole = !this.cut(pieces);
    if (type === STAP_A) return this.#aggregate(payload, pieces) && whole;
    if (type === 0 || type > 23) return false; // STAP-B, MTAP, FU-B belong to mode 2, reserved types to nobody
    pieces.add(payload, 0);
    this.#whole(payload[0] as number, pieces.count - 1, pieces);
    return whole;
  }

  cut(pieces: Pieces): boolean {
    if (!this.#fragmented) return false;
    pieces.endUnit(); // the picture is damaged and goes to no decoder; what there is of it is kept
    this.#fragmented = null;
    return true;
  }

  end(pieces: Pieces): Picture | null {
    const picture = this.#hasPicture ? { key: this.#key, leading: false } : null;
    if (this.#key) {
      if (!this.#hasSps || !this.#hasPps) pieces.front = this.#sets.all();
      this.#refreshConfig();
    }
    this.#key = false;
    this.#hasSps = false;
    this.#hasPps = false;
    this.#hasPicture = false;
    return picture;
  }

  /** Parameter sets, SEI, AUD, or a slice whose first_mb_in_slice is 0 (its Exp-Golomb code is a single 1). */
  startsPicture(payload: Buffer): boolean {
    let nal = payload;
    let type = (payload[0] as number) & 0x1f;
    if (type === STAP_A) {
      if (payload.length < 5) return false;
      nal = payload.subarray(3);
      type = (nal[0] as number) & 0x1f;
    } else if (type === FU_A) {
      const header = payload[1] ?? 0;
      if (!(header & 0x80)) return false;
      type = header & 0x1f;
      nal = payload.subarray(1);
    }
    if (type >= 6 && type <= NAL_AUD) return true;
    return type >= 1 && type <= NAL_IDR && ((nal[1] ?? 0) & 0x80) !== 0;
  }

  /** RFC 6184, 5.7.1 */
  #aggregate(payload: Buffer, pieces: Pieces): boolean {
    let at = 1;
    while (at + 2 <= payload.length) {
      const size = payload.readUInt16BE(at);
      at += 2;
      if (size === 0 || at + size > payload.length) return false;
      pieces.add(payload.subarray(at, at + size), 0);
      this.#whole(payload[at] as number, pieces.count - 1, pieces);
      at += size;
    }
    return at === payload.length;
  }

  /** RFC 6184, 5.8 */
  #fragment(payload: Buffer, pieces: Pieces): boolean {
    if (payload.length < 3) return false;
    const indicator = payload[0] as number;
    const header = payload[1] as number;
    const nalHeader = (indicator & 0xe0) | (header & 0x1f);
    let whole = true;
    if (header & 0x80) {
      whole = !this.cut(pieces);
      this.#fragmented = { first: pieces.count, header: nalHeader };
      pieces.add(HEADERS[nalHeader] as Buffer, 0);
    }
    const open = this.#fragmented;
    if (!open) pieces.add(HEADERS[nalHeader] as Buffer, 0); // its begin is lost
    pieces.add(payload, 2);
    if (!open) {
      pieces.endUnit();
      return false;
    }
    if (header & 0x40) {
      this.#fragmented = null;
      this.#whole(open.header, open.first, pieces);
    }
    return whole;
  }

  /** A NAL unit is complete, in the pieces from `first` on. */
  #whole(header: number, first: number, pieces: Pieces): void {
    const type = header & 0x1f;
    if (type === NAL_AUD || type === NAL_FILLER) {
      pieces.truncate(first); // meaningless in a file sample
      return;
    }
    if (type === NAL_SPS || type === NAL_PPS) {
      this.#remember(pieces.peek(first, pieces.sizeFrom(first)));
      this.#hasSps ||= type === NAL_SPS;
      this.#hasPps ||= type === NAL_PPS;
    }
    if (type === NAL_IDR) this.#key = true;
    if (type >= 1 && type <= NAL_IDR) this.#hasPicture = true;
    pieces.endUnit();
  }

  #remember(nal: Buffer): void {
    const type = (nal[0] ?? 0) & 0x1f;
    if (type === NAL_SPS && nal.length >= 4) this.#sets.remember(type, setId(nal, 4), nal);
    if (type === NAL_PPS && nal.length >= 2) this.#sets.remember(type, setId(nal, 1), nal);
  }

  #refreshConfig(): void {
    const sps = this.#sets.latest(NAL_SPS);
    const pps = this.#sets.latest(NAL_PPS);
    if (sps && pps && (this.#config?.sps !== sps || this.#config.pps !== pps)) this.#config = { codec: 'h264', sps, pps };
  }
}
