import { readFileSync } from 'node:fs';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import Fastify from 'fastify';
import type { RuledRoute } from '../../server/http/permit.ts';
import { installPermission } from '../../server/http/permit.ts';
import { permissionsPage } from '../../server/permission/page.ts';
import { PERMISSIONS } from '../../server/permission/rules.ts';
import { type RoleGrant, ROLES } from '../../server/protocol/people.ts';
import { captureRequests, consoleRequests, consoleRights, type ConsoleRequests } from '../../server/protocol/socket.ts';
import { insertAngle, insertOperation } from '../../server/store/operations.ts';
import { createSession } from '../../server/store/person-sessions.ts';
import { insertPerson, saveSquad, setPassword } from '../../server/store/people.ts';
import { hash } from '../../server/store/sessions.ts';
import { type ControlPlane, controlPlane } from '../support/in-process.ts';

const OPERATION = '20260101-aaaaaaaa';
const PARAMS: Record<string, string> = {
  operationId: OPERATION,
  angleId: 'an-aaaaaaaa',
  takeId: '0001',
  file: '1-1.m4s',
  stillId: 'still-0001',
  linkId: 'ln-aaaaaaaa',
  deviceId: 'de-aaaaaaaa',
  sessionId: 'se-aaaaaaaa',
  shotId: 'sh-aaaaaaaa',
  passkeyId: 'pk-aaaaaaaa',
  useId: 'us-aaaaaaaa',
  type: 'demolition',
  '*': 'none.js',
};
const LIKE = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'] as const;

/** Every role in the operation's squad, in another one, and nobody. */
type Walker = { name: string; role: RoleGrant['role'] | null; near: boolean; personId: string };
let plane: ControlPlane;
const walkers: Walker[] = [{ name: 'nobody', role: null, near: false, personId: '' }];
beforeAll(async () => {
  plane = await controlPlane();
  const { store } = plane.context;
  const now = { nowMs: Date.now() };
  await saveSquad(store, 'sq-near', '一中队', now);
  await saveSquad(store, 'sq-far', '二中队', now);
  await insertOperation(store, { operationId: OPERATION, name: '拆除', openedMs: Date.now(), segmentMs: 4000 });
  await store.insertInto('operation_squad').values({ operation_id: OPERATION, squad_id: 'sq-near' }).execute();
  await insertAngle(store, OPERATION, 'an-aaaaaaaa', '东门');
  for (const role of ROLES)
    for (const near of [true, false]) {
      const personId = `pe-${role}-${near ? 'near' : 'far'}`;
      const roles = [{ role, squadId: near ? 'sq-near' : 'sq-far' }];
      await insertPerson(store, { personId, login: personId, name: role, badge: null, roles, passwordHash: 'none' }, Date.now());
      await setPassword(store, personId, 'none', null);
      walkers.push({ name: `${role}, ${near ? 'its' : 'another'} squad`, role, near, personId });
    }
  // somebody manages people whatever the walk does
  const roles = [{ role: 'administrator' as const, squadId: null }];
  await insertPerson(store, { personId: 'pe-root', login: 'root', name: 'root', badge: null, roles, passwordHash: 'none' }, Date.now());
});
afterAll(() => plane.close());

/** A session of its own for each request: some of them end theirs. */
async function sessionOf({ personId }: Walker): Promise<string> {
  if (personId === '') return '';
  return (await createSession(plane.context.store, personId, { address: '127.0.0.1', device: 'walk' }, Date.now())).secret;
}

const addressOf = (url: string): string => url.replace(/:(\w+)|\*/g, (whole, name?: string) => PARAMS[name ?? whole] ?? 'pe-nobody');

async function walk({ method, url }: RuledRoute, walker: Walker): Promise<{ status: number; field: unknown }> {
  const cookie = `fh_session=${await sessionOf(walker)}`;
  const type = method === 'PATCH' ? 'application/trickle-ice-sdpfrag' : url.startsWith('/wh') ? 'application/sdp' : 'application/json';
  const body = ['POST', 'PUT', 'PATCH'].includes(method) ? { payload: type.endsWith('json') ? '{}' : 'v=0' } : {};
  const reply = await plane.app.inject({
    method: method as (typeof LIKE)[number],
    url: addressOf(url),
    headers: { cookie, host: '127.0.0.1', ...('payload' in body && { 'content-type': type }) },
    ...body,
  });
  const told = reply.headers['content-type']?.toString().includes('json') ? (JSON.parse(reply.payload || '{}') as { field?: unknown }) : {};
  return { status: reply.statusCode, field: told.field };
}

/** What the hub has to say to this one: let through, `sign-in`, `forbidden`, or as if there were no such operation. */
function expected({ rule }: RuledRoute, { role, near }: Walker): 'through' | 'sign-in' | 'forbidden' | 'unknown' {
  if (rule.by === 'anyone' || rule.by === 'link') return 'through';
  if (role === null) return 'sign-in';
  if (rule.by === 'signed-in') return 'through';
  const roles: readonly string[] = PERMISSIONS[rule.permission];
  if (!roles.includes(role) || rule.of === 'brigade') return 'forbidden'; // each has the role in one squad
  return rule.of === 'hub' || near ? 'through' : 'unknown';
}

/** `blind`: HEAD has no body that says which field. */
function came({ status, field }: { status: number; field: unknown }, wanted: string, blind: boolean): string {
  if (status === 401 && (blind || field === 'session')) return 'sign-in';
  if (status === 403 && (blind || field === 'permission')) return 'forbidden';
  // a stranger learns no more than that there is no such operation
  if (wanted === 'unknown' && status === 404 && (blind || field === 'operationId')) return 'unknown';
  return 'through';
}

describe('who may do what', () => {
  it('every route, asked by every role of its squad and of another, and by nobody', async () => {
    const wrong: string[] = [];
    let asked = 0;
    for (const route of plane.routes)
      for (const walker of walkers) {
        const told = await walk(route, walker);
        asked += 1;
        const wanted = expected(route, walker);
        const is = came(told, wanted, route.method === 'HEAD' && route.rule.by !== 'link');
        if (is !== wanted) wrong.push(`${route.method} ${route.url} as ${walker.name}: ${is} (${told.status}), not ${wanted}`);
      }
    const ruled = plane.routes.filter(({ rule }) => rule !== undefined).length;
    console.log(`${ruled} of ${plane.routes.length} routes have a rule; walked by ${walkers.length}: ${asked} requests`);
    expect(wrong).toEqual([]);
    expect([ruled, asked]).toEqual([plane.routes.length, plane.routes.length * walkers.length]);
    expect(plane.routes.length).toBeGreaterThan(60);
  });

  it('every event of the console’s socket, likewise', async () => {
    const names = Object.keys(consoleRequests) as (keyof ConsoleRequests)[];
    const wrong: string[] = [];
    for (const walker of walkers) {
      const secret = await sessionOf(walker);
      const token = plane.context.tokens.issue({ kind: 'console', sessionHash: secret === '' ? 'none' : hash(secret) }, Date.now());
      const socket = io(`${plane.url}/console`, { auth: { token }, transports: ['websocket'], forceNew: true, reconnection: false });
      const connected = await new Promise<boolean>((resolve) => {
        socket.once('connect', () => resolve(true));
        socket.once('connect_error', () => resolve(false));
      });
      if (connected !== (walker.role !== null)) wrong.push(`${walker.name} ${connected ? 'was' : 'was not'} connected`);
      const ask = async (name: string, params: object): Promise<string> => {
        const reply = (await socket.timeout(5000).emitWithAck(name, params)) as { ok: boolean; error?: { code: string; field?: string } };
        return reply.ok ? 'ok' : `${reply.error?.code} ${reply.error?.field}`;
      };
      for (const name of connected ? names : []) {
        // only `join` names an operation; the others are asked by somebody who could not join any, or (operator and so on) was let in
        const told = await ask(name, name === 'join' ? { peerId: 'walker-0001', operationId: OPERATION } : SAMPLE[name]);
        const may = (PERMISSIONS[consoleRights[name]] as readonly string[]).includes(walker.role ?? '');
        const wanted = !may ? 'forbidden permission' : name === 'join' && !walker.near ? 'not_found operationId' : null;
        const through = !told.startsWith('forbidden permission') && !told.startsWith('unauthorized');
        if (wanted === null ? !through : told !== wanted) wrong.push(`${name} as ${walker.name}: ${told}, not ${wanted ?? 'through'}`);
      }
      socket.close();
    }
    console.log(`${names.length} of ${names.length} events of the console have a rule; walked by ${walkers.length}`);
    expect(Object.keys(consoleRights).toSorted()).toEqual(names.toSorted());
    expect(wrong).toEqual([]);
  });

  it('no socket asks as often as it likes, and another one is answered meanwhile', async () => {
    const leader = walkers.find(({ role, near }) => role === 'leader' && near) ?? walkers[0]!;
    const open = async () => {
      const token = plane.context.tokens.issue({ kind: 'console', sessionHash: hash(await sessionOf(leader)) }, Date.now());
      return io(`${plane.url}/console`, { auth: { token }, transports: ['websocket'], forceNew: true, reconnection: false });
    };
    const [flood, other] = [await open(), await open()];
    type Reply = { ok: boolean; error?: { code: string } };
    const asked = Array.from({ length: 3000 }, () => flood.emitWithAck('showConsumer', SAMPLE.showConsumer) as Promise<Reply>);
    const told = (await other.timeout(10_000).emitWithAck('showConsumer', SAMPLE.showConsumer)) as Reply;
    expect(told.error?.code).toBe('conflict'); // it has joined nothing
    const codes = (await Promise.all(asked)).map(({ error }) => error?.code);
    expect(codes.filter((code) => code === 'conflict').length).toBeGreaterThanOrEqual(1000);
    expect(codes.filter((code) => code === 'too_many').length).toBeGreaterThan(0);
    flood.close();
    other.close();
  });

  it('no event of a phone’s socket without a link’s token', async () => {
    const secret = await sessionOf(walkers.find(({ role }) => role === 'leader') ?? walkers[0]!);
    const token = plane.context.tokens.issue({ kind: 'console', sessionHash: hash(secret) }, Date.now());
    for (const auth of [{}, { token }]) {
      const socket = io(`${plane.url}/capture`, { auth, transports: ['websocket'], forceNew: true, reconnection: false });
      expect(await new Promise((resolve) => socket.once('connect', () => resolve('in')).once('connect_error', () => resolve('out')))).toBe(
        'out',
      );
      socket.close();
    }
    console.log(`${Object.keys(captureRequests).length} events of phones stand behind one rule: the link`);
  });

  it('a route without a rule is refused when it is added', async () => {
    const app = Fastify();
    installPermission(app, plane.context);
    expect(() => app.get('/open', async () => 'anybody')).toThrow('/open has no rule');
  });

  it('the page of permissions says what the code does', () => {
    const page = readFileSync(new URL('../../docs/permissions.md', import.meta.url), 'utf8');
    expect(page, 'run: node scripts/permissions.ts').toBe(permissionsPage(plane.routes));
    const seals = ROLES.map((role) => ((PERMISSIONS['operation.seal'] as readonly string[]).includes(role) ? '✓' : ''));
    const line = ['`POST /api/operations/:operationId/seal`', ...seals, '`operation.seal` on the operation', '`operation.sealed`'];
    expect(page).toContain(`| ${line.join(' | ')} |`);
  });
});

const transport = { transportId: 'tr-1' };
const rtpParameters = { codecs: [], headerExtensions: [], encodings: [{ ssrc: 1 }], rtcp: {} };
/** What each event is asked with. */
const SAMPLE: Record<keyof ConsoleRequests, object> = {
  join: {},
  createTransport: { direction: 'recv' },
  connectTransport: { ...transport, dtlsParameters: { role: 'client', fingerprints: [{ algorithm: 'sha-256', value: 'AA:BB' }] } },
  restartIce: transport,
  clock: { t0: 1 },
  consume: { ...transport, angleId: 'an-aaaaaaaa', rtpCapabilities: { codecs: [], headerExtensions: [] } },
  resumeConsumer: { consumerId: 'co-1' },
  pauseConsumer: { consumerId: 'co-1' },
  showConsumer: { consumerId: 'co-1', heightPx: 0 },
  closeConsumer: { consumerId: 'co-1' },
  answerTakeover: { requestId: 'none', agree: true },
  dismissAlarm: { alarmId: 'none' },
  mark: { markId: 'mark-00000001', angleId: null, atMs: 1, text: '' },
  labelMark: { markId: 'mark-00000001', text: '' },
  startTalk: { ...transport, rtpParameters, talkId: 'talk-00000001', angleId: null },
  stopTalk: {},
  sendMessage: { messageId: 'message-00000001', kind: 'text', angleId: null, text: '你好' },
  acknowledgeMark: { markId: 'mark-00000001', text: '来了' },
};
