import type { AccessUnit } from './access-unit.ts';
import type { SlabPool } from './slabs.ts';
import { PacketSound } from './sound-output.ts';

/** G.711 (RFC 3551, 4.5.14): a packet is a run of samples, each of one byte for every channel. */
export function g711Depacketizer(
  codec: 'pcmu' | 'pcma',
  track: { clockRate: number; channels: number | null },
  output: (unit: AccessUnit) => void,
  memory: SlabPool,
): PacketSound {
  return new PacketSound({ codec, sampleRate: track.clockRate, channels: track.channels ?? 1 }, output, memory);
}
