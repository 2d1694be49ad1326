import type { AccessUnit } from './access-unit.ts';
import type { Depacketizer, VideoConfig } from './codec.ts';
import type { RtpPacket } from './packet.ts';
import { Pieces } from './pieces.ts';
import type { SlabPool } from './slabs.ts';

/** No frame of any level we take is larger; more is an attack or noise. */
export const MAX_FRAME_BYTES = 8 * 1024 * 1024;
/** A frame of more packets would lap its own sequence numbers. */
const MAX_PIECES = 65_536;

export type Picture = { key: boolean; leading: boolean };

type OpenUnit = Pick<AccessUnit, 'timestamp' | 'arrivalMs' | 'lostBefore' | 'restart'>;

/** What differs from codec to codec: how one payload is read. It keeps the state of one open picture, which `end` wipes. */
export type PayloadFormat = {
  readonly config: VideoConfig | null;
  /** Whether units are stored with their lengths before them (NAL units). */
  readonly lengths: boolean;
  /** Can a picture begin with this payload? Asked where packets before it were lost or never seen. */
  startsPicture: (payload: Buffer) => boolean;
  /** Take one payload, not empty, of the open picture. False when it is malformed or something before it is missing. */
  payload: (payload: Buffer, pieces: Pieces) => boolean;
  /** Forget what has begun and not ended. True when there was such a thing. */
  cut: (pieces: Pieces) => boolean;
  /** The picture is over; null when no picture was in it. Called once for each picture, after `cut`. */
  end: (pieces: Pieces, damaged: boolean) => Picture | null;
};

/**
 * Video packets to access units, whatever the codec: told apart by marker bit and timestamp (RFC 6184, 5.1; RFC 7798,
 * 4.1; RFC 7741, 4.1; RFC 9628, 4.1; AV1 RTP, 4.2), with the losses before and within each. Feed it packets in order.
 */
export class UnitAssembler implements Depacketizer {
  readonly #format: PayloadFormat;
  readonly #output: (unit: AccessUnit) => void;
  readonly #memory: SlabPool;
  readonly #pieces: Pieces;
  #open: OpenUnit | null = null;
  #damaged = false;
  /** Payload of the open access unit so far. */
  #bytes = 0;
  #begun = false;
  /** Loss seen since the last picture, before the next one has begun. */
  #pendingLoss = 0;
  #pendingRestart = false;

  constructor(format: PayloadFormat, output: (unit: AccessUnit) => void, memory: SlabPool) {
    this.#format = format;
    this.#output = output;
    this.#memory = memory;
    this.#pieces = new Pieces(format.lengths);
  }

  get config(): VideoConfig | null {
    return this.#format.config;
  }

  push(packet: RtpPacket, lostBefore: number, restart: boolean): void {
    if (lostBefore > 0 || restart) this.#loss(packet);
    if (this.#open && this.#open.timestamp !== packet.timestamp) this.#finish();
    if (packet.payload.length === 0) {
      this.#pendingLoss += lostBefore;
      this.#pendingRestart ||= restart;
      return;
    }
    const open = this.#open ?? this.#begin(packet, lostBefore, restart);
    open.lostBefore += lostBefore;
    open.restart ||= restart;
    this.#bytes += packet.payload.length;
    if (this.#bytes > MAX_FRAME_BYTES || this.#pieces.count > MAX_PIECES) {
      this.#format.cut(this.#pieces);
      this.#damaged = true;
    } else if (!this.#format.payload(packet.payload, this.#pieces)) this.#damaged = true;
    if (packet.marker) this.#finish();
  }

  /** Hand out what is open, as damaged: its end has not been seen. */
  flush(): void {
    if (!this.#open) return;
    this.#damaged = true;
    this.#finish();
  }

  #begin(packet: RtpPacket, lostBefore: number, restart: boolean): OpenUnit {
    const open = {
      timestamp: packet.timestamp,
      arrivalMs: packet.arrivalMs,
      lostBefore: this.#pendingLoss,
      restart: this.#pendingRestart,
    };
    const afterGap = !this.#begun || lostBefore > 0 || restart || open.lostBefore > 0 || open.restart;
    if (afterGap && !this.#format.startsPicture(packet.payload)) this.#damaged = true;
    this.#begun = true;
    this.#pendingLoss = 0;
    this.#pendingRestart = false;
    this.#open = open;
    return open;
  }

  #loss(packet: RtpPacket): void {
    if (!this.#open) return;
    // the end or the middle of the open access unit is among what was lost
    this.#damaged = true;
    if (this.#open.timestamp === packet.timestamp) this.#format.cut(this.#pieces);
  }

  #finish(): void {
    const open = this.#open;
    if (!open) return;
    const damaged = this.#format.cut(this.#pieces) || this.#damaged;
    const picture = this.#format.end(this.#pieces, damaged);
    this.#open = null;
    this.#bytes = 0;
    this.#damaged = false;
    if (!picture && !damaged) {
      // parameter sets or the like alone: the format remembers them, they make no frame
      this.#pendingLoss += open.lostBefore;
      this.#pendingRestart ||= open.restart;
      this.#pieces.clear();
      return;
    }
    const data = this.#pieces.write(this.#memory);
    this.#pieces.clear();
    const unit: AccessUnit = { ...open, data, key: picture?.key ?? false, damaged: damaged || !picture };
    if (picture?.leading) unit.leading = true;
    this.#output(unit);
  }
}
