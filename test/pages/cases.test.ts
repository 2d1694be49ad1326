import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../../scripts/demo/hub.ts';
import { OperationView } from '../../server/protocol/http.ts';
import { OperationFacts } from '../../server/protocol/operations.ts';
import { DeviceView } from '../../server/protocol/devices.ts';
import { seedBoard } from '../support/board.ts';
import { consolePage, follow, VIEWS } from '../support/console-page.ts';
import { type RunningHub, startHub } from '../support/hub.ts';
import { launchBrowser } from '../../scripts/demo/phone.ts';

let root = '';
let hub: RunningHub;
let browser: Browser;
let caseId = '';
let planned = '';
let squad = '';
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-cases-'));
  [hub, browser] = await Promise.all([startHub(join(root, 'data')), launchBrowser()]);
  ({ caseId, planned, squadId: squad } = await seedBoard(hub));
});
afterAll(async () => {
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

const rows = (page: Page) => page.locator('main ul > li');

describe.each(VIEWS)('the board and the forms in %s at %i pixels', (locale, width) => {
  it('show operations and cases, live ones first, and what is missing', async () => {
    const { page, shot, close } = await consolePage(browser, hub.url, { name: 'board', locale, width });
    await expect.poll(() => rows(page).count()).toBeGreaterThanOrEqual(3);
    expect(await rows(page).first().textContent()).toContain('夜市检查');
    await shot('all');
    await follow(page, `/operations/${planned}`);
    await page.getByTestId('facts-form').waitFor();
    await expect.poll(() => page.locator('dd.missing').count()).toBe(1);
    await shot('facts');
    await follow(page, '/operations/new');
    await page.getByTestId('facts-form').waitFor();
    await page.getByTestId('facts-form').locator('button[type="submit"]').click();
    expect(await page.getByRole('alert').textContent()).toContain(locale === 'en' ? 'Name' : '行动名称');
    await shot('new');
    await follow(page, '/cases');
    await expect.poll(() => rows(page).count()).toBeGreaterThanOrEqual(1);
    await shot('cases');
    await follow(page, `/cases/${caseId}`);
    await page.getByTestId('case-form').waitFor();
    await shot('case');
    await close();
  });
});

describe('a plan', () => {
  it('has an angle renamed, and another one taken out', async () => {
    const angles = ['北门', '航拍'];
    const { operationId } = await call(hub, OperationView, 'POST', '/operations', { name: '改机位', planned: true, angles });
    const { page, close } = await consolePage(browser, `${hub.url}/operations/${operationId}`, {
      name: 'plan',
      locale: 'zh-CN',
      width: 390,
    });
    const names = async () => (await call(hub, OperationFacts, 'GET', `/operations/${operationId}/facts`)).angles.map(({ name }) => name);
    const name = page.getByLabel('机位', { exact: true });
    await name.first().fill('东门');
    await name.first().blur();
    await expect.poll(names).toEqual(['东门', '航拍']);
    await page.getByRole('button', { name: '移除 航拍' }).click();
    await page.locator('.el-message-box').getByRole('button', { name: '移除 航拍' }).click();
    await expect.poll(names).toEqual(['东门']);
    await expect.poll(() => name.count()).toBe(1);
    await close();
  });
});

describe('who films what', () => {
  it('is kept of every field that somebody goes through, however long the first takes, and what is being typed stays', async () => {
    const angles = ['北门', '航拍'];
    const plan = { name: '排班', planned: true, angles };
    const { operationId } = await call(hub, OperationView, 'POST', '/operations', plan);
    const facts = () => call(hub, OperationFacts, 'GET', `/operations/${operationId}/facts`);
    const { page, close } = await consolePage(browser, `${hub.url}/operations/${operationId}`, {
      name: 'who',
      locale: 'zh-CN',
      width: 390,
    });
    const officer = page.getByLabel('拍摄人', { exact: true });
    let go = (): void => undefined;
    const held = new Promise<void>((resolve) => (go = resolve));
    await page.route('**/plan', (route) => held.then(() => route.continue()), { times: 1 });
    await officer.nth(0).fill('王伟');
    await officer.nth(1).fill('李娜');
    await officer.nth(0).fill('王伟强'); // typed while the others are on their way
    go();
    await expect.poll(async () => (await facts()).angles.map((each) => each.officer)).toEqual(['王伟', '李娜']);
    expect(await officer.nth(0).inputValue()).toBe('王伟强');
    await officer.nth(0).blur();
    await expect.poll(async () => (await facts()).angles.map((each) => each.officer)).toEqual(['王伟强', '李娜']);
    await close();
  });
});

describe('somebody in a hurry', () => {
  it('has a live operation with two angles and a code to scan after one press', async () => {
    const { page, shot, close } = await consolePage(browser, hub.url, { name: 'quick', locale: 'zh-CN', width: 1440 });
    const startMs = performance.now();
    await page.getByTestId('quick-start').click();
    await page.getByTestId('link-code').waitFor();
    expect(performance.now() - startMs).toBeLessThan(20_000);
    expect(await page.locator('[data-testid^="tile-"]').count()).toBe(2);
    await shot('code');
    const operationId = page.url().split('/').at(-1) ?? '';
    const { state, quick, name } = await call(hub, OperationFacts, 'GET', `/operations/${operationId}/facts`);
    expect([state, quick, name.slice(0, 4)]).toEqual(['live', true, '现场行动']);
    await close();
  });

  it('finds the name that was typed after a reload, until the operation has it', async () => {
    const { page, close } = await consolePage(browser, hub.url, { name: 'quick-name', locale: 'zh-CN', width: 1440 });
    const name = page.getByLabel('现在就开始');
    await name.fill('北门冲突');
    await page.reload();
    await expect.poll(() => name.inputValue()).toBe('北门冲突');
    await page.getByTestId('quick-start').click();
    await page.getByRole('heading', { name: '北门冲突', level: 1 }).waitFor();
    await page.goto(hub.url);
    await name.waitFor();
    expect(await name.inputValue()).toBe('');
    await close();
  });
});

describe('somebody who plans', () => {
  it('finds a device beyond the first page by its number, and reads which it is when it is being repaired', async () => {
    const facts = { squadId: squad, type: 'body-camera', model: 'T8' };
    const made: DeviceView[] = [];
    for (let n = 1; n <= 32; n += 1) made.push(await call(hub, DeviceView, 'POST', '/devices', { ...facts, serial: `BC-${1000 + n}` }));
    const { page, shot, close } = await consolePage(browser, `${hub.url}/operations/${planned}`, {
      name: 'plan',
      locale: 'zh-CN',
      width: 390,
    });
    const device = page.getByLabel('设备', { exact: true }).first();
    await device.fill('BC-10');
    await page.getByText('另有 26 台').waitFor();
    await shot('found');
    await device.fill('BC-1032');
    await page.getByRole('button', { name: 'BC-1032' }).click();
    const chosen = page.getByTestId('angle-device');
    await chosen.getByText('执法记录仪 · T8 · BC-1032').waitFor();
    const { deviceId = '' } = made.at(-1) ?? {};
    await call(hub, DeviceView, 'PUT', `/devices/${deviceId}`, { ...facts, serial: 'BC-1032', state: 'in-repair', version: 1 });
    await page.reload();
    await chosen.getByText('BC-1032').waitFor();
    await page.getByRole('button', { name: '移除 BC-1032' }).click();
    await device.fill('BC-1032');
    await page.getByText('没有符合条件的在用设备').waitFor();
    await close();
  });

  it('says why an angle is added while the operation goes on, which its review shows', async () => {
    const { operationId } = await call(hub, OperationView, 'POST', '/operations', { name: '补拍', angles: ['主机位'] });
    const { page, shot, close } = await consolePage(browser, `${hub.url}/console/${operationId}`, {
      name: 'why',
      locale: 'zh-CN',
      width: 390,
    });
    await page.getByRole('button', { name: '添加机位' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('机位名称').fill('楼顶');
    await dialog.getByTestId('add-reason').fill('执法记录仪没电');
    await shot('dialog');
    await dialog.locator('button[type="submit"]').click();
    await page.getByTestId('link-code').waitFor();
    await follow(page, `/review/${operationId}`);
    await page.getByTestId('review-additions').getByText('增设机位：执法记录仪没电').waitFor();
    await close();
  });
});

describe('somebody who is disturbed', () => {
  const facts = () => call(hub, OperationFacts, 'GET', `/operations/${planned}/facts`);
  /** Somebody else does. */
  const change = async (some: object) =>
    call(hub, OperationFacts, 'PUT', `/operations/${planned}/facts`, { version: (await facts()).version, ...some });

  it('finds what was typed after a reload, is told when another one was faster, and keeps it', async () => {
    const { page, shot, close } = await consolePage(browser, `${hub.url}/operations/${planned}`, {
      name: 'draft',
      locale: 'zh-CN',
      width: 1440,
    });
    const place = page.getByLabel('地点');
    await place.fill('城东路14号');
    await page.reload();
    await expect.poll(() => place.inputValue()).toBe('城东路14号');
    await page.getByTestId('draft').waitFor();
    await change({ name: '强制拆除 甲' });
    await page.getByRole('button', { name: '保存', exact: true }).click();
    await expect.poll(() => page.getByTestId('newer').textContent()).toContain('保存了修改：行动名称。');
    await shot('newer');
    expect(await place.inputValue()).toBe('城东路14号');
    await page.getByRole('button', { name: '保留我填写的内容' }).click();
    await expect.poll(() => page.getByLabel('行动名称').inputValue()).toBe('强制拆除 甲');
    expect(await place.inputValue()).toBe('城东路14号');
    await page.getByRole('button', { name: '保存', exact: true }).click();
    await expect.poll(facts).toMatchObject({ place: '城东路14号', name: '强制拆除 甲' });
    await close();
  });

  it('saves what was typed before another one changed the record, and overwrites nothing else', async () => {
    const { page, close } = await consolePage(browser, `${hub.url}/operations/${planned}`, { name: 'older', locale: 'zh-CN', width: 390 });
    const place = page.getByLabel('地点');
    await place.fill('城东路15号');
    await change({ name: '强制拆除 乙' });
    await page.reload();
    await page.getByTestId('draft').getByText('原记录此后有改动').waitFor();
    expect(await place.inputValue()).toBe('城东路15号');
    expect(await page.getByLabel('行动名称').inputValue()).toBe('强制拆除 乙');
    await page.getByRole('button', { name: '保存', exact: true }).click();
    await expect.poll(facts).toMatchObject({ place: '城东路15号', name: '强制拆除 乙' });
    await close();
  });

  it('loses nothing while the newer record cannot be read, and can take what the other one wrote', async () => {
    const { page, close } = await consolePage(browser, `${hub.url}/operations/${planned}`, { name: 'theirs', locale: 'zh-CN', width: 390 });
    const place = page.getByLabel('地点');
    await place.fill('城东路16号');
    await change({ place: '城东路17号' });
    await page.route('**/facts', (route) => (route.request().method() === 'GET' ? route.abort() : route.fallback()));
    await page.getByRole('button', { name: '保存', exact: true }).click();
    await page.getByTestId('facts-form').getByText('无法连接服务器').waitFor();
    expect(await place.inputValue()).toBe('城东路16号');
    await page.unroute('**/facts');
    await page.getByRole('button', { name: '保存', exact: true }).click();
    await page.getByRole('button', { name: '采用他人的修改' }).click();
    await expect.poll(() => place.inputValue()).toBe('城东路17号');
    await page.reload();
    await expect.poll(() => place.inputValue()).toBe('城东路17号');
    expect(await page.getByTestId('draft').count()).toBe(0);
    await close();
  });

  it('keeps what was typed while there is no network, says so, and saves it afterwards', async () => {
    const { page, close } = await consolePage(browser, `${hub.url}/operations/${planned}`, {
      name: 'offline',
      locale: 'zh-CN',
      width: 390,
    });
    const place = page.getByLabel('地点');
    await place.fill('城东路18号');
    await page.context().setOffline(true);
    await page.getByRole('button', { name: '保存' }).click();
    await page.getByTestId('facts-form').getByText('无法连接服务器').waitFor();
    expect(await place.inputValue()).toBe('城东路18号');
    await page.context().setOffline(false);
    await page.getByRole('button', { name: '保存' }).click();
    await expect.poll(async () => (await call(hub, OperationFacts, 'GET', `/operations/${planned}/facts`)).place).toBe('城东路18号');
    await close();
  });

  it('finds an operation by a word of two characters, and keeps the search in the address', async () => {
    const { page, close } = await consolePage(browser, hub.url, { name: 'search', locale: 'zh-CN', width: 390 });
    await page.getByLabel('搜索').fill('道经');
    await expect.poll(() => rows(page).count()).toBe(1);
    expect(await rows(page).first().textContent()).toContain('占道经营整治');
    await page.reload();
    await expect.poll(() => rows(page).count()).toBe(1);
    await page.getByLabel('搜索').fill('无此行动');
    await page.getByText('没有符合条件的行动').waitFor();
    await close();
  });
});
