import { chainLine, type ChainHead } from '../../media/recordings/chain.ts';
import type { LineData } from './lines.ts';

const MAX_BATCH_BYTES = 2 ** 20;

export type Pending = {
  data: LineData;
  /** Of who waits for it; null of what nobody waits for. */
  settle: { done: (head: ChainHead) => void; failed: (error: unknown) => void } | null;
};
export type Batch = { texts: string[]; taken: { pending: Pending; head: ChainHead }[]; head: ChainHead; dropped: Dropped | null };
type Dropped = { count: number; fromMs: number; toMs: number };

/** What waits to be written, in order; bounded for what nobody waits for, so that a full disk does not fill the memory. */
export class LogQueue {
  readonly #maxNotes: number;
  #waiting: Pending[] = [];
  #notes = 0;
  #dropped: Dropped | null = null;

  constructor(maxNotes: number) {
    this.#maxNotes = maxNotes;
  }

  get length(): number {
    return this.#waiting.length;
  }
  get notes(): number {
    return this.#notes;
  }
  get dropped(): number {
    return this.#dropped?.count ?? 0;
  }

  push(pending: Pending, nowMs: number): void {
    if (!pending.settle) {
      if (this.#notes >= this.#maxNotes) return this.#drop(Math.round(nowMs));
      this.#notes += 1;
    }
    this.#waiting.push(pending);
  }

  /** The hub's own line, before all others. */
  pushFirst(data: LineData): void {
    this.#notes += 1;
    this.#waiting.unshift({ data, settle: null });
  }

  /** The next lines in the chain after `head`: at most so many, and a MiB or one line. They stay here until they are taken. */
  batch(head: ChainHead, maxLines: number, nowMs: number): Batch {
    const batch: Batch = { texts: [], taken: [], head, dropped: null };
    const writtenMs = Math.round(nowMs);
    let sizeBytes = 0;
    for (const pending of this.#waiting) {
      if (batch.texts.length >= maxLines || sizeBytes >= MAX_BATCH_BYTES) return batch;
      const { data } = pending;
      const line: LineData = data.type === 'custody' ? { ...data, writtenMs } : data;
      const { text, head: next } = chainLine(batch.head, line);
      batch.texts.push(text);
      batch.taken.push({ pending, head: next });
      batch.head = next;
      sizeBytes += text.length;
    }
    if (!this.#dropped) return batch;
    batch.dropped = this.#dropped;
    const line: LineData = { type: 'log.dropped', atMs: writtenMs, ...batch.dropped };
    const { text, head: next } = chainLine(batch.head, line);
    batch.texts.push(text);
    batch.head = next;
    return batch;
  }

  /** These are on the disk. */
  written({ taken, dropped }: Batch): void {
    this.#waiting.splice(0, taken.length);
    this.#notes -= taken.filter(({ pending }) => !pending.settle).length;
    if (!dropped || !this.#dropped) return;
    const count = this.#dropped.count - dropped.count;
    this.#dropped = count > 0 ? { ...this.#dropped, count, fromMs: dropped.toMs } : null;
  }

  /** The disk refused: those that are waited for are given up, the others come late. */
  refused(error: unknown): void {
    const given = this.#waiting.filter(({ settle }) => settle);
    this.#waiting = this.#waiting.filter(({ settle }) => !settle);
    for (const { data } of this.#waiting) if (data.type === 'custody') data.late = true;
    for (const { settle } of given) settle?.failed(error);
  }

  #drop(atMs: number): void {
    const { count, fromMs } = this.#dropped ?? { count: 0, fromMs: atMs };
    this.#dropped = { count: count + 1, fromMs, toMs: atMs };
  }
}
