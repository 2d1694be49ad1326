import { HubError } from '../../media/errors.ts';

const TRIES = 10;
const TRIES_WINDOW_MS = 60_000;

/** Counts wrong secrets an address has tried, and refuses more than ten a minute. */
export class Attempts {
  readonly #tries = new Map<string, { count: number; sinceMs: number }>();

  /** Throws `too_many`. */
  note(address: string, nowMs: number): void {
    const known = this.#tries.get(address);
    if (!known || nowMs - known.sinceMs > TRIES_WINDOW_MS) {
      if (this.#tries.size > 10_000) this.#tries.clear();
      this.#tries.set(address, { count: 1, sinceMs: nowMs });
      return;
    }
    known.count += 1;
    if (known.count > TRIES) throw tooMany();
  }

  /** For what is noted only when it has failed. Throws `too_many` when the address may not try again yet. */
  check(address: string, nowMs: number): void {
    const known = this.#tries.get(address);
    if (known && known.count >= TRIES && nowMs - known.sinceMs <= TRIES_WINDOW_MS) throw tooMany();
  }

  clear(address: string): void {
    this.#tries.delete(address);
  }
}

const tooMany = (): HubError => new HubError('too_many', 'too many attempts, wait a minute');
