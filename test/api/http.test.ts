import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../../scripts/demo/hub.ts';
import { sessionAt } from '../../scripts/demo/sign-in.ts';
import { AngleState, CaptureLink, CaptureSession, OperationView } from '../../server/protocol/http.ts';
import { ApiDocument, faultsOf, routesOf } from '../support/api-document.ts';
import { controlPlane } from '../support/in-process.ts';
import { freePort, type RunningHub, startHub } from '../support/hub.ts';

let root = '';
let hub: RunningHub;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-http-'));
  hub = await startHub(join(root, 'data'));
});
afterAll(async () => {
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

type Reply = { status: number; headers: Record<string, string | string[] | undefined>; body: string };
type Ask = { method?: string; headers?: Record<string, string>; body?: string; ca?: string; trusting?: boolean; nobody?: boolean };

/** Below fetch, which forbids the Host header; as whoever has signed in, or as nobody. */
function ask(url: string, { method = 'GET', headers = {}, body, ca, trusting = false, nobody = false }: Ask = {}): Promise<Reply> {
  const session = nobody ? undefined : sessionAt(url);
  const open = url.startsWith('https') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const sent = open(
      url,
      {
        method,
        headers: { ...(body ? { 'content-type': 'application/json' } : {}), ...(session && { cookie: session.cookie }), ...headers },
        ...(ca ? { ca } : {}),
        rejectUnauthorized: !trusting,
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
      },
    );
    sent.once('error', reject);
    sent.end(body);
  });
}
const json = (reply: Reply): Record<string, unknown> => JSON.parse(reply.body) as Record<string, unknown>;

describe('a running hub', () => {
  it('says that it lives, that it is ready, and how it does', async () => {
    expect((await ask(`${hub.url}/healthz`)).status).toBe(200);
    expect(json(await ask(`${hub.url}/readyz`))).toMatchObject({ ready: true, media: true, store: true, redis: true });
    const metrics = await ask(`${hub.url}/metrics`);
    expect(metrics.status).toBe(200);
    expect(metrics.body).toMatch(/^fieldhub_\w+(\{.*\})? [\d.e+-]+$/m);
  });

  it('refuses bad input with the field named, and stays up', async () => {
    const post = (body: string) => ask(`${hub.url}/api/operations`, { method: 'POST', body });
    expect(json(await post('{"name":""}'))).toMatchObject({ code: 'bad_request', field: 'name' });
    expect(json(await post('{"name":"a\\u0000b"}'))).toMatchObject({ code: 'bad_request', field: 'name' });
    expect((await post('{"name":')).status).toBe(400);
    expect((await post(JSON.stringify({ name: 'x'.repeat(100_000) }))).status).toBe(413);
    expect((await ask(`${hub.url}/api/operations/..%2f..%2fetc`)).status).toBe(404);
    expect(json(await ask(`${hub.url}/api/operations/20260101-aaaaaaaa`))).toMatchObject({ code: 'not_found' });
    for (const path of ['/hls/20260101-aaaaaaaa/an-aaaaaaaa/0001/..%2f..%2fkey', '/hls/x/y/0001/init-1.mp4', '/nothing'])
      expect([400, 404]).toContain((await ask(hub.url + path)).status);
    expect((await ask(`${hub.url}/healthz`)).status).toBe(200);
  });

  it('refuses other sites and names that are not its own', async () => {
    const foreign = await ask(`${hub.url}/api/operations`, {
      method: 'POST',
      body: '{"name":"x"}',
      headers: { origin: 'https://evil.example' },
    });
    expect(foreign.status).toBe(403);
    expect((await ask(`${hub.url}/api/operations`, { headers: { host: 'rebound.example' } })).status).toBe(403);
    const page = await ask(`${hub.url}/console`);
    expect(page.status).toBe(200);
    const { host } = new URL(hub.url);
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'self'");
    expect(policy).toContain(`; connect-src 'self' ws://${host}; `);
    const byName = await ask(`${hub.url}/console`, { headers: { host: `localhost:${new URL(hub.url).port}` } });
    expect(byName.headers['content-security-policy']).toContain(
      `; connect-src 'self' ws://localhost:${new URL(hub.url).port} ws://${host}; `,
    );
    const spoilt = await ask(`${hub.url}/console`, { headers: { host: 'localhost; script-src *' } });
    expect(spoilt.headers['content-security-policy']).toContain(`; connect-src 'self' ws://${host}; `);
    expect(page.headers['referrer-policy']).toBe('no-referrer');
    expect(page.headers['cross-origin-opener-policy']).toBe('same-origin');
    expect(page.headers['strict-transport-security']).toBeUndefined();
  });

  it('lets a browser keep the app, and nothing that was asked of the hub', async () => {
    const kept = async (path: string) => (await ask(hub.url + path)).headers['cache-control'];
    const page = await ask(`${hub.url}/`);
    const script = /\/assets\/[\w.-]+\.js/.exec(page.body)?.[0] ?? '';
    expect(await kept(script)).toBe('public, max-age=31536000, immutable');
    expect(page.headers['cache-control']).toBe('no-cache');
    for (const path of ['/api/operations', '/api/people', '/api/custody', '/hls/20260101-aaaaaaaa/an-aaaaaaaa/index.m3u8', '/metrics'])
      expect([path, await kept(path)]).toEqual([path, 'no-store']);
  });
});

describe('the description of the API', () => {
  it('is OpenAPI 3.1, made from the schemas that validate, and says of every route that is not hidden who may use it', async () => {
    const document = ApiDocument.parse(json(await ask(`${hub.url}/api/openapi.json`, { nobody: true })));
    expect(faultsOf(document)).toEqual([]);
    expect(JSON.stringify(document.paths['/api/operations']?.['post']?.requestBody)).toContain('name');
    const plane = await controlPlane();
    const shown = plane.routes.filter(({ method, hidden }) => method !== 'HEAD' && !hidden);
    await plane.close();
    const said = shown.map(({ method, url, rule }) => {
      const { security, 'x-permission': permission } = document.paths[url.replaceAll(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()] ?? {};
      const schemes = (security ?? []).flatMap((each) => Object.keys(each)).toSorted();
      const right =
        rule.by === 'permission'
          ? permission === rule.permission && schemes.join() === 'accessToken,session'
          : permission === rule.by && schemes.join() === { anyone: '', link: linkBy(url), 'signed-in': 'session' }[rule.by];
      return right ? 'right' : `${method} ${url}: ${permission} by ${schemes.join()}`;
    });
    expect(said.filter((each) => each !== 'right')).toEqual([]);
    expect(routesOf(document)).toHaveLength(shown.length);
    expect(shown.length).toBeGreaterThan(60);
  });
  const linkBy = (url: string): string => (url.startsWith('/whip') ? 'linkSecret' : 'captureSession');

  it('is a page that loads nothing from elsewhere, runs no script of its own text, and is found by a browser', async () => {
    const page = await ask(`${hub.url}/api/docs`, { nobody: true });
    expect(page.status).toBe(200);
    expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'; /);
    expect(page.body).not.toMatch(/<script(?![^>]*\ssrc=)|\son\w+=|https?:\/\//);
    const parts = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? '');
    expect(parts.length).toBeGreaterThan(4);
    for (const path of parts) expect([path, (await ask(hub.url + path, { nobody: true })).status]).toEqual([path, 200]);
    expect((await ask(`${hub.url}/api/docs/json`, { nobody: true })).body).toBe((await ask(`${hub.url}/api/openapi.json`)).body);
  });
});

it('a camera’s ports are asked for twice at once, or closed while they are opened: nothing fails', async () => {
  const { operationId } = await call(hub, OperationView, 'POST', '/operations', { name: '同时' });
  const { angleId } = await call(hub, AngleState, 'POST', `/operations/${operationId}/angles`, { name: '东门' });
  const camera = `${hub.url}/api/operations/${operationId}/angles/${angleId}/camera`;
  const [first, second] = await Promise.all([ask(camera, { method: 'POST' }), ask(camera, { method: 'POST' })]);
  expect([first.status, second.status, second.body]).toEqual([201, 201, first.body]);
  await ask(camera, { method: 'DELETE' });
  const [made, gone] = await Promise.all([ask(camera, { method: 'POST' }), ask(camera, { method: 'DELETE' })]);
  expect([201, 409]).toContain(made.status);
  expect(gone.status).toBe(204);
});

describe('a capture link', () => {
  it('is exchanged for a cookie and a socket token, renews them, and can be revoked at once', async () => {
    const { operationId } = await call(hub, OperationView, 'POST', '/operations', { name: '链接' });
    const { angleId } = await call(hub, AngleState, 'POST', `/operations/${operationId}/angles`, { name: '手机' });
    const links = `/operations/${operationId}/angles/${angleId}/links`;
    const link = await call(hub, CaptureLink, 'POST', links);
    const [page, token] = link.url.split('#');
    expect(page).toBe(`${hub.url}/capture`);

    const exchange = (secret: string) => ask(`${hub.url}/api/capture/session`, { method: 'POST', body: JSON.stringify({ token: secret }) });
    const wrong = await exchange('x'.repeat(43));
    expect(wrong.status).toBe(401);
    expect(json(wrong)).toMatchObject({ field: 'token' });
    const reply = await exchange(token ?? '');
    const session = CaptureSession.parse(json(reply));
    expect(session).toMatchObject({ operationId, angleId, operationName: '链接', angleName: '手机' });
    const cookie = String(reply.headers['set-cookie']);
    expect(cookie).toMatch(/HttpOnly/);
    expect(cookie).toMatch(/SameSite=Strict/);
    expect(cookie).toMatch(/Path=\/api\/capture/);

    const renewed = await ask(`${hub.url}/api/capture/session`, { headers: { cookie: cookie.split(';')[0] ?? '' } });
    expect(CaptureSession.parse(json(renewed)).socketToken).not.toBe(session.socketToken);
    await ask(`${hub.url}/api${links}`, { method: 'DELETE' });
    expect((await ask(`${hub.url}/api/capture/session`, { headers: { cookie: cookie.split(';')[0] ?? '' } })).status).toBe(410);
    expect((await exchange(token ?? '')).status).toBe(410);
    expect(hub.output()).not.toContain(token);
  });

  it('does not open the console, and no socket opens without a token', async () => {
    const refusal = (namespace: string, auth: object): Promise<string> =>
      new Promise((resolve) => {
        const socket = io(`${hub.url}${namespace}`, { auth, transports: ['websocket'], reconnection: false });
        socket.once('connect', () => (socket.close(), resolve('connected')));
        socket.once('connect_error', (error) => (socket.close(), resolve(error.message)));
      });
    expect(await refusal('/console', {})).not.toBe('connected');
    expect(await refusal('/capture', { token: 'nonsense' })).not.toBe('connected');
    const { operationId } = await call(hub, OperationView, 'POST', '/operations', { name: '插座' });
    const { angleId } = await call(hub, AngleState, 'POST', `/operations/${operationId}/angles`, { name: '手机' });
    const { url } = await call(hub, CaptureLink, 'POST', `/operations/${operationId}/angles/${angleId}/links`);
    const { socketToken } = await call(hub, CaptureSession, 'POST', '/capture/session', { token: url.split('#')[1] });
    expect(await refusal('/capture', { token: socketToken })).toBe('connected');
    expect(await refusal('/console', { token: socketToken })).not.toBe('connected');
  });
});

describe('a hub beyond loopback', () => {
  it('serves HTTPS by its own authority, and a session only over it', async () => {
    const beyond = await startHub(join(root, 'beyond'), { LISTEN: '0.0.0.0', ANNOUNCED_ADDRESS: '127.0.0.1' });
    try {
      expect(beyond.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
      await expect(ask(`${beyond.url}/healthz`)).rejects.toThrow(); // nobody trusts it yet
      // a phone downloads the authority's certificate before it trusts it
      const { body: ca, headers } = await ask(`${beyond.url}/ca.crt`, { trusting: true });
      expect(headers['content-type']).toBe('application/x-x509-ca-cert');
      expect(headers['strict-transport-security']).toBe('max-age=63072000; includeSubDomains');
      const health = await ask(`${beyond.url}/healthz`, { ca });
      expect(health.status).toBe(200);
      expect(health.headers['content-security-policy']).toContain(`; connect-src 'self' wss://${new URL(beyond.url).host}; `);
      expect((await ask(`${beyond.url}/api/operations`, { ca, nobody: true })).status).toBe(401);
      expect((await ask(`${beyond.url}/hls/20260101-aaaaaaaa/an-aaaaaaaa/index.m3u8`, { ca, nobody: true })).status).toBe(401);
      expect((await ask(`${beyond.url}/api/operations`, { ca })).status).toBe(200);
      const { login = '', password = '' } = sessionAt(beyond.url) ?? {};
      const right = await ask(`${beyond.url}/api/session`, { ca, nobody: true, method: 'POST', body: JSON.stringify({ login, password }) });
      const { body: held } = await ask(`${beyond.url}/api/operations`, { ca, method: 'POST', body: '{"name":"链接"}' });
      const { operationId } = JSON.parse(held) as { operationId: string };
      const wide = JSON.stringify({ devices: 'several', hours: 1 });
      const { body: link } = await ask(`${beyond.url}/api/operations/${operationId}/links`, { ca, method: 'POST', body: wide });
      const token = (JSON.parse(link) as { url: string }).url.split('#')[1];
      const opened = await ask(`${beyond.url}/api/capture/session`, { ca, nobody: true, method: 'POST', body: JSON.stringify({ token }) });
      expect(String(opened.headers['set-cookie'])).toMatch(
        /^__Secure-fh_capture=[^;]{40,}; Max-Age=\d+; Path=\/api\/capture; HttpOnly; Secure; SameSite=Strict$/,
      );
      expect(String(right.headers['set-cookie'])).toMatch(/^__Host-fh_session=[^;]{40,}; Path=\/; HttpOnly; Secure; SameSite=Strict$/);
    } finally {
      await beyond.stop();
    }
  });
});

describe('starting', () => {
  type Ended = { status: number | null; stdout: string; stderr: string };
  const start = (env: Record<string, string>, ...args: string[]): Promise<Ended> =>
    new Promise((resolve) => {
      // three of them at once take their time on a busy machine; one that goes on does not outlast the test
      const options = { env: { ...process.env, ...env }, timeout: 90_000 };
      const hub = execFile(process.execPath, ['server/supervisor/main.ts', ...args], options, (_, stdout, stderr) =>
        resolve({ status: hub.exitCode, stdout, stderr }),
      );
    });

  it('lists every setting with --help', async () => {
    const help = await start({}, '--help');
    expect(help.status).toBe(0);
    for (const name of ['LISTEN', 'PORT', 'DATA', 'REDIS_URL', 'ANNOUNCED_ADDRESS', 'SEGMENT_SECONDS', 'LINK_HOURS'])
      expect(help.stdout).toContain(name);
  });

  it('refuses a bad setting in one line that names it, its value and what is allowed', async () => {
    const refused = await start({ PORT: 'eighty', DATA: join(root, 'never') });
    expect(refused.status).toBe(1);
    expect(refused.stderr.trim()).toBe(
      'fieldhub cannot start: PORT="eighty" is not allowed: a whole number from 0 to 65535, 0 for any free port',
    );
  });

  it('refuses a data folder that another hub uses, and a port that is taken', async () => {
    const { port } = new URL(hub.url);
    const [second, taken, rtc] = await Promise.all([
      start({ DATA: hub.dataDir }),
      start({ DATA: join(root, 'taken'), PORT: port, RTC_PORT: String(await freePort()) }),
      start({ DATA: join(root, 'taken-rtc'), PORT: '0', RTC_PORT: hub.rtcPort }),
    ]);
    expect(second.status).toBe(1);
    expect(second.stderr).toContain('is in use by the hub with process id');
    expect(taken.status).toBe(1);
    expect(taken.stderr).toContain(`fieldhub cannot start: PORT=${port} is used by another program`);
    expect(taken.stderr).not.toContain('    at ');
    expect(rtc.status).toBe(1);
    expect(rtc.stderr).toContain(`RTC_PORT: 127.0.0.1:${hub.rtcPort} cannot be used`);
  });

  it('says what is wrong with a data folder that cannot be written', async () => {
    const path = join(root, 'file');
    writeFileSync(path, '');
    const refused = await start({ DATA: join(path, 'data') });
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain(path);
    mkdirSync(join(root, 'config'), { recursive: true });
    const config = join(root, 'config', 'hub.json');
    writeFileSync(config, '{"PORT": 70000}');
    expect((await start({ FIELDHUB_CONFIG: config })).stderr).toContain('PORT="70000" is not allowed');
    writeFileSync(config, '{"PROT": 3000}');
    expect((await start({ FIELDHUB_CONFIG: config })).stderr).toContain('PROT');
  });
});
