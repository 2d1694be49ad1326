/** One RTMP message (Adobe's RTMP 1.0, 5 and 6). `timestampMs`: since the sender's own beginning. */
export type RtmpMessage = { type: number; streamId: number; timestampMs: number; payload: Buffer };

export const RTMP = {
  chunkSize: 1,
  acknowledgement: 3,
  control: 4,
  windowSize: 5,
  peerBandwidth: 6,
  audio: 8,
  video: 9,
  data: 18,
  command: 20,
} as const;

type ChunkStream = {
  timestampMs: number;
  deltaMs: number;
  extended: boolean;
  length: number;
  type: number;
  streamId: number;
  parts: Buffer[];
  have: number;
};

const MESSAGE_BYTES = 8 * 2 ** 20;
const STREAMS = 32;
const HEADER_BYTES = [11, 7, 3, 0] as const;

/** Joins chunks to messages (RTMP 1.0, 5.3). Throws for what is no RTMP. */
export class ChunkReader {
  readonly #message: (message: RtmpMessage) => void;
  readonly #streams = new Map<number, ChunkStream>();
  #rest: Buffer = Buffer.alloc(0);
  #chunkBytes = 128;

  constructor(message: (message: RtmpMessage) => void) {
    this.#message = message;
  }

  push(chunk: Buffer): void {
    let bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    for (;;) {
      const taken = this.#chunk(bytes);
      if (taken === 0) break;
      bytes = bytes.subarray(taken);
    }
    this.#rest = Buffer.from(bytes);
  }

  /** How many bytes were taken; 0 when there are not enough. */
  #chunk(bytes: Buffer): number {
    if (bytes.length < 1) return 0;
    const first = bytes[0] ?? 0;
    const basicBytes = (first & 0x3f) === 0 ? 2 : (first & 0x3f) === 1 ? 3 : 1;
    const format = (first >> 6) as 0 | 1 | 2 | 3;
    const headBytes = basicBytes + HEADER_BYTES[format];
    if (bytes.length < headBytes) return 0;
    const id = basicBytes === 1 ? first & 0x3f : basicBytes === 2 ? (bytes[1] ?? 0) + 64 : bytes.readUInt16LE(1) + 64;
    const known = this.#streams.get(id);
    if (!known && (format !== 0 || this.#streams.size >= STREAMS)) throw new RangeError('no RTMP');
    const stream: ChunkStream = {
      ...(known ?? { timestampMs: 0, deltaMs: 0, extended: false, length: 0, type: 0, streamId: 0, parts: [], have: 0 }),
    };
    const begins = stream.have === 0;
    let at = basicBytes;
    let time = 0;
    if (format < 3) {
      time = bytes.readUIntBE(at, 3);
      stream.extended = time === 0xffffff;
    }
    if (format < 2) {
      stream.length = bytes.readUIntBE(at + 3, 3);
      stream.type = bytes[at + 6] ?? 0;
    }
    if (format === 0) stream.streamId = bytes.readUInt32LE(at + 7);
    at = headBytes;
    if (stream.extended) {
      if (bytes.length < at + 4) return 0;
      time = bytes.readUInt32BE(at);
      at += 4;
    }
    if (stream.length > MESSAGE_BYTES) throw new RangeError('no RTMP');
    const size = Math.min(this.#chunkBytes, stream.length - stream.have);
    if (bytes.length < at + size) return 0;
    if (format === 0) stream.timestampMs = time;
    else if (format < 3) stream.deltaMs = time;
    if (format === 0) stream.deltaMs = 0;
    else if (begins) stream.timestampMs += stream.deltaMs;
    stream.parts = [...stream.parts, Buffer.from(bytes.subarray(at, at + size))];
    stream.have += size;
    this.#streams.set(id, stream);
    if (stream.have === stream.length) this.#whole(stream);
    return at + size;
  }

  #whole(stream: ChunkStream): void {
    const { type, streamId, timestampMs } = stream;
    const payload = Buffer.concat(stream.parts);
    stream.parts = [];
    stream.have = 0;
    if (type === RTMP.chunkSize && payload.length >= 4)
      this.#chunkBytes = Math.min(Math.max(1, payload.readUInt32BE(0) & 0x7fffffff), MESSAGE_BYTES);
    this.#message({ type, streamId, timestampMs, payload });
  }
}

/** A message of ours as one chunk; its receiver has been told of chunks that large. */
export function rtmpChunk(type: number, streamId: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head[0] = type === RTMP.command ? 3 : 2;
  head.writeUIntBE(payload.length, 4, 3);
  head[7] = type;
  head.writeUInt32LE(streamId, 8);
  return Buffer.concat([head, payload]);
}
