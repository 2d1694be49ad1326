import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../../scripts/demo/hub.ts';
import { launchBrowser, startRecording } from '../../scripts/demo/phone.ts';
import { CaptureLink } from '../../server/protocol/capture.ts';
import { checkAgain, checked } from '../support/check-again.ts';
import { SENDERS } from '../support/clock-phone.ts';
import { type RunningHub, startHub, until } from '../support/hub.ts';
import { journalLines } from '../support/operation.ts';
import { phoneOperation, type PhoneOperation } from '../support/phone-operation.ts';
import { allowZoom, inState, openPhone } from '../support/phones.ts';
import { playTake, takesOf } from '../support/playback.ts';

let root = '';
let hub: RunningHub;
let browser: Browser;
let operation: PhoneOperation;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-camera-'));
  [hub, browser] = await Promise.all([startHub(join(root, 'data'), { SEGMENT_SECONDS: '2' }), launchBrowser()]);
  operation = await phoneOperation(hub, ['东侧', '北门', '屋顶']);
});
afterAll(async () => {
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

const angleOf = (i: number): PhoneOperation['angles'][number] => {
  const angle = operation.angles[i];
  if (!angle) throw new Error(`no angle ${i}`);
  return angle;
};
type Sending = { codec: string; encodings: { scaleResolutionDownBy?: number; maxBitrate?: number }[]; zoom: number | undefined };
const sending = (page: Page): Promise<Sending> =>
  page.evaluate<Sending>(`(() => {
    const { codecs, encodings } = videoSender().getParameters();
    return { codec: codecs[0].mimeType, encodings, zoom: videoSender().track.getSettings().zoom };
  })()`);
const bitratesOf = ({ encodings }: Sending) => encodings.map(({ maxBitrate }) => maxBitrate);

describe('what a phone sends', () => {
  it('is three layers of H.264, scaled explicitly, on a good uplink', async () => {
    const { page, errors } = await openPhone(browser, angleOf(0).url, { scripts: [SENDERS] });
    await checked(page);
    await startRecording(page);
    const sent = await sending(page);
    expect(sent.codec).toBe('video/H264');
    expect(sent.encodings.map(({ scaleResolutionDownBy }) => scaleResolutionDownBy)).toEqual([4, 2, 1]);
    await operation.moreSegments(angleOf(0).angleId, 2);
    const layers = journalLines(join(angleOf(0).dir, '0001/journal.ndjson')).filter(({ type }) => type === 'layer');
    for (const line of layers) expect(line).toMatchObject({ layers: 3 });
    expect(layers.length).toBeGreaterThan(0);
    expect(errors).toEqual([]);
    await page.close();
  });

  it('is one layer on a thin one', async () => {
    const { page, context } = await openPhone(browser, 'about:blank', { scripts: [SENDERS] });
    const devtools = await context.newCDPSession(page);
    await page.goto(angleOf(1).url, { waitUntil: 'domcontentloaded' });
    await checked(page);
    await devtools.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 40,
      downloadThroughput: -1,
      uploadThroughput: 200_000,
    });
    if (!(await page.getByRole('button', { name: '重新检查' }).isVisible())) await page.getByTestId('preflight').locator('summary').click();
    await checkAgain(page, page.getByRole('button', { name: '重新检查' }));
    await startRecording(page);
    const sent = await sending(page);
    expect(sent.encodings).toHaveLength(1);
    expect(sent.codec).toBe('video/H264');
    await page.close();
  });
});

describe('the camera’s controls', () => {
  let page: Page;
  const width = async (): Promise<number | null> => (await operation.angle(angleOf(2).angleId)).width;

  it('switch, zoom and change the size of the picture within one take', async () => {
    const phone = await openPhone(browser, 'about:blank', { scripts: [SENDERS] });
    ({ page } = phone);
    await allowZoom(phone, hub.url);
    await page.goto(angleOf(2).url.replace('/capture#', '/capture?layers=1#'));
    await startRecording(page);
    await until('the picture is 720p', async () => (await width()) === 1280);
    await operation.moreSegments(angleOf(2).angleId, 1);
    await page.getByTestId('camera-flip').click();
    await until('the other camera is there', async () => !(await page.getByTestId('camera-flip').isDisabled()));
    await operation.moreSegments(angleOf(2).angleId, 1);
    await page.getByTestId('camera-lines').click();
    await until('the picture is 1080p', async () => (await width()) === 1920);
    expect(bitratesOf(await sending(page))).toEqual([4_500_000]);
    await operation.moreSegments(angleOf(2).angleId, 1);
    await page.getByTestId('camera-zoom').fill('300');
    await until('the camera has zoomed', async () => (await sending(page)).zoom === 300);
    expect(await page.getByTestId('camera-torch').count()).toBe(0); // this camera has none
    await page.getByTestId('camera-lines').click();
    await until('the picture is 720p', async () => (await width()) === 1280);
    expect(bitratesOf(await sending(page))).toEqual([2_500_000]);
    await operation.moreSegments(angleOf(2).angleId, 1);
    expect(takesOf(angleOf(2).dir)).toEqual(['0001']);
  });

  it('say in bars, a word and a figure how well the picture gets through', async () => {
    const bars = page.getByTestId('send-quality');
    await expect.poll(() => bars.textContent()).toMatch(/(很好|良好|较差) · \d+\.\d 兆\/秒 · \d+p/);
    await page.close();
    await operation.end();
    const { status, said, playlist } = await playTake(operation.dir, angleOf(2).angleId, '0001');
    expect(said, playlist).toBe('');
    expect(status).toBe(0);
  });
});

describe('a browser that gives no camera', () => {
  const WECHAT =
    'Mozilla/5.0 (Linux; Android 14; V2309A) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36 MicroMessenger/8.0.57';
  const IPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile/15E148 Safari/604.1';
  let strict: Browser;
  let url = '';
  beforeAll(async () => {
    const args = ['--no-sandbox', '--disable-gpu', '--use-fake-device-for-media-stream', '--deny-permission-prompts'];
    strict = await chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', headless: true, args });
    const other = await phoneOperation(hub, ['西门']);
    const path = `/operations/${other.operationId}/angles/${other.angles[0]?.angleId ?? ''}/links`;
    ({ url } = await call(hub, CaptureLink, 'POST', path, { devices: 'one' }));
  });
  afterAll(() => strict.close());

  it.each([
    ['has none at all', () => browser, ["Object.defineProperty(Navigator.prototype, 'mediaDevices', { value: undefined })"]],
    ['refuses it', () => strict, []],
  ])('within WeChat (%s) says how to open the link elsewhere, and leaves the link good', async (_, which, scripts) => {
    const { page, context } = await openPhone(which(), url, { userAgent: WECHAT, permissions: [], scripts });
    await page.getByTestId('wechat-guide').waitFor();
    expect(await page.getByTestId('wechat-guide').textContent()).toContain('在浏览器打开');
    expect(page.url()).toBe(url); // which is what the next browser is given
    await context.close();
  });

  it('says on an iPhone where to allow it, in both languages', async () => {
    const chinese = await openPhone(strict, url, { userAgent: IPHONE, permissions: [] });
    await expect.poll(() => chinese.page.getByTestId('capture-problem').textContent()).toContain('网站设置');
    await chinese.page.getByRole('button', { name: 'English' }).click();
    expect(await chinese.page.getByTestId('capture-problem').textContent()).toContain('Website Settings');
    await chinese.context.close();
  });
});

it('a link for one device that WeChat could not use is then used in the browser', async () => {
  const other = await phoneOperation(hub, ['西门']);
  const path = `/operations/${other.operationId}/angles/${other.angles[0]?.angleId ?? ''}/links`;
  const { url } = await call(hub, CaptureLink, 'POST', path, { devices: 'one' });
  const scripts = ["Object.defineProperty(Navigator.prototype, 'mediaDevices', { value: undefined })"];
  const wechat = await openPhone(browser, url, { userAgent: 'MicroMessenger/8.0', permissions: [], scripts });
  await wechat.page.getByTestId('wechat-guide').waitFor();
  const phone = await openPhone(browser, wechat.page.url());
  await inState(phone.page, 'ready').waitFor();
  await wechat.context.close();
  await phone.context.close();
});
