import { HubError } from '../../media/errors.ts';

/** Counts what somebody has tried (an address wrong secrets, say), and refuses more than so much a minute, or another time. */
export class Attempts {
  readonly #most: number;
  readonly #windowMs: number;
  readonly #field: string | undefined;
  readonly #tries = new Map<string, { count: number; sinceMs: number }>();

  /** `field`: of the refusal, where it has words of its own. */
  constructor(most = 10, windowMs = 60_000, field?: string) {
    this.#most = most;
    this.#windowMs = windowMs;
    this.#field = field;
  }

  /** Throws `too_many`; `overrun` is told of it once. */
  note(address: string, nowMs: number, overrun: () => void = () => undefined): void {
    const known = this.#tries.get(address);
    if (!known || nowMs - known.sinceMs > this.#windowMs) {
      if (this.#tries.size > 10_000) this.#tries.clear();
      this.#tries.set(address, { count: 1, sinceMs: nowMs });
      return;
    }
    known.count += 1;
    if (known.count === this.#most + 1) overrun();
    if (known.count <= this.#most) return;
    const minutes = Math.ceil(this.#windowMs / 60_000);
    const wait = minutes === 1 ? 'a minute' : `${minutes} minutes`;
    throw new HubError('too_many', `too many attempts, wait ${wait}`, this.#field === undefined ? {} : { field: this.#field });
  }

  clear(address: string): void {
    this.#tries.delete(address);
  }
}
