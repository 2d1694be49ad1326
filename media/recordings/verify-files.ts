import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HubError, messageOf } from '../errors.ts';
import { type ChainHead, checkLine, EMPTY_HEAD } from './chain.ts';

/** A journal's line and the chain's head at it. */
export type Chained<Line> = { line: Line; head: ChainHead };
/** Told of everything that is wrong: which file, and what. */
export type Report = (path: string, message: string) => void;

/** The bytes of a file that a journal knows; what does not fit its line is reported, as `missing` when it is not there. Null when it cannot be read. */
export async function readChecked(
  dir: string,
  path: string,
  line: { sha256: string; sizeBytes: number },
  missing: string,
  report: Report,
): Promise<Buffer | null> {
  let bytes: Buffer;
  try {
    bytes = await readFile(join(dir, path));
  } catch (error) {
    report(path, (error as NodeJS.ErrnoException).code === 'ENOENT' ? missing : `cannot be read: ${messageOf(error)}`);
    return null;
  }
  if (bytes.length !== line.sizeBytes) report(path, `has ${bytes.length} bytes, its journal says ${line.sizeBytes}`);
  if (createHash('sha256').update(bytes).digest('hex') !== line.sha256)
    report(path, 'its SHA-256 is not the one in its journal: it was changed');
  return bytes;
}

/** The lines of a journal as far as its chain holds; where it breaks is reported. */
export async function readChain<Line>(
  dir: string,
  path: string,
  parse: (value: unknown) => Line,
  report: Report,
): Promise<Chained<Line>[]> {
  let text: string;
  try {
    text = await readFile(join(dir, path), 'utf8');
  } catch (error) {
    report(path, (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'is missing' : `cannot be read: ${messageOf(error)}`);
    return [];
  }
  const chained: Chained<Line>[] = [];
  let head = EMPTY_HEAD;
  if (text !== '' && !text.endsWith('\n')) report(path, 'its last line is torn');
  for (const line of text.split('\n').filter((candidate) => candidate !== '')) {
    try {
      const checked = checkLine(head, line);
      head = checked.head;
      chained.push({ line: parse(checked.value), head });
    } catch (error) {
      report(path, error instanceof HubError ? error.message : `line ${head.seq + 1}: ${messageOf(error)}`);
      break;
    }
  }
  return chained;
}

/** Every file under a folder, by its path with forward slashes. */
export async function listFiles(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + (dir.endsWith('/') ? 0 : 1)))
    .toSorted();
}

/** SHA-256 of a file, read as a stream. */
export async function hashFile(path: string): Promise<{ sha256: string; sizeBytes: number }> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    hash.update(chunk as Buffer);
    sizeBytes += (chunk as Buffer).length;
  }
  return { sha256: hash.digest('hex'), sizeBytes };
}
