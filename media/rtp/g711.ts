import type { AccessUnit } from './access-unit.ts';
import type { AudioConfig, Depacketizer } from './codec.ts';
import type { RtpPacket } from './packet.ts';
import type { SlabPool } from './slabs.ts';
import { SoundOutput } from './sound-output.ts';

/** G.711 (RFC 3551, 4.5.14): a packet is a run of samples of one byte for each channel. */
export class G711Depacketizer implements Depacketizer {
  readonly config: AudioConfig;
  readonly #sound: SoundOutput;

  constructor(codec: 'pcmu' | 'pcma', sampleRate: number, channels: number, output: (unit: AccessUnit) => void, memory: SlabPool) {
    this.config = { codec, sampleRate, channels };
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
