import type { AccessUnit } from './access-unit.ts';
import type { AudioConfig, Depacketizer } from './codec.ts';
import type { RtpPacket } from './packet.ts';
import type { SlabPool } from './slabs.ts';

/** Hands out sound: every unit can be decoded by itself. Keeps what was lost or restarted until a unit can carry it. */
export class SoundOutput {
  readonly #output: (unit: AccessUnit) => void;
  readonly #memory: SlabPool;
  #lostBefore = 0;
  #restart = false;

  constructor(output: (unit: AccessUnit) => void, memory: SlabPool) {
    this.#output = output;
    this.#memory = memory;
  }

  /** Of every packet, before its units. */
  note(lostBefore: number, restart: boolean): void {
    this.#lostBefore += lostBefore;
    this.#restart ||= restart;
  }

  /** The pieces joined are one unit. */
  unit(timestamp: number, arrivalMs: number, pieces: readonly Buffer[], damaged = false): void {
    let size = 0;
    for (const piece of pieces) size += piece.length;
    // copied: a slice would keep the whole memory that its packet came in
    const data = this.#memory.take(size);
    let at = 0;
    for (const piece of pieces) at += piece.copy(data, at);
    const [lostBefore, restart] = [this.#lostBefore, this.#restart];
    this.#lostBefore = 0;
    this.#restart = false;
    this.#output({ timestamp, data, key: true, damaged, lostBefore, restart, arrivalMs });
  }
}

/** The payload formats in which a packet is a unit, and a packet without payload none. */
export class PacketSound implements Depacketizer {
  readonly config: AudioConfig;
  readonly #sound: SoundOutput;

  constructor(config: AudioConfig, output: (unit: AccessUnit) => void, memory: SlabPool) {
    this.config = config;
    this.#sound = new SoundOutput(output, memory);
  }

  push(packet: RtpPacket, lostBefore: number, restart: boolean): void {
    this.#sound.note(lostBefore, restart);
    if (packet.payload.length > 0) this.#sound.unit(packet.timestamp, packet.arrivalMs, [packet.payload]);
  }

  flush(): void {
    // nothing stays open between packets
  }
}
