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
  /** Without padding; empty for packets that carry padding only. A view into the packet, whose memory is used again: see `kept`. */
  payload: Buffer;
  /** Hub time at which the packet reached the hub, milliseconds. */
  arrivalMs: number;
};

/** What a packet is read into, where its values may be overwritten by the next one's. */
export const blankPacket = (): RtpPacket => ({
  payloadType: 0,
  sequence: 0,
  timestamp: 0,
  ssrc: 0,
  marker: false,
  payload: Buffer.alloc(0),
  arrivalMs: 0.5, // a fraction: the engine then stores times in place
});

/** The packet in `bytes` from `from` to `to`. Null for what is not a whole RTP version 2 packet. */
export function parseRtp(bytes: Buffer, arrivalMs: number, from = 0, to = bytes.length, into = blankPacket()): RtpPacket | null {
  if (to - from < 12) return null;
  const first = bytes[from] as number;
  if (first >> 6 !== 2) return null;
  let start = from + 12 + (first & 0x0f) * 4;
  if (first & 0x10) {
    if (to < start + 4) return null;
    start += 4 + bytes.readUInt16BE(start + 2) * 4;
  }
  let end = to;
  if (first & 0x20) {
    const padding = bytes[end - 1] as number;
    if (padding === 0) return null;
    end -= padding;
  }
  if (start > end) return null;
  const second = bytes[from + 1] as number;
  into.payloadType = second & 0x7f;
  into.sequence = bytes.readUInt16BE(from + 2);
  into.timestamp = bytes.readUInt32BE(from + 4);
  into.ssrc = bytes.readUInt32BE(from + 8);
  into.marker = (second & 0x80) !== 0;
  into.payload = bytes.subarray(start, end);
  into.arrivalMs = arrivalMs;
  return into;
}

/** A copy that stays what it is when the next packet comes. */
export const kept = (packet: RtpPacket): RtpPacket => ({ ...packet, payload: Buffer.from(packet.payload) });
