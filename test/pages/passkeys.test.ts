import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TOTP } from 'otpauth';
import type { Browser, CDPSession, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../../scripts/demo/hub.ts';
import { launchBrowser } from '../../scripts/demo/phone.ts';
import { hubFetch, sessionAt } from '../../scripts/demo/sign-in.ts';
import { type PasskeyAssertion, PasskeyList, PasskeyOptions } from '../../server/protocol/passkeys.ts';
import { OneTimePassword, Person, TotpSetup } from '../../server/protocol/people.ts';
import en from '../../web/locales/en.ts';
import zhCN from '../../web/locales/zh-CN.ts';
import { consolePage, follow } from '../support/console-page.ts';
import { freePort, type RunningHub, startHub } from '../support/hub.ts';
import { somebody } from '../support/people.ts';
import { otherSite } from '../support/webrtc-page.ts';

type Words = typeof en;

let root = '';
let hub: RunningHub;
let browser: Browser;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-passkeys-'));
  const port = String(await freePort());
  const env = { PORT: port, PUBLIC_URL: `http://localhost:${port}` };
  [hub, browser] = await Promise.all([startHub(join(root, 'data'), env), launchBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

/** A phone or key within the browser, which verifies whoever holds it at once. */
async function authenticator(page: Page): Promise<{ devtools: CDPSession; authenticatorId: string }> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  const kind = { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true } as const;
  const options = { ...kind, isUserVerified: true, automaticPresenceSimulation: true };
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', { options });
  return { devtools, authenticatorId };
}

async function addPasskey(page: Page, words: Words, name: string, password = sessionAt(hub.url)?.password ?? ''): Promise<void> {
  await follow(page, '/account');
  await page.getByTestId('add-passkey').click();
  const form = page.getByTestId('passkey-form');
  await form.getByLabel(words.account.passkeyName, { exact: true }).fill(name);
  await form.getByLabel(words.login.current, { exact: true }).fill('not this one');
  await form.getByRole('button', { name: words.account.passkeyMake }).click();
  await expect.poll(() => form.getByRole('alert').textContent()).toBe(words.error.current);
  await form.getByLabel(words.login.current, { exact: true }).fill(password);
  await form.getByRole('button', { name: words.account.passkeyMake }).click();
  await page.getByTestId('passkey').filter({ hasText: name }).waitFor();
}
async function signOut(page: Page, words: Words): Promise<void> {
  await page.getByTestId('menu').click();
  await page.getByRole('button', { name: words.nav.signOut, exact: true }).click();
  await page.getByTestId('sign-in-passkey').waitFor();
}

const asked = (): Promise<PasskeyOptions> => call(hub, PasskeyOptions, 'POST', '/session/passkey/options');
/** What the browser's authenticator signs on the page that is open there. */
function assertionOn(page: Page, { challenge }: { challenge: string }, userVerification = 'required'): Promise<PasskeyAssertion> {
  const options = JSON.stringify({ challenge, rpId: 'localhost', userVerification, allowCredentials: [] });
  return page.evaluate(
    `navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(${options}) }).then((one) => one.toJSON())`,
  );
}
async function given(assertion: object): Promise<{ status: number; field: unknown }> {
  const body = JSON.stringify(assertion);
  const headers = { 'content-type': 'application/json', cookie: 'none=0' };
  const reply = await hubFetch(`${hub.url}/api/session/passkey`, { method: 'POST', headers, body });
  return { status: reply.status, field: ((await reply.json()) as { field?: unknown }).field };
}
const refused = { status: 401, field: 'passkey' };
const late = { status: 401, field: 'passkey-late' };
/** What the custody log has of signing in, newest last. */
const signIns = (): { outcome: string; who: { name: string | null }; detail: Record<string, unknown> }[] =>
  readFileSync(join(hub.dataDir, 'custody/custody.ndjson'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('"what":"sign-in"'))
    .map((line) => JSON.parse(line) as ReturnType<typeof signIns>[number]);

describe('passkeys', () => {
  it.each([
    ['zh-CN', 390, zhCN, '工作手机'],
    ['en', 1440, en, 'Work laptop'],
  ] as const)('are made, signed in with, and removed: %s, %i pixels', async (locale, width, words: Words, name) => {
    const desk = await consolePage(browser, hub.url, { name: 'passkeys', locale, width });
    const { page, shot } = desk;
    await authenticator(page);
    await addPasskey(page, words, name);
    await shot('account');
    // a session of the page's own: the test's goes on
    await page.context().clearCookies();
    await page.goto(`${hub.url}/account`);
    await page.getByTestId('sign-in-passkey').waitFor();
    await shot('sign-in');
    await page.getByRole('button', { name: words.login.passkey }).click();
    const row = page.getByTestId('passkey').filter({ hasText: name });
    await row.waitFor();
    expect(await row.textContent()).not.toContain(words.account.passkeyUnused);
    expect(signIns().at(-1)).toMatchObject({
      outcome: 'done',
      who: { name: expect.any(String) },
      detail: { with: 'passkey', passkey: name },
    });

    const remove = row.getByRole('button', { name: words.account.passkeyRemoveOf.replace('{name}', name) });
    const removal = page.getByTestId('passkey-removal');
    await remove.click();
    await removal.getByRole('button', { name: words.app.cancel }).click();
    await expect.poll(() => remove.and(page.locator(':focus')).count()).toBe(1);
    await remove.click();
    await removal.getByLabel(words.login.current, { exact: true }).fill('not this one');
    await removal.getByRole('button', { name: words.account.passkeyRemove, exact: true }).click();
    await expect.poll(() => removal.getByRole('alert').textContent()).toBe(words.error.current);
    await shot('removal');
    expect((await call(hub, PasskeyList, 'GET', '/session/passkeys')).passkeys).toHaveLength(1);
    await removal.getByLabel(words.login.current, { exact: true }).fill(sessionAt(hub.url)?.password ?? '');
    await removal.getByRole('button', { name: words.account.passkeyRemove, exact: true }).click();
    await row.waitFor({ state: 'detached' });
    expect((await call(hub, PasskeyList, 'GET', '/session/passkeys')).passkeys).toEqual([]);
    await signOut(page, words);
    await page.getByRole('button', { name: words.login.passkey }).click();
    await expect.poll(() => page.getByTestId('sign-in-passkey').getByRole('alert').textContent()).toBe(words.error.passkey);
    await shot('refused');
    await expect.poll(() => signIns().at(-1)?.detail).toEqual({ why: 'unknown passkey' });
    await desk.close();
  });

  it('count once, on the hub’s own pages, for whoever was verified', async () => {
    const desk = await consolePage(browser, hub.url, { name: 'passkeys', locale: 'en', width: 1440 });
    const { page } = desk;
    const { devtools, authenticatorId } = await authenticator(page);
    await addPasskey(page, en, 'Key');
    expect(await asked()).toMatchObject({ rpId: 'localhost', allowCredentials: [], userVerification: 'required' });
    const { credentials } = await devtools.send('WebAuthn.getCredentials', { authenticatorId });

    const first = await assertionOn(page, await asked());
    const anothers = { ...first, response: { ...first.response, userHandle: Buffer.from('pe-nobody').toString('base64url') } };
    expect(await given(anothers)).toEqual(refused);
    const good = await assertionOn(page, await asked());
    expect(await given(good)).toEqual({ status: 200, field: undefined });
    expect(await given(good)).toEqual(late); // replayed
    expect(await given(await assertionOn(page, { challenge: 'bm90IG9uZSBvZiBvdXJz' }))).toEqual(late); // not one of ours
    expect(await given(await assertionOn(page, await asked(), 'discouraged'))).toEqual(refused); // nobody was verified

    // another site under the same name has the key sign our challenge
    const site = await otherSite();
    await page.goto(site.url.replace('127.0.0.1', 'localhost'));
    expect(await given(await assertionOn(page, await asked()))).toEqual(refused);
    await page.goto(hub.url);
    site.close();

    // a copy of the key that has counted less far
    for (const credential of credentials) {
      await devtools.send('WebAuthn.removeCredential', { authenticatorId, credentialId: credential.credentialId });
      await devtools.send('WebAuthn.addCredential', { authenticatorId, credential });
    }
    expect(await given(await assertionOn(page, await asked()))).toEqual(refused);
    await expect.poll(() => signIns().at(-1)?.detail).toEqual({ why: 'wrong passkey' });

    await page.goto(hub.url.replace('localhost', '127.0.0.1')); // no address for passkeys
    await page.getByTestId('sign-in').waitFor();
    expect(await page.getByTestId('sign-in-passkey').count()).toBe(0);
    await desk.close();
  });

  it('need no code beside them, and open nothing to who is blocked or was given a new password', async () => {
    const made = { login: 'lina', name: '李娜', roles: [{ role: 'leader' as const, squadId: null }] };
    const { person, session } = await somebody(hub, made, 'a gate between two walls');
    const desk = await consolePage(browser, hub.url, { name: 'passkeys', locale: 'en', width: 1440, as: session });
    const { page } = desk;
    await authenticator(page);
    await addPasskey(page, en, 'Phone', session.password);

    const its = { headers: { cookie: session.cookie, 'content-type': 'application/json' } };
    const own = JSON.stringify({ password: session.password });
    const setup = await hubFetch(`${hub.url}/api/session/totp`, { ...its, method: 'POST', body: own });
    const code = new TOTP({ secret: TotpSetup.parse(await setup.json()).secret }).generate();
    expect((await hubFetch(`${hub.url}/api/session/totp`, { ...its, method: 'PUT', body: JSON.stringify({ code }) })).status).toBe(204);
    const attempt = async () => given(await assertionOn(page, await asked()));
    expect(await attempt()).toEqual({ status: 200, field: undefined });

    await call(hub, Person, 'PUT', `/people/${person.personId}`, { state: 'blocked' });
    expect(await attempt()).toEqual(refused);
    await expect.poll(() => signIns().at(-1)).toMatchObject({ who: { name: made.name }, detail: { why: 'blocked' } });
    await call(hub, Person, 'PUT', `/people/${person.personId}`, { state: 'active' });
    expect((await attempt()).status).toBe(200);
    await call(hub, OneTimePassword, 'POST', `/people/${person.personId}/password`);
    expect(await attempt()).toEqual(refused);
    await desk.close();
  });
});
