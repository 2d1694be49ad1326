/** Values of AMF0 (Action Message Format, Adobe 2007) as RTMP's commands use them. */
export type Amf = number | boolean | string | null | { [key: string]: Amf } | Amf[];

const DEPTH = 8;

/** The values in a message. Throws for what is cut off or not known. */
export function decodeAmf(bytes: Buffer): Amf[] {
  const values: Amf[] = [];
  let at = 0;
  const text = (size: number): string => {
    if (at + size > bytes.length) throw new RangeError('AMF0 is cut off');
    at += size;
    return bytes.toString('utf8', at - size, at);
  };
  const shortText = (): string => {
    const size = bytes.readUInt16BE(at);
    at += 2;
    return text(size);
  };
  const members = (depth: number): Amf => {
    const object: Record<string, Amf> = Object.create(null) as Record<string, Amf>;
    for (;;) {
      const key = shortText();
      if (key === '' && bytes[at] === 0x09) {
        at += 1;
        return object;
      }
      object[key] = value(depth + 1);
    }
  };
  const value = (depth: number): Amf => {
    if (depth > DEPTH) throw new RangeError('AMF0 is too deep');
    const marker = bytes[at];
    at += 1;
    switch (marker) {
      case 0x00:
        at += 8;
        return bytes.readDoubleBE(at - 8);
      case 0x01:
        at += 1;
        return bytes[at - 1] !== 0;
      case 0x02:
        return shortText();
      case 0x03:
        return members(depth);
      case 0x05:
      case 0x06:
        return null;
      case 0x08:
        at += 4;
        return members(depth);
      case 0x0a: {
        const count = bytes.readUInt32BE(at);
        at += 4;
        const list: Amf[] = [];
        for (let i = 0; i < count; i += 1) list.push(value(depth + 1));
        return list;
      }
      case 0x0b:
        at += 10;
        return bytes.readDoubleBE(at - 10);
      case 0x0c: {
        const size = bytes.readUInt32BE(at);
        at += 4;
        return text(size);
      }
      default:
        throw new RangeError('no AMF0');
    }
  };
  while (at < bytes.length) values.push(value(0));
  return values;
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
  if (value === null || Array.isArray(value)) return Buffer.from([0x05]);
  const members = Object.entries(value).flatMap(([key, each]) => [sized(key), encode(each)]);
  return Buffer.concat([Buffer.from([0x03]), ...members, Buffer.from([0, 0, 0x09])]);
}

function sized(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}
