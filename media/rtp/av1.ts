import type { VideoConfig } from './codec.ts';
import type { Pieces } from './pieces.ts';
import type { PayloadFormat, Picture } from './unit-assembler.ts';

/** AV1 bitstream specification, 6.2.2 */
const SEQUENCE_HEADER = 1;
const TEMPORAL_DELIMITER = 2;
const FRAME_HEADER = 3;
const METADATA = 5;
const FRAME = 6;
const TILE_LIST = 8;
const PADDING = 15;
/** Never to be stored: RTP payload format, 5, and "AV1 Codec ISO Media File Format Binding", 2.4. */
const DROPPED: ReadonlySet<number> = new Set([TEMPORAL_DELIMITER, TILE_LIST, PADDING]);
/** Header, extension and size field are no longer than this. */
const MAX_HEAD_BYTES = 10;
/** Sequence headers have a few dozen bytes. */
const MAX_SEQUENCE_HEADER_BYTES = 1024;

const EMPTY = Buffer.alloc(0);

/**
 * AV1 payloads (RTP Payload Format For AV1, 4.4 and 4.5): OBUs and fragments of OBUs. What is stored are the temporal
 * unit's OBUs, each with its size field ("AV1 Codec ISO Media File Format Binding", 2.4). Key: a key frame that is
 * shown, with its sequence header before it.
 */
export class Av1Format implements PayloadFormat {
  readonly lengths = false;
  #config: Extract<VideoConfig, { codec: 'av1' }> | null = null;
  /** The first piece of the OBU whose fragments are coming in. */
  #fragmented: number | null = null;
  #sequenceHeader: Buffer | null = null;
  /** What the first frame of the open unit is. */
  #picture: 'none' | 'key' | 'other' = 'none';

  get config(): VideoConfig | null {
    return this.#config;
  }

  payload(payload: Buffer, pieces: Pieces): boolean {
    const header = payload[0] as number;
    const [continues, goesOn, count] = [(header & 0x80) !== 0, (header & 0x40) !== 0, (header >> 4) & 3];
    let whole = continues || !this.cut(pieces); // an OBU whose end is missing
    let at = 1;
    for (let i = 0; at < payload.length; i += 1) {
      let size = payload.length - at;
      if (count === 0 || i < count - 1) {
        const length = leb128(payload, at);
        if (!length || length.value > payload.length - length.end) return false;
        at = length.end;
        size = length.value;
      }
      const end = at + size;
      const isLast = end >= payload.length;
      const known = i > 0 || !continues || this.#fragmented !== null;
      const bytes = isLast ? payload : payload.subarray(0, end);
      // else its beginning is missing
      whole = known && this.#element(bytes, at, isLast && goesOn, pieces) && whole;
      at = end;
    }
    return whole;
  }

  cut(pieces: Pieces): boolean {
    if (this.#fragmented === null) return false;
    pieces.truncate(this.#fragmented);
    this.#fragmented = null;
    return true;
  }

  end(_pieces: Pieces, damaged: boolean): Picture | null {
    const [picture, header] = [this.#picture, this.#sequenceHeader];
    this.#picture = 'none';
    this.#sequenceHeader = null;
    if (picture === 'none') return null;
    const key = picture === 'key' && header !== null;
    if (key && !damaged && !this.#config?.sequenceHeader.equals(header)) this.#config = { codec: 'av1', sequenceHeader: header };
    return { key, leading: false };
  }

  /** An OBU from its beginning: one that stands before frames, or a frame of the lowest layer. */
  startsPicture(payload: Buffer): boolean {
    const header = payload[0] as number;
    if (header & 0x80) return false;
    const at = ((header >> 4) & 3) === 1 ? 1 : leb128(payload, 1)?.end;
    if (at === undefined || at >= payload.length) return false;
    const first = payload[at] as number;
    const type = typeOf(first);
    if (type === SEQUENCE_HEADER || type === TEMPORAL_DELIMITER || type === METADATA) return true;
    const spatialLayer = first & 4 ? ((payload[at + 1] ?? 0) >> 3) & 3 : 0;
    return (type === FRAME || type === FRAME_HEADER) && spatialLayer === 0;
  }

  /** One OBU element, from byte `from` to the end of `bytes`. */
  #element(bytes: Buffer, from: number, goesOn: boolean, pieces: Pieces): boolean {
    if (this.#fragmented === null) {
      this.#fragmented = pieces.count;
      pieces.add(EMPTY, 0); // place of the header
    }
    pieces.add(bytes, from);
    if (goesOn) return true;
    const first = this.#fragmented;
    this.#fragmented = null;
    return this.#whole(first, pieces);
  }

  /** An OBU is complete, in the pieces after number `first`: give it its size field. False when it contradicts itself. */
  #whole(first: number, pieces: Pieces): boolean {
    const head = pieces.peek(first + 1, MAX_HEAD_BYTES);
    const header = head[0];
    if (header === undefined || DROPPED.has(typeOf(header))) {
      pieces.truncate(first);
      return true;
    }
    const extension = header & 4 ? 1 : 0;
    const sized = leb128(head, 1 + extension);
    pieces.drop(first + 1, header & 2 && sized ? sized.end : 1 + extension);
    const size = pieces.sizeFrom(first + 1);
    if (head.length < 1 + extension || (header & 2 && sized?.value !== size)) {
      pieces.truncate(first);
      return false;
    }
    const newHead = Buffer.from([header | 2, ...head.subarray(1, 1 + extension), ...leb128Bytes(size)]);
    pieces.replace(first, newHead, 0);
    const type = typeOf(header);
    if (type === SEQUENCE_HEADER && size <= MAX_SEQUENCE_HEADER_BYTES)
      this.#sequenceHeader ??= Buffer.from(pieces.peek(first, newHead.length + size));
    else if (this.#picture === 'none' && (type === FRAME || type === FRAME_HEADER))
      this.#picture = isShownKeyFrame(pieces.peek(first + 1, 1)) ? 'key' : 'other';
    return true;
  }
}

/** The beginning of uncompressed_header (AV1 bitstream specification, 5.9.2): show_existing_frame 0, frame_type 0 (key), show_frame 1. */
function isShownKeyFrame(frame: Buffer): boolean {
  return ((frame[0] ?? 0xff) & 0xf0) === 0x10;
}

function typeOf(header: number): number {
  return (header >> 3) & 15;
}

/** A number in groups of seven bits, low ones first (AV1 bitstream specification, 4.10.5); null when it does not end or is beyond 32 bits. */
function leb128(bytes: Buffer, start: number): { value: number; end: number } | null {
  let value = 0;
  for (let i = 0; i < 8; i += 1) {
    const byte = bytes[start + i];
    if (byte === undefined) return null;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (!(byte & 0x80)) return value < 2 ** 32 ? { value, end: start + i + 1 } : null;
  }
  return null;
}

function leb128Bytes(value: number): number[] {
  const out: number[] = [];
  let left = value;
  do {
    out.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
    left >>>= 7;
  } while (left > 0);
  return out;
}
