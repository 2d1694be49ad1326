/** One piece of an angle's recording: hub time of its first frame, where it lies on the player's own time line. */
export type Piece = { hubMs: number; mediaS: number; durationS: number };

export type Steering = { action: 'rate'; rate: number } | { action: 'seek' } | { action: 'wait' };

const DEAD_BAND_S = 0.015;
const NUDGE_S = 0.3;
const MAX_NUDGE = 0.03;

/** Where on the player's time line this hub time lies; null where the angle has no recording. Pieces are in order. */
export function mediaAt(pieces: Piece[], hubMs: number): number | null {
  for (const piece of pieces) {
    const intoS = (hubMs - piece.hubMs) / 1000;
    if (intoS >= -0.0005 && intoS < piece.durationS) return piece.mediaS + Math.max(0, intoS);
  }
  return null;
}

/** The hub time that a player shows, or null outside its recording. */
export function hubAt(pieces: Piece[], mediaS: number): number | null {
  for (const piece of pieces) {
    const intoS = mediaS - piece.mediaS;
    if (intoS >= -0.0005 && intoS < piece.durationS) return piece.hubMs + Math.max(0, intoS) * 1000;
  }
  return null;
}

/**
 * How to bring a follower to the master clock: leave it alone within 15 ms, run it up to 3 % faster or slower within
 * 300 ms, seek beyond. `errorS` is where it should be less where it is.
 */
export function steer(errorS: number, baseRate: number): Steering {
  const size = Math.abs(errorS);
  if (size <= DEAD_BAND_S) return { action: 'rate', rate: baseRate };
  if (size > NUDGE_S) return { action: 'seek' };
  const nudge = Math.max(-MAX_NUDGE, Math.min(MAX_NUDGE, errorS * 0.3));
  return { action: 'rate', rate: baseRate * (1 + nudge) };
}

/** The start of the next recorded piece after a hub time, among all angles; null at the end. */
export function nextRecorded(all: Piece[][], hubMs: number): number | null {
  let best: number | null = null;
  for (const piece of all.flat()) if (piece.hubMs > hubMs && (best === null || piece.hubMs < best)) best = piece.hubMs;
  return best;
}

/** Neighbouring pieces joined, for drawing: hub time from and to. */
export function stretches(pieces: Piece[], toleranceMs: number): { fromMs: number; toMs: number }[] {
  const joined: { fromMs: number; toMs: number }[] = [];
  for (const piece of pieces) {
    const toMs = piece.hubMs + piece.durationS * 1000;
    const last = joined.at(-1);
    if (last && piece.hubMs - last.toMs <= toleranceMs) last.toMs = Math.max(last.toMs, toMs);
    else joined.push({ fromMs: piece.hubMs, toMs });
  }
  return joined;
}
