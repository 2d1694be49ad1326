import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../../scripts/demo/hub.ts';
import { launchBrowser } from '../../scripts/demo/phone.ts';
import { DEMO_PASSWORD, type HubSession, sessionAt } from '../../scripts/demo/sign-in.ts';
import { CaseList, EnforcementCase } from '../../server/protocol/cases.ts';
import { DeviceView } from '../../server/protocol/devices.ts';
import { PeoplePage, Person, type RoleGrant, Squad } from '../../server/protocol/people.ts';
import zhCN from '../../web/locales/zh-CN.ts';
import { consolePage, follow } from '../support/console-page.ts';
import { type RunningHub, startHub } from '../support/hub.ts';
import { somebody } from '../support/people.ts';

let root = '';
let hub: RunningHub;
let browser: Browser;
let first: Squad;
let second: Squad;
let known: EnforcementCase;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-forms-'));
  [hub, browser] = await Promise.all([startHub(join(root, 'data')), launchBrowser()]);
  first = await call(hub, Squad, 'POST', '/squads', { name: '第一中队' });
  second = await call(hub, Squad, 'POST', '/squads', { name: '第二中队' });
  known = await call(hub, EnforcementCase, 'POST', '/cases', { number: '〔2026〕第1号', cause: '占道经营', squadId: first.squadId });
});
afterAll(async () => {
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

const open = (path: string, as?: HubSession) =>
  consolePage(browser, hub.url + path, { name: 'forms', locale: 'zh-CN', width: 1440, ...(as && { as }) });
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
let made = 0;
/** Somebody with these roles. */
function officer(roles: RoleGrant[]): ReturnType<typeof somebody> {
  made += 1;
  return somebody(hub, { login: `officer${made}`, name: `队员 ${made}`, roles });
}
const isOpen = (over: Locator) => over.evaluate((one) => one.hasAttribute('open'));
/** Whether the cursor is in a field that is said to be wrong. */
const focused = (page: Page) => page.evaluate<string>(`document.activeElement.getAttribute('aria-invalid') ?? ''`);

describe('the sign-in over a page', () => {
  it('stays until somebody has signed in, whatever is pressed', async () => {
    const { page, close } = await open('/people');
    await page.getByTestId('person').first().waitFor();
    await page.context().clearCookies();
    await page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`);
    const over = page.getByTestId('sign-in-again');
    await over.waitFor();
    for (const key of ['Escape', 'Escape', 'Escape']) await page.keyboard.press(key);
    expect(await isOpen(over)).toBe(true);
    // as the way back of a phone does
    await page.evaluate(`document.querySelector('[data-testid=sign-in-again]').close()`);
    await expect.poll(() => isOpen(over)).toBe(true);
    const password = over.getByLabel(zhCN.login.password, { exact: true });
    await password.fill(sessionAt(hub.url)?.password ?? '');
    await password.press('Enter');
    await over.waitFor({ state: 'detached' });
    await close();
  });
});

describe('a commander of one squad', () => {
  it('is offered this squad for a case and a plan, and it is chosen', async () => {
    const { session } = await officer([{ role: 'commander', squadId: first.squadId }]);
    const { page, close } = await open('/cases/new', session);
    const squad = page.getByLabel('中队', { exact: true });
    await expect.poll(() => squad.locator('option').allTextContents()).toEqual(['请选择…', '第一中队']);
    expect(await squad.inputValue()).toBe(first.squadId);
    await page.getByLabel('案号').fill('〔2026〕第2号');
    await page.getByLabel('案由').fill('违法建设');
    await squad.selectOption('');
    await page.locator('button[type="submit"]').click();
    await expect.poll(() => focused(page)).toBe('true');
    await squad.selectOption(first.squadId);
    await page.locator('button[type="submit"]').click();
    await page.waitForURL(/cases\/cs-/);
    await page.goto(`${hub.url}/operations/new`);
    const squads = page.locator('.choices input');
    await expect.poll(() => squads.evaluateAll((all) => all.map((one) => one.getAttribute('value')))).toEqual([first.squadId]);
    expect(await squads.first().isChecked()).toBe(true);
    const { cases } = await call(hub, CaseList, 'GET', '/cases');
    expect(cases.find(({ number }) => number === '〔2026〕第2号')).toMatchObject({ squadId: first.squadId });
    await close();
  });
});

describe('a record that others change meanwhile', () => {
  it('a person: only what was typed is sent, and roles given meanwhile stay', async () => {
    const { person } = await officer([]);
    const { page, close } = await open(`/people?q=${person.login}`);
    await page.getByRole('button', { name: `修改 ${person.name}` }).click();
    const form = page.getByTestId('person-form');
    await form.getByLabel('执法证号').fill('330122');
    const roles = [{ role: 'reviewer', squadId: null }];
    await call(hub, Person, 'PUT', `/people/${person.personId}`, { roles, version: person.version });
    await button(page, '保存').click();
    await expect.poll(() => page.getByTestId('newer').textContent()).toContain('保存了修改：角色。');
    await button(page, '保留我填写的内容').click();
    const sent = page.waitForRequest((request) => request.method() === 'PUT');
    await button(page, '保存').click();
    expect((await sent).postDataJSON()).toEqual({ version: person.version + 1, badge: '330122' });
    await form.waitFor({ state: 'detached' });
    const { people } = await call(hub, PeoplePage, 'GET', `/people?q=${person.login}`);
    expect(people[0]).toMatchObject({ badge: '330122', roles });
    await close();
  });

  it('a case and a device: what was typed over stands, the rest is as the other one saved it', async () => {
    const { page, close } = await open(`/cases/${known.caseId}`);
    await page.getByLabel('案由').fill('占道经营（二次）');
    const { version } = known;
    known = await call(hub, EnforcementCase, 'PUT', `/cases/${known.caseId}`, { version, parties: ['李四'], cause: '占道' });
    await button(page, '保存').click();
    await button(page, '保留我填写的内容').click();
    await button(page, '保存').click();
    await expect
      .poll(() => call(hub, EnforcementCase, 'GET', `/cases/${known.caseId}`))
      .toMatchObject({ cause: '占道经营（二次）', parties: ['李四'] });
    const facts = { squadId: first.squadId, type: 'body-camera', serial: 'SN-1', model: 'DSJ-9' };
    const device = await call(hub, DeviceView, 'POST', '/devices', facts);
    await follow(page, `/devices/${device.deviceId}`);
    await page.getByTestId('device-change').click();
    const form = page.getByTestId('device-form');
    await form.getByLabel('品牌型号').fill('DSJ-10');
    const theirs = { ...facts, serial: 'SN-2', state: 'in-repair', version: device.version };
    await call(hub, DeviceView, 'PUT', `/devices/${device.deviceId}`, theirs);
    await form.locator('button[type="submit"]').click();
    await expect.poll(() => page.getByTestId('newer').textContent()).toContain('序列号、状态。');
    await button(page, '保留我填写的内容').click();
    await form.locator('button[type="submit"]').click();
    await expect.poll(() => call(hub, DeviceView, 'GET', `/devices/${device.deviceId}`)).toMatchObject({ serial: 'SN-2', model: 'DSJ-10' });
    await close();
  });
});

describe('the case of a plan', () => {
  it('is that of the address, whatever was begun without one', async () => {
    const { page, close } = await open('/operations/new');
    await page.getByLabel('行动名称').fill('夜市检查');
    await page.goto(`${hub.url}/operations/new?case=${known.caseId}`);
    await page.getByRole('link', { name: known.number }).waitFor();
    expect(await page.getByLabel('行动名称').inputValue()).toBe('');
    await page.goto(`${hub.url}/operations/new`);
    await expect.poll(() => page.getByLabel('行动名称').inputValue()).toBe('夜市检查');
    await close();
  });

  it('stays chosen while it cannot be read, goes when there is none, and a search that fails says so', async () => {
    const { page, close } = await open('/cases');
    await page.route('**/api/cases/*', (route) => route.abort());
    await page.goto(`${hub.url}/operations/new?case=${known.caseId}`);
    await page.getByRole('alert').getByText('暂时无法读取此案件').waitFor();
    await page.getByRole('link', { name: known.caseId }).waitFor();
    await page.unroute('**/api/cases/*');
    await button(page, '重试').click();
    await page.getByRole('link', { name: known.number }).waitFor();
    await page.route('**/api/cases?*', (route) => route.abort());
    await page.getByRole('button', { name: `移除 ${known.number}` }).click();
    await page.getByRole('searchbox').fill('占道');
    await page.getByRole('alert').getByText('搜索失败').waitFor();
    await page.unroute('**/api/cases?*');
    await button(page, '重试').click();
    await page.getByRole('button', { name: known.number }).waitFor();
    await page.goto(`${hub.url}/operations/new?case=cs-none`);
    await page.getByRole('searchbox').waitFor();
    await close();
  });
});

describe('a list of names', () => {
  it('keeps one that is not ended, two that are the same, and takes a pasted list', async () => {
    const { page, close } = await open('/cases/new');
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    const parties = page.locator('.field', { has: page.getByLabel('当事人') });
    const input = page.getByLabel('当事人');
    const names = async () => (await parties.locator('li').allTextContents()).map((each) => each.replace('✕', '').trim());
    for (const name of ['王伟', '王伟']) {
      await input.fill(name);
      await input.press('Enter');
    }
    await input.fill('李');
    await page.reload();
    await expect.poll(names).toEqual(['王伟', '王伟', '李']);
    const list = Array.from({ length: 40 }, (_, at) => `队员甲乙${at}`);
    await page.evaluate(`navigator.clipboard.writeText(${JSON.stringify(list.slice(0, 20).join('\n'))})`);
    await input.focus();
    await page.keyboard.press('Control+V');
    await page.evaluate(`navigator.clipboard.writeText(${JSON.stringify(list.slice(20).join('、'))})`);
    await page.keyboard.press('Control+V');
    await expect.poll(names).toEqual(['王伟', '王伟', '李', ...list]);
    await parties.getByRole('button', { name: '移除 王伟' }).first().click();
    await page.getByLabel('案号').fill('名单〔2026〕1号');
    await page.getByLabel('案由').fill('占道经营');
    await input.fill('赵');
    const answer = page.waitForResponse((one) => one.request().method() === 'POST');
    await page.getByLabel('案由').press('Enter');
    const { parties: saved } = (await (await answer).json()) as { parties: string[] };
    expect(saved).toEqual(['王伟', '李', ...list, '赵']);
    await close();
  });
});

describe('a secret that is shown once', () => {
  it('is not clicked away, nor closed by saving the form above it', async () => {
    const { person } = await officer([]);
    const { page, close } = await open(`/people?q=${person.login}`);
    await page.getByRole('button', { name: `修改 ${person.name}` }).click();
    await button(page, '重置一次性密码').click();
    await page.locator('.el-message-box').getByRole('button', { name: '重置一次性密码' }).click();
    const secret = page.getByTestId('secret');
    await secret.waitFor();
    await page.mouse.click(20, 400);
    await page.keyboard.press('Escape');
    await page.getByTestId('person-form').getByLabel('执法证号').fill('330123');
    await button(page, '保存').click();
    await page.getByText(`${person.name} 已保存。`).waitFor();
    expect(await secret.isVisible()).toBe(true);
    await button(page, '已告知本人').click();
    await page.keyboard.press('Escape');
    await page.getByTestId('person-form').waitFor({ state: 'detached' });
    await close();
  });

  it('is selected where the browser does not copy it', async () => {
    const { page, close } = await open('/account');
    // as an organisation may rule for its browsers
    await page.route('**/account', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, headers: { ...response.headers(), 'permissions-policy': 'clipboard-write=()' } });
    });
    await page.reload();
    await button(page, '＋ 生成令牌').click();
    await page.getByLabel('用途').fill('月度\t报表');
    await page.getByRole('checkbox').first().check();
    await page.getByLabel('当前密码').fill(DEMO_PASSWORD);
    await button(page, '生成令牌').click();
    await button(page, '复制').click();
    await page.getByRole('alert').getByText('请手动复制').waitFor();
    expect(await page.evaluate<string>('getSelection().toString()')).toBe(await page.getByTestId('secret').textContent());
    await close();
  });
});

describe('a form that cannot be sent', () => {
  it('puts the cursor where something is wrong, and names what the hub refuses', async () => {
    const { person, session } = await officer([{ role: 'commander', squadId: second.squadId }]);
    const { page, close } = await open('/account', session);
    await button(page, '＋ 生成令牌').click();
    await button(page, '生成令牌').click();
    await expect.poll(() => focused(page)).toBe('true');
    await page.getByLabel('用途').fill('月度报表');
    await button(page, '生成令牌').click();
    await expect.poll(() => page.evaluate<string>(`document.activeElement.type + document.activeElement.ariaInvalid`)).toBe('checkboxtrue');
    await page.getByRole('checkbox').first().check();
    await button(page, '生成令牌').click();
    await expect.poll(() => page.evaluate<string>(`document.activeElement.name + document.activeElement.ariaInvalid`)).toBe('passwordtrue');
    await page.getByLabel('当前密码').fill(session.password);
    await call(hub, Person, 'PUT', `/people/${person.personId}`, { roles: [] });
    await button(page, '生成令牌').click();
    await page.getByRole('alert').getByText('权限', { exact: false }).waitFor();
    await close();
  });

  it('of a person takes a name out of a table, and marks the login that cannot be', async () => {
    const { page, close } = await open('/people');
    await button(page, '＋ 新增人员').click();
    const form = page.getByTestId('person-form');
    await form.locator('button[type="submit"]').click();
    await expect.poll(() => focused(page)).toBe('true');
    await form.getByLabel('姓名').fill('欧阳\t娜');
    await form.getByLabel('用户名').fill('有空格 的');
    await form.locator('button[type="submit"]').click();
    await expect.poll(() => form.locator('input:focus[aria-invalid="true"]').inputValue()).toBe('有空格 的');
    await form.getByLabel('用户名').fill('ouyang');
    await form.locator('button[type="submit"]').click();
    await page.getByRole('heading', { name: '欧阳 娜 (ouyang)' }).waitFor();
    await close();
  });
});
