import { type Browser, chromium, type Page } from 'playwright-core';
import { signedIn } from './sign-in.ts';

type Shown = { getVideoPlaybackQuality: () => { totalVideoFrames: number } };

/**
 * What makes Debian's Chromium a phone with a camera, on a machine without one. Ten pictures a second: Chromium's fake
 * camera stamps each when it gets round to it, and on a busy machine keeps its rhythm only if it is a slow one.
 */
export const BROWSER_ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-ui-for-media-stream',
  '--use-fake-device-for-media-stream=fps=10',
];

/** `env` is added to this process's own environment, `more` to the browser's arguments. */
export function launchBrowser(env: Record<string, string> = {}, more: string[] = []): Promise<Browser> {
  const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
  return chromium.launch({ executablePath, headless: true, args: [...BROWSER_ARGS, ...more], env: { ...process.env, ...env } });
}

/**
 * Open the capture link as an officer would, press the button, wait until the hub confirms that it records. `scripts` run in
 * the page before its own.
 */
export async function filmWithPhone(browser: Browser, url: string, timeoutMs = 30_000, scripts: string[] = []): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width: 390, height: 844 },
    locale: 'zh-CN',
    permissions: ['camera', 'microphone'],
  });
  const page = await context.newPage();
  for (const content of scripts) await page.addInitScript({ content });
  await page.goto(url);
  await startRecording(page, timeoutMs);
  return page;
}

/** Press the button, say why where a check has failed, and wait until the hub confirms that it records. */
export async function startRecording(page: Page, timeoutMs = 30_000): Promise<void> {
  await page.getByTestId('capture-start').click({ timeout: timeoutMs });
  const recording = page.locator('[data-testid="capture"][data-state="recording"]');
  const reason = page.getByTestId('preflight-reason').getByRole('button').first();
  await recording.or(reason).first().waitFor({ timeout: timeoutMs });
  if (await reason.isVisible()) await reason.click();
  await recording.waitFor({ timeout: timeoutMs });
}

/** Open the console as a commander would who has signed in. */
export async function openConsole(browser: Browser, url: string): Promise<Page> {
  const context = await browser.newContext({ storageState: signedIn(url), viewport: { width: 960, height: 600 }, locale: 'zh-CN' });
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

/**
 * Look at this angle's tile until it shows moving pictures (one out of sight is sent none). The page's content security policy forbids what `waitForFunction`
 * does, so the element is asked from outside.
 */
export async function untilMoving(page: Page, angleId: string, timeoutMs = 30_000): Promise<void> {
  const video = page.getByTestId(`tile-${angleId}`).locator('video');
  const deadline = performance.now() + timeoutMs;
  const frames = (): Promise<number> => video.evaluate((element: Shown) => element.getVideoPlaybackQuality().totalVideoFrames);
  await video.scrollIntoViewIfNeeded({ timeout: timeoutMs });
  while ((await frames()) < 10) {
    if (performance.now() > deadline) throw new Error(`the console shows no moving picture of ${angleId} after ${timeoutMs / 1000} s`);
    await page.waitForTimeout(100);
  }
}
