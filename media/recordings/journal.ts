import { open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HubError, messageOf } from '../errors.ts';
import { chainLine, checkLine, EMPTY_HEAD, type ChainHead } from './chain.ts';

/**
 * An append-only, hash-chained log. `append` resolves when the line is on the disk (written and fdatasynced); lines
 * appended in the same turn share one write and one flush. After a failed write the journal refuses everything.
 */
export class Journal<Line extends { type: string }> {
  readonly path: string;
  #file: FileHandle;
  #head: ChainHead;
  #pending: string[] = [];
  #flush: Promise<void> | null = null;
  /** The last write begun; never rejects. */
  #tail: Promise<void> = Promise.resolve();
  #failed: unknown = null;

  private constructor(path: string, file: FileHandle, head: ChainHead) {
    this.path = path;
    this.#file = file;
    this.#head = head;
  }

  /** A new journal; fails when the file exists. */
  static async create<L extends { type: string }>(path: string): Promise<Journal<L>> {
    const file = await open(path, 'ax', 0o640);
    await syncDir(dirname(path));
    return new Journal<L>(path, file, EMPTY_HEAD);
  }

  /** Go on with a journal whose head is known (from `readJournal`). */
  static async resume<L extends { type: string }>(path: string, head: ChainHead): Promise<Journal<L>> {
    return new Journal<L>(path, await open(path, 'a'), head);
  }

  /** Head after the last line appended (which may still be on its way to the disk). */
  get head(): ChainHead {
    return this.#head;
  }

  /** Resolves with the head at this line once it is on the disk. Throws `internal` when the disk failed. */
  async append(line: Line): Promise<ChainHead> {
    if (this.#failed) throw new HubError('internal', `journal ${this.path}: ${messageOf(this.#failed)}`, { cause: this.#failed });
    const { text, head } = chainLine(this.#head, line);
    this.#head = head;
    this.#pending.push(text);
    this.#flush ??= this.#write();
    await this.#flush;
    return head;
  }

  async close(): Promise<void> {
    await this.#flush?.catch(() => undefined);
    await this.#tail;
    await this.#file.close();
  }

  async #write(): Promise<void> {
    await Promise.resolve(); // let the lines of this turn gather
    const text = `${this.#pending.join('\n')}\n`;
    this.#pending = [];
    this.#flush = null;
    const previous = this.#tail;
    const done = (async () => {
      await previous;
      await this.#file.appendFile(text);
      await this.#file.datasync();
    })();
    this.#tail = done.catch((error: unknown) => {
      this.#failed ??= error;
    });
    await done;
  }
}

/** Make a new file's name durable. */
export async function syncDir(path: string): Promise<void> {
  const dir = await open(path, 'r');
  try {
    await dir.sync();
  } finally {
    await dir.close();
  }
}

export type JournalRead<Line> = {
  lines: Line[];
  head: ChainHead;
  /** Bytes up to and with the last whole, valid line; what follows (a torn line after a crash) is in `tornBytes`. */
  validBytes: number;
  tornBytes: number;
};

/**
 * Parse and check a journal's bytes. A last line without its newline is torn, not corrupt: the hub died while writing.
 * Throws `corrupt` naming the line otherwise.
 */
export function readJournal<Line>(bytes: Buffer, parse: (value: unknown) => Line): JournalRead<Line> {
  const end = bytes.lastIndexOf(0x0a) + 1;
  const lines: Line[] = [];
  let head = EMPTY_HEAD;
  if (end > 0) {
    for (const text of bytes.toString('utf8', 0, end - 1).split('\n')) {
      const checked = checkLine(head, text);
      try {
        lines.push(parse(checked.value));
      } catch (error) {
        throw new HubError('corrupt', `line ${checked.head.seq}: ${messageOf(error)}`, { cause: error });
      }
      head = checked.head;
    }
  }
  return { lines, head, validBytes: end, tornBytes: bytes.length - end };
}
