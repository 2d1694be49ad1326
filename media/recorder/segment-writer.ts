import { createHash, type Hash } from 'node:crypto';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HubError, messageOf } from '../errors.ts';
import type { ChainHead } from '../recordings/chain.ts';
import { Journal, syncDir } from '../recordings/journal.ts';
import type { SegmentLine, TakeLine } from '../recordings/lines.ts';
import { takeJournal } from '../recordings/paths.ts';

type Facts = Omit<Extract<TakeLine, { type: 'segment.opened' }>, 'type'>;
/** What is known of a segment only when it ends. */
export type SegmentEnd = Omit<SegmentLine, keyof Facts | 'type' | 'sizeBytes' | 'sha256' | 'fragments'>;
type SideFacts = Omit<Extract<TakeLine, { type: 'withheld' }>, 'type' | 'sizeBytes' | 'sha256'>;
export type NewInit = { file: string; bytes: Buffer; tracks: Extract<TakeLine, { type: 'init' }>['tracks'] };

/** More than this waiting for a disk is a disk that does not keep up. */
const MAX_PENDING_BYTES = 64 * 1024 * 1024;

/**
 * Writes one take's files in order: whatever is asked for is queued and done one after the other, so that nobody who
 * hands in frames ever waits for a disk. A file is hashed as it is written; its journal line follows when its bytes are
 * on the disk, and only then is the segment announced. The first failure stops everything and is told once.
 */
export class SegmentWriter {
  readonly #dir: string;
  #journal: Journal<TakeLine> | null = null;
  readonly #closed: (line: SegmentLine, head: ChainHead) => Promise<void>;
  readonly #failed: (error: HubError) => void;
  #tail: Promise<void> = Promise.resolve();
  #error: HubError | null = null;
  #pendingBytes = 0;
  #current: { file: FileHandle; facts: Facts; hash: Hash; sizeBytes: number; fragments: number } | null = null;

  constructor(dir: string, on: { closed: (line: SegmentLine, head: ChainHead) => Promise<void>; failed: (error: HubError) => void }) {
    this.#dir = dir;
    this.#closed = on.closed;
    this.#failed = on.failed;
  }

  /** Make the take's folder and journal, with its first line. Comes before everything else. */
  begin(line: TakeLine, begun: (head: ChainHead) => Promise<void>): void {
    this.#queue(async () => {
      await mkdir(this.#dir, { recursive: true, mode: 0o750 });
      await syncDir(dirname(this.#dir));
      this.#journal = await Journal.create<TakeLine>(takeJournal(this.#dir));
      await begun(await this.#journal.append(line));
    });
  }

  /** Begin a segment, with a new initialisation segment before it where one is due. */
  open(facts: Facts, init: NewInit | null): void {
    this.#queue(async () => {
      if (init) await this.#init(init);
      const file = await open(join(this.#dir, facts.file), 'ax', 0o640);
      this.#current = { file, facts, hash: createHash('sha256'), sizeBytes: 0, fragments: 0 };
      await syncDir(this.#dir);
      await this.#append({ type: 'segment.opened', ...facts });
    });
  }

  /** Append one fragment in one write. `written`: the chunks are on their way no longer. */
  write(chunks: Buffer[], written: () => void): void {
    let size = 0;
    for (const chunk of chunks) size += chunk.length;
    this.#pendingBytes += size;
    if (this.#pendingBytes > MAX_PENDING_BYTES) {
      this.#fail(new HubError('disk_full', 'the disk does not keep up: 64 MiB are waiting to be written'));
      return;
    }
    this.#queue(async () => {
      const current = this.#current;
      if (!current) throw new HubError('internal', 'fragment without a segment');
      const { bytesWritten } = await current.file.writev(chunks);
      if (bytesWritten !== size)
        throw new HubError('disk_full', `only ${bytesWritten} of ${size} bytes were written to ${current.facts.file}`);
      for (const chunk of chunks) current.hash.update(chunk);
      current.sizeBytes += size;
      current.fragments += 1;
      this.#pendingBytes -= size;
      written();
    });
  }

  /** Write a side file in one go, flush and journal it. `written`: the chunks are on their way no longer. */
  aside(facts: SideFacts, chunks: Buffer[], written: () => void): void {
    this.#queue(async () => {
      const made = await this.#whole(facts.file, chunks);
      written();
      await this.#append({ type: 'withheld', ...facts, ...made });
    });
  }

  /** Finish the segment: flush it, journal it, announce it. */
  close(end: SegmentEnd): void {
    this.#queue(async () => {
      const current = this.#current;
      if (!current) throw new HubError('internal', 'end without a segment');
      this.#current = null;
      await current.file.datasync();
      await current.file.close();
      const line: SegmentLine = {
        type: 'segment',
        ...current.facts,
        ...end,
        fragments: current.fragments,
        sizeBytes: current.sizeBytes,
        sha256: current.hash.digest('hex'),
      };
      await this.#closed(line, await this.#append(line));
    });
  }

  /** A journal line in its turn; `then` is told the journal's head at it. */
  note(line: TakeLine, then?: (head: ChainHead) => Promise<void>): void {
    this.#queue(async () => {
      const head = await this.#append(line);
      await then?.(head);
    });
  }

  /** Resolves when everything asked for so far is on the disk, or has failed; nothing may be asked for afterwards. */
  async finish(): Promise<void> {
    await this.#tail;
    await this.#current?.file.close();
    this.#current = null;
    await this.#journal?.close();
  }

  #append(line: TakeLine): Promise<ChainHead> {
    if (!this.#journal) throw new HubError('internal', 'the take has no journal yet');
    return this.#journal.append(line);
  }

  async #init(init: NewInit): Promise<void> {
    const { sha256, sizeBytes } = await this.#whole(init.file, [init.bytes]);
    await this.#append({ type: 'init', file: init.file, sha256, sizeBytes, tracks: init.tracks });
  }

  /** A whole file, on the disk when this resolves; its name is when the folder's next is. */
  async #whole(name: string, chunks: Buffer[]): Promise<{ sha256: string; sizeBytes: number }> {
    const file = await open(join(this.#dir, name), 'ax', 0o640);
    const hash = createHash('sha256');
    let sizeBytes = 0;
    try {
      for (const chunk of chunks) {
        hash.update(chunk);
        sizeBytes += chunk.length;
      }
      const { bytesWritten } = await file.writev(chunks);
      if (bytesWritten !== sizeBytes) throw new HubError('disk_full', `only ${bytesWritten} of ${sizeBytes} bytes were written to ${name}`);
      await file.datasync();
    } finally {
      await file.close();
    }
    return { sha256: hash.digest('hex'), sizeBytes };
  }

  #queue(work: () => Promise<void>): void {
    this.#tail = this.#tail.then(async () => {
      if (this.#error) return;
      try {
        await work();
      } catch (error) {
        this.#fail(error);
      }
    });
  }

  #fail(error: unknown): void {
    if (this.#error) return;
    const full = (error as NodeJS.ErrnoException).code === 'ENOSPC';
    this.#error = error instanceof HubError ? error : new HubError(full ? 'disk_full' : 'internal', messageOf(error), { cause: error });
    this.#failed(this.#error);
  }
}
