/**
 * RTP fixed header, CSRC list, extension and padding (RFC 3550, 5.1 and 5.3.1), and the one-byte and two-byte header
 * extensions (RFC 8285).
 */
export type RtpPacket = {
  payloadType: number;
  /** 16 bits, as sent. */
  sequence: number;
  /** 32 bits, as sent. */
  timestamp: number;
  ssrc: number;
  marker: boolean;
  /** Without padding; empty for packets that carry padding only. A view into the packet. */
  payload: Buffer;
  /** Hub time at which the packet reached the hub, milliseconds. */
  arrivalMs: number;
};

/** Null for what is not a whole RTP version 2 packet. */
export function parseRtp(packet: Buffer, arrivalMs: number): RtpPacket | null {
  if (packet.length < 12) return null;
  const first = packet[0] as number;
  if (first >> 6 !== 2) return null;
  let start = 12 + (first & 0x0f) * 4;
  if (first & 0x10) {
    if (packet.length < start + 4) return null;
    start += 4 + packet.readUInt16BE(start + 2) * 4;
  }
  let end = packet.length;
  if (first & 0x20) {
    const padding = packet[end - 1] as number;
    if (padding === 0) return null;
    end -= padding;
  }
  if (start > end) return null;
  const second = packet[1] as number;
  return {
    payloadType: second & 0x7f,
    sequence: packet.readUInt16BE(2),
    timestamp: packet.readUInt32BE(4),
    ssrc: packet.readUInt32BE(8),
    marker: (second & 0x80) !== 0,
    payload: packet.subarray(start, end),
    arrivalMs,
  };
}
