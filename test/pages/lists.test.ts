import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../../scripts/demo/hub.ts';
import { EnforcementCase } from '../../server/protocol/cases.ts';
import { CHECKS_A_PAGE, DeviceView } from '../../server/protocol/devices.ts';
import { OperationFacts } from '../../server/protocol/operations.ts';
import { openStore } from '../../server/store/database.ts';
import { saveDeviceCheck } from '../../server/store/device-checks.ts';
import { seedBoard } from '../support/board.ts';
import { consolePage, follow } from '../support/console-page.ts';
import { type RunningHub, startHub } from '../support/hub.ts';
import { somebody } from '../support/people.ts';
import { launchBrowser } from '../../scripts/demo/phone.ts';

let root = '';
let hub: RunningHub;
let browser: Browser;
let caseId = '';
let empty = '';
let unfilmed = '';
let deviceId = '';
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-lists-'));
  [hub, browser] = await Promise.all([startHub(join(root, 'data')), launchBrowser()]);
  const { squadId, ...board } = await seedBoard(hub);
  ({ caseId, unfilmed } = board);
  const nothing = { number: '空案1号', cause: '占道经营', stage: 'archiving' };
  ({ caseId: empty } = await call(hub, EnforcementCase, 'POST', '/cases', nothing));
  const camera = { squadId, type: 'body-camera', serial: 'BC-7', model: 'T8' };
  ({ deviceId } = await call(hub, DeviceView, 'POST', '/devices', camera));
});
afterAll(async () => {
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

const rows = (page: Page) => page.locator('main ul > li');

describe('what should not be so', () => {
  it('shows by itself: an operation that nobody filmed, and shots that nobody ticked', async () => {
    const { page, shot, close } = await consolePage(browser, hub.url, { name: 'unfilmed', locale: 'zh-CN', width: 1440 });
    await page.getByTestId('unrecorded').waitFor();
    await page.getByLabel('缺少').selectOption({ label: '未录制' });
    await expect.poll(() => rows(page).count()).toBe(1);
    expect(await rows(page).first().textContent()).toContain('占道经营整治');
    await follow(page, `/operations/${unfilmed}`);
    await page.getByTestId('unrecorded').getByText('没有任何录制').waitFor();
    const { unticked } = await call(hub, OperationFacts, 'GET', `/operations/${unfilmed}/facts`);
    const said = (await page.getByTestId('unticked').textContent()) ?? '';
    expect(said).toContain(`${unticked.length} 项`);
    for (const { zh } of unticked) expect(said).toContain(zh);
    await shot('facts');
    await close();
  });
});

describe('a list that does not come', () => {
  /** What the network loses of one address of the API, until it is asked to bring it. */
  async function lose(page: Page, address: RegExp): Promise<() => Promise<void>> {
    await page.route(address, (route) => route.abort());
    return () => page.unroute(address);
  }

  it('is asked for again from the page of its case, which says it loads, fails, or has none', async () => {
    const { page, close } = await consolePage(browser, hub.url, { name: 'case-list', locale: 'zh-CN', width: 1440 });
    const list = page.getByTestId('case-operations');
    const bring = await lose(page, /\/api\/operations\?case=/);
    await follow(page, `/cases/${caseId}`);
    await list.getByRole('alert').getByText('无法连接服务器').waitFor();
    await bring();
    await list.getByRole('button', { name: '重试' }).click();
    await list.getByText('强制拆除 城东路12号').waitFor();
    let go = (): void => undefined;
    const held = new Promise<void>((resolve) => (go = resolve));
    await page.route(/\/api\/operations\?case=/, (route) => held.then(() => route.continue()));
    await page.reload();
    await list.getByText('正在加载').waitFor();
    go();
    await list.getByText('强制拆除 城东路12号').waitFor();
    await follow(page, `/cases/${empty}`);
    await list.getByText('还没有计划或开始任何行动').waitFor();
    await close();
  });

  it('of cases to choose from says so in the form, and loses no case that was chosen', async () => {
    const { page, close } = await consolePage(browser, hub.url, { name: 'case-pick', locale: 'zh-CN', width: 1440 });
    const bring = await lose(page, /\/api\/cases/);
    await follow(page, `/operations/new?case=${caseId}`);
    const form = page.getByTestId('facts-form');
    await form.getByText('无法连接服务器').waitFor();
    await bring();
    await form.getByRole('button', { name: '重试' }).click();
    await form.getByText('甬综执罚字〔2026〕第12号').waitFor();
    const again = await lose(page, /\/api\/cases/);
    await form.getByRole('button', { name: '移除 甬综' }).click();
    await form.getByLabel('案件').fill('擅自');
    await form.getByText('无法连接服务器').waitFor();
    await again();
    await form.getByRole('button', { name: '重试' }).click();
    await form.getByRole('button', { name: '甬综执罚字' }).waitFor();
    await close();
  });
});

describe('a page that comes into view while the hub cannot be reached', () => {
  it.each(['/people', '/cases', '/devices', 'the case', 'the device'])('%s says so, and goes on showing what it had', async (which) => {
    const path = { 'the case': `/cases/${caseId}`, 'the device': `/devices/${deviceId}` }[which] ?? which;
    const { page, close } = await consolePage(browser, hub.url + path, { name: 'awake', locale: 'zh-CN', width: 1440 });
    const shown = which === '/people' ? page.getByTestId('person').first() : page.locator('main').getByText(/第12号|BC-7/).first(); // prettier-ignore
    await shown.waitFor();
    await page.route('**/api/**', (route) => route.abort());
    await page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`);
    await page.getByRole('alert').getByText('无法连接服务器').first().waitFor();
    expect(await shown.isVisible()).toBe(true);
    await close();
  });
});

describe('the cases', () => {
  it('are sorted and filtered, and go to a spreadsheet as they are shown', async () => {
    const written = { number: '甲〔2026〕1号', cause: '油烟', stage: 'archiving', confidentiality: 'sensitive' };
    await call(hub, EnforcementCase, 'POST', '/cases', written);
    const { page, close } = await consolePage(browser, `${hub.url}/cases`, { name: 'case-list', locale: 'zh-CN', width: 1440 });
    await expect.poll(() => rows(page).count()).toBe(3);
    await page.getByLabel('排序').selectOption({ label: '按办理阶段' });
    await expect.poll(() => rows(page).first().textContent()).toContain('第12号');
    await page.getByLabel('密级').selectOption({ label: '敏感' });
    await expect.poll(() => rows(page).count()).toBe(1);
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: '导出表格' }).click();
    const text = readFileSync(await (await download).path(), 'utf8');
    expect(text.split('\r\n').map((row) => row.split(',')[0])).toEqual(['\u{FEFF}案号', '甲〔2026〕1号', '']);
    await close();
  });
});

describe('the checks before duty of a device', () => {
  it('are all there, the newest first, also for an administrator, who sees no operation', async () => {
    const store = openStore(join(hub.dataDir, 'fieldhub.sqlite'));
    for (let percent = 1; percent <= CHECKS_A_PAGE + 1; percent += 1) {
      const battery = { name: 'battery', result: 'pass', facts: { percent, charging: false } } as const;
      const check = { angleId: 'an-east', device: 'Pixel', checks: [battery], reason: null, atMs: 1.8e12 + percent * 60_000 };
      await saveDeviceCheck(store, deviceId, unfilmed, check);
    }
    await store.destroy();
    const { session } = await somebody(hub, { login: 'admin2', name: '管理员二', roles: [{ role: 'administrator', squadId: null }] });
    const view = { name: 'device-checks', locale: 'zh-CN', width: 1440 };
    for (const as of [undefined, session]) {
      const { page, close } = await consolePage(browser, `${hub.url}/devices/${deviceId}`, { ...view, ...(as && { as }) });
      const checks = page.getByTestId('device-checks');
      await expect.poll(() => checks.locator('ul > li').count()).toBe(CHECKS_A_PAGE);
      const first = (await checks.locator('ul > li').first().textContent()) ?? '';
      expect(first).toContain(`${CHECKS_A_PAGE + 1}%`);
      expect(first).toContain(as ? '您无权查看的行动' : '占道经营整治');
      await checks.getByRole('button', { name: '下一页' }).click();
      await expect.poll(() => checks.locator('ul > li').count()).toBe(1);
      expect(await checks.locator('ul > li').textContent()).toContain(' 1%');
      await close();
    }
  });
});

describe('what is refused', () => {
  it('is told in the words of the page: a filter by its label, a case that is not there as a case', async () => {
    const { page, close } = await consolePage(browser, `${hub.url}/custody`, { name: 'refused', locale: 'zh-CN', width: 1440 });
    await page.getByLabel('行动（编号）').fill('拆除');
    await expect.poll(() => page.getByRole('alert').textContent()).toContain('输入有误：行动（编号）');
    await follow(page, '/cases/ca-nowhere');
    await page.getByRole('alert').getByText('没有此案件，或不属于您的中队。').waitFor();
    await close();
  });
});
