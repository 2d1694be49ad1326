import type { Logger } from 'pino';
import { custodyIndexed, saveCustodyLines } from '../store/custody-lines.ts';
import type { Store } from '../store/database.ts';
import type { CustodyLine } from './lines.ts';
import { readLog } from './read-log.ts';

const GATHER_MS = 200;
const BATCH = 500;

/** Keeps the store's index of the log: what stands in the file already when it starts, and each line after it was written. */
export class IndexFollower {
  readonly #store: Store;
  readonly #log: Logger;
  #lines: CustodyLine[] = [];
  #timer: NodeJS.Timeout | null = null;
  #saving: Promise<void> = Promise.resolve();

  constructor(store: Store, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  /** Read what the index does not have yet. */
  async catchUp(path: string): Promise<void> {
    let batch: CustodyLine[] = [];
    let reached = await custodyIndexed(this.#store);
    for await (const { line, endBytes } of readLog(path, reached)) {
      batch.push(line);
      reached = endBytes;
      if (batch.length < BATCH) continue;
      await saveCustodyLines(this.#store, batch, reached);
      batch = [];
    }
    await saveCustodyLines(this.#store, batch, reached);
  }

  add(line: CustodyLine): void {
    this.#lines.push(line);
    this.#timer ??= setTimeout(() => void this.flush(), GATHER_MS).unref();
  }

  /** Resolves when all that was added is in the index, or was told to be not. */
  flush(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const lines = this.#lines.splice(0);
    this.#saving = this.#saving
      .then(() => (lines.length === 0 ? undefined : saveCustodyLines(this.#store, lines, null)))
      .catch((error: unknown) => this.#log.error({ err: error }, 'lines of the custody log are not in its index until the next start'));
    return this.#saving;
  }
}
