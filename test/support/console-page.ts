import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
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
