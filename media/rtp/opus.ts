import type { AccessUnit } from './access-unit.ts';
import type { SlabPool } from './slabs.ts';
import { PacketSound } from './sound-output.ts';

/**
 * Opus (RFC 7587, 4.2): a packet is a unit. In silence (DTX) the sender sends nothing, or empty payloads: neither is a
 * unit. SDP always says two channels (RFC 7587, 7); each packet says itself what it carries.
 */
export function opusDepacketizer(channels: number, output: (unit: AccessUnit) => void, memory: SlabPool): PacketSound {
  return new PacketSound({ codec: 'opus', channels: channels === 1 ? 1 : 2 }, output, memory);
}
