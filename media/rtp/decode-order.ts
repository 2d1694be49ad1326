/** H.264 and H.265 keep 16 pictures at most (ITU-T H.264, A.3.1; H.265, A.4.2). */
const MAX_DEPTH = 16;

/** Thirty pictures a second in 90 kHz, where nothing better is known. */
const USUAL_STEP = 3000;

/**
 * Decode times for frames that come in decoding order and carry presentation times only, as RTP timestamps do
 * (RFC 6184, 5.1). Where `depth` frames may be reordered, the i-th frame is decoded at the presentation time that is
 * `depth` places before the i-th smallest, so that no frame is shown before it is decoded: composition offsets are never
 * negative. (The other way, offsets of either sign, delays nothing, but ffmpeg then moves the whole track by the largest
 * negative one, 67 ms against its sound with x264's three B-frames.) Without B-frames every frame passes straight
 * through. A depth that a stream does not declare is learnt from its timestamps.
 */
export class DecodeOrder<T> {
  readonly #output: (frame: T, decodeTicks: number) => void;
  readonly #held: T[] = [];
  /** Presentation times of what is held, ascending. */
  readonly #times: number[] = [];
  /** Decode times that are due next: `depth` of them, once frames flow. */
  #due: number[] = [];
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
    // one more at the beginning: only then do two neighbours in time tell the step
    while (this.#held.length > this.#depth + (this.#due.length === 0 && this.#depth > 0 ? 1 : 0)) this.#next();
  }

  /** Nothing that follows belongs before what is held. */
  flush(): void {
    while (this.#held.length > 0) this.#next();
    this.#due = [];
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
    const [first = 0, second = first + USUAL_STEP] = this.#times;
    for (let lacking = this.#depth - this.#due.length; lacking > 0; lacking -= 1)
      this.#due.unshift((this.#due[0] ?? first) - (second - first));
    this.#due.push(first);
    this.#times.shift();
    this.#last = Math.max(this.#last + 1, this.#due.shift() as number);
    this.#output(frame, this.#last);
  }
}
