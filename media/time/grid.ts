/** The grid: wall-clock multiples of the segment length, the same for every angle. */
export function cellOf(hubMs: number, segmentMs: number): number {
  return Math.floor(hubMs / segmentMs);
}

/** The first tick after a moment, hub time. */
export function nextTickMs(hubMs: number, segmentMs: number): number {
  return (cellOf(hubMs, segmentMs) + 1) * segmentMs;
}

const REMEMBER = 8;
const MARGIN_MS = 3;

/**
 * When to ask for the key frame that shall begin the next cell. Learns from each answer how much later (or earlier) than
 * the request the key frame's capture was, and asks so that the quickest of late answers lands just after the tick.
 */
export class KeyFrameLead {
  readonly #answersMs: number[] = [];

  /** How long before the tick to ask, milliseconds; negative: after it. */
  get leadMs(): number {
    if (this.#answersMs.length === 0) return 0;
    return Math.max(-100, Math.min(200, Math.min(...this.#answersMs) - MARGIN_MS));
  }

  /** A key frame captured at `captureMs` came of the request made at `requestedMs`. */
  answered(requestedMs: number, captureMs: number): void {
    this.#answersMs.push(captureMs - requestedMs);
    if (this.#answersMs.length > REMEMBER) this.#answersMs.shift();
  }
}
