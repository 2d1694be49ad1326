import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { HubError, messageOf } from '../errors.ts';
import { chainLine, checkLine, EMPTY_HEAD, type ChainHead } from './chain.ts';

/** For a journal that must not be given up while its hub runs: it waits until the disk takes its lines. Told at each vain attempt. */
export type Patience = { waiting: (error: unknown) => void; retryMs: number };

/** Every write is on the disk when it returns: one call where a write and an fdatasync would be two. */
const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_DSYNC;

/**
 * An append-only, hash-chained log. `append` resolves when the line is on the disk (O_DSYNC); lines
 * appended in the same turn share one write and one flush. What a failed write left behind is cut off again, so that no
 * line is ever half written and gone on from; after it the journal refuses everything, or, with patience, tries again.
 */
export class Journal<Line extends { type: string }> {
  readonly path: string;
  readonly #patience: Patience | null;
  #file: FileHandle;
  #head: ChainHead;
  /** Up to here every line is whole and on the disk. */
  #sizeBytes: number;
  #pending: string[] = [];
  #flush: Promise<void> | null = null;
  /** The last write begun; never rejects. */
  #tail: Promise<void> = Promise.resolve();
  #failed: unknown = null;
  /** Set by `close`: nothing is waited for any more. */
  #closing = new AbortController();

  private constructor(path: string, file: FileHandle, head: ChainHead, sizeBytes: number, patience: Patience | null) {
    this.path = path;
    this.#file = file;
    this.#head = head;
    this.#sizeBytes = sizeBytes;
    this.#patience = patience;
  }

  /** A new journal; fails when the file exists. */
  static async create<L extends { type: string }>(path: string, patience: Patience | null = null): Promise<Journal<L>> {
    const file = await open(path, APPEND | constants.O_CREAT | constants.O_EXCL, 0o640);
    await syncDir(dirname(path));
    return new Journal<L>(path, file, EMPTY_HEAD, 0, patience);
  }

  /** Go on with a journal whose head is known (from `readJournal`) and which ends with a whole line. */
  static async resume<L extends { type: string }>(path: string, head: ChainHead, patience: Patience | null = null): Promise<Journal<L>> {
    const file = await open(path, APPEND);
    return new Journal<L>(path, file, head, (await file.stat()).size, patience);
  }

  /** Head after the last line appended (which may still be on its way to the disk). */
  get head(): ChainHead {
    return this.#head;
  }

  /** Resolves with the head at this line once it is on the disk. Throws `disk_full` or `internal` when the disk failed. */
  async append(line: Line): Promise<ChainHead> {
    if (this.#failed) throw this.#error(this.#failed);
    const { text, head } = chainLine(this.#head, line);
    this.#head = head;
    this.#pending.push(text);
    this.#flush ??= this.#write();
    await this.#flush;
    return head;
  }

  /** A line that still waits for the disk is given up. */
  async close(): Promise<void> {
    this.#closing.abort();
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
      if (this.#failed) throw this.#error(this.#failed); // its lines would follow one that is not there
      await this.#put(text);
    })();
    this.#tail = done.catch((error: unknown) => {
      this.#failed ??= error;
    });
    await done;
  }

  async #put(text: string): Promise<void> {
    for (let torn = false; ; torn = true) {
      try {
        if (torn) await this.#file.truncate(this.#sizeBytes);
        const bytes = Buffer.from(text);
        const { bytesWritten } = await this.#file.write(bytes);
        if (bytesWritten !== bytes.length)
          throw new HubError('disk_full', `only ${bytesWritten} of ${bytes.length} bytes were written to ${this.path}`);
        this.#sizeBytes += bytes.length;
        return;
      } catch (error) {
        if (!this.#patience || this.#closing.signal.aborted) {
          await this.#file.truncate(this.#sizeBytes).catch(() => undefined); // else the repair on start cuts it off
          throw this.#error(error);
        }
        this.#patience.waiting(error);
        await delay(this.#patience.retryMs, undefined, { signal: this.#closing.signal }).catch(() => undefined); // closed
      }
    }
  }

  #error(error: unknown): HubError {
    if (error instanceof HubError) return error;
    return new HubError(isDiskFull(error) ? 'disk_full' : 'internal', `journal ${this.path}: ${messageOf(error)}`, { cause: error });
  }
}

/** Whether it was for want of room: on the disk, or of what this user may use of it. */
export function isDiskFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'disk_full';
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
