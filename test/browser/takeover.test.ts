import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signedIn } from '../../scripts/demo/sign-in.ts';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { call } from '../../scripts/demo/hub.ts';
import { launchBrowser, startRecording } from '../../scripts/demo/phone.ts';
import { OperationView } from '../../server/protocol/http.ts';
import { type RunningHub, startHub, until } from '../support/hub.ts';
import { journalLines } from '../support/operation.ts';
import { phoneOperation, type PhoneAngle, type PhoneOperation } from '../support/phone-operation.ts';
import { holdToStop, inState, openPhone, type Phone } from '../support/phones.ts';
import { journalsOf, playTake } from '../support/playback.ts';

const SCREENSHOTS = process.env['SCREENSHOTS'];
const AGENTS = {
  first: 'Mozilla/5.0 (Linux; Android 14; V2309A) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36',
  second: 'Mozilla/5.0 (Linux; Android 15; PJZ110) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36',
};

let root = '';
let hub: RunningHub;
let browser: Browser;
let operation: PhoneOperation;
let desk: Page;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-takeover-'));
  [hub, browser] = await Promise.all([startHub(join(root, 'data'), { SEGMENT_SECONDS: '2' }), launchBrowser()]);
  operation = await phoneOperation(hub, ['东门', '西门', '南门', '北门']);
  desk = await (
    await browser.newContext({ storageState: signedIn(hub.url), viewport: { width: 1280, height: 860 }, locale: 'zh-CN' })
  ).newPage();
  await desk.goto(`${hub.url}/console/${operation.operationId}`);
  if (SCREENSHOTS) mkdirSync(SCREENSHOTS, { recursive: true });
});
afterAll(async () => {
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

const angleOf = (index: number): PhoneAngle => operation.angles[index] as PhoneAngle;
const view = (): Promise<OperationView> => call(hub, OperationView, 'GET', `/operations/${operation.operationId}`);
const shot = async (page: Page, name: string): Promise<void> => {
  if (!SCREENSHOTS) return;
  await page.waitForTimeout(400);
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
};
const takeovers = (): Record<string, unknown>[] =>
  journalLines(join(operation.dir, 'operation.ndjson')).filter(({ type }) => type === 'takeover');
const takesOf = (angleId: string) => journalsOf(operation.dir, angleId).map(({ lines }) => lines);
const wish = (angleId: string) => desk.getByTestId(`takeover-${angleId}`);

/** A phone that has gone, and the one that waits for it. */
let lost: Awaited<ReturnType<typeof two>>;
/** One phone films an angle; another one has opened the same link. */
async function two(index: number, locale = 'zh-CN'): Promise<{ first: Phone; second: Phone; angleId: string }> {
  const { angleId, url } = angleOf(index);
  const first = await openPhone(browser, url, { userAgent: AGENTS.first, locale });
  await startRecording(first.page);
  await operation.moreSegments(angleId, 1);
  const second = await openPhone(browser, url, { userAgent: AGENTS.second, locale });
  await inState(second.page, 'in-use').waitFor();
  return { first, second, angleId };
}

describe('an angle that a device films, opened on another one with the same link', () => {
  it('is told by which; asked for and agreed to by the commander, it changes hands', async () => {
    const { first, second, angleId } = await two(0);
    expect(await second.page.getByTestId('in-use').textContent()).toContain('V2309A · Android · Chrome');
    await shot(second.page, 'in-use-zh-CN-390');
    await second.page.getByTestId('ask-takeover').click();
    await second.page.getByTestId('takeover-asked').waitFor();
    await shot(second.page, 'asked-zh-CN-390');
    await wish(angleId).waitFor();
    expect(await wish(angleId).textContent()).toMatch(/东门.*PJZ110 · Android · Chrome.*V2309A · Android · Chrome/);
    await shot(desk, 'takeover-zh-CN-1280');
    await desk.setViewportSize({ width: 390, height: 844 });
    expect(await desk.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await shot(desk, 'takeover-zh-CN-390');
    await desk.setViewportSize({ width: 1280, height: 860 });
    expect(await inState(first.page, 'recording').count()).toBe(1); // it goes on until then
    await wish(angleId).getByRole('button', { name: '同意' }).click();
    await inState(second.page, 'recording').waitFor();
    await inState(first.page, 'stopped').waitFor();
    expect(await first.page.getByTestId('capture-problem').textContent()).toBe(
      '指挥员已将此机位交给另一台设备：PJZ110 · Android · Chrome。此前的录像已保存。',
    );
    await shot(first.page, 'handed-over-zh-CN-390');
    await wish(angleId).waitFor({ state: 'detached' });
    await operation.moreSegments(angleId, 1);
    expect((await operation.angle(angleId)).source?.model).toBe('PJZ110 · Android · Chrome');
    const takes = takesOf(angleId);
    expect(takes).toHaveLength(2);
    expect(takes[0]?.at(-1)).toMatchObject({ type: 'take.ended', reason: 'replaced' });
    expect(takeovers()).toMatchObject([
      { angleId, device: 'PJZ110 · Android · Chrome', from: 'V2309A · Android · Chrome', decision: 'agreed' },
    ]);
    // who gave it away does not take it back by starting again
    await first.page.getByTestId('capture-start').click();
    await inState(first.page, 'in-use').waitFor();
    expect(await inState(second.page, 'recording').count()).toBe(1);
    expect([...first.errors, ...second.errors]).toEqual([]);
    for (const { context } of [first, second]) await context.close();
  });

  it('stays with the first when the commander refuses; the second films beside it', async () => {
    const { first, second, angleId } = await two(1, 'en-GB');
    await shot(second.page, 'in-use-en-390');
    await second.page.getByTestId('ask-takeover').click();
    await wish(angleId).getByRole('button', { name: '拒绝' }).click();
    await second.page.getByRole('alert').getByText('The commander has refused').waitFor();
    await shot(second.page, 'refused-en-390');
    expect(await inState(first.page, 'recording').count()).toBe(1);
    await second.page.getByTestId('film-beside').click();
    await startedBeside(second);
    expect((await view()).angles.find(({ name }) => name === '西门 2')?.status).toBe('recording');
    expect((await operation.angle(angleId)).status).toBe('recording');
    expect(takesOf(angleId)).toHaveLength(1);
    expect(takeovers().at(-1)).toMatchObject({ angleId, decision: 'refused' });
    // it is this phone's own from now on, also over a reload
    await second.page.reload();
    await inState(second.page, 'ready').waitFor();
    for (const { context } of [first, second]) await context.close();
  });

  it('lets nobody wait: without an answer the second films beside it by itself', async () => {
    // meanwhile a phone is lost, which the next test waits for
    lost = await two(3);
    await lost.first.context.setOffline(true);
    await lost.first.context.close();
    const { first, second, angleId } = await two(2);
    await second.page.getByTestId('ask-takeover').click();
    await wish(angleId).waitFor();
    await inState(second.page, 'recording').waitFor({ timeout: 40_000 });
    await wish(angleId).waitFor({ state: 'detached' });
    const beside = (await view()).angles.find(({ name }) => name === '南门 2');
    expect(beside?.status).toBe('recording');
    // it began once, and the journal says for which reason
    const checks = () => journalLines(join(operation.dir, 'operation.ndjson')).filter((line) => line['type'] === 'preflight');
    const mine = () => checks().filter(({ angleId: checked }) => checked === beside?.angleId);
    await until('its check is kept', () => mine().length > 0);
    expect(mine()).toMatchObject([{ reason: '指挥员未答复，作为新机位开拍' }]);
    expect(await inState(first.page, 'recording').count()).toBe(1);
    expect(takeovers().at(-1)).toMatchObject({ angleId, decision: 'unanswered' });
    for (const { context } of [first, second]) await context.close();
  });

  it('is free once nothing comes from the first any more; also for one that has asked', async () => {
    const { second, angleId } = lost;
    await inState(second.page, 'ready').waitFor({ timeout: 60_000 });
    await startRecording(second.page);
    await until('the second take', async () => (await operation.angle(angleId)).takes === 2);
    const third = await openPhone(browser, angleOf(3).url);
    await inState(third.page, 'in-use').waitFor();
    await third.page.getByTestId('ask-takeover').click();
    await wish(angleId).waitFor();
    await holdToStop(second.page);
    await inState(third.page, 'recording').waitFor();
    await until('the third take', async () => (await operation.angle(angleId)).takes === 3);
    for (const { context } of [second, third]) await context.close();
  });

  it('is told of in the review: what was asked, and what was said', async () => {
    const review = await (
      await browser.newContext({ storageState: signedIn(hub.url), viewport: { width: 390, height: 844 }, locale: 'en' })
    ).newPage();
    await review.goto(`${hub.url}/review/${operation.operationId}`);
    const told = review.getByTestId('review-incidents').getByRole('button');
    await told.nth(takeovers().length - 1).waitFor();
    const all = (await told.allTextContents()).join('\n');
    expect(all).toMatch(/东门 · PJZ110 · .* took over from V2309A · Android · Chrome, as the commander agreed/);
    expect(all).toContain('the commander refused');
    expect(all).toContain('nobody answered');
    expect(await review.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await shot(review, 'review-en-390');
    await review.context().close();
  });

  it('is recorded so that all of it verifies and plays', async () => {
    await operation.end();
    await operation.packed();
    expect((await verifyOperation(operation.dir)).problems).toEqual([]);
    for (const takeId of ['0001', '0002']) {
      const { status, said } = await playTake(operation.dir, angleOf(0).angleId, takeId);
      expect([status, said]).toEqual([0, '']);
    }
  });
});

/** The button begins at once; where a check has failed it asks why. */
async function startedBeside({ page }: Phone): Promise<void> {
  const reason = page.getByTestId('preflight-reason').getByRole('button').first();
  await inState(page, 'recording').or(reason).first().waitFor();
  if (await reason.isVisible()) await reason.click();
  await inState(page, 'recording').waitFor();
}
