import type { AccessUnit } from './access-unit.ts';
import type { AudioConfig, Depacketizer } from './codec.ts';
import type { RtpPacket } from './packet.ts';
import type { SlabPool } from './slabs.ts';
import { SoundOutput } from './sound-output.ts';

/** Opus (RFC 7587, 4.2): a packet is a unit. In silence (DTX) the sender sends nothing, or an empty payload: neither is a unit. */
export class OpusDepacketizer implements Depacketizer {
  readonly config: AudioConfig;
  readonly #sound: SoundOutput;

  /** SDP always says two channels (RFC 7587, 7); each packet says itself what it carries. */
  constructor(channels: number, output: (unit: AccessUnit) => void, memory: SlabPool) {
    this.config = { codec: 'opus', channels: channels === 1 ? 1 : 2 };
    this.#sound = new SoundOutput(output, memory);
  }

  push(packet: RtpPacket, lostBefore: number, restart: boolean): void {
    this.#sound.note(lostBefore, restart);
    if (packet.payload.length > 0) this.#sound.unit(packet, packet.timestamp, [packet.payload]);
  }

  flush(): void {
    // nothing stays open between packets
  }
}
