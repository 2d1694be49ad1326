import { open, rename } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { SignedHead } from './heads.ts';

const EVERY_MS = 1000;

/** `head.json`, at most once a second: how far the log had come, so that the hub itself sees a log cut at its end. */
export class KeptHead {
  readonly #path: string;
  readonly #head: () => SignedHead;
  readonly #log: Logger;
  #writing: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #writtenSeq = -1;
  #failing = false;

  constructor(path: string, head: () => SignedHead, log: Logger) {
    this.#path = path;
    this.#head = head;
    this.#log = log;
  }

  /** The log has grown. */
  touch(): void {
    if (this.#timer) return;
    this.#writing ??= this.#write();
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#head().seq > this.#writtenSeq) this.touch();
    }, EVERY_MS);
    this.#timer.unref();
  }

  async close(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    await this.#writing;
    await this.#write();
  }

  async #write(): Promise<void> {
    const head = this.#head();
    try {
      const file = await open(`${this.#path}.new`, 'w', 0o640);
      try {
        await file.writeFile(`${JSON.stringify(head)}\n`);
        await file.datasync();
      } finally {
        await file.close();
      }
      await rename(`${this.#path}.new`, this.#path);
      this.#writtenSeq = head.seq;
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#log.warn({ err: error }, 'the head of the custody log cannot be kept'); // tried again at the next line
      this.#failing = true;
    } finally {
      this.#writing = null;
    }
  }
}
