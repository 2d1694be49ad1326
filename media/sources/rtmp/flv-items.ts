import { RTMP, type RtmpMessage } from './chunks.ts';
import { isNal, type PictureCodec, type StreamItem, TICKS, TICKS_PER_MS } from '../stream/items.ts';

const AUDIO: Record<number, string> = { 2: 'MP3', 11: 'Speex', 14: 'MP3', 7: 'G.711 A-law', 8: 'G.711 µ-law' };
const AAC = 10;
const VIDEO: Record<number, string> = { 2: 'Sorenson H.263', 3: 'Screen video', 4: 'VP6', 5: 'VP6', 13: 'AV1' };
/** 12 stands in no specification, but many encoders send H.265 so. */
const LEGACY: Record<number, PictureCodec> = { 7: 'H264', 12: 'H265' };
/** Enhanced RTMP (Veovera, version 1). */
const FOURCC: Record<string, PictureCodec> = { hvc1: 'H265', avc1: 'H264' };
/** Of a tag in a file (E.4.1), and of what its size is said in behind it. */
const TAG_HEAD = 11;
const TAG_SIZE = 4;
const SEQUENCE_START = 0;
const CODED = 1;
/** As coded frames, without a composition time. */
const CODED_X = 3;

/**
 * Reads the audio and video messages of RTMP, which are FLV's tags (Adobe's FLV 10.1, E.4.2 and E.4.3; enhanced RTMP). What
 * cannot be read is left out: it says nothing.
 */
export class FlvItems {
  readonly #item: (item: StreamItem) => void;
  #lengthBytes = 4;
  #config: Buffer | null = null;

  constructor(item: (item: StreamItem) => void) {
    this.#item = item;
  }

  message({ type, timestampMs, payload }: RtmpMessage): void {
    if (payload.length < 2) return;
    if (type === RTMP.audio) this.#audio(payload, timestampMs);
    else if (type === RTMP.video) this.#video(payload, timestampMs);
  }

  /** Several of them in one (RTMP 1.0, 7.1.6); their times count from that of the first. */
  aggregate({ streamId, timestampMs, payload }: RtmpMessage): void {
    let firstMs: number | null = null;
    for (let at = 0; at + TAG_HEAD <= payload.length;) {
      const end = at + TAG_HEAD + payload.readUIntBE(at + 1, 3);
      if (end > payload.length) return;
      const ownMs = payload.readUIntBE(at + 4, 3) + (payload[at + 7] ?? 0) * 2 ** 24;
      firstMs ??= ownMs;
      const type = (payload[at] ?? 0) & 0x1f;
      this.message({ type, streamId, timestampMs: timestampMs + ownMs - firstMs, payload: payload.subarray(at + TAG_HEAD, end) });
      at = end + TAG_SIZE;
    }
  }

  #audio(payload: Buffer, timestampMs: number): void {
    const format = (payload[0] ?? 0) >> 4;
    if (format !== AAC) return this.#item({ kind: 'unknown', track: 'audio', codec: AUDIO[format] ?? `FLV sound ${format}` });
    const body = payload.subarray(2);
    if (payload[1] === 0) this.#config = body.length >= 2 && body.length <= 64 ? Buffer.from(body) : null;
    else if (this.#config && body.length > 0) this.#item({ kind: 'audio', config: this.#config, frame: body, ticks: ticksOf(timestampMs) });
  }

  #video(payload: Buffer, timestampMs: number): void {
    const first = payload[0] ?? 0;
    if (first & 0x80) return this.#enhanced(payload, first & 0x0f, timestampMs);
    if (first >> 4 === 5) return; // a command, no picture
    const codec = LEGACY[first & 0x0f];
    if (!codec) return this.#item({ kind: 'unknown', track: 'video', codec: VIDEO[first & 0x0f] ?? `FLV video ${first & 0x0f}` });
    if (payload.length < 5) return;
    if (payload[1] === 0) this.#sets(codec, payload.subarray(5), timestampMs);
    else if (payload[1] === 1) this.#picture(codec, payload.subarray(5), timestampMs + signed24(payload, 2));
  }

  #enhanced(payload: Buffer, packet: number, timestampMs: number): void {
    if (payload.length < 5) return;
    const name = payload.toString('latin1', 1, 5);
    const codec = FOURCC[name];
    if (!codec) return this.#item({ kind: 'unknown', track: 'video', codec: name.replace(/[^\w-]/g, '?') });
    if (packet === SEQUENCE_START) this.#sets(codec, payload.subarray(5), timestampMs);
    else if (packet === CODED && payload.length >= 8) this.#picture(codec, payload.subarray(8), timestampMs + signed24(payload, 5));
    else if (packet === CODED_X) this.#picture(codec, payload.subarray(5), timestampMs);
  }

  /** AVC- or HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1 and 8.3.3.1). */
  #sets(codec: PictureCodec, record: Buffer, timestampMs: number): void {
    const lengthAt = codec === 'H264' ? 4 : 21;
    if (record.length < lengthAt + 2) return;
    const nals = codec === 'H264' ? avcSets(record) : hevcSets(record);
    this.#lengthBytes = ((record[lengthAt] ?? 3) & 3) + 1;
    this.#out(codec, nals, timestampMs);
  }

  #picture(codec: PictureCodec, bytes: Buffer, shownMs: number): void {
    const nals: Buffer[] = [];
    let at = 0;
    while (at + this.#lengthBytes <= bytes.length) {
      const end = at + this.#lengthBytes + bytes.readUIntBE(at, this.#lengthBytes);
      if (end > bytes.length) return; // cut off: no decoder would take it
      nals.push(bytes.subarray(at + this.#lengthBytes, end));
      at = end;
    }
    this.#out(codec, nals, shownMs);
  }

  #out(codec: PictureCodec, nals: Buffer[], shownMs: number): void {
    const real = nals.filter((nal) => isNal(codec, nal));
    if (real.length > 0) this.#item({ kind: 'video', codec, nals: real, ticks: ticksOf(shownMs) });
  }
}

/** Milliseconds that wrap at 2³² become ticks that wrap there, too. */
const ticksOf = (ms: number): number => (((ms * TICKS_PER_MS) % TICKS) + TICKS) % TICKS;
const signed24 = (bytes: Buffer, at: number): number => bytes.readIntBE(at, 3);

function avcSets(record: Buffer): Buffer[] {
  const sets: Buffer[] = [];
  let at = 5;
  for (const mask of [0x1f, 0xff]) {
    const count = (record[at] ?? 0) & mask;
    at = readSets(record, at + 1, count, sets);
  }
  return sets;
}

function hevcSets(record: Buffer): Buffer[] {
  const sets: Buffer[] = [];
  let at = 23;
  for (let arrays = record[22] ?? 0; arrays > 0 && at + 3 <= record.length; arrays -= 1)
    at = readSets(record, at + 3, record.readUInt16BE(at + 1), sets);
  return sets;
}

/** So many sets with their sizes before them. Returns where they end; what is cut off ends the record. */
function readSets(record: Buffer, from: number, count: number, sets: Buffer[]): number {
  let at = from;
  for (let i = 0; i < count; i += 1) {
    if (at + 2 > record.length) return record.length;
    const end = at + 2 + record.readUInt16BE(at);
    if (end > record.length) return record.length;
    sets.push(record.subarray(at + 2, end));
    at = end;
  }
  return at;
}
