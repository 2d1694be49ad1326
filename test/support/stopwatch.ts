const LOOK_MS = 20;
/** A look that comes later than this tells of a machine that stood still, or of other programs on it. */
const MOST_MS = 200;

/**
 * Measures how long an answer takes: call what this returns, once, for the milliseconds since. A machine that stands still is
 * counted as a moment, whoever was slow meanwhile. The test must wait without blocking its own process.
 */
export function stopwatch(): () => number {
  let [passedMs, lookedMs] = [0, performance.now()];
  const look = (): void => {
    const nowMs = performance.now();
    passedMs += Math.min(MOST_MS, nowMs - lookedMs);
    lookedMs = nowMs;
  };
  const timer = setInterval(look, LOOK_MS);
  return () => {
    clearInterval(timer);
    look();
    return passedMs;
  };
}
