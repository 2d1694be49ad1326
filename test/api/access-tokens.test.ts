import { io } from 'socket.io-client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { signIn } from '../../scripts/demo/sign-in.ts';
import { hashPassword } from '../../server/people/passwords.ts';
import { ABOUT_OPERATIONS, AccessTokenList, AccessTokenMade, Me, type RoleGrant } from '../../server/protocol/people.ts';
import { consoleRights } from '../../server/protocol/socket.ts';
import { insertAngle, insertOperation } from '../../server/store/operations.ts';
import { insertPerson, saveSquad, setPassword } from '../../server/store/people.ts';
import { createSession } from '../../server/store/person-sessions.ts';
import { until } from '../support/hub.ts';
import { type ControlPlane, controlPlane } from '../support/in-process.ts';

const OPERATION = '20260101-aaaaaaaa';
const PASSWORD = 'a gate between two walls';
const WHEP = `/whep/${OPERATION}/an-aaaaaaaa`;
let plane: ControlPlane;
let passwordHash = '';
let admin = '';
let made = 0;
/** Sessions and tokens that were told to be over since the last test. */
const over = new Set<string>();
beforeAll(async () => {
  plane = await controlPlane();
  plane.context.hub.on('signedOut', (owners) => owners.forEach((each) => over.add(each)));
  passwordHash = await hashPassword(PASSWORD);
  const { store } = plane.context;
  await saveSquad(store, 'sq-near', '一中队', { nowMs: Date.now() });
  await insertOperation(store, { operationId: OPERATION, name: '拆除', openedMs: Date.now(), segmentMs: 4000 });
  await store.insertInto('operation_squad').values({ operation_id: OPERATION, squad_id: 'sq-near' }).execute();
  await insertAngle(store, OPERATION, 'an-aaaaaaaa', '东门');
  admin = (await person('administrator')).cookie;
});
afterEach(() => over.clear());
afterAll(() => plane.close());

async function person(
  role: RoleGrant['role'],
  squadId: string | null = null,
): Promise<{ personId: string; login: string; name: string; badge: string; cookie: string }> {
  made += 1;
  const known = { personId: `pe-${made}`, login: `person${made}`, name: `队员${made}`, badge: `证${made}` };
  const { personId, login } = known;
  const { store } = plane.context;
  const facts = { ...known, roles: [{ role, squadId }], passwordHash };
  await insertPerson(store, facts, Date.now());
  await setPassword(store, personId, passwordHash, null);
  return { ...known, cookie: (await signIn(plane.url, login, PASSWORD)).cookie };
}

type Told = { status: number; body: Record<string, unknown>; cookie: string };
async function ask(method: string, path: string, cookie: string, body?: object): Promise<Told> {
  const headers = { cookie, ...(body && { 'content-type': 'application/json' }) };
  const reply = await fetch(`${plane.url}/api${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  const text = await reply.text();
  const set = reply.headers.get('set-cookie')?.split(';')[0] ?? '';
  return { status: reply.status, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>), cookie: set };
}
async function makeToken(cookie: string, permissions = ['operation.see']) {
  const reply = await ask('POST', '/session/tokens', cookie, { name: '大屏', permissions, days: 7, password: PASSWORD });
  return AccessTokenMade.parse(reply.body);
}
const byToken = async (token: string, path = '/api/operations'): Promise<Response> =>
  fetch(plane.url + path, { headers: { authorization: `Bearer ${token}` } });
const statusBy = async (token: string): Promise<number> => (await byToken(token)).status;

describe('an access token', () => {
  it('is made with the password, and is no use while its owner must choose another one', async () => {
    const { personId, cookie } = await person('leader');
    const asked = { name: '大屏', permissions: ['operation.see'], days: 7 };
    expect((await ask('POST', '/session/tokens', cookie, asked)).body).toMatchObject({ code: 'bad_request', field: 'password' });
    const wrong = await ask('POST', '/session/tokens', cookie, { ...asked, password: 'something else' });
    expect(wrong.body).toMatchObject({ code: 'unauthorized', field: 'current' });
    expect((await ask('GET', '/session/tokens', cookie)).body).toEqual({ tokens: [] });
    const { token } = await makeToken(cookie);
    expect(await statusBy(token)).toBe(200);
    await setPassword(plane.context.store, personId, passwordHash, Date.now());
    expect(await (await byToken(token)).json()).toMatchObject({ code: 'forbidden', field: 'must-change' });
  });

  it.each([
    ['a new password from an administrator', 'POST', '/password', undefined],
    ['a sign-out everywhere', 'DELETE', '/sessions', undefined],
    ['blocking', 'PUT', '', { state: 'blocked' }],
    ['a revocation of all', 'DELETE', '/tokens', undefined],
  ] as const)('is over after %s, and stays so', async (_, method, path, body) => {
    const { personId, login, cookie } = await person('leader');
    const { token, item } = await makeToken(cookie);
    expect(await statusBy(token)).toBe(200);
    expect((await ask(method, `/people/${personId}${path}`, admin, body)).status).toBeLessThan(300);
    expect(over).toContain(item.tokenId);
    await ask('PUT', `/people/${personId}`, admin, { state: 'active' });
    await setPassword(plane.context.store, personId, passwordHash, null);
    expect(await statusBy(token)).toBe(401);
    const again = await signIn(plane.url, login, PASSWORD);
    expect((await ask('GET', '/session/tokens', again.cookie)).body).toEqual({ tokens: [] });
  });

  it('is over when its owner changes the password, or revokes it', async () => {
    const { cookie } = await person('leader');
    const one = await makeToken(cookie);
    expect((await ask('DELETE', `/session/tokens/${one.item.tokenId}`, cookie)).status).toBe(204);
    expect(over).toContain(one.item.tokenId);
    const other = await makeToken(cookie);
    const changed = await ask('PUT', '/session/password', cookie, { current: PASSWORD, next: 'a river behind the gate' });
    expect(over).toContain(other.item.tokenId);
    expect(await statusBy(other.token)).toBe(401);
    expect((await ask('GET', '/session/tokens', changed.cookie)).body).toEqual({ tokens: [] });
  });

  it('is seen and revoked by who manages the people of the whole brigade, and by nobody else', async () => {
    const { personId, cookie } = await person('leader');
    const [one, other] = [await makeToken(cookie), await makeToken(cookie)];
    const path = `/people/${personId}/tokens`;
    const near = (await person('administrator', 'sq-near')).cookie;
    for (const method of ['GET', 'DELETE']) expect((await ask(method, path, near)).status).toBe(403);
    expect((await ask('DELETE', `${path}/${one.item.tokenId}`, cookie)).status).toBe(403);
    const { tokens } = AccessTokenList.parse((await ask('GET', path, admin)).body);
    expect(tokens.map(({ tokenId }) => tokenId).toSorted()).toEqual([one.item.tokenId, other.item.tokenId].toSorted());
    expect(JSON.stringify(tokens)).not.toContain(one.token);
    expect((await ask('DELETE', `${path}/${one.item.tokenId}`, admin)).status).toBe(204);
    expect([...over]).toEqual([one.item.tokenId]);
    expect([await statusBy(one.token), await statusBy(other.token)]).toEqual([401, 200]);
    expect((await ask('DELETE', `${path}/${one.item.tokenId}`, admin)).body).toMatchObject({ code: 'not_found', field: 'tokenId' });
    expect((await ask('GET', '/people/pe-nobody/tokens', admin)).status).toBe(404);
    await until('the log has it', async () => {
      await plane.context.custodyIndex.flush();
      const lines = await plane.context.store.selectFrom('custody_line').where('what', '=', 'token.revoked').selectAll().execute();
      return lines.some(({ subject, outcome }) => subject === one.item.tokenId && outcome === 'done');
    });
  });

  it('for anything about operations sees them as well', async () => {
    const used = [...plane.routes.map(({ rule }) => rule), ...Object.values(consoleRights).map((permission) => ({ by: 'permission', permission, of: 'operation' }) as const)]; // prettier-ignore
    const about = used.flatMap((rule) => (rule.by === 'permission' && rule.of === 'operation' ? [rule.permission] : []));
    expect([...new Set(about)].toSorted()).toEqual(['operation.see', ...ABOUT_OPERATIONS].toSorted());
    const { cookie } = await person('leader', 'sq-near');
    const watch = await makeToken(cookie, ['live.watch']);
    expect(watch.item.permissions).toEqual(['operation.see', 'live.watch']);
    expect((await byToken(watch.token, WHEP)).status).toBe(204);
    const reader = await makeToken((await person('legal')).cookie, ['log.read']);
    expect(reader.item.permissions).toEqual(['log.read']);
    expect(await statusBy(reader.token)).toBe(403);
  });
});

describe('the twenty-first session', () => {
  it('ends the oldest, and its socket with it', async () => {
    const { personId, login, cookie } = await person('leader');
    const { socketToken } = Me.parse((await ask('GET', '/session', cookie)).body);
    const socket = io(`${plane.url}/console`, {
      auth: { token: socketToken },
      transports: ['websocket'],
      forceNew: true,
      reconnection: false,
    });
    await new Promise((resolve) => socket.once('connect', () => resolve(null)));
    const closed = new Promise((resolve) => socket.once('disconnect', resolve));
    const from = { address: '127.0.0.1', device: 'tests' };
    for (let i = 1; i < 20; i += 1) await createSession(plane.context.store, personId, from, Date.now());
    expect([socket.connected, (await ask('GET', '/session', cookie)).status]).toEqual([true, 200]);
    const { cookie: last } = await signIn(plane.url, login, PASSWORD);
    expect(await closed).toBe('io server disconnect');
    expect([(await ask('GET', '/session', cookie)).status, (await ask('GET', '/session', last)).status]).toEqual([401, 200]);
  });
});

describe('the list of people', () => {
  it('tells names and squads to choose from, and of accounts only to who manages them', async () => {
    const { login, cookie: _, ...known } = await person('operator', 'sq-near');
    const commander = (await person('commander', 'sq-near')).cookie;
    const near = (await person('administrator', 'sq-near')).cookie;
    const named = { ...known, squadIds: ['sq-near'] };
    for (const cookie of [commander, near]) {
      const found = await ask('GET', `/people?state=active&q=${encodeURIComponent(named.badge)}`, cookie);
      expect(found.body).toEqual({ people: [named], total: 1 });
      expect((await ask('GET', `/people?q=${login}`, cookie)).body).toEqual({ people: [], total: 0 });
      expect((await ask('GET', '/people?role=administrator', cookie)).body).toMatchObject({ code: 'forbidden', field: 'role' });
    }
    const whole = await ask('GET', `/people?q=${login}&role=operator`, admin);
    expect(whole.body).toMatchObject({ people: [{ ...named, login, state: 'active', roles: [{ role: 'operator' }] }], total: 1 });
  });
});
