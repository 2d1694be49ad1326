/** Packets of one stream as their numbers tell (RFC 3550, A.1 and A.3): how many should have come, and how many did. */
export class SequenceCount {
  #base: number | null = null;
  #highest = 0;
  #received = 0;
  /** Of numberings before this one. */
  #before = { expected: 0, lost: 0 };

  /** A step further than this, either way, is no loss but a new numbering (RFC 3550, A.1: MAX_DROPOUT). */
  static readonly dropout = 3000;

  note(sequence: number): void {
    if (this.#base === null) return this.#begin(sequence);
    const step = ((sequence - this.#highest + 0x8000) & 0xffff) - 0x8000;
    if (Math.abs(step) > SequenceCount.dropout) {
      this.#before = this.counts;
      return this.#begin(sequence);
    }
    this.#received += 1;
    if (step > 0) this.#highest += step;
  }

  /** What came twice makes up for what did not come (RFC 3550, A.3), but never for more. */
  get counts(): { expected: number; lost: number } {
    const expected = this.#base === null ? 0 : this.#highest - this.#base + 1;
    return { expected: this.#before.expected + expected, lost: this.#before.lost + Math.max(0, expected - this.#received) };
  }

  #begin(sequence: number): void {
    this.#base = sequence;
    this.#highest = sequence;
    this.#received = 1;
  }
}
