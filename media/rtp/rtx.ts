import { parseRtp } from './packet.ts';

/**
 * The packet that a retransmission packet carries (RFC 4588, 4): the original sequence number from the payload's front
 * back in its place, with the payload type and SSRC of the original stream. Null for padding alone and for what is no RTP.
 */
export function unwrapRtx(packet: Buffer, payloadType: number, ssrc: number): Buffer | null {
  const rtx = parseRtp(packet, 0);
  if (!rtx || rtx.payload.length < 2) return null;
  const headerBytes = rtx.payload.byteOffset - packet.byteOffset;
  const original = Buffer.allocUnsafe(packet.length - 2);
  packet.copy(original, 0, 0, headerBytes);
  packet.copy(original, headerBytes, headerBytes + 2);
  original[1] = ((packet[1] as number) & 0x80) | (payloadType & 0x7f);
  original.writeUInt16BE(rtx.payload.readUInt16BE(0), 2);
  original.writeUInt32BE(ssrc >>> 0, 8);
  return original;
}
