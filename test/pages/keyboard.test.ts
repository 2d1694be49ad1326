import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../../scripts/demo/hub.ts';
import { demoPeople } from '../../scripts/demo/people.ts';
import { launchBrowser } from '../../scripts/demo/phone.ts';
import { DEMO_PASSWORD, signedIn } from '../../scripts/demo/sign-in.ts';
import { OperationView } from '../../server/protocol/http.ts';
import { OperationFacts } from '../../server/protocol/operations.ts';
import { Squad } from '../../server/protocol/people.ts';
import zhCN from '../../web/locales/zh-CN.ts';
import { type RunningHub, startHub } from '../support/hub.ts';

let root = '';
let hub: RunningHub;
let browser: Browser;
let ended = '';
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-keyboard-'));
  [hub, browser] = await Promise.all([startHub(join(root, 'data')), launchBrowser()]);
  const squadIds = [await demoPeople(hub)];
  ({ operationId: ended } = await call(hub, OperationView, 'POST', '/operations', { name: '南街检查', squadIds, angles: ['东门'] }));
  await call(hub, OperationView, 'POST', `/operations/${ended}/end`);
});
afterAll(async () => {
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

/** What has the focus, whether a ring says so, and whether it lies in sight and under nothing. */
const FOCUS = `(() => {
  const at = document.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(at);
  const { left, top, width, height } = at.getBoundingClientRect();
  const hit = document.elementFromPoint(left + width / 2, top + height / 2);
  window.visited ??= [];
  if (!window.visited.includes(at)) window.visited.push(at);
  return {
    what: at.outerHTML.slice(0, 120),
    nowhere: at === document.body,
    ring: outlineStyle !== 'none' && parseFloat(outlineWidth) > 0,
    inSight: hit !== null && (at.contains(hit) || hit.contains(at)),
  };
})()`;
type Focus = { what: string; nowhere: boolean; ring: boolean; inSight: boolean };
const focusOf = (page: Page): Promise<Focus> => page.evaluate<Focus>(FOCUS);
const isFocused = async (locator: Locator): Promise<boolean> => (await locator.and(locator.page().locator(':focus')).count()) > 0;

/** From key to key until it has the focus, which is seen wherever it is on the way. */
async function go(page: Page, to: Locator, key = 'Tab'): Promise<void> {
  await to.waitFor();
  for (let presses = 0; presses < 120; presses += 1) {
    await page.keyboard.press(key);
    const focus = await focusOf(page);
    if (!focus.nowhere) expect(focus).toEqual({ what: focus.what, nowhere: false, ring: true, inSight: true });
    if (await isFocused(to)) return;
  }
  expect.fail(`${key} does not lead to ${String(to)}`);
}

async function desk(storage: object): Promise<Page> {
  const context = await browser.newContext({ locale: 'zh-CN', viewport: { width: 1440, height: 700 }, ...storage });
  return context.newPage();
}

describe('by keyboard alone', () => {
  it('somebody signs in, plans an operation and saves it; the focus is seen, and nothing holds it', async () => {
    const page = await desk({});
    const { keyboard } = page;
    await page.goto(hub.url);
    const login = page.getByLabel(zhCN.login.login, { exact: true });
    await expect.poll(() => isFocused(login)).toBe(true); // it is there already
    await keyboard.type('commander');
    await go(page, page.getByLabel(zhCN.login.password, { exact: true }));
    await keyboard.type(DEMO_PASSWORD);
    await keyboard.press('Enter');

    await go(page, page.getByRole('main').getByRole('link', { name: zhCN.board.plan }));
    await keyboard.press('Enter');
    const form = page.getByTestId('facts-form');
    await go(page, form.getByLabel(zhCN.op.name));
    await keyboard.type('东街拆除');
    await go(page, form.getByLabel(zhCN.op.type));
    await keyboard.press('ArrowDown'); // the first of them
    await go(page, form.getByLabel(zhCN.op.place));
    await keyboard.type('东街18号');
    await go(page, form.getByLabel('一中队'));
    await keyboard.press('Space');
    await go(page, form.getByLabel(zhCN.op.officers));
    await keyboard.type('王芳');
    await keyboard.press('Enter'); // a name ends, the form is not sent
    await keyboard.type('李强、');
    await go(page, form.getByRole('button', { name: zhCN.op.remove.replace('{name}', '李强') }), 'Shift+Tab');
    await keyboard.press('Enter');
    await go(page, form.getByRole('button', { name: zhCN.op.create }));

    // onwards it comes round to where it was: all was visited, nothing holds it
    await page.evaluate('window.visited = []');
    const save = form.getByRole('button', { name: zhCN.op.create });
    await go(page, save);
    const missed = await page.evaluate<string[]>(`
      [...document.querySelectorAll('a[href], button, input, select, textarea')]
        .filter((each) => each.offsetParent !== null && !each.matches(':disabled') && each.tabIndex >= 0 && !window.visited.includes(each))
        .map((each) => each.outerHTML.slice(0, 120))`);
    expect(missed).toEqual([]);

    await keyboard.press('Enter');
    await page.waitForURL(/\/operations\/\d{8}-/);
    const operationId = page.url().split('/').at(-1) ?? '';
    const facts = await call(hub, OperationFacts, 'GET', `/operations/${operationId}/facts`);
    expect(facts).toMatchObject({
      name: '东街拆除',
      type: 'inspection',
      place: '东街18号',
      state: 'planned',
      squads: [{ name: '一中队' }],
    });
    expect(facts.officers.map(({ name }) => name)).toEqual(['王芳']);
    await page.context().close();
  });

  it('a device is entered: the cursor goes from field to field that lacks something, into lists too', async () => {
    await call(hub, Squad, 'POST', '/squads', { name: '二中队' });
    const page = await desk({ storageState: signedIn(hub.url) });
    await page.goto(`${hub.url}/devices`);
    await go(page, page.getByTestId('device-add'));
    await page.keyboard.press('Enter');
    const form = page.getByTestId('device-form');
    const lacking: [label: string, fill: () => Promise<void>][] = [
      [zhCN.device.serial, () => page.keyboard.type('SN-0007')],
      [zhCN.device.type, () => page.keyboard.press('ArrowDown')],
      [zhCN.device.model, () => page.keyboard.type('DSJ-9')],
      [zhCN.device.squad, () => page.keyboard.press('ArrowDown')],
    ];
    await go(page, form.locator('button[type="submit"]'));
    for (const [label, fill] of lacking) {
      await page.keyboard.press('Enter');
      const field = form.getByLabel(label, { exact: true });
      await expect.poll(() => isFocused(field), { message: label }).toBe(true);
      expect(await form.getByRole('alert').textContent()).toContain(label);
      await fill();
      await go(page, form.locator('button[type="submit"]'));
    }
    await page.keyboard.press('Enter');
    await page.getByTestId('device-facts').getByText('SN-0007').waitFor();
    await page.context().close();
  });

  it('what opens over a page takes the focus, keeps it, closes by Escape and gives it back', async () => {
    const page = await desk({ storageState: signedIn(hub.url) });
    const opened: [path: string, by: () => Locator, what: string][] = [
      [`/operations/${ended}`, () => page.getByRole('button', { name: zhCN.op.seal }), '.el-message-box'],
      ['/devices', () => page.getByTestId('device-add'), '.el-drawer'],
      ['/people', () => page.getByRole('button', { name: zhCN.people.add }), '.el-drawer'],
      ['/people', () => page.getByRole('button', { name: zhCN.people.edit }).first(), '.el-drawer'],
      ['/people', () => page.getByTestId('menu'), '#main-menu'],
    ];
    for (const [path, by, what] of opened) {
      await page.goto(hub.url + path);
      await go(page, by());
      await page.keyboard.press('Enter');
      const over = page.locator(what);
      await over.waitFor();
      const inside = async (): Promise<boolean> => (await page.locator(`${what}:focus, ${what} :focus`).count()) > 0;
      if (what !== '#main-menu') {
        await expect.poll(inside, { message: `${path} ${what}` }).toBe(true);
        for (let presses = 0; presses < 30; presses += 1) {
          await page.keyboard.press(presses % 3 === 2 ? 'Shift+Tab' : 'Tab');
          expect([path, what, presses, await inside()]).toEqual([path, what, presses, true]);
        }
      }
      await page.keyboard.press('Escape');
      await over.waitFor({ state: 'hidden' });
      await expect.poll(() => isFocused(by()), { message: `${path} ${what}: the focus is back` }).toBe(true);
    }
    await page.context().close();
  });
});
