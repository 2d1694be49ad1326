import { Readable } from 'node:stream';

/** Enough for the seconds that ffprobe looks at; a sender of more is kept waiting. */
const KEEP_BYTES = 24 * 2 ** 20;

/** What a camera pushes, kept from its beginning until it is read for good: looked at once, then read from the same beginning. */
export class ByteTape {
  readonly #flow: (flows: boolean) => void;
  #kept: Buffer[] | null = [];
  #keptBytes = 0;
  #reader: Readable | null = null;
  #ended = false;

  /** `flow`: keep the sender waiting, or no longer. */
  constructor(flow: (flows: boolean) => void) {
    this.#flow = flow;
  }

  push(bytes: Buffer): void {
    if (this.#kept) {
      this.#kept.push(bytes);
      this.#keptBytes += bytes.length;
      this.#reader?.push(bytes);
      if (this.#keptBytes > KEEP_BYTES) this.#flow(false);
    } else if (this.#reader && !this.#reader.push(bytes)) this.#flow(false);
  }

  end(): void {
    this.#ended = true;
    this.#reader?.push(null);
  }

  /** All from the beginning. `last`: nobody will ask for it again. */
  read(last: boolean): Readable {
    const reader = new Readable({ read: () => this.#flow(true), highWaterMark: 4 * 2 ** 20 });
    reader.on('error', () => undefined);
    for (const bytes of this.#kept ?? []) reader.push(bytes);
    if (this.#ended) reader.push(null);
    if (last) this.#kept = null;
    this.#reader = reader;
    return reader;
  }
}
