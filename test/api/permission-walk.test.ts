import { readFileSync } from 'node:fs';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import Fastify from 'fastify';
import { installPermission, type RuledRoute } from '../../server/http/permit.ts';
import { permissionsPage } from '../../server/permission/page.ts';
import { PERMISSIONS } from '../../server/permission/rules.ts';
import type { OperationStage } from '../../server/protocol/cases.ts';
import { ROLES } from '../../server/protocol/people.ts';
import { captureRequests, consoleRequests, consoleRights, type ConsoleRequests } from '../../server/protocol/socket.ts';
import { actorOfCookie, createSession } from '../../server/store/person-sessions.ts';
import { hash } from '../../server/store/sessions.ts';
import { type ControlPlane, controlPlane } from '../support/in-process.ts';
import { CASES, DEVICE, EVENT_PARAMS, FAR, furnishedFor, OPERATIONS, type Walker, walkersIn } from '../support/walkers.ts';

const PARAMS: Record<string, string> = {
  operationId: OPERATIONS.plain,
  angleId: 'an-aaaaaaaa',
  takeId: '0001',
  file: '1-1.m4s',
  stillId: 'still-0001',
  linkId: 'ln-aaaaaaaa',
  caseId: CASES.near,
  deviceId: DEVICE,
  sessionId: 'se-aaaaaaaa',
  shotId: 'sh-aaaaaaaa',
  passkeyId: 'pk-aaaaaaaa',
  useId: 'us-aaaaaaaa',
  type: 'demolition',
  '*': 'none.js',
};
type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD' | 'OPTIONS';
/** What of that which a request names decides who may do it. */
type Target = { params: Record<string, string>; secret?: boolean; brigades?: boolean; state: OperationStage };
const plain: Target = { params: PARAMS, state: 'live' };
const targets = {
  operation: [
    plain,
    { params: { ...PARAMS, operationId: OPERATIONS.secret }, secret: true, state: 'live' },
    { params: { ...PARAMS, operationId: OPERATIONS.ended }, state: 'ended' },
  ],
  case: [
    plain,
    { params: { ...PARAMS, caseId: CASES.secret }, secret: true, state: 'live' },
    { params: { ...PARAMS, caseId: CASES.brigades }, brigades: true, state: 'live' },
  ],
  device: [plain],
  hub: [plain],
  brigade: [plain],
} satisfies Record<string, Target[]>;

let plane: ControlPlane;
let walkers: Walker[];
beforeAll(async () => {
  plane = await controlPlane();
  walkers = await walkersIn(plane.context.store);
  await furnishedFor(plane.context.store);
});
afterAll(() => plane.close());

const named = (name: string): Walker => walkers.find((each) => each.name === name) ?? expect.fail(`there is no ${name}`);
const secrets = new Map<string, string>();
/** Everybody's own; another one when a request has ended it. */
async function sessionOf({ personId }: Walker): Promise<string> {
  if (personId === '') return '';
  const { store } = plane.context;
  const known = secrets.get(personId);
  if (known !== undefined && (await actorOfCookie(store, known, Date.now())) !== null) return known;
  const { secret } = await createSession(store, personId, { address: '127.0.0.1', device: 'walk' }, Date.now());
  secrets.set(personId, secret);
  return secret;
}

/** `code`, `field`: of a refusal; of HEAD, which has no body, null. */
type Told = { status: number; code: string | null; field: string | null; text: string };
async function ask(method: Method, url: string, walker: Walker, payload?: string, type = 'application/json'): Promise<Told> {
  const headers = {
    cookie: `fh_session=${await sessionOf(walker)}`,
    host: '127.0.0.1',
    ...(payload !== undefined && { 'content-type': type }),
  };
  const reply = await plane.app.inject({ method, url, headers, ...(payload !== undefined && { payload }) });
  const isJson = reply.headers['content-type']?.toString().startsWith('application/json') === true && reply.payload !== '';
  const { code = null, field = null } = isJson ? (JSON.parse(reply.payload) as { code?: string; field?: string }) : {};
  return { status: reply.statusCode, code, field, text: reply.payload };
}

function walk({ method, url }: RuledRoute, walker: Walker, { params }: Target): Promise<Told> {
  const address = url.replace(/:(\w+)|\*/g, (whole, name?: string) => params[name ?? whole] ?? 'pe-nobody');
  const type = method === 'PATCH' ? 'application/trickle-ice-sdpfrag' : url.startsWith('/wh') ? 'application/sdp' : 'application/json';
  const payload = ['POST', 'PUT', 'PATCH'].includes(method) ? (type.endsWith('json') ? '{}' : 'v=0') : undefined;
  return ask(method as Method, address, walker, payload, type);
}

const SIGN_IN = '401 unauthorized session';
const FORBIDDEN = '403 forbidden permission';
/** What is sensitive or secret, these see who were not on it. */
const TRUSTED = ['leader', 'legal', 'custodian'];
const isHidden = ({ role, squadId, onDuty }: Walker, { secret, brigades }: Omit<Target, 'params' | 'state'>): boolean =>
  (squadId === FAR && !brigades) || (secret === true && !onDuty && !TRUSTED.includes(role ?? ''));

/** What the hub has to say to this one: that it is `through` to the handler, that a link is asked for (`link`), or a refusal by its code and field. */
function expected({ url, rule }: RuledRoute, walker: Walker, target: Target): string {
  if (rule.by === 'anyone') return 'through';
  if (rule.by === 'link') return 'link';
  if (walker.role === null) return SIGN_IN;
  if (rule.by === 'signed-in') return 'through';
  const roles: readonly string[] = PERMISSIONS[rule.permission];
  if (!roles.includes(walker.role)) return FORBIDDEN;
  const of = /:(operation|case|device)Id/.exec(url)?.[1] ?? rule.of; // what the address names, whatever the rule says
  if (of === 'hub') return 'through';
  if (of === 'brigade') return walker.squadId === null ? 'through' : FORBIDDEN;
  // a stranger learns no more than that there is none
  if (isHidden(walker, target)) return `404 not_found ${of}Id`;
  if (target.brigades && walker.squadId !== null && rule.permission !== 'operation.see') return FORBIDDEN;
  if (rule.states && !rule.states.includes(target.state))
    return target.state === 'ended' ? '410 gone operationId' : '409 conflict operationId';
  return 'through';
}

/** Not given as a whole to whoever may not see the secrets in it: that is looked at by the handler. */
const EXPORT = '/api/custody/export';

/** Whoever is let through has what was asked for, or hears from the handler what was wrong with it; 503: the media plane is away. */
const HANDLED = ['bad_request', 'not_found', 'conflict', 'gone', 'method_not_allowed', 'unsupported_type', 'precondition_required'];
function came({ status, code, field, text }: Told, { method, url }: RuledRoute, wanted: string): string {
  const told = `${status} ${code} ${field}`;
  if (method === 'HEAD' && wanted !== 'through' && wanted !== 'link') return wanted.startsWith(`${status} `) ? wanted : told;
  // some look at the body before the secret; none does anything
  if (wanted === 'link') return (status === 401 && field !== 'session') || code === 'bad_request' ? 'link' : told;
  if (wanted !== 'through') return told;
  const gate = told === SIGN_IN || told === FORBIDDEN || /there is no such \w+, or it is not one of your squads/.test(text);
  if (method === 'HEAD') return status === 503 || (status < 500 && status !== 401 && (status !== 403 || url === EXPORT)) ? 'through' : told;
  const away = status === 503 && ((code === 'unavailable' && field === null) || url === '/readyz');
  const handled = status < 400 || away || field === 'confidential' || (status < 500 && HANDLED.includes(code ?? ''));
  return !gate && handled ? 'through' : told;
}

describe('who may do what', () => {
  // seven thousand requests, one after the other
  it('every route, asked by every role of its squad, of another and of the brigade, and by nobody', { timeout: 300_000 }, async () => {
    const wrong: string[] = [];
    const passed = new Set<string>();
    let asked = 0;
    for (const route of plane.routes) {
      const { method, url, rule } = route;
      for (const target of rule.by === 'permission' ? targets[rule.of] : [plain]) {
        if (target.state === 'ended' && !('states' in rule)) continue;
        for (const walker of walkers) {
          const wanted = expected(route, walker, target);
          const is = came(await walk(route, walker, target), route, wanted);
          asked += 1;
          if (is === 'through') passed.add(`${method} ${url}`);
          if (is !== wanted) wrong.push(`${method} ${url} (${Object.values(target.params)[0]}) as ${walker.name}: ${is}, not ${wanted}`);
        }
      }
    }
    const ruled = plane.routes.filter(({ rule }) => rule !== undefined);
    console.log(`${ruled.length} of ${plane.routes.length} routes have a rule; walked by ${walkers.length}: ${asked} requests`);
    expect(wrong).toEqual([]);
    const open = plane.routes.filter(({ rule }) => rule.by !== 'link').map(({ method, url }) => `${method} ${url}`);
    expect(open.filter((each) => !passed.has(each))).toEqual([]); // a rule that lets nobody through is no rule
    expect(ruled.length).toBe(plane.routes.length);
    expect(plane.routes.length).toBeGreaterThan(60);
  });

  it('lists show whoever asks what he may look at one by one, and nothing else', async () => {
    const idsIn = (text: string, ids: object): string[] => Object.values(ids).filter((id: string) => text.includes(id)); // prettier-ignore
    const names = { plain: '行动 plain', secret: '行动 secret', ended: '行动 ended' };
    for (const walker of walkers.slice(1)) {
      const seen = (ids: object): string[] =>
        Object.entries(ids).flatMap(([name, id]: [string, string]) =>
          isHidden(walker, { secret: name === 'secret', brigades: name === 'brigades' }) ? [] : id,
        );
      for (const [permission, path, ids] of [
        ['operation.see', '/api/operations?size=100', OPERATIONS],
        ['list.export', '/api/operations.csv?lang=en&zone=UTC', names],
        ['operation.see', '/api/cases', CASES],
        ['device.see', '/api/devices', { DEVICE }],
      ] as const) {
        const roles: readonly string[] = PERMISSIONS[permission];
        const { status, text } = await ask('GET', path, walker);
        const may = roles.includes(walker.role ?? '');
        expect([walker.name, path, status, idsIn(text, ids)]).toEqual([walker.name, path, may ? 200 : 403, may ? seen(ids) : []]);
      }
    }
  });

  it('nothing is given to a squad by whoever has no say in it', async () => {
    const device = { type: 'phone', serial: 'SN-2', model: 'T8', version: 1 };
    const written = { number: '〔2026〕9号', cause: '占道经营', version: 1 };
    const near = `/api/cases/${CASES.near}`;
    for (const [name, method, url, body] of [
      ['commander, near', 'POST', '/api/cases', { ...written, squadId: FAR }],
      ['commander, near', 'POST', '/api/cases', written], // the brigade's own
      ['commander, near', 'PUT', near, { version: 1, squadId: FAR }],
      ['commander, near', 'PUT', near, { version: 1, squadId: null }],
      ['commander, near', 'PUT', `/api/operations/${OPERATIONS.plain}/facts`, { version: 1, squadIds: [FAR] }],
      ['leader, near', 'POST', '/api/devices', { ...device, squadId: FAR }],
      ['leader, near', 'PUT', `/api/devices/${DEVICE}`, { ...device, squadId: FAR }],
    ] as const) {
      const told = await ask(method, url, named(name), JSON.stringify(body));
      expect([url, told]).toMatchObject([url, { status: 403, code: 'forbidden', field: url.endsWith('facts') ? 'squadIds' : 'squadId' }]);
    }
    const kept = await ask('PUT', near, named('commander, brigade'), JSON.stringify({ version: 1, squadId: FAR }));
    expect(kept.status).toBe(200); // and nothing above had changed it
    expect((await ask('GET', near, named('commander, near'))).status).toBe(404);
  });

  it('every event of the console’s socket, likewise', async () => {
    // whoever has joined an operation, if only one that is over, is told otherwise by the rest
    const names = (Object.keys(consoleRequests) as (keyof ConsoleRequests)[]).toSorted(
      (a, b) => Number(a === 'join') - Number(b === 'join'),
    );
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
        const reply = (await socket.timeout(30_000).emitWithAck(name, params)) as { ok: boolean; error?: { code: string; field?: string } };
        return reply.ok ? 'ok' : `${reply.error?.code} ${reply.error?.field ?? ''}`.trim();
      };
      const tell = (name: string, told: string, wanted: string): void => {
        if (told !== wanted) wrong.push(`${name} as ${walker.name}: ${told}, not ${wanted}`);
      };
      for (const name of connected ? names : []) {
        const may = (PERMISSIONS[consoleRights[name]] as readonly string[]).includes(walker.role ?? '');
        const refused = may ? null : 'forbidden permission';
        // only `join` names an operation, and goes as far as the media plane, which is away; so nobody has joined one
        if (name !== 'join') tell(name, await ask(name, EVENT_PARAMS[name]), refused ?? 'conflict');
        else
          for (const [which, operationId] of Object.entries(OPERATIONS)) {
            const unknown = isHidden(walker, { secret: which === 'secret' }) ? 'not_found operationId' : null;
            const told = await ask(name, { peerId: 'walker-0001', operationId });
            tell(`${name} ${which}`, told, refused ?? unknown ?? (which === 'ended' ? 'ok' : 'unavailable'));
          }
      }
      socket.close();
    }
    console.log(`${names.length} of ${names.length} events of the console have a rule; walked by ${walkers.length}`);
    expect(Object.keys(consoleRights).toSorted()).toEqual(names.toSorted());
    expect(wrong).toEqual([]);
  });

  it('no socket asks as often as it likes, and another one is answered meanwhile', async () => {
    const leader = named('leader, near');
    const open = async () => {
      const token = plane.context.tokens.issue({ kind: 'console', sessionHash: hash(await sessionOf(leader)) }, Date.now());
      return io(`${plane.url}/console`, { auth: { token }, transports: ['websocket'], forceNew: true, reconnection: false });
    };
    const [flood, other] = [await open(), await open()];
    type Reply = { ok: boolean; error?: { code: string } };
    const asked = Array.from({ length: 3000 }, () => flood.emitWithAck('showConsumer', EVENT_PARAMS.showConsumer) as Promise<Reply>);
    const told = (await other.timeout(30_000).emitWithAck('showConsumer', EVENT_PARAMS.showConsumer)) as Reply;
    expect(told.error?.code).toBe('conflict'); // it has joined nothing
    const codes = (await Promise.all(asked)).map(({ error }) => error?.code);
    expect(codes.filter((code) => code === 'conflict').length).toBeGreaterThanOrEqual(1000);
    expect(codes.filter((code) => code === 'too_many').length).toBeGreaterThan(0);
    flood.close();
    other.close();
  });

  it('no event of a phone’s socket without a link’s token', async () => {
    const secret = await sessionOf(named('leader, near'));
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
    const line = ['`POST /api/operations/:operationId/seal`', ...seals, '`operation.seal` on the operation', '', '`operation.sealed`'];
    expect(page).toContain(`| ${line.join(' | ')} |`);
  });
});
