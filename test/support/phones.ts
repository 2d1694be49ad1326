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

/** Chromium grants zoom by a permission of its own, which a phone asks for together with the camera. */
export async function allowZoom({ page, context }: Phone, origin: string): Promise<void> {
  const browser = context.browser();
  if (!browser) throw new Error('a browser was expected');
  const { targetInfo } = await (await context.newCDPSession(page)).send('Target.getTargetInfo');
  const whole = await browser.newBrowserCDPSession();
  await whole.send('Browser.grantPermissions', {
    permissions: ['videoCapture', 'audioCapture', 'cameraPanTiltZoom'],
    origin,
    ...(targetInfo.browserContextId ? { browserContextId: targetInfo.browserContextId } : {}),
  });
}

/** The capture page while it is in this state. */
export const inState = (page: Page, state: string): Locator => page.locator(`[data-testid="capture"][data-state="${state}"]`);

/** When a page is touched from now on, by this machine's clock: how late a click of the test comes there says nothing of the product. */
export async function noteTouches(page: Page): Promise<() => Promise<number[]>> {
  await page.evaluate(`(() => {
    if (!window.touchedMs) addEventListener('pointerdown', () => touchedMs.push(Date.now()), true);
    window.touchedMs = [];
  })()`);
  return () => page.evaluate<number[]>('touchedMs');
}

/** Hold a button that acts only when it is held, until it has. */
export async function holdUntil(button: Locator, acted: Locator): Promise<void> {
  await button.hover();
  await button.page().mouse.down();
  await acted.waitFor();
  await button.page().mouse.up();
}
/** Stop as an officer does. */
export const holdToStop = (page: Page): Promise<void> => holdUntil(page.getByTestId('capture-stop'), inState(page, 'stopped'));
