import { join } from 'node:path';
import type { Browser, Page, Request } from 'playwright-core';
import { expect } from 'vitest';
import { type HubSession, signedIn } from '../../scripts/demo/sign-in.ts';

/** Every language, on a desk and on a phone. */
export const VIEWS = [
  ['zh-CN', 1440],
  ['zh-CN', 390],
  ['en', 1440],
  ['en', 390],
] as const;

export type ConsolePage = {
  page: Page;
  /** It is no wider than its window. Kept as a picture, to be looked at, where a folder for them is named. */
  shot: (what: string) => Promise<void>;
  /** Nothing has gone wrong in it. */
  close: () => Promise<void>;
};
/** `as`: somebody else than this program. */
type View = { name: string; locale: string; width: number; permissions?: string[]; as?: HubSession };

const SCREENSHOTS = process.env['SCREENSHOTS'];
const FITS = 'document.documentElement.scrollWidth <= innerWidth';
/** Dialogs have come, or gone. */
export const SETTLED = `Promise.all(document.getAnimations()
  .filter((one) => one.effect.getComputedTiming().iterations !== Infinity).map((one) => one.finished.catch(() => null))).then(() => null)`;

/** As a link of the console leads there: nothing is loaded anew, and the page that was open is gone. */
export async function follow(page: Page, path: string): Promise<void> {
  await page.evaluate(`document.querySelector('#app').__vue_app__.config.globalProperties.$router.push(${JSON.stringify(path)}).then(() => null)`); // prettier-ignore
}
/** Waits until all that the page has asked for has come, and what was asked for because of that. */
export function awaiting(page: Page): () => Promise<void> {
  const asked = new Set<Request>();
  page.on('request', (request) => asked.add(request));
  for (const over of ['requestfinished', 'requestfailed'] as const) page.on(over as 'requestfinished', (request) => asked.delete(request));
  return async () => {
    do {
      await expect.poll(() => asked.size).toBe(0);
      await page.evaluate(DRAWN);
    } while (asked.size > 0);
    await arrived(page);
  };
}
/** Nothing on it is being awaited any more. */
export const arrived = (page: Page): Promise<void> => expect.poll(() => page.locator('.state .spinner').count()).toBe(0);

const DRAWN = 'new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(() => drawn(null))))';
/** Open the console in one language and width. `name`: of its pictures. */
export async function consolePage(browser: Browser, url: string, { name, locale, width, permissions, as }: View): Promise<ConsolePage> {
  const context = await browser.newContext({
    storageState: signedIn(url, as),
    viewport: { width, height: 860 },
    locale,
    ...(permissions && { permissions }),
  });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto(url);
  return {
    page,
    shot: async (what) => {
      expect(await page.evaluate<boolean>(FITS)).toBe(true);
      await page.evaluate(SETTLED);
      if (SCREENSHOTS) await page.screenshot({ path: join(SCREENSHOTS, `${name}-${what}-${locale}-${width}.png`), animations: 'disabled' });
    },
    close: async () => {
      expect(errors).toEqual([]);
      await context.close();
    },
  };
}
