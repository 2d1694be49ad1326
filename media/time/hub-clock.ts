const READINGS = 10;

/**
 * Hub time: UTC milliseconds as a float, from one wall-clock anchor taken at start plus the monotonic clock, so that a
 * step of the machine's wall clock never moves a stamp. Steps are measured, for the journal.
 */
export class HubClock {
  readonly #anchorWallMs: number;
  readonly #anchorMonotonicMs: number;
  readonly #wallMs: () => number;
  readonly #monotonicMs: () => number;
  #knownStepMs = 0;

  /** `wallMs`: UTC milliseconds. `monotonicMs`: CLOCK_MONOTONIC in milliseconds, the clock mediasoup stamps its traces with. */
  constructor(wallMs: () => number, monotonicMs: () => number) {
    this.#wallMs = wallMs;
    this.#monotonicMs = monotonicMs;
    // a pause between the two readings would shift one against the other: of some pairs the closest counts
    let best = { tookMs: Infinity, monotonicMs: 0, wallMs: 0 };
    for (let i = 0; i < READINGS; i += 1) {
      const before = monotonicMs();
      const wall = wallMs();
      const tookMs = monotonicMs() - before;
      if (tookMs < best.tookMs) best = { tookMs, monotonicMs: before + tookMs / 2, wallMs: wall };
    }
    this.#anchorMonotonicMs = best.monotonicMs;
    this.#anchorWallMs = best.wallMs;
  }

  nowMs(): number {
    return this.fromMonotonicMs(this.#monotonicMs());
  }

  /** A reading of CLOCK_MONOTONIC, as hub time. */
  fromMonotonicMs(monotonicMs: number): number {
    return this.#anchorWallMs + (monotonicMs - this.#anchorMonotonicMs);
  }

  /** How far the wall clock moved against hub time since the last step reported; 0 below `thresholdMs`. */
  takeStepMs(thresholdMs: number): number {
    const stepMs = this.#wallMs() - this.nowMs() - this.#knownStepMs;
    if (Math.abs(stepMs) < thresholdMs) return 0;
    this.#knownStepMs += stepMs;
    return stepMs;
  }
}

/** The machine's own clocks: `Date.now()` has whole milliseconds, which is the anchor's error. */
export function systemHubClock(): HubClock {
  // both read CLOCK_MONOTONIC; performance.now() counts from the start of the process and needs no BigInt on every packet
  let startMs = 0;
  let tookMs = Infinity;
  for (let i = 0; i < READINGS; i += 1) {
    const before = performance.now();
    const monotonicMs = Number(process.hrtime.bigint()) / 1e6;
    const after = performance.now();
    if (after - before >= tookMs) continue;
    tookMs = after - before;
    startMs = monotonicMs - (before + after) / 2;
  }
  return new HubClock(
    () => Date.now(),
    () => startMs + performance.now(),
  );
}
