import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { TOTP } from 'otpauth';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cpuSeconds } from '../../scripts/bench/proc.ts';
import { call } from '../../scripts/demo/hub.ts';
import { firstAdministratorIn, signIn, sessionAt } from '../../scripts/demo/sign-in.ts';
import { readHead } from '../../server/custody/heads.ts';
import { headFile } from '../../server/custody/open-log.ts';
import { CustodyHead, CustodyPage } from '../../server/protocol/custody.ts';
import {
  AccessTokenMade,
  Me,
  OneTimePassword,
  Person,
  PersonCreated,
  type RoleGrant,
  Squad,
  TotpSetup,
} from '../../server/protocol/people.ts';
import { type RunningHub, startHub, until } from '../support/hub.ts';

let root = '';
let hub: RunningHub;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-people-'));
  hub = await startHub(join(root, 'data'));
});
afterAll(async () => {
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

type Told = { status: number; body: Record<string, unknown>; cookie: string };
/** One request with this cookie, or with none. */
async function ask(method: string, path: string, cookie = '', body?: object, more: Record<string, string> = {}): Promise<Told> {
  const headers = { ...(body && { 'content-type': 'application/json' }), ...(cookie && { cookie }), ...more };
  const reply = await fetch(`${hub.url}/api${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  const text = await reply.text();
  const set = reply.headers.get('set-cookie')?.split(';')[0] ?? '';
  return { status: reply.status, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>), cookie: set };
}

let made = 0;
/** Somebody with these roles and a password of the own. */
async function person(roles: RoleGrant[]): Promise<{ personId: string; login: string; password: string; cookie: string }> {
  made += 1;
  const login = `officer${made}`;
  const created = await call(hub, PersonCreated, 'POST', '/people', { login, name: `队员 ${made}`, roles });
  const password = `a long way to ${made} gates`;
  const { cookie } = await signIn(hub.url, login, created.password, password);
  return { personId: created.person.personId, login, password, cookie };
}
/** What the custody log has of signing in, the last first. */
const signIns = async () => (await call(hub, CustodyPage, 'GET', '/custody?what=sign-in')).lines;
const everywhere = (role: RoleGrant['role']): RoleGrant[] => [{ role, squadId: null }];

describe('signing in', () => {
  it('the first administrator’s password is told once, in one place, and kept nowhere', async () => {
    // it is written a second after the log, by another name until it is whole: that must not go while it is looked for
    const head = headFile(join(hub.dataDir, 'custody'));
    await until('the head of the log is kept', async () => (await readHead(head))?.seq === (await call(hub, CustodyHead, 'GET', '/custody/head')).seq); // prettier-ignore
    const first = firstAdministratorIn(hub.output());
    expect(first?.password).toMatch(/^(\w{4}-){3}\w{4}$/);
    for (const name of readdirSync(hub.dataDir, { recursive: true, encoding: 'utf8' })) {
      const path = join(hub.dataDir, name);
      if (statSync(path).isFile()) expect([name, readFileSync(path, 'latin1').includes(first?.password ?? '')]).toEqual([name, false]);
    }
    expect(hub.output().split(first?.password ?? '?')).toHaveLength(2);
  });

  it('never says whether login or password was wrong, and takes as long', async () => {
    const { login } = await person(everywhere('reviewer'));
    const wrong = await ask('POST', '/session', '', { login, password: 'something else' });
    const nobody = await ask('POST', '/session', '', { login: 'nobody-here', password: 'something else' });
    expect([wrong.status, wrong.body]).toEqual([401, nobody.body]);
    expect(nobody.status).toBe(401);
    expect(wrong.body).toMatchObject({ field: 'sign-in' });
    // the processor's time of whoever answers: other programs on the machine do not count
    const { control } = hub.state();
    const used = (): number => cpuSeconds([control]).get(control) ?? Number.NaN;
    const took = { known: 0, unknown: 0 };
    for (let i = 0; i < 4; i += 1)
      for (const which of ['known', 'unknown'] as const) {
        const before = used();
        await ask('POST', '/session', '', { login: which === 'known' ? login : 'nobody-here', password: 'something else' });
        took[which] += used() - before;
      }
    expect(took.known / took.unknown).toBeGreaterThan(1 / 3); // a password that is not hashed costs a fiftieth
    expect(took.known / took.unknown).toBeLessThan(3);
  });

  it('a given password opens nothing but the choice of another one, and easily guessed ones are refused', async () => {
    const { person: made1, password } = await call(hub, PersonCreated, 'POST', '/people', {
      login: 'fresh',
      name: '新队员',
      roles: everywhere('leader'),
    });
    const { cookie, body } = await ask('POST', '/session', '', { login: 'FRESH', password });
    expect(Me.parse(body).person).toMatchObject({ personId: made1.personId, mustChange: true });
    expect((await ask('GET', '/operations', cookie)).body).toMatchObject({ code: 'forbidden', field: 'must-change' });
    const change = (next: string, current = password) => ask('PUT', '/session/password', cookie, { current, next });
    for (const next of ['short', 'fresh12345', '1234567890', 'abababababab', password])
      expect((await change(next)).body).toMatchObject({ code: 'bad_request', field: 'next' });
    expect((await change('a wide river', 'wrong')).body).toMatchObject({ code: 'unauthorized', field: 'current' });
    const changed = await change('a wide river');
    expect(changed.status).toBe(200);
    expect((await ask('GET', '/operations', changed.cookie)).status).toBe(200);
    expect((await ask('GET', '/session', cookie)).status).toBe(401); // whoever has seen the old cookie
  });

  it('a given password is good for a week', async () => {
    const body = { login: 'late', name: '迟到', roles: [] };
    const { person: late, password } = await call(hub, PersonCreated, 'POST', '/people', body);
    const store = new DatabaseSync(join(hub.dataDir, 'fieldhub.sqlite'));
    store.exec('PRAGMA busy_timeout = 5000');
    const later = (days: number) =>
      store.prepare('UPDATE person SET given_ms = given_ms - ? * 86400000 WHERE person_id = ?').run(days, late.personId);
    later(6);
    expect((await ask('POST', '/session', '', { login: 'late', password })).status).toBe(200);
    later(2);
    store.close();
    expect((await ask('POST', '/session', '', { login: 'late', password })).body).toMatchObject({ field: 'given-expired' });
    expect((await ask('POST', '/session', '', { login: 'late', password: 'wrong' })).body).toMatchObject({ field: 'sign-in' });
    const again = await call(hub, OneTimePassword, 'POST', `/people/${late.personId}/password`);
    expect((await ask('POST', '/session', '', { login: 'late', password: again.password })).status).toBe(200);
  });

  it('with an authenticator a code is asked for, and none is taken twice', async () => {
    const { cookie, login, password, personId } = await person(everywhere('legal'));
    expect((await ask('POST', '/session/totp', cookie, { password: 'wrong' })).body).toMatchObject({ field: 'current' });
    const { secret, uri } = TotpSetup.parse((await ask('POST', '/session/totp', cookie, { password })).body);
    expect(uri).toContain(login);
    const totp = new TOTP({ secret });
    for (const code of ['000000', '１２３４５６', 'ｃｏｄｅ行动'])
      expect((await ask('PUT', '/session/totp', cookie, { code })).body).toMatchObject({ code: 'bad_request', field: 'code' });
    const code = totp.generate();
    expect((await ask('PUT', '/session/totp', cookie, { code })).status).toBe(204);
    expect((await ask('POST', '/session', '', { login, password })).body).toMatchObject({ code: 'unauthorized', field: 'code' });
    expect((await ask('POST', '/session', '', { login, password, code })).body).toMatchObject({ field: 'code' }); // used already
    const next = totp.generate({ timestamp: Date.now() + 30_000 });
    expect((await ask('POST', '/session', '', { login, password, code: next })).status).toBe(200);
    const mine = (await signIns()).filter(({ who }) => who.id === personId).map(({ detail }) => detail['why'] ?? detail['with']);
    expect(mine.toReversed()).toEqual(['password', 'code asked for', 'wrong code', 'password and code']);
    expect((await ask('DELETE', '/session/totp', cookie, { password: 'wrong' })).status).toBe(401);
    expect((await ask('DELETE', '/session/totp', cookie, { password })).status).toBe(204);
  });

  it('by a passkey only where the hub has a name', async () => {
    expect((await ask('POST', '/session/passkey/options')).body).toMatchObject({ code: 'conflict', field: 'passkey-host' });
    const { cookie, password } = await person(everywhere('leader'));
    expect((await ask('GET', '/session/passkeys', cookie)).body).toEqual({ passkeys: [], host: null });
    const options = await ask('POST', '/session/passkeys/options', cookie, { password });
    expect(options.body).toMatchObject({ code: 'conflict', field: 'passkey-host' });
  });

  it('ten wrong tries a minute and no more', async () => {
    const { login, password } = await person(everywhere('operator'));
    const told: number[] = [];
    for (let i = 0; i < 12; i += 1) told.push((await ask('POST', '/session', '', { login, password: 'wrong one' })).status);
    expect(told).toEqual([...Array<number>(10).fill(401), 429, 429]);
    const tried = async () => (await signIns()).filter(({ who }) => who.name === login).map(({ detail }) => detail['why']);
    await until('the log has it', async () => (await tried())[0] === 'too many attempts');
    expect(await tried()).toHaveLength(11); // and no line more for who goes on
    expect((await ask('POST', '/session', '', { login, password })).status).toBe(429);
  });
});

describe('a session', () => {
  it('is over at once when it is ended, its person is blocked, or the password is given anew', async () => {
    const one = await person(everywhere('leader'));
    const { cookie: other } = await signIn(hub.url, one.login, one.password);
    const { body } = await ask('GET', '/session/all', one.cookie);
    const sessions = body['sessions'] as { sessionId: string; current: boolean }[];
    expect(sessions).toHaveLength(2);
    const elsewhere = sessions.find(({ current }) => !current)?.sessionId;
    expect((await ask('DELETE', `/session/all/${elsewhere}`, one.cookie)).status).toBe(204);
    expect((await ask('GET', '/session', other)).status).toBe(401);
    await call(hub, Person, 'PUT', `/people/${one.personId}`, { state: 'blocked' });
    expect((await ask('GET', '/session', one.cookie)).status).toBe(401);
    expect((await ask('POST', '/session', '', { login: one.login, password: one.password })).body).toMatchObject({ field: 'sign-in' });
    await call(hub, Person, 'PUT', `/people/${one.personId}`, { state: 'active' });
    const [out, anew] = [await signIn(hub.url, one.login, one.password), await signIn(hub.url, one.login, one.password)];
    expect((await ask('DELETE', '/session', out.cookie)).status).toBe(204);
    expect([(await ask('GET', '/session', out.cookie)).status, (await ask('GET', '/session', anew.cookie)).status]).toEqual([401, 200]);
    await call(hub, OneTimePassword, 'POST', `/people/${one.personId}/password`);
    expect((await ask('GET', '/session', anew.cookie)).status).toBe(401);
  });

  it('has a cookie of its own, whatever one a browser comes to sign in with, and ends what that one was for', async () => {
    const one = await person(everywhere('reviewer'));
    const planted = `fh_session=${'A'.repeat(43)}`;
    const { login, password } = one;
    const first = await ask('POST', '/session', planted, { login, password });
    expect(first.cookie).toMatch(/^fh_session=[\w-]{43}$/);
    expect(first.cookie).not.toBe(planted);
    const second = await ask('POST', '/session', first.cookie, { login, password });
    expect([(await ask('GET', '/session', first.cookie)).status, (await ask('GET', '/session', second.cookie)).status]).toEqual([401, 200]);
    expect((await ask('GET', '/session', one.cookie)).status).toBe(200); // another browser
  });

  it('another site gets nothing by its cookie, and a machine only what its token is for', async () => {
    const { cookie, password } = await person(everywhere('commander'));
    const foreign = { origin: 'https://evil.example' };
    expect((await ask('GET', '/operations', cookie, undefined, foreign)).status).toBe(401);
    expect((await ask('POST', '/operations', cookie, { name: 'x' }, foreign)).status).toBe(403);
    for (const site of ['cross-site', 'same-site'])
      expect((await ask('GET', '/operations', cookie, undefined, { 'sec-fetch-site': site })).status).toBe(401);
    expect((await ask('GET', '/operations', cookie, undefined, { 'sec-fetch-site': 'same-origin' })).status).toBe(200);
    const tokens = '/session/tokens';
    const beyond = await ask('POST', tokens, cookie, { name: '大屏', permissions: ['people.manage'], days: 30, password });
    expect(beyond.body).toMatchObject({ code: 'bad_request', field: 'permissions' });
    const { body } = await ask('POST', tokens, cookie, { name: '大屏', permissions: ['operation.see'], days: 30, password });
    const { token, item } = AccessTokenMade.parse(body);
    const more = { name: '备用', permissions: ['operation.see'], days: 1, password };
    for (let i = 1; i < 20; i += 1) expect((await ask('POST', tokens, cookie, more)).status).toBe(201);
    expect((await ask('POST', tokens, cookie, more)).body).toMatchObject({ code: 'conflict', field: 'tokens-full' });
    const bearer = { authorization: `Bearer ${token}` };
    expect((await ask('GET', '/operations', '', undefined, bearer)).status).toBe(200);
    expect((await ask('POST', '/operations', '', { name: 'x' }, bearer)).status).toBe(403);
    expect((await ask('GET', '/session', '', undefined, bearer)).status).toBe(403); // no token looks after an account
    expect((await ask('DELETE', `${tokens}/${item.tokenId}`, cookie)).status).toBe(204);
    expect((await ask('GET', '/operations', '', undefined, bearer)).status).toBe(401);
    await until('the log has it', async () =>
      (await signIns()).some(({ who, detail }) => who.kind === 'token' && detail['why'] === 'wrong token'),
    );
  });
});

describe('a socket', () => {
  it('is not opened from another site’s page, nor with a session that is over', async () => {
    const opened = (token: string, origin?: string): Promise<boolean> =>
      new Promise((resolve) => {
        const extraHeaders = origin === undefined ? {} : { origin };
        const socket = io(`${hub.url}/console`, {
          auth: { token },
          extraHeaders,
          transports: ['websocket'],
          forceNew: true,
          reconnection: false,
        });
        socket.once('connect', () => (socket.close(), resolve(true)));
        socket.once('connect_error', () => (socket.close(), resolve(false)));
      });
    const { cookie } = await person(everywhere('commander'));
    const { socketToken } = Me.parse((await ask('GET', '/session', cookie)).body);
    expect([await opened(socketToken), await opened(socketToken, hub.url)]).toEqual([true, true]);
    for (const origin of ['https://evil.example', 'null', hub.url.replace('http:', 'http://x@')])
      expect([origin, await opened(socketToken, origin)]).toEqual([origin, false]);
    await ask('DELETE', '/session', cookie);
    expect(await opened(socketToken)).toBe(false);
  });
});

describe('people', () => {
  it('somebody always manages them; names, squads and logins are checked', async () => {
    const { personId } = sessionAt(hub.url) ?? {};
    const refused = await ask('PUT', `/people/${personId}`, sessionAt(hub.url)?.cookie, { roles: [] });
    expect(refused.body).toMatchObject({ code: 'conflict', field: 'last-administrator' });
    const blocked = await ask('PUT', `/people/${personId}`, sessionAt(hub.url)?.cookie, { state: 'blocked' });
    expect(blocked.body).toMatchObject({ code: 'conflict', field: 'last-administrator' });
    const squad = await call(hub, Squad, 'POST', '/squads', { name: '一中队' });
    const again = await ask('POST', '/squads', sessionAt(hub.url)?.cookie, { name: '一中队' });
    expect(again.body).toMatchObject({ code: 'conflict', field: 'name' });
    const atOnce = await Promise.all(['二中队', '二中队'].map((name) => ask('POST', '/squads', sessionAt(hub.url)?.cookie, { name })));
    expect(atOnce.map(({ status }) => status).toSorted()).toEqual([201, 409]);
    const create = (body: object) =>
      ask('POST', '/people', sessionAt(hub.url)?.cookie, { login: 'zhang', name: '张三', roles: [], ...body });
    expect((await create({ login: 'a b' })).body).toMatchObject({ code: 'bad_request', field: 'login' });
    expect((await create({ name: ' ' })).body).toMatchObject({ code: 'bad_request', field: 'name' });
    expect((await create({ roles: [{ role: 'leader', squadId: 'sq-none' }] })).body).toMatchObject({ code: 'bad_request', field: 'roles' });
    expect((await create({ roles: [{ role: 'leader', squadId: squad.squadId }] })).status).toBe(201);
    expect((await create({ login: 'ZHANG' })).body).toMatchObject({ code: 'conflict', field: 'login' });
    const found = await ask('GET', `/people?q=${encodeURIComponent('张')}&squad=${squad.squadId}`, sessionAt(hub.url)?.cookie);
    expect(found.body).toMatchObject({ total: 1, people: [{ login: 'zhang', roles: [{ role: 'leader', squadId: squad.squadId }] }] });
  });
});
