import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';

export type PhoneOptions = {
  locale?: string;
  scripts?: string[];
  userAgent?: string;
  permissions?: string[];
  viewport?: { width: number; height: number };
};
export type Phone = { page: Page; context: BrowserContext; /** What the page itself failed with. */ errors: string[] };

/** A phone of its own, with cookies of its own, that opens this address. */
export async function openPhone(browser: Browser, url: string, options: PhoneOptions = {}): Promise<Phone> {
  const {
    locale = 'zh-CN',
    scripts = [],
    userAgent,
    permissions = ['camera', 'microphone'],
    viewport = { width: 390, height: 844 },
  } = options;
  const context = await browser.newContext({ viewport, locale, hasTouch: true, permissions, ...(userAgent ? { userAgent } : {}) });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  for (const content of scripts) await page.addInitScript({ content });
  await page.goto(url);
  return { page, context, errors };
}

/** The capture page while it is in this state. */
export const inState = (page: Page, state: string): Locator => page.locator(`[data-testid="capture"][data-state="${state}"]`);
