import type { Page } from 'playwright-core';
import { until } from './hub.ts';

type Frames = { requestVideoFrameCallback: (then: () => void) => void; shownFrames?: number };

/** Begin to count the pictures that this angle's tile really shows. */
export async function countFrames(page: Page, angleId: string): Promise<void> {
  const video = page.getByTestId(`tile-${angleId}`).locator('video');
  await video.scrollIntoViewIfNeeded();
  await video.evaluate((element: Frames) => {
    element.shownFrames = 0;
    const next = (): void =>
      element.requestVideoFrameCallback(() => {
        element.shownFrames = (element.shownFrames ?? 0) + 1;
        next();
      });
    next();
  });
}

/** Pictures shown since they were counted; an element that is another one by now has shown none. */
export function framesShown(page: Page, angleId: string): Promise<number> {
  const video = page.getByTestId(`tile-${angleId}`).locator('video');
  return video.evaluate((element: Frames) => element.shownFrames ?? 0);
}

/** Wait until every one of these tiles has shown `count` pictures more than now. Nothing is touched. */
export async function untilShown(page: Page, angleIds: string[], count: number, timeoutMs = 60_000): Promise<void> {
  const before = await Promise.all(angleIds.map((angleId) => framesShown(page, angleId)));
  for (const [i, angleId] of angleIds.entries())
    await until(`${angleId} plays`, async () => (await framesShown(page, angleId)) >= (before[i] ?? 0) + count, timeoutMs);
}
