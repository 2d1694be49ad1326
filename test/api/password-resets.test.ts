import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hashPassword } from '../../server/people/passwords.ts';
import { insertPasskey, listPasskeys } from '../../server/store/passkeys.ts';
import { setPassword } from '../../server/store/people.ts';
import { createSession, endSessions, sessionFor } from '../../server/store/person-sessions.ts';
import { hash } from '../../server/store/sessions.ts';
import { ask, type Asking, personWith, readLines } from '../support/custody-plane.ts';
import { type ControlPlane, controlPlane } from '../support/in-process.ts';

const PASSWORD = 'a long way to the gates';
const LOGIN = 'pe-wang';
const FROM = { address: '127.0.0.1', device: 'desk' };
let plane: ControlPlane;
let admin = '';
let passwordHash = '';
beforeAll(async () => {
  plane = await controlPlane();
  admin = await personWith(plane, 'pe-root', ['administrator', 'leader']);
  passwordHash = await hashPassword(PASSWORD);
  await personWith(plane, LOGIN, ['commander'], passwordHash);
});
beforeEach(async () => {
  const { store } = plane.context;
  await setPassword(store, LOGIN, passwordHash, null);
  await endSessions(store, LOGIN, null);
});
afterAll(() => plane.close());

const root: Asking = (method, url, payload) => ask(plane, admin, { method, url: `/api${url}`, ...(payload && { payload }) });
const reset = () => root('POST', `/people/${LOGIN}/password`);
const signIn = (password = PASSWORD) =>
  ask(plane, '', { method: 'POST', url: '/api/session', payload: { login: LOGIN, password }, address: '10.0.0.1' });
const sessions = async () =>
  (await plane.context.store.selectFrom('person_session').where('person_id', '=', LOGIN).selectAll().execute()).length;
const passkey = { personId: LOGIN, name: '钥匙', credentialId: 'cred-1', publicKey: new Uint8Array(8), counter: 0, transports: [] };
/** While a line of this is being written, so that the next one finds what this does. */
function during(what: string, happens: () => Promise<unknown>): void {
  const { custody } = plane.context;
  const record = custody.record.bind(custody);
  custody.record = async (entry) => {
    const head = await record(entry);
    if (entry.what === what) {
      custody.record = record;
      await happens();
    }
    return head;
  };
}

describe('a password that is reset', () => {
  it('lets nobody in who was signing in with the one before', async () => {
    during('sign-in', reset);
    expect(await signIn()).toMatchObject({ status: 401, body: { field: 'sign-in' } });
    expect(await sessions()).toBe(0);
    const { lines } = await readLines(plane, admin, `what=sign-in&who=${LOGIN}`);
    expect(lines.map(({ outcome }) => outcome)).toEqual(['failed', 'done']);
  });

  it('is not replaced by whoever was choosing another one meanwhile', async () => {
    const { cookie } = await signIn();
    during('person.password', reset);
    const next = 'another way to the gates';
    const payload = { current: PASSWORD, next };
    expect((await ask(plane, cookie, { method: 'PUT', url: '/api/session/password', payload })).status).toBe(401);
    expect((await signIn(next)).status).toBe(401);
  });

  it('ends everything, or nothing changes', async () => {
    const { store } = plane.context;
    const { cookie } = await signIn();
    await insertPasskey(store, passkey, hash(cookie.split('=')[1] ?? ''), 1);
    await sql`CREATE TRIGGER full BEFORE DELETE ON person_session BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`.execute(store);
    expect((await reset()).status).toBe(500);
    const payload = { current: PASSWORD, next: 'another way to the gates' };
    await createSession(store, LOGIN, FROM, Date.now()); // one to be ended
    expect((await ask(plane, cookie, { method: 'PUT', url: '/api/session/password', payload })).status).toBe(500);
    await sql`DROP TRIGGER full`.execute(store);
    expect(await listPasskeys(store, LOGIN)).toHaveLength(1);
    expect((await ask(plane, cookie, { method: 'GET', url: '/api/session' })).status).toBe(200);
    expect((await signIn()).status).toBe(200);
    expect((await reset()).status).toBe(200);
    expect([await sessions(), await listPasskeys(store, LOGIN)]).toEqual([0, []]);
  });
});

it('a passkey that is gone, or somebody who is blocked, gets no session; a session that is over, no passkey', async () => {
  const { store } = plane.context;
  const { secret } = await createSession(store, LOGIN, FROM, Date.now());
  expect(await insertPasskey(store, passkey, hash(secret), 1)).toBe(true);
  const checked = { personId: LOGIN, credentialId: passkey.credentialId };
  expect(await sessionFor(store, checked, FROM, Date.now())).not.toBeNull();
  await store.updateTable('person').set({ state: 'blocked' }).where('person_id', '=', LOGIN).execute();
  expect(await sessionFor(store, checked, FROM, Date.now())).toBeNull();
  await store.updateTable('person').set({ state: 'active' }).where('person_id', '=', LOGIN).execute();
  await reset();
  expect(await sessionFor(store, checked, FROM, Date.now())).toBeNull();
  await expect(insertPasskey(store, passkey, hash(secret), 1)).rejects.toMatchObject({ code: 'unauthorized', field: 'session' });
});
