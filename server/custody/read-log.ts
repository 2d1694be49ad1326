import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { ownHash } from '../../media/recordings/chain.ts';
import { CustodyLine } from './lines.ts';

const NEWLINE = 0x0a;
/** No line that the hub writes comes near; of a longer one only the begin is kept, so that no file fills the memory. */
const MAX_LINE_BYTES = 64 * 1024;

export type RawLine = {
  bytes: Buffer;
  /** Where in the file it ends, its newline counted. */
  endBytes: number;
  /** False for what follows the last newline. */
  whole: boolean;
};

/** The lines of a file, read piece by piece: those of a piece come together. */
export async function* rawLines(path: string, fromBytes = 0): AsyncGenerator<RawLine[]> {
  let begun: Buffer[] = [];
  let begunBytes = 0;
  let atBytes = fromBytes;
  const keep = (part: Buffer): void => {
    const room = MAX_LINE_BYTES + 1 - begunBytes;
    if (room > 0) begun.push(part.subarray(0, room));
    begunBytes += part.length;
  };
  for await (const piece of createReadStream(path, { start: fromBytes, highWaterMark: 2 ** 20 }) as AsyncIterable<Buffer>) {
    const lines: RawLine[] = [];
    let from = 0;
    for (let to = piece.indexOf(NEWLINE); to >= 0; to = piece.indexOf(NEWLINE, from)) {
      keep(piece.subarray(from, to));
      lines.push({ bytes: Buffer.concat(begun), endBytes: atBytes + to + 1, whole: true });
      begun = [];
      begunBytes = 0;
      from = to + 1;
    }
    keep(piece.subarray(from));
    atBytes += piece.length;
    if (lines.length > 0) yield lines;
  }
  if (begunBytes > 0) yield [{ bytes: Buffer.concat(begun), endBytes: atBytes, whole: false }];
}

/** A line as it claims to stand in the chain. */
export type PlacedLine = {
  /** Where it stands in the file, from 1. */
  line: number;
  /** As it says itself; −1 and '' where it says nothing. */
  seq: number;
  prev: string;
  hash: string;
  /** Its hash is that of its text, and it says its place. */
  sound: boolean;
  json: boolean;
  value: Record<string, unknown>;
};

export function placeLine({ bytes }: RawLine, line: number): PlacedLine {
  // bytes that are no UTF-8 must not pass as the sign that stands for them
  const text = bytes.length <= MAX_LINE_BYTES && isUtf8(bytes) ? bytes.toString('utf8') : '';
  const parsed = parseObject(text);
  const value = parsed ?? {};
  const hash = parsed ? ownHash(text) : null;
  const seq = Number.isSafeInteger(value['seq']) ? Number(value['seq']) : -1;
  const prev = typeof value['prev'] === 'string' ? value['prev'] : '';
  return { line, seq, prev, hash: hash ?? '', sound: hash !== null && seq >= 0 && prev !== '', json: parsed !== null, value };
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null; // no JSON
  }
}

/** Every line of the log that can be read, for an index, and where it ends; what cannot be is `verifyLog`'s to name. */
export async function* readLog(path: string, fromBytes = 0): AsyncGenerator<{ line: CustodyLine; endBytes: number }> {
  for await (const raws of rawLines(path, fromBytes))
    for (const raw of raws) {
      const placed = placeLine(raw, 0);
      const parsed = raw.whole && placed.sound ? CustodyLine.safeParse(placed.value) : null;
      if (parsed?.success) yield { line: parsed.data, endBytes: raw.endBytes };
    }
}
