/** Long enough for somebody to look for the key; the browser is told the same. */
export const CHALLENGE_MS = 120_000;
const MOST = 10_000;

/**
 * Challenges that were given out (WebAuthn, 13.4.3). Each is taken once, in time, and for what it was given out for; of too many
 * the oldest are forgotten, and whoever has one of those begins again.
 */
export class Challenges {
  readonly #most: number;
  readonly #out = new Map<string, { whose: string; untilMs: number }>();

  constructor(most = MOST) {
    this.#most = most;
  }

  /** `whose`: who may answer it. */
  add(challenge: string, whose: string, nowMs: number): void {
    // the oldest come first, and end first
    for (const [old, { untilMs }] of this.#out) {
      if (untilMs > nowMs && this.#out.size < this.#most) break;
      this.#out.delete(old);
    }
    this.#out.set(challenge, { whose, untilMs: nowMs + CHALLENGE_MS });
  }

  take(challenge: string, whose: string, nowMs: number): boolean {
    const known = this.#out.get(challenge);
    if (known?.whose !== whose) return false;
    this.#out.delete(challenge);
    return known.untilMs > nowMs;
  }
}
