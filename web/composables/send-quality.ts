/** What the browser says of what it sends, since the look before. */
export type SentLook = {
  bitrateBps: number;
  framesPerSecond: number;
  /** What holds the encoder back, as getStats names it. */
  limitation: string;
  /** Of the packets sent: those that did not arrive, 0 to 1. */
  lossShare: number;
  /** Lines of the best layer that is being sent. */
  lines: number;
};

/** 0: nothing goes out. */
export type Quality = 0 | 1 | 2 | 3 | 4;

const MOVING_FPS = 12;

/**
 * Bars as people know them, by what matters to the evidence: pictures that move, are large enough, and arrive. `usualLines`: of
 * the picture that the camera gives.
 */
export function sendQuality({ bitrateBps, framesPerSecond, limitation, lossShare, lines }: SentLook, usualLines: number): Quality {
  if (bitrateBps < 20_000 || framesPerSecond < 1) return 0;
  if (framesPerSecond < 5 || lossShare > 0.15) return 1;
  const small = usualLines > 0 && lines > 0 && lines < usualLines * 0.6;
  if (small || framesPerSecond < MOVING_FPS * 0.7 || lossShare > 0.05) return 2;
  if (limitation === 'bandwidth' || limitation === 'cpu' || lossShare > 0.02) return 3;
  return 4;
}
