import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../../scripts/demo/hub.ts';
import { demoPeople } from '../../scripts/demo/people.ts';
import { launchBrowser } from '../../scripts/demo/phone.ts';
import { DEMO_PASSWORD } from '../../scripts/demo/sign-in.ts';
import { EnforcementCase } from '../../server/protocol/cases.ts';
import { Device } from '../../server/protocol/devices.ts';
import { OperationView } from '../../server/protocol/http.ts';
import { ROLES } from '../../server/protocol/people.ts';
import zhCN from '../../web/locales/zh-CN.ts';
import { arrived, follow } from '../support/console-page.ts';
import { type RunningHub, startHub } from '../support/hub.ts';
import { somebody } from '../support/people.ts';

/** The seven of the demo, each of one squad or of the brigade; and one who administers a squad only. */
const LOGINS = [...ROLES, 'squad-administrator'] as const;
type Login = (typeof LOGINS)[number];

let root = '';
let hub: RunningHub;
let browser: Browser;
/** Of what the addresses name. */
const ids = { live: '', planned: '', ended: '', case: '', device: '', angle: '' };
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-roles-'));
  [hub, browser] = await Promise.all([startHub(join(root, 'data')), launchBrowser()]);
  const squadId = await demoPeople(hub);
  await somebody(hub, { login: 'squad-administrator', name: '中队管理员', roles: [{ role: 'administrator', squadId }] });
  const written = { number: '城综执案〔2026〕第1号', cause: '占道经营', parties: ['李四'], squadId };
  ({ caseId: ids.case } = await call(hub, EnforcementCase, 'POST', '/cases', written));
  const facts = { type: 'inspection', caseId: ids.case, squadIds: [squadId], angles: ['东门'] };
  const begin = (name: string, more = {}) => call(hub, OperationView, 'POST', '/operations', { ...facts, name, ...more });
  const live = await begin('东街检查');
  [ids.live, ids.angle] = [live.operationId, live.angles[0]?.angleId ?? ''];
  ids.planned = (await begin('西街检查', { planned: true })).operationId;
  ids.ended = (await begin('南街检查')).operationId;
  await call(hub, OperationView, 'POST', `/operations/${ids.ended}/end`);
  const device = { squadId, type: 'body-camera', serial: 'SN-0001', model: 'DSJ-9', ownerId: null, state: 'in-service' };
  ({ deviceId: ids.device } = await call(hub, Device, 'POST', '/devices', device));
});
afterAll(async () => {
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

const but = (...others: Login[]): Login[] => LOGINS.filter((each) => !others.includes(each));
const button = (page: Page, name: string): Locator => page.getByRole('button', { name });
const link = (page: Page, name: string): Locator => page.getByRole('main').getByRole('link', { name });

type Control = { what: string; where: (page: Page) => Locator; for: Login[] };
/** `shows`: what is there once the page has all that it asked for; `menu`: it is offered in the menu to whoever may open it. */
type Shown = { path: () => string; for: Login[]; menu?: true; shows: (page: Page) => Locator; controls?: Control[] };
const PAGES: Shown[] = [
  {
    path: () => '/',
    for: but('administrator', 'squad-administrator'),
    menu: true,
    shows: (page) => page.locator('main li').filter({ hasText: '东街检查' }),
    controls: [
      { what: 'quick start', where: (page) => page.getByTestId('quick-start'), for: ['commander', 'leader'] },
      { what: 'plan', where: (page) => link(page, zhCN.board.plan), for: ['commander', 'leader'] },
      { what: 'export', where: (page) => link(page, zhCN.board.export), for: ['commander', 'leader', 'legal', 'custodian'] },
    ],
  },
  {
    path: () => '/operations/new',
    for: ['commander', 'leader'],
    shows: (page) => page.getByTestId('facts-form'),
    controls: [{ what: 'save', where: (page) => button(page, zhCN.op.create), for: ['commander', 'leader'] }],
  },
  {
    path: () => `/operations/${ids.planned}`,
    for: but('administrator', 'squad-administrator'),
    shows: (page) => page.getByTestId('facts-form'),
    controls: [
      { what: 'start', where: (page) => button(page, zhCN.op.start), for: ['commander', 'leader'] },
      { what: 'save', where: (page) => button(page, zhCN.op.save), for: ['commander', 'leader', 'custodian'] },
      { what: 'plan an angle', where: (page) => page.getByLabel(zhCN.op.angleOfficer), for: ['commander', 'leader'] },
    ],
  },
  {
    path: () => `/operations/${ids.ended}`,
    for: but('administrator', 'squad-administrator'),
    shows: (page) => page.getByTestId('facts-form'),
    controls: [{ what: 'seal', where: (page) => button(page, zhCN.op.seal), for: ['leader', 'custodian'] }],
  },
  {
    path: () => '/cases',
    for: but('administrator', 'squad-administrator'),
    menu: true,
    shows: (page) => page.getByText('城综执案〔2026〕第1号'),
    controls: [
      { what: 'new case', where: (page) => button(page, zhCN.cases.create), for: ['commander', 'leader'] },
      { what: 'export', where: (page) => link(page, zhCN.board.export), for: ['commander', 'leader', 'legal', 'custodian'] },
    ],
  },
  { path: () => '/cases/new', for: ['commander', 'leader'], shows: (page) => page.getByTestId('case-form') },
  {
    path: () => `/cases/${ids.case}`,
    for: but('administrator', 'squad-administrator'),
    shows: (page) => page.locator('main li').filter({ hasText: '东街检查' }),
    controls: [
      { what: 'save', where: (page) => button(page, zhCN.op.save), for: ['commander', 'leader'] },
      { what: 'plan for it', where: (page) => link(page, zhCN.board.plan), for: ['commander', 'leader'] },
    ],
  },
  {
    path: () => '/devices',
    for: but('reviewer'),
    menu: true,
    // with the squads to choose from comes what may be added to them
    shows: (page) => page.locator('main:has([data-testid="device-list"]) form[role="search"] option').filter({ hasText: '一中队' }),
    controls: [{ what: 'add', where: (page) => page.getByTestId('device-add'), for: ['leader', 'custodian'] }],
  },
  {
    path: () => `/devices/${ids.device}`,
    for: but('reviewer'),
    shows: (page) => page.getByTestId('device-facts').getByText('SN-0001'),
    controls: [{ what: 'change', where: (page) => page.getByTestId('device-change'), for: ['leader', 'custodian'] }],
  },
  {
    path: () => '/shot-lists',
    for: but('administrator', 'squad-administrator'),
    menu: true,
    shows: (page) => page.getByTestId('edition'),
    controls: [{ what: 'edit', where: (page) => page.getByTestId('shot-editor'), for: ['legal'] }],
  },
  {
    path: () => '/people',
    for: but('operator', 'reviewer'),
    menu: true,
    shows: (page) => page.getByTestId('person').first(),
    controls: [
      { what: 'add', where: (page) => button(page, zhCN.people.add), for: ['administrator'] },
      { what: 'change', where: (page) => button(page, zhCN.people.edit).first(), for: ['administrator'] },
      { what: 'new squad', where: (page) => page.getByLabel(zhCN.squads.name), for: ['administrator'] },
    ],
  },
  {
    path: () => '/custody',
    for: ['leader', 'legal', 'administrator', 'squad-administrator'],
    menu: true,
    shows: (page) => page.getByTestId('custody-line').filter({ hasText: '东街检查' }),
    controls: [
      { what: 'the whole of it', where: (page) => link(page, zhCN.custody.export), for: ['legal', 'administrator'] },
      {
        what: 'its head',
        where: (page) => link(page, zhCN.custody.head),
        for: ['leader', 'legal', 'administrator', 'squad-administrator'],
      },
    ],
  },
  { path: () => '/account', for: [...LOGINS], menu: true, shows: (page) => page.getByTestId('facts') },
  {
    path: () => `/console/${ids.live}`,
    for: ['commander', 'leader', 'legal'],
    shows: (page) => page.getByTestId(`tile-${ids.angle}`),
    controls: [
      { what: 'end', where: (page) => page.getByTestId('end-operation'), for: ['commander', 'leader'] },
      { what: 'links', where: (page) => page.getByTestId('operation-link'), for: ['commander', 'leader'] },
      { what: 'mark', where: (page) => page.getByTestId('mark-all'), for: ['commander', 'leader'] },
    ],
  },
  {
    path: () => `/review/${ids.ended}`,
    for: ['commander', 'leader', 'reviewer', 'legal'],
    shows: (page) => page.getByText(zhCN.review.none),
  },
];

/** Who signs in with login and password. */
async function deskOf(login: Login): Promise<Page> {
  const context = await browser.newContext({ locale: 'zh-CN', viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  await page.goto(hub.url);
  await page.getByLabel(zhCN.login.login, { exact: true }).fill(login);
  await page.getByLabel(zhCN.login.password, { exact: true }).fill(DEMO_PASSWORD);
  await page.getByLabel(zhCN.login.password, { exact: true }).press('Enter');
  await page.getByTestId('menu').waitFor();
  // who has no operations to see begins elsewhere
  if (!PAGES.some(({ path, for: whose }) => path() === '/' && whose.includes(login))) await page.waitForURL('**/devices');
  return page;
}

const canUse = async (control: Locator): Promise<boolean> => (await control.count()) > 0 && (await control.first().isEnabled());

/** What somebody finds at a page's address: `opened`, with what is wrong on it and what may be done there, or `not yours`. */
async function found(page: Page, { path, shows, controls = [] }: Shown): Promise<object> {
  await follow(page, path());
  const refused = page.getByTestId('not-yours');
  await shows(page).or(refused).first().waitFor({ state: 'attached' });
  if ((await refused.count()) > 0) return { path: path(), opened: false };
  await arrived(page);
  const usable: string[] = [];
  for (const { what, where } of controls) if (await canUse(where(page))) usable.push(what);
  return { path: path(), opened: true, alerts: await page.getByRole('alert').allTextContents(), usable };
}

describe.each(LOGINS)('whoever is %s', (login) => {
  it('is offered what that role may, sees and does that, and is told of the rest that it is not theirs', async () => {
    const page = await deskOf(login);
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    await page.getByTestId('menu').click();
    const places = page.locator('#main-menu a');
    await places.first().waitFor();
    const links = await places.evaluateAll((each) => each.map((one) => one.getAttribute('href')));
    const offered = PAGES.filter((each) => each.menu && each.for.includes(login)).map(({ path }) => path());
    expect(links.toSorted()).toEqual([...offered, '/api/docs'].toSorted());
    for (const each of PAGES) {
      if (each.path() === '/' && !each.for.includes(login)) {
        // nobody is met with a refusal where everybody begins
        await page.goto(hub.url);
        await page.waitForURL((url) => url.pathname === '/devices');
        continue;
      }
      const usable = (each.controls ?? []).filter((control) => control.for.includes(login)).map(({ what }) => what);
      const wanted = each.for.includes(login) ? { opened: true, alerts: [], usable } : { opened: false };
      expect(await found(page, each)).toEqual({ path: each.path(), ...wanted });
    }
    // likewise where an address leads there, from a bookmark say
    const others = PAGES.find((each) => each.path() !== '/' && !each.for.includes(login));
    if (others) {
      await page.goto(hub.url + others.path());
      await page.getByTestId('not-yours').waitFor();
    }
    expect(errors).toEqual([]);
    await page.context().close();
  });
});
