import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../../scripts/demo/hub.ts';
import { launchBrowser } from '../../scripts/demo/phone.ts';
import { type HubSession, hubFetch } from '../../scripts/demo/sign-in.ts';
import { OperationFacts } from '../../server/protocol/operations.ts';
import { AccessTokenMade, type RoleGrant, Squad } from '../../server/protocol/people.ts';
import en from '../../web/locales/en.ts';
import zhCN from '../../web/locales/zh-CN.ts';
import { consolePage } from '../support/console-page.ts';
import { type RunningHub, startHub } from '../support/hub.ts';
import { somebody } from '../support/people.ts';

type Words = typeof en;
const PASSWORD = 'a gate between two walls';

let root = '';
let hub: RunningHub;
let browser: Browser;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-people-page-'));
  [hub, browser] = await Promise.all([startHub(join(root, 'data')), launchBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

const officer = async (login: string, name: string, role: RoleGrant): Promise<HubSession> =>
  (await somebody(hub, { login, name, badge: `证-${login}`, roles: [role] }, PASSWORD)).session;
async function tokenOf({ cookie }: HubSession, name: string): Promise<string> {
  const body = JSON.stringify({ name, permissions: ['operation.see'], days: 7, password: PASSWORD });
  const headers = { cookie, 'content-type': 'application/json' };
  const reply = await hubFetch(`${hub.url}/api/session/tokens`, { method: 'POST', headers, body });
  return AccessTokenMade.parse(await reply.json()).token;
}
const byToken = async (token: string): Promise<number> =>
  (await fetch(`${hub.url}/api/operations`, { headers: { authorization: `Bearer ${token}` } })).status;

describe('the squads', () => {
  it('are awaited, could not be had, are none, and are some', async () => {
    const { page, close } = await consolePage(browser, hub.url, { name: 'squads', locale: 'en', width: 1440 });
    const panel = page.getByTestId('squads');
    const none = panel.getByText(en.squads.none);
    await page.route('**/api/squads', () => undefined); // no answer yet
    await page.goto(`${hub.url}/people`);
    await panel.getByText(en.app.loading).waitFor();
    expect(await none.count()).toBe(0);
    await page.unroute('**/api/squads');
    await page.route('**/api/squads', (route) => route.abort());
    await page.reload();
    await panel.getByRole('alert').getByText(en.error.network).waitFor();
    expect(await none.count()).toBe(0);
    await page.unroute('**/api/squads');
    await panel.getByRole('button', { name: en.app.retry }).click();
    await none.waitFor();
    await call(hub, Squad, 'POST', '/squads', { name: '一中队' });
    await page.reload();
    await panel.getByText('一中队', { exact: true }).waitFor();
    expect(await none.count()).toBe(0);
    await close();
  });
});

describe('an administrator', () => {
  it.each([
    ['zh-CN', 390, zhCN],
    ['en', 1440, en],
  ] as const)(
    'sees and revokes somebody’s access tokens, and blocking ends the rest: %s, %i pixels',
    async (locale, width, words: Words) => {
      const name = `周平${width}`;
      const owner = await officer(`zhou-${width}`, name, { role: 'leader', squadId: null });
      const tokens = [await tokenOf(owner, '月报'), await tokenOf(owner, '大屏'), await tokenOf(owner, '备用')];
      const { page, shot, close } = await consolePage(browser, `${hub.url}/people?q=zhou-${width}`, { name: 'tokens', locale, width });
      await page.getByRole('button', { name: words.people.open.replace('{name}', name) }).click();
      const list = page.getByTestId('person-tokens');
      await list.getByText('备用').waitFor();
      await shot('drawer');
      await list.getByRole('button', { name: words.account.tokenRevokeOf.replace('{name}', '月报') }).click();
      await page.getByRole('dialog').last().getByRole('button', { name: words.account.tokenRevoke, exact: true }).click();
      await list.getByText('月报').waitFor({ state: 'detached' });
      expect(await Promise.all(tokens.map(byToken))).toEqual([401, 200, 200]);
      await page.getByRole('button', { name: words.people.block, exact: true }).click();
      await page.getByText(words.people.blockText).waitFor();
      await page.getByRole('dialog').last().getByRole('button', { name: words.people.block, exact: true }).click();
      await list.getByText(words.account.tokensNone).waitFor();
      await page.getByRole('button', { name: words.people.unblock, exact: true }).click();
      await page.getByRole('button', { name: words.people.block, exact: true }).waitFor();
      expect(await Promise.all(tokens.map(byToken))).toEqual([401, 401, 401]);
      await close();
    },
  );
});

describe('who only chooses from people', () => {
  it('sees names, certificates and squads, and nothing of accounts', async () => {
    const { squadId } = await call(hub, Squad, 'POST', '/squads', { name: '二中队' });
    await officer('operator-two', '吴刚', { role: 'operator', squadId });
    const as = await officer('commander-two', '李强', { role: 'commander', squadId });
    const link = `${hub.url}/people?role=operator`; // as an administrator has it
    const { page, shot, close } = await consolePage(browser, link, { name: 'names', locale: 'zh-CN', width: 390, as });
    await page.getByLabel(zhCN.people.searchNames).fill('吴');
    const row = page.getByTestId('person').filter({ hasText: '吴刚' });
    await row.getByText('二中队').waitFor();
    await expect.poll(() => page.getByTestId('person').count()).toBe(1);
    expect(await row.textContent()).toContain('证-operator-two');
    expect(await row.textContent()).not.toMatch(/(?<!证-)operator-two|拍摄员/);
    expect(await page.getByLabel(zhCN.people.role, { exact: true }).count()).toBe(0);
    await shot('list');
    await close();
  });
});

describe('the officers of an operation', () => {
  it('are found among all people, told apart by certificate, and stay who they are', async () => {
    const store = new DatabaseSync(join(hub.dataDir, 'fieldhub.sqlite'), { timeout: 5000 });
    const add = store.prepare(
      "INSERT INTO person (person_id, login, name, badge, password_hash, must_change, state, created_ms) VALUES (?, ?, ?, ?, 'none', 1, 'active', 0)",
    );
    for (let n = 1; n <= 120; n += 1) add.run(`pe-${n}`, `officer-${n}`, `队员${String(n).padStart(3, '0')}`, `甬-${n}`);
    add.run('pe-wang-1', 'wang-1', '王伟', '甬-801');
    add.run('pe-wang-2', 'wang-2', '王伟', '甬-802');
    store.close();

    const { page, shot, close } = await consolePage(browser, `${hub.url}/operations/new`, {
      name: 'officers',
      locale: 'zh-CN',
      width: 390,
    });
    const form = page.getByTestId('facts-form');
    await form.getByLabel(zhCN.op.name, { exact: true }).fill('夜市检查');
    const officers = form.getByTestId('officers');
    const field = officers.getByLabel(zhCN.op.officers, { exact: true });
    const found = page.getByTestId('officers-found');
    await field.fill('队员120');
    await found.getByText('甬-120').waitFor();
    await field.press('Enter');
    await officers.getByText('甬-120').waitFor();
    await field.fill('外援、');
    await officers.getByText(zhCN.op.nameAlone, { exact: true }).waitFor();
    await field.fill('王伟');
    await form.getByRole('button', { name: zhCN.op.create }).click();
    await form.getByText(zhCN.op.officersOpen).waitFor(); // nobody is linked by chance
    await found.getByText('甬-801').waitFor();
    await shot('several');
    await found.getByRole('button', { name: '王伟 甬-802' }).click();
    await field.fill('甬-801');
    await field.press('Enter');
    await officers.getByRole('listitem').filter({ hasText: '甬-801' }).getByRole('button', { name: '移除 王伟' }).waitFor();
    await form.getByRole('button', { name: zhCN.op.create }).click();
    await page.waitForURL(/\/operations\/\d{8}-/);
    const path = `/operations/${page.url().split('/').at(-1) ?? ''}/facts`;
    const chosen = async (): Promise<unknown> => (await call(hub, OperationFacts, 'GET', path)).officers;
    const expected = [
      { personId: 'pe-120', name: '队员120', badge: '甬-120' },
      { personId: null, name: '外援', badge: null },
      { personId: 'pe-wang-2', name: '王伟', badge: '甬-802' },
      { personId: 'pe-wang-1', name: '王伟', badge: '甬-801' },
    ];
    expect(await chosen()).toEqual(expected);

    await officers.getByText('甬-801').waitFor();
    await shot('chosen');
    await officers
      .getByRole('button', { name: zhCN.op.remove.replace('{name}', '王伟') })
      .first()
      .click();
    await form.getByLabel(zhCN.op.place, { exact: true }).fill('和平街');
    await form.getByRole('button', { name: zhCN.op.save, exact: true }).click();
    await expect.poll(async () => (await call(hub, OperationFacts, 'GET', path)).place).toBe('和平街');
    expect(await chosen()).toEqual(expected.toSpliced(2, 1));
    await close();
  });
});
