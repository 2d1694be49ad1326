const FIRST_MS = 1000;
const MOST_MS = 30_000;
const JITTER = 0.2;
/** What ran for so long starts the back-off anew. */
const STEADY_MS = 10_000;

/** Failures in a row, after one more that ran for so long before. */
export function failuresAfter(failures: number, ranMs: number): number {
  return ranMs > STEADY_MS ? 0 : failures + 1;
}

/** How long to wait after so many failures in a row: 1, 2, 4 … 30 s, a fifth more or less, so that cameras behind one switch do not all come at once. `random`: 0 to 1. */
export function retryDelayMs(failures: number, random: number): number {
  const delayMs = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(Math.max(0, failures - 1), 16));
  return delayMs * (1 - JITTER + 2 * JITTER * random);
}
