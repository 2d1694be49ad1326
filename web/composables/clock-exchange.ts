import type { CaptureRequests, ConsoleRequests } from '../../server/protocol/socket.ts';
import type { Signalling } from '../media/signalling.ts';

const ROUNDS = 8;
/** A phone's clock wanders: crystals by some 20 ppm, a few milliseconds in as many minutes. */
const AGAIN_MS = 180_000;
/** By then the stream's own reports have said what the first measure is to be compared with. */
const SECOND_MS = 15_000;

/**
 * This page's clock less hub time by NTP's four timestamps (RFC 5905, section 8); of eight rounds the one with the
 * shortest way counts. Null when none was answered. RFC 5905 has the server's clock less the client's; here it is turned round.
 */
export async function measureClock(
  signalling: Pick<Signalling<Pick<CaptureRequests & ConsoleRequests, 'clock'>>, 'request'>,
): Promise<{ offsetMs: number; roundTripMs: number } | null> {
  let best: { offsetMs: number; roundTripMs: number } | null = null;
  for (let round = 0; round < ROUNDS; round += 1) {
    const t0 = performance.timeOrigin + performance.now();
    const answer = await signalling.request('clock', { t0 }).catch(() => null);
    if (!answer) continue;
    const t3 = performance.timeOrigin + performance.now();
    const roundTripMs = Math.max(0, t3 - t0 - (answer.t2 - answer.t1));
    if (!best || roundTripMs < best.roundTripMs) best = { offsetMs: (t0 - answer.t1 + t3 - answer.t2) / 2, roundTripMs };
  }
  return best;
}

/** Measures now, soon again and every few minutes, and tells the hub and `measured`, until the function returned is called. */
export function keepReportingClock(signalling: Signalling<CaptureRequests>, measured: (offsetMs: number) => void): () => void {
  const report = async (): Promise<void> => {
    const clock = await measureClock(signalling);
    if (!clock) return;
    measured(clock.offsetMs);
    await signalling.request('reportClock', clock).catch(() => undefined); // a cross-check may be missing
  };
  void report();
  const second = setTimeout(() => void report(), SECOND_MS);
  const timer = setInterval(() => void report(), AGAIN_MS);
  return () => {
    clearTimeout(second);
    clearInterval(timer);
  };
}
