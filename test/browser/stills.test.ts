import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signedIn } from '../../scripts/demo/sign-in.ts';
import { readImage } from '../../media/recordings/image-size.ts';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { filmWithPhone, launchBrowser } from '../../scripts/demo/phone.ts';
import { type RunningHub, startHub, until } from '../support/hub.ts';
import { phoneOperation, type PhoneOperation } from '../support/phone-operation.ts';

let root = '';
let hub: RunningHub;
let browser: Browser;
let operation: PhoneOperation;
let phone: Page;
let angleId = '';
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-stills-'));
  [hub, browser] = await Promise.all([startHub(join(root, 'data'), { SEGMENT_SECONDS: '2' }), launchBrowser()]);
  operation = await phoneOperation(hub, ['手机 甲']);
  angleId = operation.angles[0]?.angleId ?? '';
  phone = await filmWithPhone(browser, operation.angles[0]?.url ?? '');
});
afterAll(async () => {
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

const note = (state: string): Promise<void> => phone.locator(`[data-testid="still-note"][data-state="${state}"]`).waitFor();
const files = (): string[] => readdirSync(join(operation.dir, angleId, 'stills'));

describe('a picture taken while the phone films', () => {
  it('is larger than what is filmed where the camera can, and is shown on the console', async () => {
    const desk = await (await browser.newContext({ storageState: signedIn(hub.url), locale: 'zh-CN' })).newPage();
    await desk.goto(`${hub.url}/console/${operation.operationId}`);
    await desk.getByTestId(`state-${angleId}`).waitFor();
    await phone.getByTestId('capture-still').click();
    await note('sent');
    const [name = ''] = files();
    const image = readImage(readFileSync(join(operation.dir, angleId, 'stills', name)));
    expect(image?.width).toBeGreaterThanOrEqual(1280);
    const small = desk.getByTestId('stills').locator('img');
    await small.waitFor();
    await expect.poll(() => small.evaluate((element: { naturalWidth: number }) => element.naturalWidth)).toBe(480);
    await desk.context().close();
  });

  it('is the frame that is filmed, at its own size, where the browser takes no photographs', async () => {
    const before = files().length;
    await phone.evaluate('delete window.ImageCapture');
    await phone.getByTestId('capture-still').click();
    await expect.poll(() => files().length).toBe(before + 1);
    const sizes = files().map((name) => readImage(readFileSync(join(operation.dir, angleId, 'stills', name))));
    // of the camera's picture: what arrives of it may be a smaller layer
    const { width, height } = await phone
      .locator('video')
      .first()
      .evaluate((element: { videoWidth: number; videoHeight: number }) => ({ width: element.videoWidth, height: element.videoHeight }));
    expect(sizes).toContainEqual({ type: 'image/jpeg', width, height });
  });

  it('waits for the network, over a reload of the page as well', async () => {
    const before = files().length;
    await phone.route('**/api/capture/stills**', (route) => route.abort());
    await phone.getByTestId('capture-still').click();
    await note('waiting');
    await phone.reload();
    await phone.getByTestId('capture-start').click();
    await note('waiting');
    expect(files()).toHaveLength(before);
    await phone.unroute('**/api/capture/stills**');
    await expect.poll(() => files().length, { timeout: 30_000 }).toBe(before + 1);
    await phone.getByTestId('still-note').waitFor({ state: 'detached' });
  });

  it('is verified with the recording, and leads the reviewer to its moment', async () => {
    await operation.moreSegments(angleId, 1);
    await operation.end();
    await operation.packed();
    const { problems, hashes } = await verifyOperation(operation.dir);
    expect(problems).toEqual([]);
    expect([...hashes.keys()].filter((path) => path.includes('/stills/'))).toHaveLength(3);
    const review = await (await browser.newContext({ storageState: signedIn(hub.url), locale: 'zh-CN' })).newPage();
    await review.goto(`${hub.url}/review/${operation.operationId}`);
    await review.getByTestId('timeline').waitFor();
    const clock = review.getByTestId('review-clock');
    const hubMs = async (): Promise<number> => Number(await clock.getAttribute('data-hub-ms'));
    await until('it stands at the begin', async () => (await hubMs()) > 0);
    const startMs = await hubMs();
    await review.getByTestId('stills').getByRole('button', { name: '跳到此时' }).last().click();
    await expect.poll(hubMs).toBeGreaterThan(startMs + 1000);
  });
});
