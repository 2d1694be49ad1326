/** Values of AMF0 (Action Message Format, Adobe 2007) as RTMP's commands use them. */
export type Amf = number | boolean | string | null | { [key: string]: Amf } | Amf[];

const DEPTH = 8;
const OBJECT_END = 0x09;

/** The values in a message. Throws `RangeError` for what is cut off or not known. */
export function decodeAmf(bytes: Buffer): Amf[] {
  const reader = new AmfReader(bytes);
  const values: Amf[] = [];
  while (!reader.done) values.push(reader.value(0));
  return values;
}

class AmfReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  value(depth: number): Amf {
    if (depth > DEPTH) throw new RangeError('AMF0 is too deep');
    switch (this.#bytes[this.#take(1)]) {
      case 0x00:
        return this.#bytes.readDoubleBE(this.#take(8));
      case 0x01:
        return this.#bytes[this.#take(1)] !== 0;
      case 0x02:
        return this.#text(this.#bytes.readUInt16BE(this.#take(2)));
      case 0x03:
        return this.#members(depth);
      case 0x05:
      case 0x06:
        return null;
      case 0x08: // an array with names: its count is a hint only
        this.#take(4);
        return this.#members(depth);
      case 0x0a:
        return this.#list(this.#bytes.readUInt32BE(this.#take(4)), depth);
      case 0x0b: // a date, and its time zone
        return this.#bytes.readDoubleBE(this.#take(10));
      case 0x0c:
        return this.#text(this.#bytes.readUInt32BE(this.#take(4)));
      default:
        throw new RangeError('no AMF0');
    }
  }

  /** Where the next so many bytes begin. */
  #take(count: number): number {
    const at = this.#at;
    if (at + count > this.#bytes.length) throw new RangeError('AMF0 is cut off');
    this.#at += count;
    return at;
  }

  #text(size: number): string {
    const at = this.#take(size);
    return this.#bytes.toString('utf8', at, at + size);
  }

  #members(depth: number): Amf {
    const object = Object.create(null) as Record<string, Amf>;
    for (;;) {
      const key = this.#text(this.#bytes.readUInt16BE(this.#take(2)));
      if (key === '' && this.#bytes[this.#at] === OBJECT_END) {
        this.#take(1);
        return object;
      }
      object[key] = this.value(depth + 1);
    }
  }

  /** A count that the bytes do not hold ends where they do. */
  #list(count: number, depth: number): Amf {
    const list: Amf[] = [];
    for (let i = 0; i < count; i += 1) list.push(this.value(depth + 1));
    return list;
  }
}

/** The members of an object; none of anything else. */
export function membersOf(value: Amf | undefined): { [key: string]: Amf } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}

export function encodeAmf(...values: Amf[]): Buffer {
  return Buffer.concat(values.map(encode));
}

function encode(value: Amf): Buffer {
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(9);
    bytes.writeDoubleBE(value, 1);
    return bytes;
  }
  if (typeof value === 'boolean') return Buffer.from([0x01, value ? 1 : 0]);
  if (typeof value === 'string') return Buffer.concat([Buffer.from([0x02]), sized(value)]);
  if (value === null) return Buffer.from([0x05]);
  if (Array.isArray(value)) {
    const head = Buffer.from([0x0a, 0, 0, 0, 0]);
    head.writeUInt32BE(value.length, 1);
    return Buffer.concat([head, ...value.map(encode)]);
  }
  const members = Object.entries(value).flatMap(([key, each]) => [sized(key), encode(each)]);
  return Buffer.concat([Buffer.from([0x03]), ...members, Buffer.from([0, 0, OBJECT_END])]);
}

function sized(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}
