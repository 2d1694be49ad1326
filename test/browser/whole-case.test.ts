import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../../scripts/demo/hub.ts';
import { demoPeople } from '../../scripts/demo/people.ts';
import { filmWithPhone, launchBrowser, untilMoving } from '../../scripts/demo/phone.ts';
import { DEMO_PASSWORD } from '../../scripts/demo/sign-in.ts';
import type { Role } from '../../server/protocol/people.ts';
import { OperationView } from '../../server/protocol/http.ts';
import { OperationFacts } from '../../server/protocol/operations.ts';
import { type RunningHub, startHub } from '../support/hub.ts';
import { untilPacked } from '../support/operation.ts';

let root = '';
let hub: RunningHub;
let browser: Browser;
let operationId = '';
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-case-'));
  [hub, browser] = await Promise.all([startHub(join(root, 'data'), { SEGMENT_SECONDS: '2' }), launchBrowser()]);
  await demoPeople(hub);
});
afterAll(async () => {
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

/** A desk at which somebody of this role signs in with login and password. */
async function deskOf(role: Role): Promise<Page> {
  const context = await browser.newContext({ locale: 'zh-CN', viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  await page.goto(hub.url);
  await page.getByLabel('用户名', { exact: true }).fill(role);
  await page.getByLabel('密码', { exact: true }).fill(DEMO_PASSWORD);
  await page.getByTestId('sign-in').locator('button[type="submit"]').click();
  await page.getByTestId('menu').waitFor();
  return page;
}
const kept = process.env['SCREENSHOTS'];
const shot = async (page: Page, name: string): Promise<void> => {
  if (kept) await page.screenshot({ path: join(kept, `whole-${name}.png`) });
};

describe('a case, from its filing to the log', () => {
  let desk: Page;
  const phones: Page[] = [];

  it('is filed, and an operation of it planned with two angles', async () => {
    desk = await deskOf('commander');
    await desk.goto(`${hub.url}/cases/new`);
    const form = desk.getByTestId('case-form');
    await form.getByLabel('案号').fill('城综执案〔2026〕第38号');
    await form.getByLabel('案由').fill('未取得建设工程规划许可证进行建设');
    await form.getByLabel('当事人').fill('张三、');
    await form.getByLabel('中队').selectOption({ label: '一中队' });
    await form.getByRole('button', { name: '新建案件' }).click();
    await desk.getByRole('link', { name: /计划行动/ }).click();
    const facts = desk.getByTestId('facts-form');
    await facts.getByLabel('行动名称').fill('东街18号违建拆除');
    await facts.getByLabel('行动类型').selectOption({ label: '强制拆除违法建筑' });
    await facts.getByLabel('地点').fill('东街18号');
    await facts.getByLabel('一中队').check();
    await facts.getByLabel('执法人员').fill('王芳、');
    await facts.getByLabel('机位', { exact: true }).fill('东门、西门、');
    await facts.getByRole('button', { name: '保存计划' }).click();
    await desk.waitForURL(/\/operations\/\d{8}-/);
    operationId = desk.url().split('/').at(-1) ?? '';
    await desk.getByRole('button', { name: '开始行动' }).waitFor();
    await expect.poll(() => desk.locator('dd.missing').count()).toBe(1); // when it was recorded is not known yet
    await shot(desk, 'planned');
  });

  it('goes live, and two phones film by their links', async () => {
    await desk.getByRole('button', { name: '开始行动' }).click();
    await desk.getByTestId('link-code').waitFor(); // of the whole operation, at hand
    await desk.keyboard.press('Escape');
    await desk.getByTestId('link-code').waitFor({ state: 'detached' });
    for (const name of ['东门', '西门']) {
      const tile = desk.locator('[data-testid^="tile-"]').filter({ hasText: name });
      await tile.getByRole('button', { name: '拍摄二维码' }).click();
      await desk.getByTestId('link-code').waitFor();
      const url = await desk.getByRole('dialog').locator('input[readonly]').inputValue();
      await desk.keyboard.press('Escape');
      await desk.getByTestId('link-code').waitFor({ state: 'detached' });
      await desk.getByTestId('too-few').getByText(`目前只有 ${phones.length} 个`).waitFor(); // a demolition needs two
      phones.push(await filmWithPhone(browser, url));
      await untilMoving(desk, ((await tile.getAttribute('data-testid')) ?? '').replace('tile-', ''));
    }
    await desk.getByTestId('too-few').waitFor({ state: 'detached' });
    const leader = await deskOf('leader'); // whose board shows what it looks like
    await leader.getByTestId('glance').waitFor();
    await shot(leader, 'board');
    await leader.context().close();
    await shot(desk, 'live');
  });

  it('has its shots ticked on a phone and at the console, and ends', async () => {
    await phones[0]?.getByTestId('shot-open').click();
    await phones[0]?.getByTestId('shot-tick-0').click();
    await desk.getByTestId('shot-0').getByText('东门').waitFor();
    await desk.getByTestId('shot-angle').selectOption({ label: '西门' });
    await desk.getByTestId('shot-1').getByRole('button', { name: '已拍' }).click();
    await desk.getByTestId('shot-1').getByText('西门').waitFor();
    await desk.getByTestId('end-operation').click();
    await desk.locator('.el-message-box').getByRole('button', { name: '结束并归档' }).click();
    await phones[1]?.locator('[data-testid="capture"][data-state="ended"]').waitFor();
    await desk.goto(`${hub.url}/operations/${operationId}`);
    await desk.locator('li.now').getByText('已结束').waitFor();
    await expect.poll(() => desk.locator('dd.missing').count()).toBe(0);
    await shot(desk, 'ended');
  });

  it('is handed to the custodian, who takes it over', async () => {
    await untilPacked(() => call(hub, OperationView, 'GET', `/operations/${operationId}`));
    const form = desk.getByTestId('hand-over-form');
    await form.getByLabel('接收人（保管员）').selectOption({ label: '保管员 吴刚' });
    await form.getByLabel('移交说明').fill('存储卡一并移交');
    await form.getByRole('button', { name: '移交', exact: true }).click();
    await desk.getByTestId('hand-overs').getByText('待接收', { exact: true }).waitFor();
    const custodian = await deskOf('custodian');
    await custodian.getByTestId('waiting-hand-overs').getByRole('link').click();
    await shot(custodian, 'handed');
    await custodian.getByRole('button', { name: '接收保管' }).click();
    await custodian.getByText('保管人：保管员 吴刚').waitFor();
    await shot(custodian, 'taken');
    await custodian.context().close();
  });

  it('stands in the log with all that was done, and by whom', async () => {
    const legal = await deskOf('legal');
    await legal.goto(`${hub.url}/review/${operationId}`);
    await legal.getByTestId('review-clock').waitFor();
    await legal.goto(`${hub.url}/custody?operation=${operationId}`);
    const lines = legal.getByTestId('custody-line');
    for (const [what, who] of [
      ['新建行动', '指挥员 李强'],
      ['开始行动', '指挥员 李强'],
      ['生成拍摄链接', '指挥员 李强'],
      ['设备打开拍摄链接', ''],
      ['观看实时画面', '指挥员 李强'],
      ['勾选要点', '指挥员 李强'],
      ['结束行动', '指挥员 李强'],
      ['移交保管员', '指挥员 李强'],
      ['答复移交', '保管员 吴刚'],
      ['查看录像', '法制股 周平'],
    ] as const)
      await expect.poll(async () => lines.filter({ hasText: what }).filter({ hasText: who }).count(), { message: what }).toBeGreaterThan(0);
    await shot(legal, 'log');
    await legal.goto(`${hub.url}/custody`);
    await lines.filter({ hasText: '新建案件' }).first().waitFor();
    await legal.context().close();
  });
});

describe('its labels complete and its package verified', () => {
  it('it is sealed by the custodian, and nothing of it is changed any more', async () => {
    const desk = await deskOf('custodian');
    await desk.goto(`${hub.url}/operations/${operationId}`);
    await desk.getByRole('button', { name: '封存', exact: true }).click();
    const answered = desk.waitForResponse((response) => response.url().endsWith('/seal'));
    await desk.locator('.el-message-box').getByRole('button', { name: '封存', exact: true }).click();
    expect((await answered).status()).toBe(200);
    await desk.getByText('已封存，不能再修改。').waitFor();
    await expect.poll(() => desk.getByLabel('行动名称').isDisabled()).toBe(true);
    const { version } = await call(hub, OperationFacts, 'GET', `/operations/${operationId}/facts`);
    await expect(call(hub, OperationFacts, 'PUT', `/operations/${operationId}/facts`, { version, place: '别处' })).rejects.toThrow(
      /409.*the operation is sealed/,
    );
    const { package: packed } = await call(hub, OperationView, 'GET', `/operations/${operationId}`);
    const labels = JSON.parse(readFileSync(join(packed.path ?? '', 'labels.json'), 'utf8')) as object;
    expect(labels).toMatchObject({
      keeper: { name: '保管员 吴刚' },
      handedOver: [{ givenBy: '指挥员 李强', takenBy: '保管员 吴刚' }],
      sealedBy: '保管员 吴刚',
    });
    await desk.context().close();
  });
});
