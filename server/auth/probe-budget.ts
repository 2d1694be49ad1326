import { HubError } from '../../media/errors.ts';

const WINDOW_MS = 60_000;

/** How much phones may upload to have their uplink measured: a little each, and a few at a time, so that it disturbs no recording. */
export class ProbeBudget {
  readonly #most: { bytesPerMinute: number; atOnce: number };
  readonly #spent = new Map<string, { bytes: number; sinceMs: number }>();
  #running = 0;

  constructor(most: { bytesPerMinute: number; atOnce: number }) {
    this.#most = most;
  }

  /** Begin an upload; call what is returned when it has ended. Throws `too_many`. */
  take(session: string, bytes: number, nowMs: number): () => void {
    const known = this.#spent.get(session);
    const spent = known && nowMs - known.sinceMs < WINDOW_MS ? known : { bytes: 0, sinceMs: nowMs };
    if (this.#running >= this.#most.atOnce || spent.bytes + bytes > this.#most.bytesPerMinute)
      throw new HubError('too_many', 'too many measurements, wait a minute', { field: 'probe' });
    if (this.#spent.size > 10_000) this.#spent.clear();
    spent.bytes += bytes;
    this.#spent.set(session, spent);
    this.#running += 1;
    let running = true;
    return () => {
      if (running) this.#running -= 1;
      running = false;
    };
  }
}
