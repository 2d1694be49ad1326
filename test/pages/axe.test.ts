import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../../scripts/demo/hub.ts';
import { demoPeople } from '../../scripts/demo/people.ts';
import { launchBrowser } from '../../scripts/demo/phone.ts';
import { signedIn } from '../../scripts/demo/sign-in.ts';
import { EnforcementCase } from '../../server/protocol/cases.ts';
import { Device } from '../../server/protocol/devices.ts';
import { CaptureLink, OperationView } from '../../server/protocol/http.ts';
import { faults, smallTargets, themeFaults, THEMES } from '../support/axe.ts';
import { awaiting, follow } from '../support/console-page.ts';
import { type RunningHub, startHub } from '../support/hub.ts';
import en from '../../web/locales/en.ts';
import zhCN from '../../web/locales/zh-CN.ts';

let root = '';
let hub: RunningHub;
let browser: Browser;
let paths: string[] = [];
let capture = '';
let operationId = '';
let deviceId = '';
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-axe-'));
  [hub, browser] = await Promise.all([startHub(join(root, 'data')), launchBrowser()]);
  const squadId = await demoPeople(hub);
  const written = { number: '城综执案〔2026〕第1号', cause: '占道经营', parties: ['李四'], squadId };
  const { caseId } = await call(hub, EnforcementCase, 'POST', '/cases', written);
  const facts = { name: '东街拆除', type: 'demolition', caseId, squadIds: [squadId], angles: ['东门', '西门'] };
  ({ operationId } = await call(hub, OperationView, 'POST', '/operations', facts));
  const device = { squadId, type: 'body-camera', serial: 'SN-0001', model: 'DSJ-9', ownerId: null, state: 'in-service' };
  ({ deviceId } = await call(hub, Device, 'POST', '/devices', device));
  const { url } = await call(hub, CaptureLink, 'POST', `/operations/${operationId}/links`);
  paths = [
    '/',
    '/operations/new',
    `/operations/${operationId}`,
    '/cases',
    '/cases/new',
    `/cases/${caseId}`,
    '/devices',
    `/devices/${deviceId}`,
    '/shot-lists',
    '/people',
    '/custody',
    '/account',
    `/console/${operationId}`,
    `/review/${operationId}`,
  ];
  capture = url;
});
afterAll(async () => {
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

const VIEWS = [
  ['zh-CN', 390, 'dark'],
  ['en', 1440, 'light'],
] as const;

/** What axe finds on each page or dialog, in each theme, and what is too small on a phone; only where there is something. */
class Findings {
  readonly all: Record<string, Record<string, string[]>> = {};
  async look(page: Page, at: string, themes: readonly (typeof THEMES)[number][] = THEMES): Promise<void> {
    const found = await themeFaults(page, themes);
    const small = (page.viewportSize()?.width ?? 0) < 500 ? await smallTargets(page) : [];
    if (small.length > 0) found['small'] = small;
    if (Object.keys(found).length > 0) this.all[at] = found;
  }
}
const open = (locale: string, width: number): Promise<BrowserContext> =>
  browser.newContext({ storageState: signedIn(hub.url), locale, viewport: { width, height: 860 } });

/** What lies over a page. */
const over = (page: Page): Locator => page.locator('.el-overlay, #main-menu, dialog[open]').filter({ visible: true });
/** Every dialog and drawer of the pages: where it is, what opens it, and what then has opened where it does not lie over the page. */
const dialogs = (): [path: string, what: string, show: (page: Page) => Promise<void>, shown?: (page: Page) => Locator][] => [
  ['/', 'menu', (page) => page.getByTestId('menu').click()],
  ['/devices', 'new device', (page) => page.getByTestId('device-add').click()],
  [`/devices/${deviceId}`, 'device', (page) => page.getByTestId('device-change').click()],
  ['/people', 'new person', (page) => page.getByRole('button', { name: zhCN.people.add }).click()],
  ['/people', 'person', (page) => page.getByRole('button', { name: zhCN.people.edit }).first().click()],
  [
    '/account',
    'token',
    (page) => page.getByRole('button', { name: zhCN.account.tokenMake }).click(),
    (page) => page.getByLabel(zhCN.account.tokenName, { exact: true }),
  ],
  [`/console/${operationId}`, 'links', (page) => page.getByTestId('operation-link').click()],
  [`/console/${operationId}`, 'new angle', (page) => page.getByRole('button', { name: zhCN.console.addAngle }).click()],
  [`/console/${operationId}`, 'confirmation', (page) => page.getByTestId('end-operation').click()],
  ['/', 'quick start', (page) => page.getByTestId('quick-start').click(), (page) => page.getByTestId('link-code')],
];

describe.each(VIEWS)('in %s at %i pixels, %s', (locale, width, theme) => {
  it('no page has a serious fault for those who use it by keyboard, screen reader or with weak eyes', async () => {
    const context = await open(locale, width);
    const page = await context.newPage();
    const settled = awaiting(page);
    const findings = new Findings();
    await page.goto(hub.url);
    for (const path of paths) {
      await follow(page, path);
      await settled();
      // the page itself, and neither a sign-in nor a refusal or failure in its place
      expect([path, page.url().replace(hub.url, '').replace(/#.*/, '')]).toEqual([path, path.replace(/#.*/, '')]);
      for (const instead of ['sign-in', 'not-yours']) expect([path, await page.getByTestId(instead).count()]).toEqual([path, 0]);
      expect([path, await page.locator('.state[role="alert"], .state .spinner').count()]).toEqual([path, 0]);
      await findings.look(page, path, [theme]);
    }
    await context.clearCookies();
    await page.goto(hub.url);
    await page.getByTestId('sign-in').waitFor();
    await findings.look(page, 'sign-in', [theme]);
    expect(findings.all).toEqual({});
    await page.goto(capture);
    await settled();
    expect(await faults(page)).toEqual([]); // it is dark, over its picture
    await context.close();
  });
});

it('no dialog has one, the sign-in over a page included', async () => {
  const context = await open('zh-CN', 390);
  const page = await context.newPage();
  const settled = awaiting(page);
  const findings = new Findings();
  await page.goto(hub.url);
  for (const [path, what, show, shown = (here: Page) => over(here).first()] of dialogs()) {
    await follow(page, path);
    await settled();
    await show(page);
    await shown(page).waitFor();
    await settled();
    await findings.look(page, what);
    await page.keyboard.press('Escape');
    await expect.poll(() => over(page).count()).toBe(0);
  }
  await follow(page, '/account');
  await settled();
  await context.clearCookies();
  await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))"); // it looks whether it is signed in still
  await page.getByTestId('sign-in-again').waitFor();
  await findings.look(page, 'sign-in again');
  expect(findings.all).toEqual({});
  await context.close();
});

describe('the theme', () => {
  it('is the one that somebody chose, whatever the system has, and stays so', async () => {
    const context = await browser.newContext({ storageState: signedIn(hub.url), locale: 'en', colorScheme: 'light' });
    const page = await context.newPage();
    const now = () => page.locator('html').getAttribute('data-theme');
    const ground = () => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    await page.goto(hub.url);
    await page.getByTestId('menu').waitFor();
    expect([await now(), await ground()]).toEqual(['light', 'rgb(244, 246, 248)']);
    await page.getByRole('button', { name: en.app.theme }).click();
    expect([await now(), await ground()]).toEqual(['dark', 'rgb(15, 20, 25)']);
    await page.reload();
    await page.getByTestId('menu').waitFor();
    expect(await now()).toBe('dark');
    await context.close();
  });
});
