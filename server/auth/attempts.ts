import { HubError } from '../../media/errors.ts';

const WINDOW_MS = 60_000;

/** Counts what somebody has tried (an address wrong secrets, say), and refuses more than so much a minute. */
export class Attempts {
  readonly #most: number;
  readonly #tries = new Map<string, { count: number; sinceMs: number }>();

  constructor(most = 10) {
    this.#most = most;
  }

  /** Throws `too_many`. */
  note(address: string, nowMs: number): void {
    const known = this.#tries.get(address);
    if (!known || nowMs - known.sinceMs > WINDOW_MS) {
      if (this.#tries.size > 10_000) this.#tries.clear();
      this.#tries.set(address, { count: 1, sinceMs: nowMs });
      return;
    }
    known.count += 1;
    if (known.count > this.#most) throw new HubError('too_many', 'too many attempts, wait a minute');
  }

  clear(address: string): void {
    this.#tries.delete(address);
  }
}
