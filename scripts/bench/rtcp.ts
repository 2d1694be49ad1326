/** RTCP of a sender: its reports, and what it is asked to send again. */

/** Seconds between 1900 (NTP, RFC 5905) and 1970. */
const NTP_UNIX_S = 2_208_988_800;

type Report = { ssrc: number; senderMs: number; rtpTimestamp: number; packets: number; octets: number };

/** RTCP sender report (RFC 3550, 6.4.1). `senderMs`: UTC by the sender's clock, at which `rtpTimestamp` is captured (32 bits are told). */
export function senderReport({ ssrc, senderMs, rtpTimestamp, packets, octets }: Report): Buffer {
  const seconds = Math.floor(senderMs / 1000);
  const bytes = Buffer.alloc(28);
  bytes[0] = 0x80;
  bytes[1] = 200;
  bytes.writeUInt16BE(6, 2);
  bytes.writeUInt32BE(ssrc, 4);
  bytes.writeUInt32BE(seconds + NTP_UNIX_S, 8);
  bytes.writeUInt32BE(Math.floor((senderMs / 1000 - seconds) * 2 ** 32), 12);
  bytes.writeUInt32BE(rtpTimestamp % 2 ** 32, 16);
  bytes.writeUInt32BE(packets % 2 ** 32, 20);
  bytes.writeUInt32BE(octets % 2 ** 32, 24);
  return bytes;
}

/** What a receiver asks of a sender: packets that it lacks, and streams whose next picture shall be a key frame, by SSRC. */
export type Feedback = { nacked: { ssrc: number; sequence: number }[]; keyFrames: number[] };

/**
 * Read a compound packet: generic NACKs (RFC 4585, 6.2.1: PT 205, FMT 1; a packet identifier and a mask of the 16 after it)
 * and picture loss indications (6.3.1: PT 206, FMT 1).
 */
export function feedbackIn(compound: Buffer): Feedback {
  const feedback: Feedback = { nacked: [], keyFrames: [] };
  for (let at = 0; at + 4 <= compound.length;) {
    const end = at + 4 * (compound.readUInt16BE(at + 2) + 1);
    if (end > compound.length) break;
    const type = compound[at + 1];
    if (((compound[at] as number) & 0x1f) === 1 && end - at >= 12 && (type === 205 || type === 206)) {
      const ssrc = compound.readUInt32BE(at + 8);
      if (type === 206) feedback.keyFrames.push(ssrc);
      else for (let item = at + 12; item + 4 <= end; item += 4) feedback.nacked.push(...nackItem(compound, item, ssrc));
    }
    at = end;
  }
  return feedback;
}

function nackItem(bytes: Buffer, at: number, ssrc: number): Feedback['nacked'] {
  const first = bytes.readUInt16BE(at);
  const mask = bytes.readUInt16BE(at + 2);
  const nacked = [{ ssrc, sequence: first }];
  for (let bit = 0; bit < 16; bit += 1) if (mask & (1 << bit)) nacked.push({ ssrc, sequence: (first + 1 + bit) & 0xffff });
  return nacked;
}
