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
