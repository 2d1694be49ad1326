import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signedIn } from '../../scripts/demo/sign-in.ts';
import { filmWithPhone, launchBrowser } from '../../scripts/demo/phone.ts';
import { freePort, type RunningHub, startHub, until } from '../support/hub.ts';
import { holdUntil, noteTouches } from '../support/phones.ts';
import { journalLines } from '../support/operation.ts';
import { phoneOperation, type PhoneOperation } from '../support/phone-operation.ts';
import { TcpRelay } from '../support/tcp-relay.ts';

/** So well a page knows hub time. */
const NEAR_MS = 400;

let root = '';
let hub: RunningHub;
let settings: Record<string, string>;
let browser: Browser;
let relay: TcpRelay;
let operation: PhoneOperation;
let phone: Page;
let desk: Page;
let angleId = '';
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-marks-'));
  settings = { SEGMENT_SECONDS: '2', PORT: String(await freePort()), RTC_PORT: String(await freePort()) };
  [hub, browser] = await Promise.all([startHub(join(root, 'data'), settings), launchBrowser()]);
  relay = await TcpRelay.open(hub.url);
  operation = await phoneOperation(hub, ['手机 甲', '手机 乙']);
  const [angle] = operation.angles;
  angleId = angle?.angleId ?? '';
  phone = await filmWithPhone(browser, (angle?.url ?? '').replace(hub.url, relay.url));
  desk = await openDesk('zh-CN', 1440);
});
afterAll(async () => {
  await browser.close();
  relay.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

async function openDesk(locale: string, width: number): Promise<Page> {
  const page = await (await browser.newContext({ storageState: signedIn(hub.url), viewport: { width, height: 844 }, locale })).newPage();
  await page.goto(`${hub.url}/console/${operation.operationId}`);
  await page.getByTestId(`state-${angleId}`).waitFor();
  return page;
}
const lines = (type: string): Record<string, unknown>[] =>
  journalLines(join(operation.dir, 'operation.ndjson')).filter((line) => line['type'] === type);
const fits = (page: Page): Promise<boolean> => page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth');

describe('a moment that is marked', () => {
  it('by one touch on the phone is in the journal with the time of the touch, and labelled afterwards', async () => {
    const button = phone.getByTestId('capture-mark');
    const touches = await noteTouches(phone);
    await button.click({ delay: 800 }); // the touch counts, not when it ends
    await phone.locator('[data-testid="mark-note"][data-state="sent"]').waitFor();
    const [line] = lines('mark');
    expect(line).toMatchObject({ kind: 'moment', angleId, by: 'operator', text: null });
    const [touchedMs = 0] = await touches();
    expect(Math.abs(Number(line?.['atMs']) - touchedMs)).toBeLessThan(NEAR_MS);
    await phone.getByRole('button', { name: '开始拆除' }).click();
    await desk.getByTestId('field-log').getByText('开始拆除').waitFor();
    expect(lines('mark.labelled')).toMatchObject([{ markId: line?.['markId'], text: '开始拆除', by: 'operator' }]);
    await phone.getByTestId('mark-note').waitFor({ state: 'detached' }); // out of the way by itself
  });

  it('from the console, of one angle or of all, by button and by key', async () => {
    const touches = await noteTouches(desk);
    await desk.getByTestId(`tile-${angleId}`).getByRole('button', { name: '标记' }).click();
    await until('it is in the journal', () => lines('mark').length === 2);
    await desk.keyboard.press('b');
    await until('it is in the journal', () => lines('mark').length === 3);
    const [, one, all] = lines('mark');
    expect(one).toMatchObject({ kind: 'moment', angleId, by: 'commander' });
    expect(all).toMatchObject({ kind: 'moment', angleId: null, by: 'commander' });
    const [touchedMs = 0] = await touches();
    expect(Math.abs(Number(one?.['atMs']) - touchedMs)).toBeLessThan(NEAR_MS);
    const input = desk.getByTestId('field-log').getByRole('textbox').first();
    await input.fill('全体注意');
    await input.press('Enter');
    await desk.getByTestId('field-log').getByText('全体注意').waitFor();
  });
});

describe('an operator who is blocked or attacked', () => {
  it('is not reported by a touch by chance', async () => {
    await phone.getByTestId('capture-call').click();
    await phone.getByTestId('capture-mark').click(); // what comes after it has arrived: nothing was sent before
    await until('the mark is in the journal', () => lines('mark').length === 4);
    expect(lines('mark').filter(({ kind }) => kind === 'blocked')).toEqual([]);
    expect(await desk.getByTestId('calls').count()).toBe(0);
  });

  it('is reported by holding the button, loudly, and stands over a reload and a restart of the hub', async () => {
    const english = await openDesk('en-GB', 390);
    await holdUntil(phone.getByTestId('capture-call'), phone.locator('[data-testid="call-state"][data-step="sent"]'));
    await desk.getByTestId(`call-${angleId}`).getByText('受阻/遭袭 · 手机 甲').waitFor();
    await english.getByTestId(`call-${angleId}`).getByText('Blocked / attacked').first().waitFor();
    expect(await fits(english)).toBe(true);
    expect(await desk.getByTestId(`tile-${angleId}`).getAttribute('class')).toContain('called');
    expect(await desk.title()).toContain('受阻/遭袭');
    // this page has been touched and may sound; the other may have to be touched first, and says so
    await expect.poll(() => desk.getByTestId('calls').getAttribute('data-siren')).toBe('sounding');
    if ((await english.getByTestId('calls').getAttribute('data-siren')) === 'refused') await english.getByText('click anywhere').waitFor();
    await english.keyboard.press('Tab');
    await expect.poll(() => english.getByTestId('calls').getAttribute('data-siren')).toBe('sounding');
    await english.context().close();

    await desk.reload();
    await desk.getByTestId(`call-${angleId}`).waitFor();
    await hub.killAll();
    hub = await startHub(join(root, 'data'), settings);
    await desk.reload();
    await desk.getByTestId(`call-${angleId}`).waitFor();
    // not what the page still shows of the time before, but that it films anew
    await until('the phone films again', () => lines('take.started').length === 2, 45_000);
    await phone.locator('[data-testid="capture"][data-state="recording"]').waitFor({ timeout: 30_000 });
    expect(await phone.getByTestId('call-state').getAttribute('data-step')).toBe('sent');
  });

  it('is answered in words, which the operator reads, and then it is quiet everywhere', async () => {
    await desk.getByTestId('answer-coming').click();
    await desk.getByTestId('calls').waitFor({ state: 'detached' });
    await phone.getByTestId('call-state').getByText('收到，支援已出发').waitFor();
    expect(await desk.getByTestId(`tile-${angleId}`).getAttribute('class')).not.toContain('called');
    expect(lines('mark.acknowledged')).toMatchObject([{ text: '收到，支援已出发' }]);
    await phone.getByTestId('call-state').getByRole('button', { name: '知道了' }).click();
    await phone.getByTestId('call-state').waitFor({ state: 'detached' });
  });

  it('without network is kept, and sent later with the time of the touch', async () => {
    relay.cut();
    await phone.locator('[data-testid="capture-call"]').waitFor();
    const touches = await noteTouches(phone);
    await phone.getByTestId('capture-mark').click();
    await holdUntil(phone.getByTestId('capture-call'), phone.locator('[data-testid="call-state"][data-step="kept"]'));
    const touchedMs = await touches();
    expect(await phone.evaluate<string>('JSON.stringify(localStorage)')).toContain('blocked');
    await until('it is late', () => Date.now() - (touchedMs.at(-1) ?? Infinity) > 5000);
    relay.mend();
    await desk.getByTestId(`call-${angleId}`).getByText('迟到').waitFor({ timeout: 20_000 });
    await until('both are in the journal', () => lines('mark').length === 7);
    for (const line of lines('mark').slice(-2)) {
      const nearestMs = Math.min(...touchedMs.map((ms) => Math.abs(Number(line['atMs']) - ms)));
      expect(nearestMs).toBeLessThan(NEAR_MS);
      expect(Number(line['receivedMs']) - Number(line['atMs'])).toBeGreaterThan(3000);
    }
    expect(await phone.evaluate<string>('JSON.stringify(localStorage)')).not.toContain('blocked');
    await desk.getByPlaceholder('或写明处置情况').fill('已派 3 人前往');
    await desk.getByPlaceholder('或写明处置情况').press('Enter');
    await phone.getByTestId('call-state').getByText('已派 3 人前往').waitFor();
  });
});

describe('marks, afterwards', () => {
  it('are in the verified package and in its playlist, and lead the reviewer to their moment', async () => {
    await operation.moreSegments(angleId, 1);
    await operation.end();
    const packed = await operation.packed();
    const playlist = readFileSync(join(packed, 'data', angleId, 'index.m3u8'), 'utf8');
    const told = [...playlist.matchAll(/CLASS="cn\.fieldhub\.mark",START-DATE="([^"]+)",DURATION=0\.000000,X-KIND="(\w+)"/g)];
    expect(told.filter(([, , kind]) => kind === 'blocked')).toHaveLength(2);
    expect(told).toHaveLength(7);

    await desk.goto(`${hub.url}/review/${operation.operationId}`);
    const clock = desk.getByTestId('review-clock');
    await expect.poll(() => desk.getByTestId(`review-${angleId}`).getAttribute('data-status'), { timeout: 20_000 }).toMatch(/playing|gap/);
    const calls = lines('mark').filter(({ kind }) => kind === 'blocked');
    await desk.getByTestId('flag-blocked').first().click();
    const expectedMs = Math.min(...calls.map(({ atMs }) => Number(atMs)));
    await expect.poll(async () => Math.abs(Number(await clock.getAttribute('data-hub-ms')) - expectedMs)).toBeLessThan(1);
    await desk.getByTestId('seek-moment').first().click();
    const firstMs = Number(lines('mark')[0]?.['atMs']);
    await expect.poll(async () => Math.abs(Number(await clock.getAttribute('data-hub-ms')) - firstMs)).toBeLessThan(1);
    await desk.getByTestId('mark-list').getByText('已派 3 人前往').waitFor();
  });
});
