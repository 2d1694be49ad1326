import type { CaptureRequests } from '../../server/protocol/socket.ts';
import type { Signalling } from '../media/signalling.ts';

const ROUNDS = 8;

/**
 * This page's clock against the hub's by NTP's four timestamps (RFC 5905, section 8); of eight rounds the one with the
 * shortest way counts. Null when none was answered.
 */
export async function measureClock(signalling: Signalling<CaptureRequests>): Promise<{ offsetMs: number; roundTripMs: number } | null> {
  let best: { offsetMs: number; roundTripMs: number } | null = null;
  for (let round = 0; round < ROUNDS; round += 1) {
    const t0 = performance.timeOrigin + performance.now();
    const answer = await signalling.request('clock', { t0 }).catch(() => null);
    if (!answer) continue;
    const t3 = performance.timeOrigin + performance.now();
    const roundTripMs = Math.max(0, t3 - t0 - (answer.t2 - answer.t1));
    if (!best || roundTripMs < best.roundTripMs) best = { offsetMs: (answer.t1 - t0 + answer.t2 - t3) / 2, roundTripMs };
  }
  return best;
}
