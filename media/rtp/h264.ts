import type { AccessUnit } from './access-unit.ts';
import type { RtpPacket } from './packet.ts';

const NAL_IDR = 5;
const NAL_SPS = 7;
const NAL_PPS = 8;
const NAL_AUD = 9;
const NAL_FILLER = 12;
const STAP_A = 24;
const FU_A = 28;
/** No frame of any level we take is larger; more is an attack or noise. */
const MAX_FRAME_BYTES = 8 * 1024 * 1024;

export type ParameterSets = { sps: Buffer; pps: Buffer };

/**
 * H.264 depacketiser for packetization-mode 0 and 1 (RFC 6184, 5.6, 5.7.1, 5.8): single NAL units, STAP-A, FU-A. Feed
 * it packets in order; it gives whole access units, told apart by marker bit and timestamp (RFC 6184, 5.1). Key frames
 * always leave with their parameter sets in front.
 */
export class H264Depacketizer {
  readonly #output: (unit: AccessUnit) => void;
  #sps: Buffer | null = null;
  #pps: Buffer | null = null;
  #nals: Buffer[] = [];
  #bytes = 0;
  #fragments: Buffer[] | null = null;
  #open: { timestamp: number; arrivalMs: number; lostBefore: number; restart: boolean } | null = null;
  #damaged = false;
  #key = false;
  #hasSets = false;
  #hasPicture = false;
  /** Loss seen since the last frame, before the next one has begun. */
  #pendingLoss = 0;
  #pendingRestart = false;

  /** `spropParameterSets`: base64 NAL units from SDP (RFC 6184, 8.1), for senders that never send them in band. */
  constructor(output: (unit: AccessUnit) => void, spropParameterSets: string | null = null) {
    this.#output = output;
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
    if (this.#fragments && this.#open?.timestamp === packet.timestamp) this.#fragments = null;
  }

  #payload(payload: Buffer): void {
    const type = (payload[0] as number) & 0x1f;
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
      if (this.#fragments) this.#damaged = true;
      this.#fragments = [Buffer.from([(indicator & 0xe0) | (header & 0x1f)])];
    }
    if (!this.#fragments) {
      this.#damaged = true;
      return;
    }
    this.#fragments.push(payload.subarray(2));
    this.#bytes += payload.length;
    if (this.#bytes > MAX_FRAME_BYTES) {
      this.#fragments = null;
      this.#damaged = true;
    } else if (header & 0x40) {
      const nal = Buffer.concat(this.#fragments);
      this.#fragments = null;
      this.#nal(nal);
    }
  }

  #nal(nal: Buffer): void {
    const type = (nal[0] as number) & 0x1f;
    this.#bytes += nal.length;
    if (this.#bytes > 2 * MAX_FRAME_BYTES) {
      this.#damaged = true;
      return;
    }
    if (type === NAL_AUD || type === NAL_FILLER) return; // meaningless in a file sample
    if (type === NAL_SPS || type === NAL_PPS) {
      this.#remember(nal);
      this.#hasSets ||= type === NAL_SPS;
    }
    if (type === NAL_IDR) this.#key = true;
    if (type >= 1 && type <= NAL_IDR) this.#hasPicture = true;
    this.#nals.push(nal);
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
    if (this.#fragments) this.#damaged = true;
    const nals = this.#nals;
    const damaged = this.#damaged || !this.#hasPicture;
    const key = this.#key;
    if (key && !this.#hasSets && this.#sps && this.#pps) nals.unshift(this.#sps, this.#pps);
    const carriesPicture = this.#hasPicture || this.#damaged;
    this.#open = null;
    this.#nals = [];
    this.#fragments = null;
    this.#bytes = 0;
    this.#damaged = false;
    this.#key = false;
    this.#hasSets = false;
    this.#hasPicture = false;
    if (!carriesPicture) {
      // parameter sets or SEI alone: remembered above, no frame
      this.#pendingLoss += open.lostBefore;
      this.#pendingRestart ||= open.restart;
      return;
    }
    this.#output({ ...open, data: lengthPrefixed(nals), key, damaged });
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

function lengthPrefixed(nals: Buffer[]): Buffer {
  let size = 0;
  for (const nal of nals) size += 4 + nal.length;
  const data = Buffer.allocUnsafe(size);
  let at = 0;
  for (const nal of nals) {
    at = data.writeUInt32BE(nal.length, at);
    nal.copy(data, at);
    at += nal.length;
  }
  return data;
}
