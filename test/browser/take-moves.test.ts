import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { call } from '../../scripts/demo/hub.ts';
import { launchBrowser } from '../../scripts/demo/phone.ts';
import { signedIn } from '../../scripts/demo/sign-in.ts';
import { OperationList, OperationView } from '../../server/protocol/http.ts';
import { themeFaults } from '../support/axe.ts';
import { type RunningHub, startHub, until } from '../support/hub.ts';
import { film, type FilmedOperation, untilSegments } from '../support/operation.ts';

/** Keeps which answers the page has read: what it does with one it has done before it can be asked. */
const KEEP_READ = `
  window.read = [];
  const json = Response.prototype.json;
  Response.prototype.json = async function () {
    const value = await json.call(this);
    read.push(new URL(this.url).pathname);
    return value;
  };
`;

let root = '';
let hub: RunningHub;
let browser: Browser;
let wrong: FilmedOperation;
let right: OperationView;
let angleId = '';
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-move-screen-'));
  hub = await startHub(join(root, 'data'), { SEGMENT_SECONDS: '2' });
  right = await call(hub, OperationView, 'POST', '/operations', { name: '北门 拆除' });
  wrong = await film(hub, ['东侧']);
  angleId = wrong.angles[0]?.angleId ?? '';
  await untilSegments(wrong, angleId, 1);
  wrong.angles[0]?.camera.cut();
  await until('the take has ended', async () => (await wrong.view()).takes.every(({ endMs }) => endMs !== null));
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

describe('the form that moves a take', () => {
  it('offers the angles of the operation that was chosen last, and keeps what was typed', async () => {
    const angles = ['甲机位', '乙机位'];
    const [slow, quick] = await Promise.all(
      angles.map((angle) => call(hub, OperationView, 'POST', '/operations', { name: `西街 ${angle}`, angles: [angle] })),
    );
    const context = await browser.newContext({ storageState: signedIn(hub.url), locale: 'zh-CN', viewport: { width: 1280, height: 844 } });
    const page = await context.newPage();
    await page.addInitScript({ content: KEEP_READ });
    // as to who may label only some of them
    await page.route('**/api/operations?*', async (route) => {
      const response = await route.fetch();
      const list = OperationList.parse(await response.json());
      const operations = list.operations.map((each) => (each.name === right.name ? { ...each, may: ['operation.see'] } : each));
      await route.fulfill({ response, json: { ...list, operations } });
    });
    let answer = (): void => undefined;
    const held = new Promise<void>((resolve) => (answer = resolve));
    await page.route(`**/api/operations/${slow?.operationId}`, async (route) => (await held, await route.continue()));
    await page.goto(`${hub.url}/review/${wrong.operationId}`);
    await page.getByTestId(`move-${angleId}-0001`).click();
    const operation = page.getByTestId('move-operation');
    const offered = page.getByTestId('move-angle').locator('option');
    await operation.locator('option', { hasText: '西街 甲机位' }).waitFor({ state: 'attached' });
    expect(await operation.locator('option', { hasText: right.name }).count()).toBe(0);
    const asked = page.waitForRequest(`**/api/operations/${slow?.operationId}`);
    await operation.selectOption({ label: '西街 甲机位' });
    await asked;
    await operation.selectOption({ label: '西街 乙机位' });
    await expect.poll(() => offered.allTextContents()).toEqual(['新机位', '乙机位']);
    answer();
    await expect.poll(() => page.evaluate('read')).toContain(`/api/operations/${slow?.operationId}`);
    expect(await offered.allTextContents()).toEqual(['新机位', '乙机位']);
    expect(quick?.angles).toHaveLength(1);
    await page.getByTestId('move-name').fill('东侧');
    await page.getByTestId('move-reason').fill('扫错了');
    await page.mouse.click(5, 400); // beside it
    await page.getByTestId('move-take').waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('move-take').waitFor({ state: 'detached' });
    await page.getByTestId(`move-${angleId}-0001`).click();
    await expect.poll(() => page.getByTestId('move-reason').inputValue()).toBe('扫错了');
    expect(await page.getByTestId('move-name').inputValue()).toBe('东侧');
    await context.close();
  });
});

describe('a take under the wrong operation', () => {
  it('is moved from its review to a new angle of the right one, and both reviews say so', async () => {
    const context = await browser.newContext({ storageState: signedIn(hub.url), locale: 'zh-CN', viewport: { width: 390, height: 844 } });
    const page = await context.newPage();
    await page.goto(`${hub.url}/review/${wrong.operationId}`);
    await page.getByTestId(`move-${angleId}-0001`).click();
    const form = page.getByTestId('move-take');
    await form.getByPlaceholder('名称、地点或案件').fill('北门');
    await form.getByTestId('move-operation').locator('option', { hasText: '北门 拆除' }).waitFor({ state: 'attached' });
    await form.getByTestId('move-operation').selectOption({ label: '北门 拆除' });
    await form.getByTestId('move-name').fill('东侧');
    await form.getByTestId('move-reason').fill('扫错了二维码');
    if (process.env['SHOT']) await page.screenshot({ path: `${process.env['SHOT']}-form.png` });
    expect(await themeFaults(page)).toEqual({});
    await form.getByRole('button', { name: '移动录制' }).click();
    await form.waitFor({ state: 'detached' });
    await expect.poll(() => page.getByTestId('review-moves').textContent()).toContain('由东侧移至其他行动');
    await page.goto(`${hub.url}/review/${right.operationId}`);
    const moves = page.getByTestId('review-moves');
    await expect.poll(() => moves.textContent()).toContain('扫错了二维码');
    await moves.scrollIntoViewIfNeeded();
    if (process.env['SHOT']) await page.screenshot({ path: `${process.env['SHOT']}-review.png` });
    expect((await call(hub, OperationView, 'GET', `/operations/${right.operationId}`)).takes).toHaveLength(1);
    const dir = join(hub.dataDir, 'recordings', right.operationId);
    for (const each of [dir, wrong.dir]) expect((await verifyOperation(each)).problems).toEqual([]);
    await context.close();
  });
});
