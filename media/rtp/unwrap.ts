/**
 * Extends a counter of `bits` bits to a number without wrap, by taking each value as the nearest to the last one
 * (RFC 3550, A.1, for sequence numbers; the same holds for timestamps).
 */
export class Unwrapper {
  readonly #modulus: number;
  #last: number | null = null;

  constructor(bits: 16 | 32) {
    this.#modulus = 2 ** bits;
  }

  /** The extended value; becomes the reference for the next one. */
  next(value: number): number {
    const extended = this.peek(value);
    this.#last = extended;
    return extended;
  }

  /** The extended value, without moving the reference. The first value ever stands for itself plus one modulus, so that earlier ones stay positive. */
  peek(value: number): number {
    if (this.#last === null) return value + this.#modulus;
    const last = this.#last;
    const half = this.#modulus / 2;
    let step = (value - last) % this.#modulus;
    if (step < 0) step += this.#modulus;
    if (step >= half) step -= this.#modulus;
    return last + step;
  }
}
