import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { CDPSession, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signedIn } from '../../scripts/demo/sign-in.ts';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { startRecording } from '../../scripts/demo/phone.ts';
import { duration } from '../../web/composables/format.ts';
import { type RunningHub, startHub, until } from '../support/hub.ts';
import { journalLines } from '../support/operation.ts';
import { ownBrowser } from '../support/own-browser.ts';
import { type PhoneAngle, phoneOperation, type PhoneOperation } from '../support/phone-operation.ts';
import { inState } from '../support/phones.ts';
import { complaints } from '../support/playback.ts';

/** Longer than a socket lives without an answer. */
const FROZEN_MS = 12_000;
const AWAY_MS = 3000;
const NEAR_MS = 1000;

let root = '';
let hub: RunningHub;
let browser: Awaited<ReturnType<typeof ownBrowser>>;
let operation: PhoneOperation;
let angle: PhoneAngle;
let phone: Page;
let other: Page;
let devtools: CDPSession;
const errors: string[] = [];
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-background-'));
  hub = await startHub(join(root, 'data'), { SEGMENT_SECONDS: '2' });
  browser = await ownBrowser();
  operation = await phoneOperation(hub, ['手机']);
  [angle] = operation.angles as [PhoneAngle];
  phone = await browser.context.newPage();
  phone.on('pageerror', (error) => errors.push(error.message));
  await phone.setViewportSize({ width: 390, height: 844 });
  await phone.goto(angle.url.replace('/capture#', '/capture?layers=1#'));
  if ((await phone.evaluate('document.documentElement.lang')) !== 'zh-CN') await phone.getByRole('button', { name: '中文' }).click();
  await startRecording(phone);
  devtools = await browser.context.newCDPSession(phone);
  other = await browser.context.newPage();
  await phone.bringToFront();
  await operation.moreSegments(angle.angleId, 1);
});
afterAll(async () => {
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

type HiddenLine = { angleId: string; fromMs: number; toMs: number; atMs: number };
const hidden = (): HiddenLine[] =>
  journalLines(join(operation.dir, 'operation.ndjson')).filter(({ type }) => type === 'source.hidden') as HiddenLine[];
/** Between these two, by the clock of this machine. */
type Span = { fromMs: number; toMs: number };
async function spanOf(what: () => Promise<void>): Promise<Span> {
  const fromMs = Date.now();
  await what();
  return { fromMs, toMs: Date.now() };
}
/** The page tells hub time as well as it knows it. */
const expectWithin = (ms: number | undefined, { fromMs, toMs }: Span): void => {
  expect(ms).toBeGreaterThan(fromMs - NEAR_MS);
  expect(ms).toBeLessThan(toMs + NEAR_MS);
};
const seen = (): Promise<unknown> => phone.evaluate('document.visibilityState');
const banner = () => phone.getByTestId('was-hidden');

async function toBackground(): Promise<void> {
  await other.bringToFront();
  await until('the page is in the background', async () => (await seen()) === 'hidden');
}
async function toFront(): Promise<void> {
  await phone.bringToFront();
  await until('the page is in front', async () => (await seen()) === 'visible');
}

describe('a phone whose capture page goes into the background', () => {
  it('is told so over the whole screen when it is back; the journal says from when to when', async () => {
    const left = await spanOf(toBackground);
    await delay(AWAY_MS);
    expect(await banner().count()).toBe(0);
    const back = await spanOf(toFront);
    await banner().getByText('页面曾在后台').waitFor();
    const box = await banner().boundingBox();
    expect(box).toMatchObject({ x: 0, y: 0, width: 390, height: 844 });
    expect((await phone.getByTestId('was-hidden-go').boundingBox())?.height).toBeGreaterThanOrEqual(56);
    await until('it is in the journal', () => hidden().length === 1);
    const [line] = hidden();
    expect(line?.angleId).toBe(angle.angleId);
    expectWithin(line?.fromMs, left);
    expectWithin(line?.toMs, back);
    await phone.getByTestId('was-hidden-go').click();
    await banner().waitFor({ state: 'detached' });
    await inState(phone, 'recording').waitFor();
  });

  it('and is frozen there until its socket is gone records again by itself, and tells it then', async () => {
    const left = await spanOf(toBackground);
    await devtools.send('Page.setWebLifecycleState', { state: 'frozen' });
    await delay(FROZEN_MS);
    await devtools.send('Page.setWebLifecycleState', { state: 'active' });
    const back = await spanOf(toFront);
    await banner().waitFor();
    await until('it is in the journal', () => hidden().length === 2);
    const [, line] = hidden();
    expectWithin(line?.fromMs, left);
    expectWithin(line?.toMs, back);
    expect((line?.toMs ?? 0) - (line?.fromMs ?? 0)).toBeGreaterThan(FROZEN_MS - 500);
    await phone.getByTestId('was-hidden-go').click();
    await inState(phone, 'recording').waitFor({ timeout: 30_000 });
    await until('the hub says so', async () => (await operation.angle(angle.angleId)).status === 'recording');
    await operation.moreSegments(angle.angleId, 2);
  });

  it('for a moment only is not bothered', async () => {
    await phone.evaluate(`(() => {
      const show = (state) => {
        Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => state });
        document.dispatchEvent(new Event('visibilitychange'));
      };
      show('hidden');
      show('visible');
      delete document.visibilityState;
    })()`);
    await operation.moreSegments(angle.angleId, 1);
    expect(await banner().count()).toBe(0);
    expect(hidden()).toHaveLength(2);
  });

  it('is told of in the review, with a way there', async () => {
    await browser.context.addCookies(signedIn(hub.url).cookies);
    const review = await browser.context.newPage();
    await review.goto(`${hub.url}/review/${operation.operationId}`);
    const list = review.getByTestId('review-incidents');
    await list.getByRole('button').nth(1).waitFor();
    expect(await list.getByRole('button').allTextContents()).toEqual(
      hidden().map(({ fromMs, toMs }) => expect.stringContaining(`手机 · 拍摄页面在后台 ${duration(toMs - fromMs)}，至 `)),
    );
    await list.getByRole('button').nth(1).click();
    const fromMs = hidden()[1]?.fromMs ?? 0;
    const shownMs = async (): Promise<number> => Number(await review.getByTestId('review-clock').getAttribute('data-hub-ms'));
    await until('it shows that time', async () => Math.abs((await shownMs()) - fromMs) < 1);
    await review.close();
  });

  it('has a recording that verifies, and plays without a word from ffmpeg', async () => {
    await operation.end();
    expect((await verifyOperation(operation.dir)).problems).toEqual([]);
    expect(complaints(operation.dir, angle.angleId)).toEqual([]);
    expect(errors).toEqual([]);
  });
});
