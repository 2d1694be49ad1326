import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signedIn } from '../../scripts/demo/sign-in.ts';
import { launchBrowser } from '../../scripts/demo/phone.ts';
import { answersOf } from '../support/answers.ts';
import { filmClock, SENDERS } from '../support/clock-phone.ts';
import { type RunningHub, startHub, until } from '../support/hub.ts';
import { phoneOperation, type PhoneOperation } from '../support/phone-operation.ts';

const FULL = { width: 960, height: 540 };

let root = '';
let hub: RunningHub;
let browser: Browser;
let operation: PhoneOperation;
let page: Page;
let answered: ReturnType<typeof answersOf>;
let angleId = '';

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-layers-'));
  [hub, browser] = await Promise.all([startHub(join(root, 'data'), { SEGMENT_SECONDS: '2' }), launchBrowser()]);
  operation = await phoneOperation(hub, ['手机']);
  const [angle] = operation.angles;
  if (!angle) throw new Error('an angle was asked for');
  ({ angleId } = angle);
  await filmClock(browser, angle.url.replace('/capture#', '/capture?layers=3#'), { ...FULL, fps: 15 }, [SENDERS]);
  await until('the top layer is recorded', async () => (await operation.angle(angleId)).width === FULL.width);
  const context = await browser.newContext({ storageState: signedIn(hub.url), viewport: { width: 390, height: 844 } });
  page = await context.newPage();
  answered = answersOf(page);
  await page.goto(`${hub.url}/console/${operation.operationId}`);
  await page.getByTestId(`tile-${angleId}`).waitFor();
});
afterAll(async () => {
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

const picture = (): Promise<{ height: number; frames: number; stale: boolean }> =>
  page.evaluate(`(() => {
    const tile = document.querySelector('[data-testid="tile-${angleId}"]');
    const video = tile.querySelector('video');
    const stale = tile.classList.contains('stale');
    return { height: video.videoHeight, frames: video.getVideoPlaybackQuality().totalVideoFrames, stale };
  })()`);
/** Wait until the page itself has lived on for so long, by the time that its tile counts. */
const lives = async (seconds: number): Promise<void> => {
  const told = async (): Promise<number> =>
    ((await page.getByTestId(`elapsed-${angleId}`).textContent()) ?? '').split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  const from = await told();
  await until(`${seconds} s more on the page`, async () => (await told()) >= from + seconds);
};
/** Encoders want even sizes. */
const becomes = (height: number): Promise<void> =>
  until(`a picture ${height} high`, async () => Math.abs((await picture()).height - height) <= 1);

describe('what a console is sent', () => {
  it('is the layer that fills its tile, and the best one where that is large', async () => {
    await becomes(FULL.height / 2); // 206 px are more than 135 stretched
    await page.setViewportSize({ width: 1440, height: 900 });
    await becomes(FULL.height);
    await page.setViewportSize({ width: 240, height: 844 });
    await becomes(FULL.height / 4);
  });

  it('is nothing while the tile is out of sight, and a live picture soon after', async () => {
    const nothing = /"showConsumer",.*"heightPx":0\}/;
    const asked = answered(nothing);
    await page.evaluate('document.body.style.paddingTop = "3000px"');
    await page.evaluate('scrollTo(0, 0)');
    await until('the hub sends it nothing', () => answered(nothing) > asked);
    await lives(2); // what was under way has come
    const before = (await picture()).frames;
    await lives(3); // longer than a picture may stand still
    expect((await picture()).frames).toBe(before);
    await page.evaluate('document.body.style.paddingTop = "0"');
    expect((await picture()).stale).toBe(false);
    await until('frames come again', async () => (await picture()).frames > before + 5);
    expect((await picture()).stale).toBe(false);
  });

  it('greys a picture that stands still though it should not, and says since when', async () => {
    const tile = page.getByTestId(`tile-${angleId}`);
    await page.evaluate(
      'for (const video of document.querySelectorAll("video")) video.srcObject.getTracks().forEach((t) => (t.enabled = false), video.pause())',
    );
    await until('it is told to be frozen', async () => (await picture()).stale);
    expect(await tile.locator('.note').textContent()).toMatch(/\d\d:\d\d:\d\d/);
  });
});
