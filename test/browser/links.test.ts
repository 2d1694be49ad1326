import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signedIn } from '../../scripts/demo/sign-in.ts';
import { call } from '../../scripts/demo/hub.ts';
import { launchBrowser, startRecording } from '../../scripts/demo/phone.ts';
import { CaptureLink, type LinkCreate } from '../../server/protocol/capture.ts';
import { AngleState, OperationView } from '../../server/protocol/http.ts';
import { crashControl, type RunningHub, startHub } from '../support/hub.ts';
import { holdToStop, inState, openPhone, type Phone } from '../support/phones.ts';

let root = '';
let hub: RunningHub;
let browser: Browser;
let operationId = '';
let angleId = '';
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-links-'));
  [hub, browser] = await Promise.all([startHub(join(root, 'data'), { SEGMENT_SECONDS: '2' }), launchBrowser()]);
  ({ operationId } = await call(hub, OperationView, 'POST', '/operations', { name: '拆除 城东路 12 号' }));
  ({ angleId } = await call(hub, AngleState, 'POST', `/operations/${operationId}/angles`, { name: '东侧' }));
});
afterAll(async () => {
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

const make = (path: string, wanted: LinkCreate = {}): Promise<CaptureLink> =>
  call(hub, CaptureLink, 'POST', `/operations/${operationId}${path}/links`, wanted);
const view = (): Promise<OperationView> => call(hub, OperationView, 'GET', `/operations/${operationId}`);
const status = async (name: string): Promise<string | undefined> => (await view()).angles.find((angle) => angle.name === name)?.status;
const offer = (page: Page, name: string): Locator => page.getByTestId('angle-choice').getByRole('button', { name });
const problem = (page: Page): Locator => page.getByTestId('capture-problem');

describe('phones with one link for the whole operation', () => {
  let url = '';
  let first: Phone;
  let second: Phone;
  beforeAll(async () => {
    ({ url } = await make(''));
    first = await openPhone(browser, url);
    second = await openPhone(browser, url);
  });
  afterAll(async () => {
    await first.context.close();
    await second.context.close();
  });

  it('propose an angle by its name, which the hub then records', async () => {
    await inState(first.page, 'choosing').waitFor();
    await first.page.getByLabel('新建一个').fill('北门 王五');
    await first.page.getByRole('button', { name: '新建并选用' }).click();
    await startRecording(first.page);
    expect(await status('北门 王五')).toBe('recording');
  });

  it('see what another one films, cannot take it unasked, and film another angle', async () => {
    await expect.poll(() => offer(second.page, '北门 王五').textContent()).toContain('另一台设备正在拍摄');
    await offer(second.page, '北门 王五').click();
    await inState(second.page, 'in-use').waitFor();
    expect(await second.page.getByTestId('in-use').textContent()).toContain('Chrome');
    await second.page.getByRole('button', { name: '更换机位' }).click();
    await inState(second.page, 'choosing').waitFor();
    await second.page.getByLabel('新建一个').fill('北门 王五');
    await second.page.getByRole('button', { name: '新建并选用' }).click();
    await expect.poll(() => problem(second.page).textContent()).toContain('已有同名机位');
    await offer(second.page, '东侧').click();
    await startRecording(second.page);
    expect(await status('东侧')).toBe('recording');
    expect(await status('北门 王五')).toBe('recording');
  });

  it('keep their angle over a reload, and while the hub crashes', async () => {
    await second.page.reload();
    await inState(second.page, 'ready').waitFor({ timeout: 30_000 });
    await startRecording(second.page);
    await crashControl(hub);
    await inState(second.page, 'recording').waitFor({ timeout: 30_000 });
    const third = await openPhone(browser, url);
    await expect.poll(() => offer(third.page, '东侧').textContent()).toContain('另一台设备正在拍摄'); // the hub that has just started knows it, too
    await third.context.close();
  });

  it('give an angle up when they stop; of two that want it the first to start has it, the other is told and chooses again', async () => {
    const [third, fourth] = [await openPhone(browser, url), await openPhone(browser, url)];
    await holdToStop(second.page);
    for (const { page } of [third, fourth]) {
      await offer(page, '东侧').click({ timeout: 30_000 });
      await inState(page, 'ready').waitFor();
    }
    await startRecording(third.page);
    await fourth.page.getByTestId('capture-start').click();
    await inState(fourth.page, 'choosing').waitFor();
    expect(await problem(fourth.page).textContent()).toContain('此机位正由另一台设备拍摄，请选择其他机位');
    expect(await inState(third.page, 'recording').count()).toBe(1);
    expect(await inState(first.page, 'recording').count()).toBe(1);
    expect([...first.errors, ...second.errors, ...third.errors, ...fourth.errors]).toEqual([]);
    await third.context.close();
    await fourth.context.close();
  });
});

describe('one device of a link for several', () => {
  it('is shut out alone: it stops and says so, cannot come back, and the others go on', async () => {
    const link = await make('', { label: '两台手机' });
    const film = async (name: string): Promise<Phone> => {
      const phone = await openPhone(browser, link.url);
      await phone.page.getByLabel('新建一个').fill(name);
      await phone.page.getByRole('button', { name: '新建并选用' }).click();
      await startRecording(phone.page);
      return phone;
    };
    const [out, other] = [await film('南墙'), await film('北墙')];
    for (const [locale, width] of [
      ['en-GB', 1280],
      ['en-GB', 390],
      ['zh-CN', 390],
      ['zh-CN', 1280],
    ] as const) {
      const desk = await (
        await browser.newContext({ storageState: signedIn(hub.url), viewport: { width, height: 844 }, locale })
      ).newPage();
      await desk.goto(`${hub.url}/console/${operationId}`);
      await desk.getByTestId('operation-link').click();
      const item = desk.getByTestId('link-item').filter({ hasText: '两台手机' });
      const device = item.getByTestId('link-device').filter({ hasText: '南墙' });
      await expect.poll(() => item.getByTestId('link-device').count()).toBe(2);
      expect(await device.textContent()).toMatch(locale === 'zh-CN' ? /Linux · Chrome.*拍摄中.*打开/ : /Linux · Chrome.*filming.*opened/);
      expect(await desk.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
      const shots = process.env['SCREENSHOTS'];
      if (shots) {
        await device.scrollIntoViewIfNeeded();
        await desk.waitForTimeout(600);
        await desk.screenshot({ path: join(shots, `links-${locale}-${width}.png`) });
      }
      if (locale === 'zh-CN' && width === 1280) {
        await device.getByRole('button', { name: '停用' }).click();
        await desk.locator('.el-message-box').getByRole('button', { name: '停用' }).click();
        await expect.poll(() => device.textContent()).toContain('已停用');
        expect(await device.getByRole('button').count()).toBe(0);
      }
      await desk.context().close();
    }
    await inState(out.page, 'stopped').waitFor();
    expect(await problem(out.page).textContent()).toContain('指挥员已停用本设备');
    await expect.poll(() => status('南墙')).toBe('interrupted');
    await out.page.getByTestId('capture-start').click();
    await expect.poll(() => problem(out.page).textContent()).toContain('指挥员已停用本设备');
    await out.page.goto('about:blank');
    await out.page.goto(link.url); // scanned again
    await expect.poll(() => problem(out.page).textContent()).toContain('指挥员已停用本设备');
    expect(await inState(other.page, 'recording').count()).toBe(1);
    expect(await status('北墙')).toBe('recording');
    expect(await status('南墙')).toBe('interrupted');
    const later = await openPhone(browser, link.url); // the link is good for others
    await inState(later.page, 'choosing').waitFor();
    for (const { context } of [out, other, later]) await context.close();
  });
});

describe('a link that is not good any more says so in words', () => {
  const said = async (url: string, locale: string): Promise<string> => {
    const phone = await openPhone(browser, url, { locale });
    await problem(phone.page).waitFor();
    const text = (await problem(phone.page).textContent()) ?? '';
    expect(phone.errors).toEqual([]);
    await phone.context.close();
    return text;
  };

  it('when it is for one device and another one has it, which goes on', async () => {
    const { url } = await make(`/angles/${angleId}`, { devices: 'one' });
    const mine = await openPhone(browser, url);
    await inState(mine.page, 'ready').waitFor();
    expect(await said(url, 'zh-CN')).toBe('此链接只供一台设备使用，已在另一台设备上打开。请向指挥员索取新的二维码。');
    expect(await said(url, 'en-GB')).toContain('This link is for one device');
    await mine.page.goto('about:blank');
    await mine.page.goto(url); // its officer scans the code again
    await inState(mine.page, 'ready').waitFor();
    await mine.context.close();
  });

  it('when its time is over', async () => {
    const { url, linkId } = await make(`/angles/${angleId}`);
    const store = new DatabaseSync(join(hub.dataDir, 'fieldhub.sqlite'), { timeout: 5000 });
    store.prepare('UPDATE capture_link SET expires_ms = created_ms - 1 WHERE link_id = ?').run(linkId);
    store.close();
    expect(await said(url, 'zh-CN')).toBe('链接已过期。请向指挥员索取新的二维码。');
    expect(await said(url, 'en-GB')).toContain('expired');
  });

  it('when it is not a link of this hub, or none', async () => {
    expect(await said(`${hub.url}/capture#${'x'.repeat(43)}`, 'zh-CN')).toContain('这不是有效的拍摄链接');
    expect(await said(`${hub.url}/capture#${'x'.repeat(43)}`, 'en-GB')).toContain('not a capture link');
    expect(await said(`${hub.url}/capture`, 'zh-CN')).toContain('没有拍摄链接');
  });

  it('when the console revokes it, at once, in the middle of a recording; the console says who used it', async () => {
    const link = await make('', { label: '张三' });
    const phone = await openPhone(browser, link.url);
    await phone.page.getByLabel('新建一个').fill('屋顶');
    await phone.page.getByRole('button', { name: '新建并选用' }).click();
    await startRecording(phone.page);
    const desk = await (
      await browser.newContext({ storageState: signedIn(hub.url), viewport: { width: 1440, height: 900 }, locale: 'zh-CN' })
    ).newPage();
    await desk.goto(`${hub.url}/console/${operationId}`);
    await desk.getByTestId('operation-link').click();
    const item = desk.getByTestId('link-item').filter({ hasText: '张三' });
    await expect.poll(() => item.textContent()).toContain('屋顶');
    expect(await item.textContent()).toContain('Chrome');
    await item.getByRole('button', { name: '撤销' }).click();
    await desk.locator('.el-message-box').getByRole('button', { name: '撤销' }).click();
    await inState(phone.page, 'stopped').waitFor();
    expect(await problem(phone.page).textContent()).toBe('链接已被撤销。请联系指挥员。');
    await expect.poll(() => item.textContent()).toContain('已撤销');
    await expect.poll(() => status('屋顶')).toBe('interrupted');
    expect(await said(link.url, 'en-GB')).toContain('revoked');
    await phone.context.close();
  });
});
