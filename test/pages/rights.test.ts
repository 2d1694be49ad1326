import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../../scripts/demo/hub.ts';
import { demoPeople } from '../../scripts/demo/people.ts';
import { launchBrowser } from '../../scripts/demo/phone.ts';
import { DEMO_PASSWORD, type HubSession, hubFetch, sessionAt, signIn } from '../../scripts/demo/sign-in.ts';
import { CustodyPage } from '../../server/protocol/custody.ts';
import { CaptureLink, OperationView } from '../../server/protocol/http.ts';
import { OperationFacts } from '../../server/protocol/operations.ts';
import { type RoleGrant, Squad } from '../../server/protocol/people.ts';
import { openStore } from '../../server/store/database.ts';
import { awaiting, consolePage, follow } from '../support/console-page.ts';
import { type RunningHub, startHub, until } from '../support/hub.ts';
import { somebody } from '../support/people.ts';
import { openPhone } from '../support/phone-socket.ts';

let root = '';
let hub: RunningHub;
let browser: Browser;
let live = '';
let elsewhere = '';
let ended = '';
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-rights-'));
  [hub, browser] = await Promise.all([startHub(join(root, 'data')), launchBrowser()]);
  const squadId = await demoPeople(hub);
  const other = await call(hub, Squad, 'POST', '/squads', { name: '二中队' });
  const make = async (name: string, squad: string): Promise<string> =>
    (await call(hub, OperationView, 'POST', '/operations', { name, squadIds: [squad], angles: ['东门'] })).operationId;
  live = await make('夜市检查', squadId);
  elsewhere = await make('二中队检查', other.squadId);
  ended = await make('占道整治', squadId);
  await call(hub, OperationView, 'POST', `/operations/${ended}/end`);
  await until('it is packed', async () =>
    ['verified', 'failed'].includes((await call(hub, OperationView, 'GET', `/operations/${ended}`)).package.state),
  );
  const roles: RoleGrant[] = [
    { role: 'commander', squadId },
    { role: 'operator', squadId: other.squadId },
  ];
  await somebody(hub, { login: 'both', name: '李明', roles });
});
afterAll(async () => {
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

const signedInAs = (login: string): Promise<HubSession> => signIn(hub.url, login, DEMO_PASSWORD);
type Opened = { page: Page; session: HubSession; close: () => Promise<void> };
async function openWith(session: HubSession, path: string): Promise<Opened> {
  const view = { name: 'rights', locale: 'zh-CN', width: 1440, as: session };
  const { page, close } = await consolePage(browser, hub.url + path, view);
  return { page, session, close };
}
const open = async (login: string, path: string): Promise<Opened> => openWith(await signedInAs(login), path);
/** As whoever looks after the hub. */
function opened(path: string): Promise<Opened> {
  const session = sessionAt(hub.url);
  if (!session) throw new Error('nobody is signed in');
  return openWith(session, path);
}
const row = (page: Page, name: string) => page.locator('main ul > li').filter({ hasText: name });
/** Refusals are logged in their order, a while after: one that is provoked now comes last, and is the only one. */
async function refusedNothing({ personId, cookie }: HubSession): Promise<void> {
  const headers = { cookie, 'content-type': 'application/json' };
  expect((await hubFetch(`${hub.url}/api/squads`, { method: 'POST', headers, body: '{}' })).status).toBe(403);
  const routes = async (): Promise<unknown[]> =>
    (await call(hub, CustodyPage, 'GET', `/custody?outcome=refused&who=${personId}`)).lines.map(({ detail }) => detail['route']);
  await expect.poll(routes).toContain('/api/squads');
  expect(await routes()).toEqual(['/api/squads']);
}
/** A moment that a phone marks in a live operation, and its call for help. */
async function phoneCalls(operationId: string): Promise<void> {
  const { angles } = await call(hub, OperationView, 'GET', `/operations/${operationId}`);
  const { url } = await call(hub, CaptureLink, 'POST', `/operations/${operationId}/angles/${angles[0]?.angleId}/links`);
  const phone = await openPhone(hub, url);
  await phone.ask('join', { peerId: 'rights-phone-01' });
  await phone.ask('mark', { markId: 'rights-mark-01', kind: 'moment', atMs: Date.now(), text: null });
  await phone.ask('mark', { markId: 'rights-call-01', kind: 'blocked', atMs: Date.now(), text: null });
  phone.close();
}

describe('whoever has a role', () => {
  it.each([
    ['operator', `夜市检查`, '/operations/', 0],
    ['reviewer', `占道整治`, '/review/', 1],
    ['custodian', `占道整治`, '/operations/', 0],
    ['commander', `夜市检查`, '/console/', 2],
  ])('is led from the board and the facts to pages that are open: %s', async (login, name, way, links) => {
    const { page, close } = await open(login, '/');
    await row(page, name).locator('a.main').click();
    await page.waitForURL(`**${way}*`);
    await page.getByRole('heading', { name: new RegExp(name) }).waitFor();
    expect(await page.getByTestId('not-yours').count()).toBe(0);
    await follow(page, `/operations/${live}`);
    await page.getByTestId('facts-form').waitFor();
    expect(await page.locator('aside a').count()).toBe(links);
    await close();
  });

  it('asks for no picture of an operation whose pictures are not for them', async () => {
    const { page, session, close } = await open('both', '/account');
    const settled = awaiting(page);
    const asked: string[] = [];
    page.on('request', (request) => /glance/.test(request.url()) && asked.push(request.url()));
    await follow(page, '/');
    await row(page, '二中队检查').waitFor();
    await expect.poll(() => asked.some((url) => url.includes(live))).toBe(true);
    await settled();
    expect(asked.filter((url) => url.includes(elsewhere))).toEqual([]);
    await phoneCalls(elsewhere);
    await follow(page, `/console/${elsewhere}`);
    await page.getByText('您的角色无权打开此页面').waitFor();
    expect(await page.getByTestId('calls').count()).toBe(0); // nor is the siren, whose call is in what that page was told
    await follow(page, `/operations/${elsewhere}`);
    await page.getByTestId('facts-form').waitFor();
    expect(await page.locator('fieldset:disabled').count()).toBeGreaterThan(0);
    await refusedNothing(session);
    await close();
  });

  it('sees at the console only what it may do there: the legal unit watches', async () => {
    await phoneCalls(live);
    const { page, session, close } = await open('legal', `/console/${live}`);
    await page.getByTestId('field-log').waitFor();
    await page.getByTestId('calls').getByText('受阻/遭袭').first().waitFor();
    expect(await page.getByTestId('calls').getByRole('textbox').count()).toBe(0);
    expect(await page.getByTestId('answer-coming').count()).toBe(0);
    expect(await page.getByTestId('field-log').getByRole('textbox').count()).toBe(0);
    expect(await page.getByTestId('end-operation').count()).toBe(0);
    expect(await page.locator('article footer button').count()).toBe(2); // to hear and to enlarge
    await refusedNothing(session);
    await close();
    const desk = await open('commander', `/console/${live}`);
    const label = desk.page.getByTestId('field-log').getByRole('textbox').first();
    await label.fill('人员\u0007到场');
    await label.press('Enter');
    await desk.page.getByText('输入有误').first().waitFor();
    expect(await label.inputValue()).toBe('人员\u0007到场'); // what is refused is not lost
    await label.fill('人员到场');
    await label.press('Enter');
    await desk.page.getByTestId('field-log').getByText('人员到场').waitFor();
    await desk.page.getByTestId('answer-coming').click();
    await desk.page.getByTestId('calls').waitFor({ state: 'detached' });
    await desk.close();
  });

  it('packs again and looks after takes from the operation’s page: a custodian, and nobody else', async () => {
    const store = openStore(join(hub.dataDir, 'fieldhub.sqlite'));
    await store.updateTable('archive_job').set({ state: 'failed', error: 'disk' }).where('operation_id', '=', ended).execute();
    await store.destroy();
    const other = await open('operator', `/operations/${ended}`);
    await other.page.getByTestId('package').getByText('打包失败').waitFor();
    expect(await other.page.getByRole('button', { name: '重新打包' }).count()).toBe(0);
    await other.close();
    const { page, session, close } = await open('custodian', `/operations/${ended}`);
    await page.getByTestId('review-takes').waitFor();
    await page.getByRole('button', { name: '重新打包' }).click();
    await expect.poll(() => page.getByTestId('package').getAttribute('data-state')).toBe('verified');
    await refusedNothing(session);
    await close();
  });
});

describe('a page that is open for long', () => {
  it('shows how things stand after a refusal, and when it comes into view again; what is typed stays', async () => {
    const plan = { name: '计划中', planned: true, angles: ['东门'] };
    const { operationId } = await call(hub, OperationView, 'POST', '/operations', plan);
    const facts = `/operations/${operationId}/facts`;
    const desk = await opened(`/operations/${operationId}`);
    const name = desk.page.getByLabel('行动名称');
    await expect.poll(() => name.inputValue()).toBe('计划中');
    const change = async (next: object): Promise<void> => {
      const { version } = await call(hub, OperationFacts, 'GET', facts);
      await call(hub, OperationFacts, 'PUT', facts, { version, ...next });
    };
    await change({ name: '计划甲' });
    await desk.page.evaluate('document.dispatchEvent(new Event("visibilitychange"))');
    await expect.poll(() => name.inputValue()).toBe('计划甲');
    await desk.page.getByLabel('地点').fill('城东路12号');
    await change({ name: '计划乙' });
    await call(hub, OperationFacts, 'POST', `/operations/${operationId}/start`);
    await desk.page.getByRole('button', { name: '开始行动' }).click();
    await desk.page.getByRole('alert').getByText('页面已更新').waitFor();
    await desk.page.getByRole('button', { name: '开始行动' }).waitFor({ state: 'detached' });
    await expect.poll(() => desk.page.getByRole('heading', { level: 1 }).textContent()).toBe('计划乙');
    expect(await desk.page.getByLabel('地点').inputValue()).toBe('城东路12号');
    expect(await name.inputValue()).toBe('计划甲');
    await desk.close();
  });

  it('has filters that follow the address, and a menu that closes', async () => {
    const { page, close } = await opened('/?tab=live');
    await row(page, '夜市检查').waitFor();
    expect(await row(page, '占道整治').count()).toBe(0);
    const goBack = async (): Promise<void> => {
      await page.getByTestId('menu').click();
      await page.locator('#main-menu').getByRole('link', { name: '行动' }).click();
      await page.locator('#main-menu').waitFor({ state: 'detached' });
    };
    await goBack();
    await row(page, '占道整治').waitFor();
    expect(new URL(page.url()).search).toBe('');
    await goBack(); // the address stays as it is
    await page.goto(`${hub.url}/custody?who=nobody-at-all`);
    await page.getByText('没有符合条件的记录').waitFor();
    await page.getByTestId('menu').click();
    await page.locator('#main-menu').getByRole('link', { name: '保管链' }).click();
    await page.getByTestId('custody-line').first().waitFor();
    await page.getByLabel('搜索').fill('夜市');
    await expect.poll(() => new URL(page.url()).searchParams.get('q')).toBe('夜市');
    await close();
  });

  it('asks for the sign-in before it fetches a file', async () => {
    const { page, close } = await opened('/');
    await page.getByRole('link', { name: '导出表格' }).waitFor();
    await page.context().clearCookies();
    await page.getByRole('link', { name: '导出表格' }).click();
    const over = page.getByTestId('sign-in-again');
    const fetched = page.waitForEvent('download');
    await over.getByLabel('密码', { exact: true }).fill(sessionAt(hub.url)?.password ?? '');
    await over.getByLabel('密码', { exact: true }).press('Enter');
    expect((await fetched).suggestedFilename()).toMatch(/^operations-.*\.csv$/);
    await close();
  });
});

it('all other devices are signed out at once, also when one of them is gone already', async () => {
  const others = [await signedInAs('leader'), await signedInAs('leader')];
  const { page, close } = await open('leader', '/account');
  const sessions = page.getByTestId('sessions').locator('li');
  await expect.poll(() => sessions.count()).toBeGreaterThanOrEqual(3);
  const [first] = others;
  await hubFetch(`${hub.url}/api/session`, { method: 'DELETE', headers: { cookie: first?.cookie ?? '' } });
  await page.getByRole('button', { name: '退出其他所有设备' }).click();
  await page.getByText('其他设备均已退出登录').waitFor();
  await expect.poll(() => sessions.count()).toBe(1);
  for (const { cookie } of others) expect((await hubFetch(`${hub.url}/api/session`, { headers: { cookie } })).status).toBe(401);
  await close();
});

it('the custody log is read in words, with the names of what is in it', async () => {
  const made = {
    number: '城综执案〔2026〕第9号',
    cause: '占道经营',
    parties: ['张三', '李四'],
    stage: 'filing',
    confidentiality: 'internal',
  };
  const response = await hubFetch(`${hub.url}/api/cases`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(made),
  });
  expect(response.status).toBe(201);
  const { page, close } = await opened('/custody?what=case.made');
  const line = page.getByTestId('custody-line').first();
  await expect.poll(() => line.locator('dl').innerText()).toContain('张三、李四');
  const text = await line.locator('dl').innerText();
  for (const words of ['案号', '案由', '当事人', '办理阶段', '立案', '密级', '内部']) expect(text).toContain(words);
  for (const raw of ['filing', 'internal', 'parties', '["']) expect(text).not.toContain(raw);
  await close();
});
