import type { Page } from 'playwright-core';
import { decodeClock } from '../../../test/support/clock-picture.ts';

/**
 * What runs in the commander's page: when somebody clicks on a link or a button, how long until the first picture is there;
 * how old the clock on the picture (`test/support/clock-camera.js`) is when it is shown; how many pictures are shown.
 */
const WATCH = `(() => {
  ${decodeClock.toString()}
  const COLUMNS = 8, ROWS = 6, W = 32, H = 24;
  const canvas = new OffscreenCanvas(W, H);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const nowMs = () => performance.timeOrigin + performance.now();
  function read(video) {
    context.drawImage(video, 0, 0, W, H);
    const { data } = context.getImageData(0, 0, W, H);
    let bits = 0n;
    for (let row = 0; row < ROWS; row += 1) for (let column = 0; column < COLUMNS; column += 1) {
      const at = (x, y) => data[4 * ((row * 4 + y) * W + column * 4 + x) + 1];
      bits = (bits << 1n) | (at(1, 1) + at(2, 1) + at(1, 2) + at(2, 2) > 508 ? 1n : 0n);
    }
    return decodeClock(bits);
  }
  const videoOf = (angleId) => document.querySelector('[data-testid="tile-' + angleId + '"] video');
  let clickedMs = 0;
  addEventListener('click', () => (clickedMs = performance.now()), { capture: true });
  window.fieldhubWatch = {
    /** Milliseconds from the last click to the first picture of this angle. */
    firstFrame: (angleId) => new Promise((resolve) => {
      const look = () => {
        const video = videoOf(angleId);
        if (!video) return requestAnimationFrame(look);
        video.requestVideoFrameCallback((now, { presentationTime }) => resolve(presentationTime - clickedMs));
      };
      look();
    }),
    /** Age of each of the next pictures when the screen is to show it, milliseconds. */
    ages: (angleId, count) => new Promise((resolve) => {
      const video = videoOf(angleId);
      const ages = [];
      const next = () => video.requestVideoFrameCallback((now, { expectedDisplayTime }) => {
        const codedMs = read(video);
        if (codedMs !== null) ages.push(performance.timeOrigin + expectedDisplayTime - codedMs);
        if (ages.length < count) next(); else resolve(ages);
      });
      next();
    }),
    shown: (angleId) => {
      const video = videoOf(angleId);
      const { totalVideoFrames, droppedVideoFrames } = video.getVideoPlaybackQuality();
      return { atMs: performance.now(), frames: totalVideoFrames - droppedVideoFrames, height: video.videoHeight };
    },
  };
})();`;

export type Shown = { atMs: number; frames: number; height: number };

/** A commander's page that can be asked what it shows. */
export class WatchedConsole {
  readonly #page: Page;

  private constructor(page: Page) {
    this.#page = page;
  }

  static async open(page: Page, url: string): Promise<WatchedConsole> {
    await page.addInitScript({ content: WATCH });
    await page.goto(url);
    return new WatchedConsole(page);
  }

  /** Click on the operation in the list; resolves with how long its first picture of this angle took, milliseconds. */
  async enter(operationId: string, angleId: string): Promise<number> {
    await this.#page.locator(`a[href="/console/${operationId}"]`).click();
    return this.#page.evaluate(`fieldhubWatch.firstFrame('${angleId}')`);
  }

  /** Back to the list of operations. */
  async leave(): Promise<void> {
    await this.#page.goBack();
    await this.#page.locator('a[href^="/console/"]').first().waitFor();
  }

  ages(angleId: string, count: number): Promise<number[]> {
    return this.#page.evaluate(`fieldhubWatch.ages('${angleId}', ${count})`);
  }

  shown(angleId: string): Promise<Shown> {
    return this.#page.evaluate(`fieldhubWatch.shown('${angleId}')`);
  }

  /** Make this angle's tile the large one. */
  async focus(angleId: string): Promise<void> {
    const tile = this.#page.getByTestId(`tile-${angleId}`);
    await tile.scrollIntoViewIfNeeded();
    await tile.dblclick({ position: { x: 40, y: 60 } });
  }
}
