import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../../scripts/demo/hub.ts';
import { launchBrowser } from '../../scripts/demo/phone.ts';
import { EnforcementCase } from '../../server/protocol/cases.ts';
import { DeviceView } from '../../server/protocol/devices.ts';
import { OperationView } from '../../server/protocol/http.ts';
import { OperationFacts } from '../../server/protocol/operations.ts';
import { Squad } from '../../server/protocol/people.ts';
import { consolePage, VIEWS } from '../support/console-page.ts';
import { type RunningHub, startHub } from '../support/hub.ts';

let root = '';
let hub: RunningHub;
let browser: Browser;
let squadId = '';
let known: EnforcementCase;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-pickers-'));
  [hub, browser] = await Promise.all([startHub(join(root, 'data')), launchBrowser()]);
  ({ squadId } = await call(hub, Squad, 'POST', '/squads', { name: '一中队' }));
  known = await call(hub, EnforcementCase, 'POST', '/cases', { number: '〔2026〕第7号', cause: '占道经营', squadId });
  for (const serial of ['BC-1', 'BC-2', 'BC-3'])
    await call(hub, DeviceView, 'POST', '/devices', { squadId, type: 'body-camera', model: 'T8', serial });
});
afterAll(async () => {
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

const opened = async (path: string, locale = 'zh-CN', width = 1440) => {
  const one = await consolePage(browser, hub.url, { name: 'pickers', locale, width });
  await one.page.goto(hub.url + path);
  return one;
};
const plan = (name: string, angles: string[]): Promise<OperationView> =>
  call(hub, OperationView, 'POST', '/operations', { name, planned: true, angles, squadIds: [squadId] });
const factsOf = ({ operationId }: OperationView) => call(hub, OperationFacts, 'GET', `/operations/${operationId}/facts`);
const focused = (one: Locator) => expect.poll(() => one.and(one.page().locator(':focus')).count()).toBe(1);

describe('what is found as it is typed', () => {
  it('says how much that is, goes by Escape and when the field is left, and gives the cursor to what was chosen', async () => {
    const operation = await plan('设备', ['东门', '西门']);
    const { page, close } = await opened(`/operations/${operation.operationId}`);
    const row = page.getByRole('group', { name: '东门' });
    const field = row.getByLabel('设备', { exact: true });
    const list = row.getByRole('listitem');
    await field.focus();
    await expect.poll(() => list.count()).toBe(3);
    await expect.poll(() => row.getByRole('status').textContent()).toBe('找到 3 项');
    await field.fill('BC');
    await expect.poll(() => list.count()).toBe(3);
    await page.keyboard.press('Escape');
    await expect.poll(() => list.count()).toBe(0);
    expect(await field.inputValue()).toBe('BC');
    await field.fill('BC-');
    await expect.poll(() => list.count()).toBe(3);
    // the list goes, but not from under what is pressed
    await page.getByRole('button', { name: '移除 西门' }).click();
    await page.locator('.el-message-box').getByRole('button', { name: '取消' }).click();
    await expect.poll(() => list.count()).toBe(0);

    await page.route('**/api/devices?*', (route) => route.abort());
    await field.fill('BC-2');
    await row.getByRole('alert').getByText('搜索失败').waitFor();
    await page.unroute('**/api/devices?*');
    await row.getByRole('button', { name: '重试' }).click();
    await expect.poll(() => list.count()).toBe(1);
    await field.focus();
    await expect.poll(() => row.getByRole('alert').count()).toBe(0);
    await list.getByRole('button').focus();
    await page.keyboard.press('Enter');
    const remove = row.getByRole('button', { name: '移除 BC-2' });
    await focused(remove);
    await page.keyboard.press('Enter');
    await focused(field);
    await expect.poll(async () => (await factsOf(operation)).angles[0]?.device).toBe(null);
    await close();
  });

  it('of cases too', async () => {
    const { page, close } = await opened('/operations/new');
    const field = page.getByLabel('案件', { exact: true });
    const one = page.getByRole('button', { name: known.number });
    await field.focus();
    await one.waitFor();
    await page.keyboard.press('Escape');
    await one.waitFor({ state: 'detached' });
    await field.fill('占道');
    await one.waitFor();
    await page.keyboard.press('Tab');
    await focused(one);
    await page.keyboard.press('Enter');
    const remove = page.getByRole('button', { name: `移除 ${known.number}` });
    await focused(remove);
    await page.keyboard.press('Enter');
    await focused(field);
    await one.waitFor();
    await page.getByLabel('行动名称').focus();
    await one.waitFor({ state: 'detached' });
    await close();
  });

  it.each(VIEWS)('fits its form: %s, %i pixels', async (locale, width) => {
    const operation = await plan(`设备 ${locale} ${width}`, ['东门', '西门']);
    const { page, shot, close } = await opened(`/operations/${operation.operationId}`, locale, width);
    await page.getByRole('group', { name: '东门' }).getByRole('searchbox').fill('BC-');
    await page.getByRole('button', { name: 'BC-3' }).waitFor();
    await page.getByRole('group', { name: '东门' }).scrollIntoViewIfNeeded();
    await shot('device');
    const officers = page.getByTestId('officers').getByRole('textbox');
    await officers.fill('王伟、李娜、赵敏、');
    await page.getByRole('button', { name: '赵敏' }).waitFor();
    await officers.scrollIntoViewIfNeeded();
    await shot('officers');
    await close();
  });
});

describe('a list of officers', () => {
  it('is taken out of a table, and the cursor stays where more can be typed', async () => {
    const { page, close } = await opened('/operations/new');
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    const officers = page.getByTestId('officers');
    const field = officers.getByRole('textbox');
    const names = async () => (await officers.locator('.chips li').allTextContents()).map((each) => each.split('\u00a0')[0]?.trim());
    const table = Array.from({ length: 30 }, (_, at) => `队员甲乙丙丁${at}`);
    await page.evaluate(
      `navigator.clipboard.writeText(${JSON.stringify(`${table.slice(0, 20).join('\n')}\t${table.slice(20).join('\t')}\n`)})`,
    );
    await field.fill('王芳');
    await page.keyboard.press('Control+V');
    await expect.poll(names).toEqual(['王芳', ...table]);
    await officers.getByRole('button', { name: '移除 王芳' }).focus();
    await page.keyboard.press('Enter');
    await focused(field);
    expect(await names()).toEqual(table);
    await close();
  });
});

describe('what a plan of an angle is refused', () => {
  it('is said until that is saved, and not shown as if it were', async () => {
    const operation = await plan('拒绝', ['东门', '西门']);
    const { page, close } = await opened(`/operations/${operation.operationId}`);
    const row = page.getByRole('group').filter({ has: page.getByLabel('机位', { exact: true }) });
    const name = row.first().getByLabel('机位', { exact: true });
    const officer = row.first().getByLabel('拍摄人');
    await name.fill('东\u0007门');
    await name.blur();
    const problem = row.first().getByRole('alert');
    await expect.poll(() => problem.textContent()).toContain('输入有误：机位');
    expect(await name.inputValue()).toBe('东门');
    await officer.fill('王\t伟');
    await officer.blur();
    await expect.poll(async () => (await factsOf(operation)).angles[0]?.officer).toBe('王 伟');
    expect(await problem.count()).toBe(1);
    await page.route('**/plan', (route) => route.abort(), { times: 1 });
    await officer.fill('李娜');
    await officer.blur();
    await expect.poll(() => problem.count()).toBe(2);
    expect(await officer.inputValue()).toBe('王 伟');
    await name.fill('南门');
    await name.blur();
    await expect.poll(() => problem.allTextContents()).toEqual([expect.stringContaining('无法连接服务器')]);
    expect((await factsOf(operation)).angles[0]?.name).toBe('南门');

    await page.getByRole('button', { name: '移除 南门' }).click();
    await page.locator('.el-message-box').getByRole('button', { name: '移除 南门' }).click();
    await expect.poll(() => row.count()).toBe(1);
    await focused(row.first().getByLabel('机位', { exact: true }));
    await close();
  });
});

describe('what goes when it is pressed', () => {
  it('leaves the cursor near: the name of a list, the question who was faster, the page one is on', async () => {
    const { page, close } = await opened(`/cases/${known.caseId}`);
    const parties = page.getByLabel('当事人');
    await parties.fill('王伟、李四、');
    await page.getByRole('button', { name: '移除 王伟' }).focus();
    await page.keyboard.press('Enter');
    await focused(parties);
    const { version } = known;
    known = await call(hub, EnforcementCase, 'PUT', `/cases/${known.caseId}`, { version, cause: '占道', parties: ['赵六'] });
    const save = page.getByTestId('case-form').locator('button[type="submit"]');
    await save.click();
    await page.getByRole('button', { name: '保留我填写的内容' }).focus();
    await page.keyboard.press('Enter');
    await focused(save);
    await page.goto(`${hub.url}/cases`);
    const menu = page.getByTestId('menu');
    await menu.click();
    await page.locator('#main-menu').getByRole('link', { name: '案件' }).focus();
    await page.keyboard.press('Enter');
    await focused(menu);
    await close();
  });
});

describe('an address of a link', () => {
  it('is selected where the browser does not copy it', async () => {
    const { operationId } = await call(hub, OperationView, 'POST', '/operations', { name: '链接', angles: ['东门'] });
    const { page, shot, close } = await opened('/', 'zh-CN', 390);
    // as an organisation may rule for its browsers
    const devtools = await page.context().newCDPSession(page);
    const { targetInfo } = await devtools.send('Target.getTargetInfo');
    const { browserContextId = '' } = targetInfo;
    await devtools.send('Browser.setPermission', {
      permission: { name: 'clipboard-write' },
      setting: 'denied',
      origin: hub.url,
      browserContextId,
    });
    await page.goto(`${hub.url}/console/${operationId}?code=all`);
    await page.getByTestId('link-code').waitFor();
    await page.getByRole('button', { name: '复制', exact: true }).click();
    await page.getByRole('alert').getByText('请手动复制').waitFor();
    await shot('by-hand');
    expect(await page.evaluate<string>('getSelection().toString()')).toContain('/capture');
    await close();
  });
});
