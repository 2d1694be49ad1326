/** H.264 and H.265 keep 16 pictures at most (ITU-T H.264, A.3.1; H.265, A.4.2). */
const MAX_DEPTH = 16;

/**
 * Decode times for frames that come in decoding order and carry presentation times only, as RTP timestamps do
 * (RFC 6184, 5.1): the i-th frame decodes at the i-th smallest presentation time, so that nothing is delayed and a
 * frame's composition offset may be negative (ISO/IEC 14496-12, 8.6.1.3, version 1). Without B-frames every frame
 * passes straight through. A depth that a stream does not declare is learnt from its timestamps.
 */
export class DecodeOrder<T> {
  readonly #output: (frame: T, decodeTicks: number) => void;
  readonly #held: T[] = [];
  /** Presentation times not yet given away as decode times, ascending. */
  readonly #times: number[] = [];
  /** The newest presentation times, in decoding order. */
  readonly #recent: number[] = [];
  #depth = 0;
  #last = -Infinity;

  constructor(output: (frame: T, decodeTicks: number) => void) {
    this.#output = output;
  }

  /** So many frames may come before one that is shown earlier. */
  get depth(): number {
    return this.#depth;
  }

  /** What the stream declares; what has been seen counts when it is more. */
  declare(depth: number): void {
    this.#depth = Math.max(this.#depth, Math.min(MAX_DEPTH, depth));
  }

  push(frame: T, ticks: number): void {
    if (this.#depth === 0 && ticks > this.#last) {
      this.#remember(ticks);
      this.#last = ticks;
      this.#output(frame, ticks);
      return;
    }
    this.declare(this.#recent.reduce((passed, earlier) => passed + (earlier > ticks ? 1 : 0), 0));
    this.#remember(ticks);
    let at = this.#times.length;
    while (at > 0 && (this.#times[at - 1] as number) > ticks) at -= 1;
    this.#times.splice(at, 0, ticks);
    this.#held.push(frame);
    while (this.#held.length > this.#depth) this.#next();
  }

  /** Nothing that follows belongs before what is held. */
  flush(): void {
    while (this.#held.length > 0) this.#next();
  }

  /** A new numbering begins. */
  restart(): void {
    this.flush();
    this.#recent.length = 0;
    this.#last = -Infinity;
    this.#depth = 0;
  }

  #remember(ticks: number): void {
    this.#recent.push(ticks);
    if (this.#recent.length > MAX_DEPTH) this.#recent.shift();
  }

  #next(): void {
    const frame = this.#held.shift() as T;
    this.#last = Math.max(this.#last + 1, this.#times.shift() as number);
    this.#output(frame, this.#last);
  }
}
