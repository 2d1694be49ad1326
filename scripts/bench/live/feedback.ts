/** RTCP that a receiver owes its sender, for many streams over one transport on a network that loses next to nothing. */

const TRANSPORT_CC = 205;
const REFERENCE_TICK_MS = 64;
const DELTA_TICK_MS = 0.25;

/** Receiver report (RFC 3550, 6.4.2), no loss: up to 31 streams with their highest sequence numbers, run-overs counted in. */
export function receiverReport(ssrc: number, streams: { ssrc: number; highest: number }[]): Buffer {
  const bytes = Buffer.alloc(8 + 24 * streams.length);
  bytes[0] = 0x80 | streams.length;
  bytes[1] = 201;
  bytes.writeUInt16BE(bytes.length / 4 - 1, 2);
  bytes.writeUInt32BE(ssrc, 4);
  for (const [i, stream] of streams.entries()) {
    bytes.writeUInt32BE(stream.ssrc, 8 + 24 * i);
    bytes.writeUInt32BE(stream.highest >>> 0, 16 + 24 * i);
  }
  return bytes;
}

/** What has come since the last feedback: transport-wide sequence number, and when, milliseconds; in that order. */
export type Arrival = { sequence: number; ms: number };

/**
 * Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01, 3.1) as run-length chunks: small deltas for
 * what came, in large ones where it took longer or overtook, nothing for what did not.
 */
export function transportFeedback(ssrc: number, mediaSsrc: number, count: number, arrivals: Arrival[]): Buffer {
  const [first] = arrivals as [Arrival, ...Arrival[]];
  const referenceTicks = Math.floor(first.ms / REFERENCE_TICK_MS);
  const statuses: number[] = [];
  const deltas: Buffer[] = [];
  let atTicks = (referenceTicks * REFERENCE_TICK_MS) / DELTA_TICK_MS;
  let expected = first.sequence;
  for (const { sequence, ms } of arrivals) {
    while (expected !== sequence) {
      statuses.push(0);
      expected = (expected + 1) & 0xffff;
    }
    const delta = Math.round(ms / DELTA_TICK_MS) - atTicks;
    atTicks += delta;
    const small = delta >= 0 && delta < 256;
    statuses.push(small ? 1 : 2);
    const bytes = Buffer.alloc(small ? 1 : 2);
    if (small) bytes.writeUInt8(delta);
    else bytes.writeInt16BE(delta);
    deltas.push(bytes);
    expected = (expected + 1) & 0xffff;
  }
  const head = Buffer.alloc(20);
  head[0] = 0x80 | 15;
  head[1] = TRANSPORT_CC;
  head.writeUInt32BE(ssrc, 4);
  head.writeUInt32BE(mediaSsrc, 8);
  head.writeUInt16BE(first.sequence, 12);
  head.writeUInt16BE(statuses.length, 14);
  head.writeUIntBE(referenceTicks & 0xffffff, 16, 3);
  head[19] = count & 0xff;
  const parts = [head, ...chunks(statuses), ...deltas];
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  parts.push(Buffer.alloc((4 - (length % 4)) % 4));
  const bytes = Buffer.concat(parts);
  bytes.writeUInt16BE(bytes.length / 4 - 1, 2);
  return bytes;
}

/** Run-length chunks (3.1.3): a bit 0, two bits of status, 13 of how many. */
function chunks(statuses: number[]): Buffer[] {
  const made: Buffer[] = [];
  for (let at = 0; at < statuses.length;) {
    const status = statuses[at] as number;
    let run = 1;
    while (run < 0x1fff && statuses[at + run] === status) run += 1;
    const chunk = Buffer.alloc(2);
    chunk.writeUInt16BE((status << 13) | run);
    made.push(chunk);
    at += run;
  }
  return made;
}
