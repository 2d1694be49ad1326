import { rtpBytes } from './rtp.ts';

/** The temporal units of an IVF file: a header of 32 bytes, then each with 12 bytes before it. */
export function ivfFrames(file: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = file.readUInt16LE(6); at + 12 <= file.length;) {
    const size = file.readUInt32LE(at);
    frames.push(file.subarray(at + 12, at + 12 + size));
    at += 12 + size;
  }
  return frames;
}

/** The OBUs of a temporal unit with size fields (AV1 bitstream specification, 5.3), as a sender cuts them: without those fields. */
export function obusOf(unit: Buffer): Buffer[] {
  const obus: Buffer[] = [];
  for (let at = 0; at < unit.length;) {
    const header = unit[at] as number;
    const head = header & 4 ? 2 : 1;
    let [size, shift, sizeBytes] = [0, 0, 0];
    for (let more = true; more; sizeBytes += 1, shift += 7) {
      const byte = unit[at + head + sizeBytes] as number;
      size |= (byte & 0x7f) << shift;
      more = (byte & 0x80) !== 0;
    }
    const body = at + head + sizeBytes;
    obus.push(Buffer.concat([Buffer.from([header & ~2]), unit.subarray(at + 1, at + head), unit.subarray(body, body + size)]));
    at = body + size;
  }
  return obus;
}

function leb128(value: number): Buffer {
  const out: number[] = [];
  for (let left = value; left > 0 || out.length === 0; left >>>= 7) out.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
  return Buffer.from(out);
}

/**
 * A small AV1 packetiser (RTP Payload Format For AV1, 4.4 and 5), since ffmpeg 5.1 has none: as many OBUs a packet as fit,
 * cut where they do not; `counted` writes W and leaves the last length out, as libwebrtc does.
 */
export function av1Payloads(obus: Buffer[], mostBytes: number, counted: boolean, newSequence: boolean): Buffer[] {
  const packets: { elements: Buffer[]; continues: boolean; goesOn: boolean }[] = [];
  let open = { elements: [] as Buffer[], continues: false, goesOn: false };
  let room = mostBytes - 1;
  const close = (goesOn: boolean): void => {
    packets.push({ ...open, goesOn });
    open = { elements: [], continues: goesOn, goesOn: false };
    room = mostBytes - 1;
  };
  for (const obu of obus) {
    let at = 0;
    while (at < obu.length) {
      if (room < 8 || (counted && open.elements.length === 3)) close(at > 0);
      const part = obu.subarray(at, at + room - 3);
      open.elements.push(part);
      at += part.length;
      room -= part.length + 3;
    }
  }
  if (open.elements.length > 0) close(false);
  return packets.map(({ elements, continues, goesOn }, i) => {
    const count = counted ? elements.length : 0;
    const head = (continues ? 0x80 : 0) | (goesOn ? 0x40 : 0) | (count << 4) | (newSequence && i === 0 ? 8 : 0);
    const body = elements.flatMap((part, j) => (counted && j === elements.length - 1 ? [part] : [leb128(part.length), part]));
    return Buffer.concat([Buffer.from([head]), ...body]);
  });
}

/** RTP packets for the temporal units of an IVF file, 30 a second. */
export function av1Packets(file: Buffer, counted: boolean, packetBytes = 1200): Buffer[] {
  let sequence = 0;
  return ivfFrames(file).flatMap((frame, i) => {
    const obus = obusOf(frame).filter((obu) => (((obu[0] as number) >> 3) & 15) !== 2);
    const newSequence = obus.some((obu) => (((obu[0] as number) >> 3) & 15) === 1);
    const payloads = av1Payloads(obus, packetBytes - 12, counted, newSequence);
    return payloads.map((payload, j) => rtpBytes(sequence++, i * 3000, payload, j === payloads.length - 1));
  });
}
