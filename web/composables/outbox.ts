/** One request that must reach the hub, however late: it is kept until the hub has answered it. */
export type Letter<Params = unknown> = { id: string; request: string; params: Params };
export type OutboxOptions = {
  /** Where letters lie while the network is away, and under which name; a reload finds them there. */
  storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
  key: string;
  /** Rejects when it did not arrive. */
  send: (letter: Letter) => Promise<void>;
  /** The hub will never take it, so that sending it again is vain. */
  isFinal: (error: unknown) => boolean;
  changed: (letters: Letter[]) => void;
  refused: (letter: Letter, error: unknown) => void;
};

const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 5000;

/** Sends letters one after the other, in order; what does not arrive is sent again until it has. */
export class Outbox {
  readonly #options: OutboxOptions;
  #letters: Letter[];
  #sending = false;
  /** The network came back while something was on its vain way. */
  #again = false;
  #retryMs = FIRST_RETRY_MS;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #state: 'open' | 'closed' = 'open';

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#letters = stored(options.storage.getItem(options.key));
    options.changed(this.letters);
  }

  get letters(): Letter[] {
    return [...this.#letters];
  }

  /** `urgent`: before all others. */
  put(letter: Letter, urgent = false): void {
    if (urgent) this.#letters.unshift(letter);
    else this.#letters.push(letter);
    this.#keep();
    this.flush();
  }

  /** Change what has not been sent yet. False when it is gone, or on its way. */
  amend(id: string, change: (letter: Letter) => Letter): boolean {
    const at = this.#letters.findIndex((letter) => letter.id === id);
    const letter = this.#letters[at];
    if (!letter || this.#sending) return false;
    this.#letters[at] = change(letter);
    this.#keep();
    return true;
  }

  /** Send what waits, now: the network is back. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#retryMs = FIRST_RETRY_MS;
    void this.#send();
  }

  close(): void {
    this.#state = 'closed';
    clearTimeout(this.#timer);
  }

  async #send(): Promise<void> {
    this.#again = this.#sending;
    if (this.#sending) return;
    this.#sending = true;
    try {
      for (let [letter] = this.#letters; letter && this.#state === 'open'; [letter] = this.#letters) {
        if (!(await this.#sendOne(letter))) {
          if (this.#takeAgain()) continue;
          this.#timer = setTimeout(() => void this.#send(), this.#retryMs);
          this.#retryMs = Math.min(MAX_RETRY_MS, this.#retryMs * 2);
          return;
        }
        this.#letters = this.#letters.filter(({ id }) => id !== letter?.id);
        this.#retryMs = FIRST_RETRY_MS;
        this.#keep();
      }
    } finally {
      this.#sending = false;
    }
  }

  #takeAgain(): boolean {
    const again = this.#again;
    this.#again = false;
    return again;
  }

  async #sendOne(letter: Letter): Promise<boolean> {
    try {
      await this.#options.send(letter);
    } catch (error) {
      if (!this.#options.isFinal(error)) return false;
      this.#options.refused(letter, error);
    }
    return true;
  }

  #keep(): void {
    const { storage, key, changed } = this.#options;
    try {
      if (this.#letters.length === 0) storage.removeItem(key);
      else storage.setItem(key, JSON.stringify(this.#letters));
    } catch {
      // no room, or forbidden: then they live as long as the page
    }
    changed(this.letters);
  }
}

function stored(text: string | null): Letter[] {
  try {
    const value: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(value)
      ? (value as Letter[]).filter((letter) => typeof letter?.id === 'string' && typeof letter.request === 'string')
      : [];
  } catch {
    return []; // not ours
  }
}
