import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TOTP } from 'otpauth';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser } from '../../scripts/demo/phone.ts';
import { signIn } from '../../scripts/demo/sign-in.ts';
import en from '../../web/locales/en.ts';
import zhCN from '../../web/locales/zh-CN.ts';
import { type ConsolePage, consolePage } from '../support/console-page.ts';
import { type RunningHub, startHub } from '../support/hub.ts';
import { somebody } from '../support/people.ts';

type Words = typeof en;
const PASSWORD = 'a gate between two walls';
const WALKS = [
  ['zh-CN', 390, zhCN],
  ['en', 1440, en],
] as const;

let root = '';
let hub: RunningHub;
let browser: Browser;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-account-'));
  [hub, browser] = await Promise.all([startHub(join(root, 'data')), launchBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

/** Somebody's own account, open on a page. */
async function accountOf(login: string, name: string, view: { locale: string; width: number }): Promise<ConsolePage> {
  const { session: as } = await somebody(hub, { login, name, roles: [{ role: 'commander', squadId: null }] }, PASSWORD);
  return consolePage(browser, `${hub.url}/account`, { name: 'account', ...view, as });
}
const byToken = async (token: string): Promise<number> =>
  (await fetch(`${hub.url}/api/operations`, { headers: { authorization: `Bearer ${token}` } })).status;

describe('an authenticator', () => {
  it.each(WALKS)('is set up, signed in with, and removed: %s, %i pixels', async (locale, width, words: Words) => {
    const login = `totp-${width}`;
    const { page, shot, close } = await accountOf(login, '李娜', { locale, width });
    const card = page.getByTestId('totp');
    const press = (name: string) => card.getByRole('button', { name, exact: true }).click();
    await press(words.account.totpBegin);
    await card.getByLabel(words.login.current, { exact: true }).fill('not this one');
    await press(words.account.totpBegin);
    await expect.poll(() => card.getByRole('alert').textContent()).toBe(words.error.current);
    await card.getByLabel(words.login.current, { exact: true }).fill(PASSWORD);
    await press(words.account.totpBegin);
    const secret = ((await card.getByTestId('totp-key').textContent()) ?? '').replaceAll(' ', '');
    await card.getByRole('img', { name: words.account.totpImage }).waitFor();
    await shot('totp');
    const totp = new TOTP({ secret });
    await card.getByLabel(words.login.code, { exact: true }).fill('000000');
    await press(words.account.totpConfirm);
    await expect.poll(() => card.getByRole('alert').textContent()).toBe(words.account.totpWrong);
    await card.getByLabel(words.login.code, { exact: true }).fill(totp.generate());
    await press(words.account.totpConfirm);
    await card.getByText(words.account.totpOn).waitFor();

    await page.context().clearCookies();
    await page.reload();
    const form = page.getByTestId('sign-in');
    await form.getByLabel(words.login.login, { exact: true }).fill(login);
    await form.getByLabel(words.login.password, { exact: true }).fill(PASSWORD);
    await form.getByRole('button', { name: words.login.submit, exact: true }).click();
    // none is taken twice: this is the next one's
    await form.getByLabel(words.login.code, { exact: true }).fill(totp.generate({ timestamp: Date.now() + 30_000 }));
    await form.getByRole('button', { name: words.login.submit, exact: true }).click();
    await card.getByText(words.account.totpOn).waitFor();

    await press(words.account.totpEnd);
    await card.getByLabel(words.login.current, { exact: true }).fill(PASSWORD);
    await press(words.account.totpEnd);
    await card.getByText(words.account.totpOff).waitFor();
    expect((await signIn(hub.url, login, PASSWORD)).cookie).not.toBe(''); // no code is asked for any more
    await close();
  });
});

describe('an access token', () => {
  const make = async (page: Page, words: Words, name: string): Promise<string> => {
    const card = page.getByTestId('tokens');
    await card.getByRole('button', { name: words.account.tokenMake }).click();
    await card.getByLabel(words.account.tokenName, { exact: true }).fill(name);
    await card.getByLabel(words.permission.live.watch, { exact: true }).check();
    await card.getByLabel(words.login.current, { exact: true }).fill(PASSWORD);
    await card.getByRole('button', { name: words.account.tokenMake }).click();
    const token = (await card.getByTestId('secret').textContent()) ?? '';
    await card.getByRole('button', { name: words.account.tokenDone }).click();
    await card.getByTestId('secret').waitFor({ state: 'detached' });
    return token;
  };

  it.each(WALKS)('is made with the password, shown once, and revoked: %s, %i pixels', async (locale, width, words: Words) => {
    const { page, shot, close } = await accountOf(`token-${width}`, '王芳', { locale, width });
    const card = page.getByTestId('tokens');
    await card.getByText(words.account.tokensNone).waitFor();
    await card.getByRole('button', { name: words.account.tokenMake }).click();
    const sees = card.getByLabel(words.permission.operation.see, { exact: true });
    expect([await sees.isChecked(), await card.getByText(words.account.tokenSees).count()]).toEqual([false, 0]);
    await card.getByLabel(words.account.tokenName, { exact: true }).fill('大屏');
    await card.getByLabel(words.permission.live.watch, { exact: true }).check();
    // it comes with what was chosen, and cannot be taken away from it
    expect([await sees.isChecked(), await sees.isDisabled()]).toEqual([true, true]);
    await card.getByText(words.account.tokenSees).waitFor();
    await card.getByLabel(words.login.current, { exact: true }).fill('not this one');
    await card.getByRole('button', { name: words.account.tokenMake }).click();
    await expect.poll(() => card.getByRole('alert').textContent()).toBe(words.error.current);
    await card.getByLabel(words.login.current, { exact: true }).fill(PASSWORD);
    await card.getByRole('button', { name: words.account.tokenMake }).click();
    const token = (await card.getByTestId('secret').textContent()) ?? '';
    expect(token).toMatch(/^fh_[\w-]{43}$/);
    expect(await byToken(token)).toBe(200);
    await shot('token');
    await page.reload();
    const row = card.getByTestId('token').filter({ hasText: '大屏' });
    await row.getByText(words.permission.operation.see).waitFor();
    expect(await page.content()).not.toContain(token);
    await row.getByRole('button', { name: words.account.tokenRevokeOf.replace('{name}', '大屏') }).click();
    await page.getByRole('dialog').getByRole('button', { name: words.account.tokenRevoke, exact: true }).click();
    await row.waitFor({ state: 'detached' });
    expect(await byToken(token)).toBe(401);
    await close();
  });

  it.each(WALKS)('ends with the password, which is said before: %s, %i pixels', async (locale, width, words: Words) => {
    const { page, shot, close } = await accountOf(`change-${width}`, '赵敏', { locale, width });
    const token = await make(page, words, '月报');
    expect(await byToken(token)).toBe(200);
    await page.getByTestId('change-password').click();
    await page.getByText(words.account.passwordEnds).waitFor();
    await shot('password');
    const form = page.getByTestId('password-form');
    await form.getByLabel(words.login.current, { exact: true }).fill(PASSWORD);
    await form.getByLabel(words.login.next, { exact: true }).fill('a river behind the gate');
    await form.getByRole('button', { name: words.login.change, exact: true }).click();
    await page.getByText(words.account.passwordDone).waitFor();
    await page.getByTestId('tokens').getByText(words.account.tokensNone).waitFor();
    expect(await byToken(token)).toBe(401);
    await close();
  });
});
