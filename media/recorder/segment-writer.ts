import { createHash, type Hash } from 'node:crypto';
import { write } from 'node:fs';
import { mkdir, open, readdir, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { HubError, messageOf } from '../errors.ts';
import type { ChainHead } from '../recordings/chain.ts';
import { isDiskFull, Journal, syncDir } from '../recordings/journal.ts';
import type { SegmentLine, TakeLine } from '../recordings/lines.ts';
import { takeJournal } from '../recordings/paths.ts';
import type { WriteBudget } from './write-budget.ts';

type Facts = Omit<Extract<TakeLine, { type: 'segment.opened' }>, 'type'>;
/** What is known of a segment only when it ends. */
export type SegmentEnd = Omit<SegmentLine, keyof Facts | 'type' | 'sizeBytes' | 'sha256' | 'fragments'>;
type SideFacts = Omit<Extract<TakeLine, { type: 'withheld' }>, 'type' | 'sizeBytes' | 'sha256'>;
export type NewInit = { file: string; bytes: Buffer; tracks: Extract<TakeLine, { type: 'init' }>['tracks'] };

export type WriterEvents = {
  closed: (line: SegmentLine, head: ChainHead) => Promise<void>;
  /** Nothing more of this take can be written. */
  failed: (error: HubError) => void;
  /** A file that was written is there no more: somebody removed it. */
  missing: (path: string) => void;
};

/**
 * Writes one take's files in order: whatever is asked for is queued and done one after the other, so that nobody who
 * hands in frames ever waits for a disk. A file is hashed as it is written; its journal line follows when its bytes are
 * on the disk, and only then is the segment announced. A segment begins on the disk with its first fragment: one of
 * which nothing is taken leaves no trace. The first failure stops everything and is told once.
 */
export class SegmentWriter {
  readonly #dir: string;
  readonly #budget: WriteBudget;
  readonly #on: WriterEvents;
  #journal: Journal<TakeLine> | null = null;
  /** The take's folder, to make the names of files in it durable. */
  #folder: FileHandle | null = null;
  #tail: Promise<void> = Promise.resolve();
  #error: HubError | null = null;
  #pendingBytes = 0;
  #behind = false;
  #next: { facts: Facts; init: NewInit | null } | null = null;
  #current: { file: FileHandle; facts: Facts; hash: Hash; sizeBytes: number; fragments: number } | null = null;
  /** Files that are whole, by their names. */
  readonly #whole = new Set<string>();

  constructor(dir: string, budget: WriteBudget, on: WriterEvents) {
    this.#dir = dir;
    this.#budget = budget;
    this.#on = on;
  }

  /** Make the take's folder and journal, with its first line. Comes before everything else. */
  begin(line: TakeLine, begun: (head: ChainHead) => Promise<void>): void {
    this.#queue(async () => {
      await mkdir(this.#dir, { recursive: true, mode: 0o750 });
      await syncDir(dirname(this.#dir));
      this.#journal = await Journal.create<TakeLine>(takeJournal(this.#dir));
      this.#folder = await open(this.#dir, 'r');
      await begun(await this.#append(line));
    });
  }

  /** Begin a segment, with a new initialisation segment before it where one is due. */
  open(facts: Facts, init: NewInit | null): void {
    this.#next = { facts, init: init ?? this.#next?.init ?? null };
  }

  /**
   * Append one fragment in one write. `written`: its bytes are on their way no longer. False when it was not taken,
   * because the disk is behind and memory is short; then nothing is until `catchUp` says so.
   */
  write(bytes: Buffer, written: () => void): boolean {
    const size = bytes.length;
    this.#behind ||= !this.#budget.admits(this.#pendingBytes, size);
    if (this.#behind) return false;
    this.#pendingBytes += size;
    this.#budget.hold(size);
    const next = this.#next;
    this.#next = null;
    const work = async (): Promise<void> => {
      if (next) await this.#open(next.facts, next.init);
      await this.#fragment(bytes);
    };
    this.#queue(work, () => {
      this.#pendingBytes -= size;
      this.#budget.release(size);
      written();
    });
    return true;
  }

  /** After a refusal: whether fragments are taken again, which is when half of what waited has been written. */
  catchUp(): boolean {
    if (this.#budget.admits(this.#pendingBytes, this.#pendingBytes)) this.#behind = false;
    return !this.#behind;
  }

  /** Write a side file in one go, flush and journal it. `written` as with `write`; false when the disk is behind. */
  aside(facts: SideFacts, chunks: Buffer[], written: () => void): boolean {
    const size = sizeOf(chunks);
    if (this.#behind || !this.#budget.admits(this.#pendingBytes, size)) return false;
    this.#pendingBytes += size;
    this.#budget.hold(size);
    const work = async (): Promise<void> => {
      const made = await this.#writeWhole(facts.file, chunks);
      await this.#append({ type: 'withheld', ...facts, ...made });
    };
    this.#queue(work, () => {
      this.#pendingBytes -= size;
      this.#budget.release(size);
      written();
    });
    return true;
  }

  /** Finish the segment, of which something was taken: flush it, journal it after `before`, announce it. */
  close(end: SegmentEnd, before: TakeLine[]): void {
    this.#queue(async () => {
      const current = this.#current;
      if (!current) throw new HubError('internal', 'end without a segment');
      this.#current = null;
      await current.file.datasync();
      const { nlink } = await current.file.stat();
      await current.file.close();
      const line: SegmentLine = {
        type: 'segment',
        ...current.facts,
        ...end,
        fragments: current.fragments,
        sizeBytes: current.sizeBytes,
        sha256: current.hash.digest('hex'),
      };
      const heads = await Promise.all([...before, line].map((each) => this.#append(each))); // one write
      if (nlink > 0) this.#whole.add(line.file);
      else await this.#missing(line.file);
      const head = heads.at(-1) as ChainHead;
      await this.#on.closed(line, head);
    });
  }

  /** A journal line in its turn. */
  note(line: TakeLine): void {
    this.#queue(async () => void (await this.#append(line)));
  }

  /** The take's last line, after a look whether its files are all there. `then` is told the journal's head. */
  end(line: TakeLine, then: (head: ChainHead) => Promise<void>): void {
    this.#queue(async () => {
      const names = new Set(await readdir(this.#dir).catch(() => [])); // a folder that is gone holds nothing
      if (names.size === 0) this.#on.missing(this.#dir);
      else for (const file of this.#whole) if (!names.has(file)) await this.#missing(file);
      await then(await this.#append(line));
    });
  }

  /** Resolves when everything asked for so far is on the disk, or has failed; nothing may be asked for afterwards. */
  async finish(): Promise<void> {
    await this.#tail;
    await this.#current?.file.close();
    this.#current = null;
    await this.#folder?.close();
    await this.#journal?.close();
  }

  async #open(facts: Facts, init: NewInit | null): Promise<void> {
    if (init) await this.#init(init);
    const file = await open(join(this.#dir, facts.file), 'ax', 0o640);
    this.#current = { file, facts, hash: createHash('sha256'), sizeBytes: 0, fragments: 0 };
    await this.#folder?.sync();
    await this.#append({ type: 'segment.opened', ...facts });
  }

  async #fragment(bytes: Buffer): Promise<void> {
    const current = this.#current;
    if (!current) throw new HubError('internal', 'fragment without a segment');
    // most of what is asked of the disk: the call behind `FileHandle.write`, without its three promises
    const bytesWritten = await new Promise<number>((resolve, reject) => {
      write(current.file.fd, bytes, 0, bytes.length, null, (error, count) => (error ? reject(error) : resolve(count)));
    });
    // a disk takes part of a write only when there is no room for the rest
    if (bytesWritten !== bytes.length)
      throw new HubError('disk_full', `only ${bytesWritten} of ${bytes.length} bytes were written to ${current.facts.file}`);
    current.hash.update(bytes);
    current.sizeBytes += bytes.length;
    current.fragments += 1;
  }

  #append(line: TakeLine): Promise<ChainHead> {
    if (!this.#journal) throw new HubError('internal', 'the take has no journal yet');
    return this.#journal.append(line);
  }

  async #init(init: NewInit): Promise<void> {
    const { sha256, sizeBytes } = await this.#writeWhole(init.file, [init.bytes]);
    await this.#append({ type: 'init', file: init.file, sha256, sizeBytes, tracks: init.tracks });
  }

  /** A whole file, on the disk when this resolves; its name is when the folder's next is. */
  async #writeWhole(name: string, chunks: Buffer[]): Promise<{ sha256: string; sizeBytes: number }> {
    const file = await open(join(this.#dir, name), 'ax', 0o640);
    const hash = createHash('sha256');
    const sizeBytes = sizeOf(chunks);
    try {
      const { bytesWritten } = await file.writev(chunks);
      if (bytesWritten !== sizeBytes) throw new HubError('disk_full', `only ${bytesWritten} of ${sizeBytes} bytes were written to ${name}`);
      await file.datasync();
    } finally {
      await file.close();
    }
    for (const chunk of chunks) hash.update(chunk);
    this.#whole.add(name);
    return { sha256: hash.digest('hex'), sizeBytes };
  }

  async #missing(file: string): Promise<void> {
    this.#whole.delete(file);
    this.#on.missing(join(this.#dir, file));
    await this.#append({ type: 'file.missing', file });
  }

  /** `done` is called whether the work was done, failed or was left out. */
  #queue(work: () => Promise<void>, done?: () => void): void {
    this.#tail = this.#tail.then(async () => {
      try {
        if (!this.#error) await work();
      } catch (error) {
        this.#fail(error);
      } finally {
        done?.();
      }
    });
  }

  #fail(error: unknown): void {
    if (this.#error) return;
    const where = join(basename(dirname(this.#dir)), basename(this.#dir));
    const code = isDiskFull(error) ? 'disk_full' : 'internal';
    this.#error = new HubError(code, `${where}: ${messageOf(error)}`, { cause: error });
    this.#on.failed(this.#error);
  }
}

function sizeOf(chunks: Buffer[]): number {
  let size = 0;
  for (const chunk of chunks) size += chunk.length;
  return size;
}
