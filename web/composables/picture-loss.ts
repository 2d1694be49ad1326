/** How many frames an angle has lost lately, and when the last of them was noticed. */
export type PictureLoss = { counted: number; frames: number; sinceMs: number };

/** A badge goes when nothing more has been lost for so long. */
const SHOWN_MS = 8000;

/**
 * The next state, given the angle's count of missing and withheld frames now. The first count is where counting begins;
 * what is lost while a badge stands is added to its number.
 */
export function noteLoss(before: PictureLoss | null, counted: number, nowMs: number): PictureLoss {
  const grown = before ? counted - before.counted : 0;
  if (before === null || grown < 0) return { counted, frames: 0, sinceMs: nowMs };
  if (grown === 0) return before;
  return { counted, frames: grown + lossShown(before, nowMs), sinceMs: nowMs };
}

/** The number on the badge; 0 for none. */
export function lossShown(loss: PictureLoss | null, nowMs: number): number {
  return loss && nowMs - loss.sinceMs < SHOWN_MS ? loss.frames : 0;
}
