/** One RTMP message (Adobe's RTMP 1.0, 5 and 6). `timestampMs`: since the sender's own beginning, 32 bits. */
export type RtmpMessage = { type: number; streamId: number; timestampMs: number; payload: Buffer };

export const RTMP = {
  chunkSize: 1,
  abort: 2,
  acknowledgement: 3,
  control: 4,
  windowSize: 5,
  peerBandwidth: 6,
  audio: 8,
  video: 9,
  /** As `data` and `command`, with one byte before them. */
  dataAmf3: 15,
  commandAmf3: 17,
  data: 18,
  command: 20,
  /** Several audio and video messages in one. */
  aggregate: 22,
} as const;

type Format = 0 | 1 | 2 | 3;
type ChunkStream = {
  timestampMs: number;
  deltaMs: number;
  /** What the extended timestamp said; null where the last header had none. */
  extended: number | null;
  length: number;
  type: number;
  streamId: number;
  /** The message that is coming in; null between messages. */
  payload: Buffer | null;
  have: number;
};

/** A key frame of 4K at 50 Mbit/s has 1 MB. */
const MESSAGE_BYTES = 4 * 2 ** 20;
/** Of all messages of one connection that are not whole yet. */
const OPEN_BYTES = 8 * 2 ** 20;
const STREAMS = 16;
const DEFAULT_CHUNK_BYTES = 128;
/** What either side lets out at most before it hears that it came (5.4.4). */
export const WINDOW_BYTES = 2_500_000;
const HEADER_BYTES = [11, 7, 3, 0] as const;
const EXTENDED = 0xffffff;
const MOST_HEADER_BYTES = 3 + 11 + 4;

/**
 * Joins chunks to messages (RTMP 1.0, 5.3). Whatever comes, it holds no more than 8 MB. Throws `RangeError` for what is no
 * RTMP, or larger than any message of a camera.
 */
export class ChunkReader {
  readonly #message: (message: RtmpMessage) => void;
  readonly #streams = new Map<number, ChunkStream>();
  readonly #head = Buffer.alloc(MOST_HEADER_BYTES);
  #headBytes = 0;
  /** The stream whose chunk is coming in, and how much of the chunk is to come. */
  #current: ChunkStream | null = null;
  #left = 0;
  #chunkBytes = DEFAULT_CHUNK_BYTES;
  #openBytes = 0;
  #mostBytes: number;

  /** `mostBytes`: a message has no more; may be raised once the sender is known. */
  constructor(message: (message: RtmpMessage) => void, mostBytes = MESSAGE_BYTES) {
    this.#message = message;
    this.#mostBytes = mostBytes;
  }

  /** The sender is known: its messages may be as large as a picture. */
  trust(): void {
    this.#mostBytes = MESSAGE_BYTES;
  }

  push(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) at += this.#current ? this.#body(this.#current, bytes.subarray(at)) : this.#header(bytes.subarray(at));
  }

  /** How many bytes were taken. */
  #header(bytes: Buffer): number {
    let taken = 0;
    for (;;) {
      const lacking = this.#lacking();
      if (lacking === 0) break;
      const count = Math.min(lacking, bytes.length - taken);
      if (count === 0) return taken;
      bytes.copy(this.#head, this.#headBytes, taken, taken + count);
      this.#headBytes += count;
      taken += count;
    }
    const unread = this.#begin();
    this.#headBytes = 0;
    if (unread) this.push(unread);
    return taken;
  }

  /** How many bytes of the header are lacking, as far as it can be told. */
  #lacking(): number {
    const have = this.#headBytes;
    if (have === 0) return 1;
    const basic = basicBytes(this.#head[0] ?? 0);
    const format = ((this.#head[0] ?? 0) >> 6) as Format;
    const plain = basic + HEADER_BYTES[format];
    if (have < plain) return plain - have;
    const extended =
      format === 3 ? (this.#streams.get(this.#id())?.extended ?? null) !== null : this.#head.readUIntBE(basic, 3) === EXTENDED;
    return plain + (extended ? 4 : 0) - have;
  }

  #id(): number {
    const first = this.#head[0] ?? 0;
    const basic = basicBytes(first);
    return basic === 1 ? first & 0x3f : basic === 2 ? (this.#head[1] ?? 0) + 64 : this.#head.readUInt16LE(1) + 64;
  }

  /** The header is whole: a chunk begins. Returns bytes that were taken for an extended timestamp and are the chunk's own, since some senders leave it out of chunks that go on. */
  #begin(): Buffer | null {
    const id = this.#id();
    const format = ((this.#head[0] ?? 0) >> 6) as Format;
    const stream = this.#streams.get(id) ?? this.#newStream(id, format);
    let at = basicBytes(this.#head[0] ?? 0);
    let time = 0;
    if (format < 3) {
      if (stream.payload) this.#drop(stream); // a message that was never ended
      time = this.#head.readUIntBE(at, 3);
      if (time !== EXTENDED) stream.extended = null;
    }
    if (format < 2) {
      stream.length = this.#head.readUIntBE(at + 3, 3);
      stream.type = this.#head[at + 6] ?? 0;
    }
    if (format === 0) stream.streamId = this.#head.readUInt32LE(at + 7);
    at += HEADER_BYTES[format];
    let unread: Buffer | null = null;
    if (this.#headBytes > at) {
      const extended = this.#head.readUInt32BE(at);
      if (format === 3 && stream.payload && extended !== stream.extended) unread = Buffer.from(this.#head.subarray(at, at + 4));
      else stream.extended = time = extended;
    }
    if (format < 3) stream.deltaMs = format === 0 ? 0 : time;
    if (!stream.payload) this.#open(stream, format === 0 ? time : (stream.timestampMs + stream.deltaMs) % 2 ** 32);
    this.#current = stream;
    this.#left = Math.min(this.#chunkBytes, stream.length - stream.have);
    if (this.#left === 0) this.#endChunk(stream);
    return unread;
  }

  #newStream(id: number, format: Format): ChunkStream {
    if (format !== 0 || this.#streams.size >= STREAMS) throw new RangeError('no RTMP');
    const stream = { timestampMs: 0, deltaMs: 0, extended: null, length: 0, type: 0, streamId: 0, payload: null, have: 0 };
    this.#streams.set(id, stream);
    return stream;
  }

  #open(stream: ChunkStream, timestampMs: number): void {
    stream.timestampMs = timestampMs;
    this.#openBytes += stream.length;
    if (stream.length > this.#mostBytes || this.#openBytes > OPEN_BYTES) throw new RangeError('no RTMP: a message is too large');
    stream.payload = Buffer.allocUnsafeSlow(stream.length);
    stream.have = 0;
  }

  #drop(stream: ChunkStream): void {
    this.#openBytes -= stream.payload?.length ?? 0;
    stream.payload = null;
    stream.have = 0;
  }

  #body(stream: ChunkStream, bytes: Buffer): number {
    const count = Math.min(this.#left, bytes.length);
    if (stream.payload) bytes.copy(stream.payload, stream.have, 0, count);
    stream.have += count;
    this.#left -= count;
    if (this.#left === 0) this.#endChunk(stream);
    return count;
  }

  #endChunk(stream: ChunkStream): void {
    this.#current = null;
    const { payload, type, streamId, timestampMs } = stream;
    if (!payload || stream.have < payload.length) return;
    this.#drop(stream);
    if (type === RTMP.chunkSize && payload.length >= 4)
      this.#chunkBytes = Math.min(Math.max(1, payload.readUInt32BE(0) & 0x7fffffff), MESSAGE_BYTES);
    const aborted = type === RTMP.abort && payload.length >= 4 ? this.#streams.get(payload.readUInt32BE(0)) : undefined;
    if (aborted) this.#drop(aborted);
    this.#message({ type, streamId, timestampMs, payload });
  }
}

const basicBytes = (first: number): number => ((first & 0x3f) === 0 ? 2 : (first & 0x3f) === 1 ? 3 : 1);

/** A message of ours as one chunk; its receiver has been told of chunks as large. */
export function rtmpChunk(type: number, streamId: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head[0] = type === RTMP.command ? 3 : 2;
  head.writeUIntBE(payload.length, 4, 3);
  head[7] = type;
  head.writeUInt32LE(streamId, 8);
  return Buffer.concat([head, payload]);
}

/** A message of ours to a receiver that has been told nothing of chunks. */
export function rtmpChunks(type: number, streamId: number, payload: Buffer): Buffer {
  const whole = rtmpChunk(type, streamId, payload);
  const headBytes = whole.length - payload.length;
  const parts = [whole.subarray(0, headBytes + DEFAULT_CHUNK_BYTES)];
  const goesOn = Buffer.from([0xc0 | (whole[0] ?? 0)]);
  for (let at = DEFAULT_CHUNK_BYTES; at < payload.length; at += DEFAULT_CHUNK_BYTES)
    parts.push(goesOn, payload.subarray(at, at + DEFAULT_CHUNK_BYTES));
  return Buffer.concat(parts);
}

/** Numbers as these messages have them. */
export function u32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => bytes.writeUInt32BE(value >>> 0, 4 * i));
  return bytes;
}
