import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signedIn } from '../../scripts/demo/sign-in.ts';
import { launchBrowser, startRecording } from '../../scripts/demo/phone.ts';
import { answersOf } from '../support/answers.ts';
import { type RunningHub, startHub, until } from '../support/hub.ts';
import { phoneOperation, type PhoneAngle, type PhoneOperation } from '../support/phone-operation.ts';
import { openPhone, type Phone } from '../support/phones.ts';
import { WebRtcRelay } from '../support/webrtc-relay.ts';

const AGENT = 'Mozilla/5.0 (Linux; Android 14; V2309A) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36';
const SCREENSHOTS = process.env['SCREENSHOTS'];
/** Every connection that the page makes, to be asked what it has received. */
const CONNECTIONS = `
  window.connections = [];
  const Real = RTCPeerConnection;
  window.RTCPeerConnection = class extends Real { constructor(...args) { super(...args); window.connections.push(this); } };
`;

type Connection = { getStats: () => Promise<Map<string, { type: string; trackIdentifier: string; packetsReceived: number }>> };
/** Of all that this page sends. */
const TOLD_LOST = `Promise.all(connections.map((each) => each.getStats())).then((all) => all.flatMap((stats) => [...stats.values()])
  .filter(({ type }) => type === 'remote-inbound-rtp').reduce((sum, { packetsLost }) => sum + packetsLost, 0))`;

type Frames = { getVideoPlaybackQuality: () => { totalVideoFrames: number } };
type Playing = { srcObject: { getAudioTracks: () => { id: string }[] } | null };

let root = '';
let hub: RunningHub;
let browser: Browser;
let relay: WebRtcRelay;
let operation: PhoneOperation;
let phones: Phone[];
let lossy: PhoneAngle;
let clean: PhoneAngle;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-sources-'));
  [hub, browser] = await Promise.all([startHub(join(root, 'data'), { SEGMENT_SECONDS: '2' }), launchBrowser()]);
  relay = await WebRtcRelay.open(Number(hub.rtcPort), 1);
  operation = await phoneOperation(hub, ['东门', '西门']);
  [lossy, clean] = operation.angles as [PhoneAngle, PhoneAngle];
  phones = [
    await openPhone(browser, lossy.url, { userAgent: AGENT, scripts: [relay.script] }),
    await openPhone(browser, clean.url, { scripts: [CONNECTIONS] }),
  ];
  for (const { page } of phones) await startRecording(page);
  if (SCREENSHOTS) mkdirSync(SCREENSHOTS, { recursive: true });
});
afterAll(async () => {
  relay.close();
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

async function openDesk(locale = 'zh-CN', width = 1280): Promise<Page> {
  const context = await browser.newContext({ storageState: signedIn(hub.url), viewport: { width, height: 844 }, locale });
  const page = await context.newPage();
  await page.addInitScript({ content: CONNECTIONS });
  await page.goto(`${hub.url}/console/${operation.operationId}`);
  return page;
}
const fact = (page: Page, key: string): Promise<string | null> => page.getByTestId(`fact-${key}`).textContent();

describe('the source of an angle', () => {
  it('is said with model, codec, size, pictures, loss, round trip and clock; loss as it comes and goes', async () => {
    const source = async () => (await operation.angle(lossy.angleId)).source;
    await expect.poll(source).toMatchObject({ model: 'V2309A · Android · Chrome', video: 'H.264', audio: 'Opus' });
    await until('no packet is missing', async () => (await source())?.loss?.percent === 0);
    relay.lose(0.1);
    await until('a tenth is missing', async () => ((await source())?.loss?.percent ?? 0) > 4);
    relay.lose(0);
    const { loss } = (await source()) ?? {};
    expect(loss?.packets).toBeGreaterThan(0);
    await until('the last ten seconds were good', async () => (await source())?.loss?.percent === 0, 30_000);
    expect((await source())?.loss?.packets).toBeGreaterThanOrEqual(loss?.packets ?? Infinity);
    await until('the round trip is known', async () => ((await source())?.roundTripMs ?? 0) > 0, 30_000);
    expect((await operation.angle(lossy.angleId)).fps).toBeGreaterThan(3);
    // of the other nothing is lost but what its page is told of by receiver reports (RFC 3550, 6.4.1), as may be on a busy machine
    const [, cleanPhone] = phones as [Phone, Phone];
    const cleanLost = async (): Promise<number> => (await operation.angle(clean.angleId)).source?.loss?.packets ?? Infinity;
    await expect.poll(async () => (await cleanLost()) - (await cleanPhone.page.evaluate<number>(TOLD_LOST))).toBeLessThanOrEqual(0);
  });

  it.each([
    ['zh-CN', 1440],
    ['zh-CN', 390],
    ['en', 1440],
    ['en', 390],
  ])('is shown on the console, in %s at %i px', async (locale, width) => {
    const page = await openDesk(locale, width);
    await page.getByTestId(`source-button-${lossy.angleId}`).click();
    await expect.poll(() => fact(page, 'picture')).toMatch(/H\.264 · \d+×\d+ · \d+(\.\d)? (fps|帧\/秒)/);
    expect(await fact(page, 'device')).toBe(`${locale === 'en' ? 'Phone' : '手机'} · V2309A · Android · Chrome`);
    expect(await fact(page, 'sound')).toBe('Opus');
    expect(await fact(page, 'bitrate')).toMatch(/^\d+\.\d\d Mbit\/s$/);
    expect(await fact(page, 'loss')).toMatch(
      locale === 'en' ? /^\d[\d.]* % in the last 10 s · \d+ packets in all$/ : /^最近 10 秒 \d[\d.]*% · 累计 \d+ 个包$/,
    );
    await expect.poll(() => fact(page, 'roundTrip')).toMatch(/^\d+(\.\d)? (ms|毫秒)$/);
    await expect.poll(() => fact(page, 'clock')).toMatch(/± \d+ (ms|毫秒)$/);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    if (SCREENSHOTS) {
      await page.waitForTimeout(600);
      await page.screenshot({ path: join(SCREENSHOTS, `source-${locale}-${width}.png`) });
      await page.keyboard.press('Escape');
      await page.waitForTimeout(600);
      await page.screenshot({ path: join(SCREENSHOTS, `tiles-${locale}-${width}.png`) });
    }
    await page.context().close();
  });
});

describe('sound', () => {
  /** Packets of sound that the browser has received of this angle. */
  const heard = (page: Page, angleId: string): Promise<number> =>
    page
      .getByTestId(`tile-${angleId}`)
      .locator('video')
      .evaluate(async (video: Playing) => {
        const [track] = video.srcObject?.getAudioTracks() ?? [];
        for (const connection of (globalThis as unknown as { connections: Connection[] }).connections)
          for (const stat of (await connection.getStats()).values())
            if (stat.type === 'inbound-rtp' && stat.trackIdentifier === track?.id) return stat.packetsReceived;
        return 0;
      });
  const listen = (page: Page, angleId: string): Promise<void> =>
    page
      .getByTestId(`tile-${angleId}`)
      .getByRole('button', { name: /^(听此机位|静音)$/ })
      .click();
  const grows = (page: Page, angleId: string): Promise<void> =>
    heard(page, angleId).then((before) => until('sound comes', async () => (await heard(page, angleId)) > before + 20));

  it('is sent of the angle that is listened to, and of no other', async () => {
    const page = await openDesk();
    const answered = answersOf(page);
    await page.reload();
    for (const { angleId } of [lossy, clean]) await page.getByTestId(`tile-${angleId}`).locator('video').waitFor();
    await until('both pictures come', async () =>
      page.evaluate(`[...document.querySelectorAll('.tile video')].every((video) => video.videoWidth > 0)`),
    );
    expect(await Promise.all([heard(page, lossy.angleId), heard(page, clean.angleId)])).toEqual([0, 0]);
    await listen(page, clean.angleId);
    await grows(page, clean.angleId);
    expect(await heard(page, lossy.angleId)).toBe(0);
    await listen(page, lossy.angleId);
    await grows(page, lossy.angleId);
    const silent = await heard(page, clean.angleId);
    await grows(page, lossy.angleId);
    expect(await heard(page, clean.angleId)).toBe(silent);
    const paused = answered(/"pauseConsumer"/);
    await listen(page, lossy.angleId);
    await until('the hub sends no more', () => answered(/"pauseConsumer"/) > paused);
    await picturesGoOn(page); // what was under way has come
    const last = await heard(page, lossy.angleId);
    await picturesGoOn(page);
    expect(await heard(page, lossy.angleId)).toBe(last);
    await page.context().close();
  });

  /** For the time of some pictures. */
  async function picturesGoOn(page: Page): Promise<void> {
    const video = page.getByTestId(`tile-${lossy.angleId}`).locator('video');
    const shown = (): Promise<number> => video.evaluate((element: Frames) => element.getVideoPlaybackQuality().totalVideoFrames);
    const before = await shown();
    await until('pictures go on', async () => (await shown()) > before + 10);
  }
});
