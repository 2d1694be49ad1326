const FIRST_MS = 1000;
const MOST_MS = 30_000;
const JITTER = 0.2;

/** How long to wait after so many failures in a row: 1, 2, 4 … 30 s, a fifth more or less, so that cameras behind one switch do not all come at once. `random`: 0 to 1. */
export function retryDelayMs(failures: number, random: number): number {
  const delayMs = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(Math.max(0, failures - 1), 16));
  return delayMs * (1 - JITTER + 2 * JITTER * random);
}
