import { HubError } from '../../media/errors.ts';

/** A console that shows sixty angles asks some three hundred at once when it comes; after that nobody asks so often. */
const AT_ONCE = 1000;
const PER_SECOND = 50;

/** How often one socket may ask: a bucket that fills again by and by. Never two clocks: `nowMs` is monotonic. */
export class Pace {
  #left = AT_ONCE;
  #atMs: number;

  constructor(nowMs: number) {
    this.#atMs = nowMs;
  }

  /** Throws `too_many`. */
  take(nowMs: number): void {
    this.#left = Math.min(AT_ONCE, this.#left + ((nowMs - this.#atMs) / 1000) * PER_SECOND);
    this.#atMs = nowMs;
    if (this.#left < 1) throw new HubError('too_many', 'this socket asks too often');
    this.#left -= 1;
  }
}
