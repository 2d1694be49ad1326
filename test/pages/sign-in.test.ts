import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser } from '../../scripts/demo/phone.ts';
import { firstAdministratorIn } from '../../scripts/demo/sign-in.ts';
import en from '../../web/locales/en.ts';
import zhCN from '../../web/locales/zh-CN.ts';
import { type ConsolePage, consolePage } from '../support/console-page.ts';
import { type RunningHub, startHub } from '../support/hub.ts';

type Words = typeof en;
type Known = { login: string; password: string };
/** `where`: the squad in which the role holds, null for the whole brigade. */
type Made = { squad: string; name: string; login: string; role: string; where: string | null };

let root = '';
let hub: RunningHub;
let browser: Browser;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-sign-in-'));
  [hub, browser] = await Promise.all([startHub(join(root, 'data'), {}, { untouched: true }), launchBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

const button = (within: Page | Locator, name: string): Locator => within.getByRole('button', { name });
async function signIn(page: Page, words: Words, { login, password }: Known): Promise<void> {
  await page.getByLabel(words.login.login, { exact: true }).fill(login);
  await page.getByLabel(words.login.password, { exact: true }).fill(password);
  await button(page.getByTestId('sign-in'), words.login.submit).click();
}
async function choosePassword(page: Page, words: Words, next: string): Promise<void> {
  const form = page.getByTestId('password-form');
  await form.getByLabel(words.login.next, { exact: true }).fill(next);
  await button(form, words.login.change).click();
  await form.waitFor({ state: 'detached' });
}
async function signOut(page: Page, words: Words): Promise<void> {
  await page.getByTestId('menu').click();
  await button(page, words.nav.signOut).click();
  await page.getByTestId('sign-in').waitFor();
}
/** Where the menu leads whoever is signed in. */
async function places(page: Page): Promise<string[]> {
  await page.getByTestId('menu').click();
  await page.locator('#main-menu a').first().waitFor();
  const links = await page.locator('#main-menu a').evaluateAll((all) => all.map((each) => each.getAttribute('href') ?? ''));
  await page.keyboard.press('Escape');
  return links;
}

/** An administrator makes a person with a role in a new squad; the session ends before the form is sent. */
async function makePerson(desk: ConsolePage, words: Words, made: Made, again: string) {
  const { page, shot } = desk;
  await page.getByTestId('squads').getByLabel(words.squads.name, { exact: true }).fill(made.squad);
  await button(page, words.squads.add).click();
  await page.getByTestId('squads').getByText(made.squad, { exact: true }).waitFor();
  await button(page, words.people.add).click();
  const form = page.getByTestId('person-form');
  await form.getByLabel(words.people.name, { exact: true }).fill(made.name);
  await form.getByLabel(words.people.login, { exact: true }).fill(made.login);
  await button(form, words.people.addRole).click();
  await form.getByTestId('grant').locator('select').nth(0).selectOption(made.role);
  await form
    .getByTestId('grant')
    .locator('select')
    .nth(1)
    .selectOption({ label: made.where ?? words.role.brigade });
  await shot('person');
  await page.context().clearCookies(); // the session is over
  await button(form, words.people.create).click();
  const over = page.getByTestId('sign-in-again');
  await over.waitFor();
  await shot('again');
  await over.getByLabel(words.login.password, { exact: true }).fill('not this one');
  await over.getByLabel(words.login.password, { exact: true }).press('Enter');
  await expect.poll(() => over.getByTestId('sign-in-problem').textContent()).toBe(words.error['sign-in']);
  await over.getByLabel(words.login.password, { exact: true }).fill(again);
  await over.getByLabel(words.login.password, { exact: true }).press('Enter');
  const password = (await page.getByTestId('secret').textContent()) ?? ''; // it was sent by itself, with all that was typed
  await shot('given');
  await button(page, words.people.passwordDone).click();
  const row = page.getByTestId('person').filter({ hasText: made.login });
  expect(await row.textContent()).toContain(`${words.role[made.role as 'operator']} · ${made.where ?? words.role.brigade}`);
  await shot('people');
  return password;
}

describe('people sign in and do what their roles allow', () => {
  let administrator: Known | null = null;

  it.each([
    ['zh-CN', 390, zhCN, { squad: '一中队', name: '李娜', login: 'lina', role: 'administrator', where: null }],
    ['en', 1440, en, { squad: 'Second squad', name: 'Wang Fang', login: 'wangfang', role: 'commander', where: 'Second squad' }],
  ] as const)('%s, %i pixels', async (locale, width, words: Words, made) => {
    // the first administrator makes another one, who makes a commander
    const admin = administrator ?? firstAdministratorIn(hub.output());
    if (!admin) throw new Error('nobody can sign in');
    const desk = await consolePage(browser, `${hub.url}/people`, { name: 'sign-in', locale, width });
    const { page, shot } = desk;
    await signIn(page, words, { login: admin.login, password: 'something else' });
    await expect.poll(() => page.getByTestId('sign-in-problem').textContent()).toBe(words.error['sign-in']);
    await signIn(page, words, { login: 'nobody', password: admin.password });
    await expect.poll(() => page.getByTestId('sign-in-problem').textContent()).toBe(words.error['sign-in']);
    await shot('wrong');
    await signIn(page, words, admin);
    await page.getByTestId('password-form').waitFor();
    await page.goto(`${hub.url}/people`); // there is no way round
    await page.getByLabel(words.login.current, { exact: true }).fill(admin.password);
    await shot('must-change');
    const chosen = `${admin.login} and two walls`;
    await choosePassword(page, words, chosen);

    const password = await makePerson(desk, words, made, chosen);
    await signOut(page, words);
    await signIn(page, words, { login: made.login, password });
    administrator = { login: made.login, password };
    if (made.role !== 'administrator') {
      await choosePassword(page, words, 'a gate between two walls');
      await page.getByText(words.board.title, { exact: true }).first().waitFor();
      expect(await places(page)).toEqual(expect.arrayContaining(['/', '/people', '/account']));
      expect(await places(page)).not.toContain('/custody');
      await page.goto(`${hub.url}/custody`);
      await page.getByText(words.nav.notYours).waitFor();
      await page.goto(`${hub.url}/people`);
      await page.getByTestId('person').first().waitFor();
      expect(await button(page, words.people.add).count()).toBe(0);
      expect(await button(page, words.squads.add).count()).toBe(0);
      await page.goto(`${hub.url}/account`);
      await page.getByTestId('facts').waitFor();
      await shot('account');
      await signOut(page, words);
    } else await page.getByTestId('password-form').waitFor();
    await desk.close();
  });
});
