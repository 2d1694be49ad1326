/** A tick that comes so late tells of a process that was held up, not of what it watches. */
const LATE_MS = 200;

/**
 * A timer for judging silence: a tick that comes late is left out, because what arrived while the process was held up
 * still waits in its sockets and is read before the next one. (On a starved machine takes were ended as silent whose
 * packets lay there.)
 */
export function everyPunctual(periodMs: number, work: () => void): NodeJS.Timeout {
  let dueMs = performance.now() + periodMs;
  return setInterval(() => {
    const nowMs = performance.now();
    const lateMs = nowMs - dueMs;
    dueMs = nowMs + periodMs;
    if (lateMs < LATE_MS) work();
  }, periodMs);
}
