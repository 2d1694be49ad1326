import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../../scripts/demo/hub.ts';
import { sessionAt, signedIn } from '../../scripts/demo/sign-in.ts';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { launchBrowser, untilMoving } from '../../scripts/demo/phone.ts';
import { CustodyPage } from '../../server/protocol/custody.ts';
import { OperationView } from '../../server/protocol/http.ts';
import { type RunningHub, signal, startHub, until, workersOf } from '../support/hub.ts';
import { journalLines } from '../support/operation.ts';
import { holdToStop } from '../support/phones.ts';

type Video = { currentTime: number; videoWidth: number; getVideoPlaybackQuality: () => { totalVideoFrames: number } };
const framesOf = (video: Locator): Promise<number> =>
  video.evaluate((element) => (element as unknown as Video).getVideoPlaybackQuality().totalVideoFrames);

const GAP_MS = 3000;

let root = '';
let hub: RunningHub;
let browser: Browser;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-browser-'));
  [hub, browser] = await Promise.all([startHub(join(root, 'data'), { SEGMENT_SECONDS: '2' }), launchBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

/** A page whose own errors fail the test. */
async function open(url: string, options: { phone?: boolean; locale?: string } = {}): Promise<{ page: Page; errors: string[] }> {
  const { phone = false, locale = 'zh-CN' } = options;
  const viewport = phone ? { width: 390, height: 844 } : { width: 1440, height: 900 };
  const context = await browser.newContext({
    storageState: signedIn(hub.url),
    viewport,
    locale,
    hasTouch: phone,
    permissions: phone ? ['camera', 'microphone'] : [],
  });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto(url);
  return { page, errors };
}

describe('an operation, from the first click to the review', () => {
  let desk: { page: Page; errors: string[] };
  let phone: { page: Page; errors: string[] };
  let operationId = '';
  let angleId = '';
  const angle = async () => (await call(hub, OperationView, 'GET', `/operations/${operationId}`)).angles[0];
  /** Wait until so many segments more than now are closed. */
  async function moreSegments(count: number): Promise<void> {
    const wanted = ((await angle())?.segments ?? 0) + count;
    await until(`${count} more segments`, async () => ((await angle())?.segments ?? 0) >= wanted);
  }
  const state = (name: string): Locator => phone.page.locator(`[data-testid="capture"][data-state="${name}"]`);

  it('is created, and hands out a link for a phone', async () => {
    ({ operationId } = await call(hub, OperationView, 'POST', '/operations', { name: '拆除 城东路 12 号' }));
    desk = await open(hub.url);
    await desk.page.locator(`a[href="/console/${operationId}"]`).click();
    await desk.page.getByRole('button', { name: '添加机位' }).click();
    await desk.page.getByRole('dialog').getByLabel('机位名称').fill('手机 甲');
    await desk.page.getByRole('dialog').getByRole('button', { name: '添加机位' }).click();
    const link = desk.page.locator('input[readonly]');
    await link.waitFor();
    const url = await link.inputValue();
    expect(url).toMatch(/\/capture#[\w-]{20,}$/);
    await desk.page
      .getByRole('dialog')
      .getByLabel(/close|关闭/i)
      .first()
      .click();
    phone = await open(url, { phone: true });
    await expect.poll(() => phone.page.evaluate('location.href')).toBe(`${hub.url}/capture`); // the secret is out of the address
  });

  it('is recorded from a phone and shown live', async () => {
    await phone.page.getByTestId('capture-start').click();
    await state('recording').waitFor({ timeout: 30_000 });
    await expect.poll(() => phone.page.getByTestId('capture-state').textContent()).toContain('REC');
    angleId = ((await desk.page.locator('[data-testid^="tile-"]').first().getAttribute('data-testid')) ?? '').slice(5);
    await untilMoving(desk.page, angleId);
    await expect.poll(() => desk.page.getByTestId(`state-${angleId}`).textContent()).toBe('录制中');
    await expect.poll(() => desk.page.getByTestId(`elapsed-${angleId}`).textContent()).toMatch(/^00:(0[2-9]|[1-5]\d)$/);
  });

  it('goes on live and on disk while the control process is dead', async () => {
    const { control } = hub.state();
    signal(control, 'SIGKILL');
    const video = desk.page.getByTestId(`tile-${angleId}`).locator('video');
    const before = await framesOf(video);
    await until('the picture moved on', async () => (await framesOf(video)) > before + 15);
    await until('another control process is there', () => hub.state().control !== control);
    await until('the hub is ready', () =>
      fetch(`${hub.url}/readyz`).then(
        (reply) => reply.ok,
        () => false,
      ),
    );
    await state('recording').waitFor({ timeout: 30_000 });
    const looks = async () => (await call(hub, CustodyPage, 'GET', '/custody?what=view.live')).lines.map(({ detail }) => detail ?? {});
    await until('the page watches again, with a line', async () => {
      const [now, then] = await looks();
      return now?.['begins'] === true && then?.['why'] === 'control-restarted';
    });
    await untilMoving(desk.page, angleId);
    expect(readdirSync(join(hub.dataDir, 'recordings', operationId, angleId)).filter((name) => /^\d+$/.test(name))).toEqual(['0001']);
  });

  it('stops when the button is held, not when it is touched, and goes on when asked', async () => {
    const stop = phone.page.getByTestId('capture-stop');
    await stop.click();
    await moreSegments(2); // longer than it would have to be held
    expect(await state('recording').count()).toBe(1);
    await holdToStop(phone.page);
    await expect.poll(() => desk.page.getByTestId(`state-${angleId}`).textContent()).toBe('中断');
    // long enough to be found in the review by steps of a second
    await until('the gap is wide', async () => Date.now() - ((await angle())?.interruption?.startMs ?? Infinity) > GAP_MS);
    await phone.page.getByTestId('capture-start').click();
    await state('recording').waitFor({ timeout: 30_000 });
    await expect.poll(() => desk.page.getByTestId(`state-${angleId}`).textContent()).toBe('录制中');
    await untilMoving(desk.page, angleId);
    await moreSegments(1);
  });

  it('comes back by itself when the media worker dies', async () => {
    const [worker] = workersOf(hub.state().media);
    if (worker === undefined) throw new Error('there is no worker');
    const taken = (): number =>
      readdirSync(join(hub.dataDir, 'recordings', operationId, angleId)).filter((name) => /^\d+$/.test(name)).length;
    const before = taken();
    signal(worker, 'SIGKILL');
    await until('a new take is recorded', () => taken() === before + 1);
    await state('recording').waitFor({ timeout: 30_000 });
    await untilMoving(desk.page, angleId);
    await moreSegments(1);
  });

  it('survives a reload of the phone page: the same link, no new code', async () => {
    await phone.page.reload();
    await phone.page.getByTestId('capture-start').click();
    await state('recording').waitFor({ timeout: 30_000 });
    await moreSegments(1);
  });

  it('ends for everybody, and is packed', async () => {
    await desk.page.getByTestId('end-operation').click();
    await desk.page.locator('.el-message-box').getByRole('button', { name: '结束并归档' }).click();
    await state('ended').waitFor();
    await desk.page.getByTestId('package').getByText('归档包已核验').waitFor({ timeout: 30_000 });
    const report = await verifyOperation(join(hub.dataDir, 'recordings', operationId));
    expect(report.problems).toEqual([]);
    expect(report.angles).toMatchObject([{ angleId, takes: 4 }]);
    const causes = report.interruptions.map(({ cause }) => cause);
    expect(causes, JSON.stringify(report.interruptions)).toEqual(['stopped-by-operator', 'worker-died', 'connection-lost']);
    const first = journalLines(join(hub.dataDir, 'recordings', operationId, angleId, '0001', 'journal.ndjson'));
    const late = first.filter((line) => line['type'] === 'segment' && line['method'] === 'sender-report');
    expect(late.length).toBeGreaterThan(0);
  });

  it('is reviewed: plays, jumps, shows its gaps', async () => {
    await desk.page.goto(`${hub.url}/review/${operationId}`);
    const tile = desk.page.getByTestId(`review-${angleId}`);
    const clock = desk.page.getByTestId('review-clock');
    const hubMs = async (): Promise<number> => Number(await clock.getAttribute('data-hub-ms'));
    await expect.poll(() => tile.getAttribute('data-status'), { timeout: 20_000 }).toMatch(/playing|gap/);
    const beganMs = await hubMs();
    await desk.page.getByTestId('review-play').click();
    const video = tile.locator('video');
    await until('it plays', async () => (await tile.getAttribute('data-status')) === 'playing' && (await framesOf(video)) > 20);
    expect(await hubMs()).toBeGreaterThan(beganMs + 500);
    await desk.page.keyboard.press('Space');
    const stoodMs = await hubMs();
    await desk.page.keyboard.press('ArrowDown');
    expect(await hubMs()).not.toBe(stoodMs);
    // into the interruption: no picture is passed off as one
    const report = await verifyOperation(join(hub.dataDir, 'recordings', operationId));
    const [gap] = report.interruptions;
    if (!gap?.endMs) throw new Error('there was an interruption');
    await desk.page.getByTestId('timeline').waitFor();
    await until('the clock reaches the interruption', async () => {
      if ((await hubMs()) >= gap.startMs + 300) return true;
      await desk.page.keyboard.press('ArrowUp');
      return false;
    });
    while ((await hubMs()) > gap.endMs) await desk.page.keyboard.press('ArrowDown');
    expect(await hubMs()).toBeGreaterThan(gap.startMs + 100);
    await expect.poll(() => tile.getAttribute('data-status')).toBe('gap');
    expect(desk.errors).toEqual([]);
    expect(phone.errors).toEqual([]);
  });
});

describe('what people do wrong', () => {
  it('a link that is none is refused in the language of the browser', async () => {
    for (const [locale, text] of [
      ['zh-CN', '这不是有效的拍摄链接'],
      ['en-GB', 'This is not a capture link'],
    ] as const) {
      const { page } = await open(`${hub.url}/capture#nothing`, { phone: true, locale });
      await page.getByTestId('capture-problem').getByText(text).waitFor();
      await page.context().close();
    }
  });

  it('beyond loopback, too, nothing is shown before somebody has signed in, over HTTPS', async () => {
    const beyond = await startHub(join(root, 'beyond'), { LISTEN: '0.0.0.0', ANNOUNCED_ADDRESS: '127.0.0.1' });
    try {
      const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: 'en-GB' });
      const page = await context.newPage();
      await page.goto(beyond.url);
      const { login = '', password = '' } = sessionAt(beyond.url) ?? {};
      await page.getByLabel('Login', { exact: true }).fill(login);
      await page.getByLabel('Password', { exact: true }).fill('not this one');
      await page.keyboard.press('Enter');
      await page.getByText('Login or password is wrong.').waitFor();
      await page.getByLabel('Password', { exact: true }).fill(password);
      await page.keyboard.press('Enter');
      await page.getByTestId('quick-start').waitFor();
      await context.close();
    } finally {
      await beyond.stop();
    }
  });
});
