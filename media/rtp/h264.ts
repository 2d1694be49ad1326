import type { AccessUnit } from './access-unit.ts';
import type { RtpPacket } from './packet.ts';
import type { SlabPool } from './slabs.ts';

const NAL_IDR = 5;
const NAL_SPS = 7;
const NAL_PPS = 8;
const NAL_AUD = 9;
const NAL_FILLER = 12;
const STAP_A = 24;
const FU_A = 28;
/** No frame of any level we take is larger; more is an attack or noise. */
const MAX_FRAME_BYTES = 8 * 1024 * 1024;
/** Every possible NAL unit header, to stand before fragments. */
const HEADERS = Array.from({ length: 256 }, (_, byte) => Buffer.from([byte]));

export type ParameterSets = { sps: Buffer; pps: Buffer };

/**
 * H.264 depacketiser for packetization-mode 0 and 1 (RFC 6184, 5.6, 5.7.1, 5.8): single NAL units, STAP-A, FU-A. Feed
 * it packets in order; it gives whole access units, told apart by marker bit and timestamp (RFC 6184, 5.1). Key frames
 * always leave with their parameter sets in front.
 */
export class H264Depacketizer {
  readonly #output: (unit: AccessUnit) => void;
  readonly #memory: SlabPool;
  #sps: Buffer | null = null;
  #pps: Buffer | null = null;
  /** The open access unit's NAL units in pieces that are copied once, when it is whole: piece i counts from byte #from[i]. */
  #pieces: Buffer[] = [];
  #from: number[] = [];
  /** After how many pieces each NAL unit ends. */
  #nalEnds: number[] = [];
  #bytes = 0;
  /** The NAL unit whose fragments are coming in: its first piece and its header. */
  #fragmented: { first: number; header: number } | null = null;
  #open: { timestamp: number; arrivalMs: number; lostBefore: number; restart: boolean } | null = null;
  #damaged = false;
  #key = false;
  #hasSets = false;
  #hasPicture = false;
  /** Loss seen since the last frame, before the next one has begun. */
  #pendingLoss = 0;
  #pendingRestart = false;

  /** `spropParameterSets`: base64 NAL units from SDP (RFC 6184, 8.1), for senders that never send them in band. */
  constructor(output: (unit: AccessUnit) => void, memory: SlabPool, spropParameterSets: string | null = null) {
    this.#output = output;
    this.#memory = memory;
    for (const text of spropParameterSets?.split(',') ?? []) this.#remember(Buffer.from(text, 'base64'));
  }

  /** The sets now in force, once both have been seen. */
  get parameterSets(): ParameterSets | null {
    return this.#sps && this.#pps ? { sps: this.#sps, pps: this.#pps } : null;
  }

  push(packet: RtpPacket, lostBefore: number, restart: boolean): void {
    if (lostBefore > 0 || restart) this.#loss(packet);
    if (this.#open && this.#open.timestamp !== packet.timestamp) this.#finish();
    if (packet.payload.length === 0) {
      this.#pendingLoss += lostBefore;
      this.#pendingRestart ||= restart;
      return;
    }
    if (!this.#open) {
      this.#open = {
        timestamp: packet.timestamp,
        arrivalMs: packet.arrivalMs,
        lostBefore: this.#pendingLoss,
        restart: this.#pendingRestart,
      };
      this.#pendingLoss = 0;
      this.#pendingRestart = false;
      if (lostBefore > 0 && !startsPicture(packet.payload)) this.#damaged = true;
    }
    this.#open.lostBefore += lostBefore;
    this.#open.restart ||= restart;
    this.#payload(packet.payload);
    if (packet.marker) this.#finish();
  }

  /** Hand out what is open, as damaged unless it was whole. */
  flush(): void {
    if (!this.#open) return;
    this.#damaged = true;
    this.#finish();
  }

  #loss(packet: RtpPacket): void {
    // The end or the middle of the open access unit is among what was lost.
    if (this.#open) this.#damaged = true;
    if (this.#fragmented && this.#open?.timestamp === packet.timestamp) this.#dropFragments();
  }

  #payload(payload: Buffer): void {
    const type = (payload[0] as number) & 0x1f;
    if (this.#fragmented && type !== FU_A) {
      // fragments come without anything between (RFC 6184, 5.8): their end is missing
      this.#dropFragments();
      this.#damaged = true;
    }
    if (type >= 1 && type <= 23) this.#nal(payload);
    else if (type === STAP_A) this.#aggregate(payload);
    else if (type === FU_A) this.#fragment(payload);
    else this.#damaged = true; // STAP-B, MTAP, FU-B belong to mode 2, reserved types to nobody
  }

  /** RFC 6184, 5.7.1 */
  #aggregate(payload: Buffer): void {
    let at = 1;
    while (at + 2 <= payload.length) {
      const size = payload.readUInt16BE(at);
      at += 2;
      if (size === 0 || at + size > payload.length) break;
      this.#nal(payload.subarray(at, at + size));
      at += size;
    }
    if (at !== payload.length) this.#damaged = true;
  }

  /** RFC 6184, 5.8 */
  #fragment(payload: Buffer): void {
    if (payload.length < 3) {
      this.#damaged = true;
      return;
    }
    const indicator = payload[0] as number;
    const header = payload[1] as number;
    if (header & 0x80) {
      if (this.#fragmented) {
        this.#dropFragments();
        this.#damaged = true;
      }
      const nalHeader = (indicator & 0xe0) | (header & 0x1f);
      this.#fragmented = { first: this.#pieces.length, header: nalHeader };
      this.#piece(HEADERS[nalHeader] as Buffer, 0);
    }
    const open = this.#fragmented;
    if (!open) {
      this.#damaged = true;
      return;
    }
    this.#piece(payload, 2);
    this.#bytes += payload.length;
    if (this.#bytes > MAX_FRAME_BYTES) {
      this.#dropFragments();
      this.#damaged = true;
    } else if (header & 0x40) {
      this.#fragmented = null;
      this.#whole(open.header, open.first);
    }
  }

  #piece(bytes: Buffer, from: number): void {
    this.#pieces.push(bytes);
    this.#from.push(from);
  }

  #truncate(pieces: number): void {
    this.#pieces.length = pieces;
    this.#from.length = pieces;
  }

  #dropFragments(): void {
    if (this.#fragmented) this.#truncate(this.#fragmented.first);
    this.#fragmented = null;
  }

  #nal(nal: Buffer): void {
    this.#bytes += nal.length;
    if (this.#bytes > 2 * MAX_FRAME_BYTES) {
      this.#damaged = true;
      return;
    }
    const first = this.#pieces.length;
    this.#piece(nal, 0);
    this.#whole(nal[0] as number, first);
  }

  /** A NAL unit is complete, in the pieces from `first` on. */
  #whole(header: number, first: number): void {
    const type = header & 0x1f;
    if (type === NAL_AUD || type === NAL_FILLER) {
      this.#truncate(first); // meaningless in a file sample
      return;
    }
    if (type === NAL_SPS || type === NAL_PPS) {
      this.#remember(Buffer.concat(this.#pieces.slice(first).map((piece, i) => piece.subarray(this.#from[first + i]))));
      this.#hasSets ||= type === NAL_SPS;
    }
    if (type === NAL_IDR) this.#key = true;
    if (type >= 1 && type <= NAL_IDR) this.#hasPicture = true;
    this.#nalEnds.push(this.#pieces.length);
  }

  #remember(nal: Buffer): void {
    if (nal.length < 2) return;
    const type = (nal[0] as number) & 0x1f;
    // copied: the set outlives the packet it came in
    if (type === NAL_SPS && nal.length >= 4) this.#sps = Buffer.from(nal);
    if (type === NAL_PPS) this.#pps = Buffer.from(nal);
  }

  #finish(): void {
    const open = this.#open;
    if (!open) return;
    if (this.#fragmented) {
      this.#dropFragments();
      this.#damaged = true;
    }
    const damaged = this.#damaged || !this.#hasPicture;
    const key = this.#key;
    const sets = key && !this.#hasSets && this.#sps && this.#pps ? [this.#sps, this.#pps] : [];
    const carriesPicture = this.#hasPicture || this.#damaged;
    this.#open = null;
    this.#bytes = 0;
    this.#damaged = false;
    this.#key = false;
    this.#hasSets = false;
    this.#hasPicture = false;
    if (!carriesPicture) {
      // parameter sets or SEI alone: remembered above, no frame
      this.#pendingLoss += open.lostBefore;
      this.#pendingRestart ||= open.restart;
      this.#clear();
      return;
    }
    const data = this.#lengthPrefixed(sets);
    this.#clear();
    this.#output({ ...open, data, key, damaged });
  }

  #clear(): void {
    this.#truncate(0);
    this.#nalEnds.length = 0;
  }

  /** The access unit as CMAF stores it, `sets` in front. */
  #lengthPrefixed(sets: Buffer[]): Buffer {
    const [pieces, from] = [this.#pieces, this.#from];
    let size = 4 * (sets.length + this.#nalEnds.length);
    for (const set of sets) size += set.length;
    for (let i = 0; i < pieces.length; i += 1) size += (pieces[i] as Buffer).length - (from[i] as number);
    const data = this.#memory.take(size);
    let at = 0;
    for (const set of sets) at += set.copy(data, data.writeUInt32BE(set.length, at)) + 4;
    let i = 0;
    for (const end of this.#nalEnds) {
      const lengthAt = at;
      at += 4;
      for (; i < end; i += 1) at += (pieces[i] as Buffer).copy(data, at, from[i]);
      data.writeUInt32BE(at - lengthAt - 4, lengthAt);
    }
    return data;
  }
}

/** Does this payload begin a picture? Parameter sets, SEI, AUD, or a slice whose first_mb_in_slice is 0 (its Exp-Golomb code is a single 1). */
function startsPicture(payload: Buffer): boolean {
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
