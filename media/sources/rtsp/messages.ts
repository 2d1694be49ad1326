/** A request or an answer (RFC 2326, 4): its first line, its headers in order, its body. */
export type RtspMessage = { first: string; headers: [name: string, value: string][]; body: Buffer };

export type RtspItems = {
  message: (message: RtspMessage) => void;
  /** A packet between the messages (RFC 2326, 10.12), its four bytes of frame included. */
  packet: (channel: number, frame: Buffer) => void;
};

const HEAD_BYTES = 16 * 1024;
const BODY_BYTES = 64 * 1024;
const END = Buffer.from('\r\n\r\n');

/** Cuts a connection's bytes into messages and packets. Throws for what is neither. */
export class RtspReader {
  readonly #items: RtspItems;
  #rest: Buffer = Buffer.alloc(0);

  constructor(items: RtspItems) {
    this.#items = items;
  }

  push(chunk: Buffer): void {
    let bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    while (bytes.length > 0) {
      const taken = bytes[0] === 0x24 ? this.#packet(bytes) : this.#message(bytes);
      if (taken === 0) break;
      bytes = bytes.subarray(taken);
    }
    this.#rest = bytes;
  }

  #packet(bytes: Buffer): number {
    const end = bytes.length < 4 ? Infinity : 4 + bytes.readUInt16BE(2);
    if (bytes.length < end) return 0;
    this.#items.packet(bytes[1] ?? 0, bytes.subarray(0, end));
    return end;
  }

  #message(bytes: Buffer): number {
    const initial = bytes[0] ?? 0;
    if (initial < 0x41 || initial > 0x5a) return 1; // no message begins so: some end one with a line more, some send rubbish between packets
    const end = bytes.indexOf(END);
    if (end < 0 && bytes.length > HEAD_BYTES) throw new RangeError('no RTSP');
    if (end < 0) return 0;
    const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
    const headers = lines.map((line): [string, string] => {
      const at = line.indexOf(':');
      return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    });
    const size = Number(headerOf(headers, 'content-length') ?? 0);
    if (!/ RTSP\/1\.\d$|^RTSP\/1\.\d \d{3}/.test(first) || !Number.isInteger(size) || size < 0 || size > BODY_BYTES)
      throw new RangeError('no RTSP');
    const total = end + END.length + size;
    if (bytes.length < total) return 0;
    this.#items.message({ first, headers, body: Buffer.from(bytes.subarray(end + END.length, total)) });
    return total;
  }
}

export function headerOf(headers: RtspMessage['headers'], name: string): string | null {
  return headers.find(([key]) => key.toLowerCase() === name)?.[1] ?? null;
}

export function rtspBytes({ first, headers, body }: RtspMessage): Buffer {
  const head = [first, ...headers.map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n');
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}

/** The status of an answer; null for a request. */
export function statusOf({ first }: RtspMessage): number | null {
  const status = /^RTSP\/1\.\d (\d{3})/.exec(first)?.[1];
  return status === undefined ? null : Number(status);
}
