/** A picture may be stretched by so much before a viewer would see that a better layer was to be had. */
const STRETCH = 1.25;

/**
 * The lowest of a sender's simulcast layers that fills a picture of `heightPx` pixels. Each layer has half the height of
 * the next; of the top one it is `topHeightPx`, null where that is not known yet, which asks for the top.
 */
export function layerFor(heightPx: number, topHeightPx: number | null, layers: number): number {
  const top = layers - 1;
  if (topHeightPx === null) return top;
  for (let layer = 0; layer < top; layer += 1) if ((topHeightPx / 2 ** (top - layer)) * STRETCH >= heightPx) return layer;
  return top;
}

const HIGHEST = 255;
/** What a source without small layers costs is so many times as much, at least. */
const COSTLY = 4;

/**
 * Whose turn comes first while a viewer's network is not known to carry all that is wanted, 1 to 255: the larger picture's;
 * of equals, that of a sender with small layers, before one that would take it all. (By mediasoup's default all are equal, and chance
 * decides: the picture that a commander had opened was seen to wait for 9 s behind cameras in small tiles.)
 */
export function priorityFor(heightPx: number, layers: number): number {
  const priority = Math.round(heightPx / 4 / (layers > 1 ? 1 : COSTLY));
  return Math.max(1, Math.min(HIGHEST, priority));
}
