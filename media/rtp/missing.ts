/**
 * Counts the frames that a loss swallowed whole, from timestamp steps longer than the usual one. Frames may come out
 * of presentation order; a sender that merely skips frames (no packet was lost) is not missing any, and no loss swallows more
 * frames than packets.
 */
export class MissingFrames {
  #usual: number | null = null;
  #last: number | null = null;
  /** Timestamps held until none earlier can follow, ascending. */
  readonly #window: number[] = [];
  #lost = 0;
  #sinceLoss = 0;

  /**
   * A frame has come, whole or not. `lost`: packets lost since the one before. `depth`: how many frames may be
   * reordered. Returns how many frames are missing that were not known to be.
   */
  push(ticks: number, lost: number, depth: number): number {
    this.#sinceLoss = lost > 0 ? 0 : this.#sinceLoss + 1;
    if (this.#sinceLoss > depth) this.#lost = 0;
    this.#lost += lost;
    let at = this.#window.length;
    while (at > 0 && (this.#window[at - 1] as number) > ticks) at -= 1;
    this.#window.splice(at, 0, ticks);
    let missing = 0;
    while (this.#window.length > depth) missing += this.#step(this.#window.shift() as number);
    return missing;
  }

  /** A new numbering begins: its first step says nothing. */
  restart(): void {
    this.#window.length = 0;
    this.#last = null;
    this.#lost = 0;
  }

  #step(ticks: number): number {
    const step = ticks - (this.#last ?? ticks);
    this.#last = Math.max(this.#last ?? ticks, ticks);
    if (step <= 0) return 0;
    if (this.#lost === 0) {
      this.#usual = this.#usual === null ? step : this.#usual + (step - this.#usual) / 8;
      return 0;
    }
    if (this.#usual === null || step <= this.#usual * 1.5) return 0;
    const missing = Math.min(Math.round(step / this.#usual) - 1, this.#lost);
    this.#lost -= missing;
    return missing;
  }
}
