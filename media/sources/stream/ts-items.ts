import { AAC_RATES } from '../../rtp/aac-config.ts';
import { isNal, type PictureCodec, type StreamItem, TICKS } from './items.ts';
import { PACKET_BYTES, STREAM_TYPE, SYNC } from './ts.ts';

/** No picture is larger. */
const MOST_PES_BYTES = 8 * 2 ** 20;
const CODECS: Record<number, PictureCodec | 'aac'> = { [STREAM_TYPE.H264]: 'H264', [STREAM_TYPE.H265]: 'H265', [STREAM_TYPE.aac]: 'aac' };
const OTHERS: Record<number, [track: 'video' | 'audio', codec: string]> = {
  0x01: ['video', 'MPEG-1 video'],
  0x02: ['video', 'MPEG-2 video'],
  0x10: ['video', 'MPEG-4 part 2'],
  0x03: ['audio', 'MP2'],
  0x04: ['audio', 'MP2'],
  0x11: ['audio', 'AAC (LATM)'],
  0x81: ['audio', 'AC-3'],
};

type Stream = { codec: PictureCodec | 'aac'; parts: Buffer[]; bytes: number; expected: number | null; last: number | null };

/**
 * Reads MPEG-TS (ISO/IEC 13818-1): of the first program, one picture and one sound. Timestamps are the container's own. What
 * cannot be read is left out.
 */
export class TsItems {
  readonly #item: (item: StreamItem) => void;
  #rest: Buffer = Buffer.alloc(0);
  #programPid: number | null = null;
  readonly #streams = new Map<number, Stream>();
  readonly #told = new Set<number>();

  constructor(item: (item: StreamItem) => void) {
    this.#item = item;
  }

  push(chunk: Buffer): void {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    let at = 0;
    while (at + PACKET_BYTES <= bytes.length) {
      if (bytes[at] === SYNC) {
        this.#packet(bytes.subarray(at, at + PACKET_BYTES));
        at += PACKET_BYTES;
      } else at += 1;
    }
    this.#rest = Buffer.from(bytes.subarray(at));
  }

  /** The stream has ended: what is open is whole. */
  flush(): void {
    for (const stream of this.#streams.values()) this.#whole(stream);
  }

  /** 2.4.3.2 */
  #packet(packet: Buffer): void {
    const start = ((packet[1] ?? 0) & 0x40) !== 0;
    const pid = packet.readUInt16BE(1) & 0x1fff;
    const fields = ((packet[3] ?? 0) >> 4) & 3;
    const from = fields & 2 ? 5 + (packet[4] ?? 0) : 4;
    if (!(fields & 1) || from >= PACKET_BYTES) return;
    const payload = packet.subarray(from);
    const stream = this.#streams.get(pid);
    if (stream) this.#pes(stream, payload, start);
    else if (start && pid === 0) this.#programs(payload);
    else if (start && pid === this.#programPid) this.#tracks(payload);
  }

  /** Program association section (2.4.4.3). */
  #programs(payload: Buffer): void {
    const at = 1 + (payload[0] ?? 0) + 8;
    if (at + 4 > payload.length || this.#programPid !== null) return;
    const first = payload.readUInt16BE(at) === 0 ? at + 4 : at; // program 0 is the network's
    if (first + 4 <= payload.length) this.#programPid = payload.readUInt16BE(first + 2) & 0x1fff;
  }

  /** Program map section (2.4.4.8); one that goes over several packets is read as far as the first. */
  #tracks(payload: Buffer): void {
    const table = payload.subarray(1 + (payload[0] ?? 0));
    if (table.length < 12 || table[0] !== 2) return;
    const end = Math.min(table.length, 3 + (table.readUInt16BE(1) & 0xfff) - 4);
    let at = 12 + (table.readUInt16BE(10) & 0xfff);
    while (at + 5 <= end) {
      this.#track(table[at] ?? 0, table.readUInt16BE(at + 1) & 0x1fff);
      at += 5 + (table.readUInt16BE(at + 3) & 0xfff);
    }
  }

  #track(type: number, pid: number): void {
    const codec = CODECS[type];
    const has = (sound: boolean): boolean => [...this.#streams.values()].some((each) => (each.codec === 'aac') === sound);
    if (codec && !has(codec === 'aac')) this.#streams.set(pid, { codec, parts: [], bytes: 0, expected: null, last: null });
    const other = OTHERS[type];
    if (!other || this.#told.has(type)) return;
    this.#told.add(type);
    this.#item({ kind: 'unknown', track: other[0], codec: other[1] });
  }

  #pes(stream: Stream, payload: Buffer, start: boolean): void {
    if (start) {
      this.#whole(stream);
      if (payload.length < 9 || payload.readUIntBE(0, 3) !== 1) return;
      const size = payload.readUInt16BE(4);
      stream.expected = size === 0 ? Infinity : size + 6;
    } else if (stream.expected === null) return;
    stream.parts.push(Buffer.from(payload));
    stream.bytes += payload.length;
    if (stream.bytes > MOST_PES_BYTES) reset(stream);
    else if (stream.bytes >= (stream.expected ?? Infinity)) this.#whole(stream);
  }

  /** 2.4.3.6 */
  #whole(stream: Stream): void {
    const pes = Buffer.concat(stream.parts);
    const end = Math.min(pes.length, stream.expected ?? 0);
    reset(stream);
    if (end < 9) return;
    const from = 9 + (pes[8] ?? 0);
    const timed = ((pes[7] ?? 0) & 0x80) !== 0 && from >= 14 && pes.length >= 14;
    const ticks = timed ? readTime(pes) : stream.last;
    if (ticks === null || from >= end) return;
    stream.last = ticks;
    const body = pes.subarray(from, end);
    if (stream.codec === 'aac') this.#sound(body, ticks);
    else this.#picture(stream.codec, body, ticks);
  }

  #picture(codec: PictureCodec, body: Buffer, ticks: number): void {
    const nals = annexB(body).filter((nal) => isNal(codec, nal));
    if (nals.length > 0) this.#item({ kind: 'video', codec, nals, ticks });
  }

  /** Frames with ADTS headers (ISO/IEC 14496-3, 1.A.2.2), one behind the other. */
  #sound(body: Buffer, ticks: number): void {
    let at = 0;
    for (let count = 0; at + 7 <= body.length; count += 1) {
      if (body.readUInt16BE(at) >> 4 !== 0xfff) return;
      const size = (body.readUIntBE(at + 3, 3) >> 5) & 0x1fff;
      const head = (body[at + 1] ?? 0) & 1 ? 7 : 9;
      const rateIndex = ((body[at + 2] ?? 0) >> 2) & 0x0f;
      const rate = AAC_RATES[rateIndex];
      if (size <= head || at + size > body.length || !rate) return;
      const channels = (((body[at + 2] ?? 0) & 1) << 2) | ((body[at + 3] ?? 0) >> 6);
      const type = ((body[at + 2] ?? 0) >> 6) + 1;
      const config = Buffer.from([(type << 3) | (rateIndex >> 1), ((rateIndex & 1) << 7) | (channels << 3)]);
      const frame = body.subarray(at + head, at + size);
      this.#item({ kind: 'audio', config, frame, ticks: (ticks + Math.round((count * 1024 * 90_000) / rate)) % TICKS });
      at += size;
    }
  }
}

function reset(stream: Stream): void {
  stream.parts = [];
  stream.bytes = 0;
  stream.expected = null;
}

/** A PTS (2.4.3.7) without its highest bit. */
function readTime(pes: Buffer): number {
  const high = ((pes[9] ?? 0) >> 1) & 3;
  return high * 2 ** 30 + ((pes.readUInt16BE(10) >> 1) * 2 ** 15 + (pes.readUInt16BE(12) >> 1));
}

const START = Buffer.from([0, 0, 1]);
/** NAL units between start codes (ITU-T H.264, Annex B). */
function annexB(bytes: Buffer): Buffer[] {
  const nals: Buffer[] = [];
  let from = -1;
  for (let at = bytes.indexOf(START); at >= 0; at = bytes.indexOf(START, at + 3)) {
    if (from >= 0) nals.push(withoutZeros(bytes.subarray(from, at)));
    from = at + 3;
  }
  if (from >= 0) nals.push(withoutZeros(bytes.subarray(from)));
  return nals;
}

/** Zeros behind a NAL unit are the next start code's, or filling. */
function withoutZeros(nal: Buffer): Buffer {
  let end = nal.length;
  while (end > 0 && nal[end - 1] === 0) end -= 1;
  return nal.subarray(0, end);
}
