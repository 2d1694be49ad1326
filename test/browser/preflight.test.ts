import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signedIn } from '../../scripts/demo/sign-in.ts';
import { launchBrowser, startRecording } from '../../scripts/demo/phone.ts';
import { checkAgain, checked } from '../support/check-again.ts';
import { WrongClock } from '../support/clock-phone.ts';
import { type RunningHub, startHub, until } from '../support/hub.ts';
import { journalLines } from '../support/operation.ts';
import { phoneOperation, type PhoneOperation } from '../support/phone-operation.ts';
import { inState, openPhone } from '../support/phones.ts';

let root = '';
let hub: RunningHub;
let browser: Browser;
let late: Browser;
let operation: PhoneOperation;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-preflight-'));
  [hub, browser] = await Promise.all([startHub(join(root, 'data'), { SEGMENT_SECONDS: '2' }), launchBrowser()]);
  late = await new WrongClock(join(root, 'late'), -300).launch();
  operation = await phoneOperation(hub, ['东侧', '北门', '屋顶', '南门']);
});
afterAll(async () => {
  await late.close();
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

const urlOf = (i: number): string => operation.angles[i]?.url ?? '';
const card = (page: Page): Locator => page.getByTestId('preflight');
const resultOf = (page: Page, name: string): Promise<string | null> => page.getByTestId(`check-${name}`).getAttribute('data-result');
const textOf = async (page: Page, name: string): Promise<string> => (await page.getByTestId(`check-${name}`).textContent()) ?? '';
const onRecord = (i: number): Record<string, unknown>[] =>
  journalLines(join(operation.dir, 'operation.ndjson')).filter(
    ({ type, angleId }) => type === 'preflight' && angleId === operation.angles[i]?.angleId,
  );
type Check = { name: string; result: string; facts: Record<string, number> };
const checkOnRecord = (i: number, name: string): Check | undefined =>
  (onRecord(i)[0]?.['checks'] as Check[] | undefined)?.find((check) => check.name === name);

describe('the check before duty', () => {
  it('runs while the page opens, and is kept when recording begins', async () => {
    const { page, errors } = await openPhone(browser, urlOf(0));
    await checked(page);
    for (const name of ['camera', 'microphone', 'network', 'uplink', 'clock']) expect(await resultOf(page, name), name).toBe('pass');
    expect(await textOf(page, 'camera')).toMatch(/1280×720|640×480/);
    expect(await textOf(page, 'network')).toMatch(/往返 \d+ 毫秒/);
    expect(onRecord(0)).toEqual([]);
    await startRecording(page);
    await until('it is on record', () => onRecord(0).length === 1);
    expect(onRecord(0)[0]).toMatchObject({ reason: null, device: 'Linux · Chrome' });
    expect(checkOnRecord(0, 'uplink')?.facts['bitsPerSecond']).toBeGreaterThan(3e6);
    expect(await page.getByTestId('preflight').count()).toBe(0); // the picture is not covered while it records
    expect(errors).toEqual([]);
    await page.close();
  });

  it('keeps nobody who is in a hurry from filming: what had not ended is kept as skipped', async () => {
    // the hub hears of nothing that would end the check
    const { page, context } = await openPhone(browser, 'about:blank');
    await context.route('**/api/capture/clock', () => undefined);
    await page.goto(urlOf(1));
    await startRecording(page);
    await until('it is on record', () => onRecord(1).length === 1);
    expect(checkOnRecord(1, 'uplink')?.result).toBe('skipped');
    expect(checkOnRecord(1, 'network')?.result).toBe('skipped');
    await page.close();
  });

  it('asks for a reason where it fails, keeps it, and shows it in the review', async () => {
    const { page } = await openPhone(late, urlOf(2));
    await checked(page);
    expect(await resultOf(page, 'clock')).toBe('fail');
    expect(await textOf(page, 'clock')).toContain('−300 s');
    await page.getByTestId('capture-start').click();
    const sheet = page.getByTestId('preflight-reason');
    expect(await sheet.textContent()).toContain('手机时间');
    await sheet.getByRole('button', { name: '返回检查' }).click();
    expect(await inState(page, 'ready').count()).toBe(1);
    await page.getByTestId('capture-start').click();
    await sheet.getByRole('button', { name: '情况紧急，立即录制' }).click();
    await inState(page, 'recording').waitFor({ timeout: 30_000 });
    await until('it is on record', () => onRecord(2).length === 1);
    expect(onRecord(2)[0]).toMatchObject({ reason: '情况紧急，立即录制' });
    expect(checkOnRecord(2, 'clock')?.facts['offsetMs']).toBeCloseTo(-300_000, -3);
    const review = await (
      await browser.newContext({ storageState: signedIn(hub.url), viewport: { width: 1440, height: 900 }, locale: 'zh-CN' })
    ).newPage();
    await operation.moreSegments(operation.angles[2]?.angleId ?? '', 1);
    await review.goto(`${hub.url}/review/${operation.operationId}`);
    await expect.poll(() => review.getByTestId('review-preflights').textContent()).toContain('未通过仍继续，原因：情况紧急，立即录制');
    await page.close();
  });

  it('measures a thin uplink as thin, and says what the browser does not tell', async () => {
    const { page, context } = await openPhone(browser, 'about:blank', {
      locale: 'en-GB',
      scripts: ['delete Navigator.prototype.getBattery; delete StorageManager.prototype.estimate;'], // as on an iPhone before iOS 17
    });
    const devtools = await context.newCDPSession(page);
    await page.goto(urlOf(3), { waitUntil: 'domcontentloaded' });
    await devtools.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 60,
      downloadThroughput: -1,
      uploadThroughput: 150_000,
    });
    await checked(page);
    if (!(await page.getByRole('button', { name: 'Check again' }).isVisible())) await card(page).locator('summary').click();
    await checkAgain(page, page.getByRole('button', { name: 'Check again' }));
    expect(await resultOf(page, 'uplink')).toBe('warn');
    expect(await textOf(page, 'uplink')).toMatch(/(0\.[89]|1\.[0-5]) Mbit\/s/);
    expect(await resultOf(page, 'battery')).toBe('unavailable');
    expect(await textOf(page, 'battery')).toContain('not available here');
    expect(await textOf(page, 'storage')).toContain('not available here');
    await devtools.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 60,
      downloadThroughput: -1,
      uploadThroughput: 15_000,
    });
    await checkAgain(page, page.getByRole('button', { name: 'Check again' }));
    expect(await resultOf(page, 'uplink')).toBe('fail');
    expect(await textOf(page, 'uplink')).toContain('below 0.2 Mbit/s');
  });
});
