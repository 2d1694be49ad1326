import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { call } from '../../scripts/demo/hub.ts';
import { hubFetch, sessionAt } from '../../scripts/demo/sign-in.ts';
import { SocketTokens } from '../../server/auth/socket-tokens.ts';
import { AngleState, CaptureLink, CaptureSession } from '../../server/protocol/http.ts';
import { Me } from '../../server/protocol/people.ts';
import { type RunningHub, startHub, until } from '../support/hub.ts';
import { idleTcp, type IdleSocket, idleWebSocket } from '../support/idle-sockets.ts';
import { film, type FilmedOperation, journalLines, untilSegments } from '../support/operation.ts';
import { complaints, cutOff, takesOf } from '../support/playback.ts';
import { rawHttp } from '../support/raw-http.ts';
import { obsOffer } from '../support/sdp-offers.ts';
import { stopwatch } from '../support/stopwatch.ts';

/** Five seconds for who has a WebSocket, ten for who has not sent a request, two between looks, and as much again for a slow machine. */
const CLOSED_MS = 30_000;
/** A page gives a request up after eight seconds. */
const ANSWER_MS = 6000;

let root = '';
let hub: RunningHub;
let operation: FilmedOperation;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-hostile-'));
  hub = await startHub(join(root, 'data'), { SEGMENT_SECONDS: '2' });
  operation = await film(hub, ['摄像头']);
});
afterAll(async () => {
  for (const { camera } of operation.angles) camera.cut();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

const filmed = (): string => operation.angles[0]?.angleId ?? '';
const descriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

/** How long a console waits for its answer, from nothing to having joined. */
async function hello(): Promise<number> {
  const { socketToken } = await call(hub, Me, 'GET', '/session');
  const answeredMs = stopwatch();
  const socket = io(`${hub.url}/console`, { auth: { token: socketToken }, transports: ['websocket'], forceNew: true });
  const reply = (await socket
    .timeout(20_000)
    .emitWithAck('join', { peerId: `hello-${Math.random().toString(36).slice(2, 12)}`, operationId: operation.operationId })) as {
    ok: boolean;
  };
  expect(reply.ok).toBe(true);
  const tookMs = answeredMs();
  socket.close();
  return tookMs;
}

/** A hundred at a time, as a flood comes. */
async function flood(count: number, open: (i: number) => Promise<IdleSocket>): Promise<IdleSocket[]> {
  const opened: IdleSocket[] = [];
  for (let from = 0; from < count; from += 100)
    opened.push(...(await Promise.all(Array.from({ length: Math.min(100, count - from) }, (_, i) => open(from + i)))));
  return opened;
}

/** Why a socket is refused; `connected` when it is not. */
function refusal(namespace: string, auth: Record<string, unknown>): Promise<string> {
  const socket = io(hub.url + namespace, { auth, transports: ['websocket'], reconnection: false, forceNew: true });
  return new Promise((resolve) => {
    const end = (why: string): void => {
      socket.close();
      resolve(why);
    };
    socket.once('connect', () => end('connected'));
    socket.once('connect_error', (error) => end(error.message));
  });
}

describe('a thousand sockets that never say hello', () => {
  it('are closed in time; a camera loses no picture, a console is answered, nothing is left', async () => {
    const url = new URL(hub.url);
    const { control, media } = hub.state();
    await hello();
    const before = { control: descriptors(control), media: descriptors(media) };
    let most = 0;
    const looking = setInterval(() => (most = Math.max(most, descriptors(control))), 50);
    const partial = `POST /api/operations HTTP/1.1\r\nhost: ${url.host}\r\ncontent-`;
    const upgrade = `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: ${url.host}\r\nconnection: upgrade\r\nupgrade: websocket\r\n`;
    const sockets = (
      await Promise.all([
        flood(300, () => idleTcp(url)),
        flood(100, () => idleTcp(url, partial)),
        flood(100, () => idleTcp(url, upgrade)),
        flood(250, () => idleWebSocket(url)),
        // who asks for a namespace without a token is refused, and then says nothing
        flood(250, (i) => idleWebSocket(url, [i % 2 === 0 ? '40/console,' : '40/capture,{"token":"x"}'])),
      ])
    ).flat();
    expect(sockets).toHaveLength(1000);
    const answers = [await hello(), await hello(), await hello()];
    clearInterval(looking);
    expect(most).toBeGreaterThan(before.control + 400); // so many at once were there to disturb
    expect(Math.max(...answers), `${answers.join(', ')} ms`).toBeLessThan(ANSWER_MS);
    const left = new Set(sockets);
    for (const socket of sockets) void socket.closed.then(() => left.delete(socket));
    await until('every one is closed', () => left.size === 0, CLOSED_MS);
    await until('none is left', () => descriptors(control) <= before.control + 4, CLOSED_MS);
    expect(descriptors(media)).toBeLessThanOrEqual(before.media + 4);
    expect([hub.state().control, hub.state().media]).toEqual([control, media]);
    expect(await hello()).toBeLessThan(ANSWER_MS);
    const angle = (await operation.view()).angles.find(({ angleId }) => angleId === filmed());
    expect(angle).toMatchObject({ status: 'recording', missingFrames: 0, withheldFrames: 0 });
  });

  it('nor does one that has said hello and then sends nonsense', async () => {
    const { socketToken } = await call(hub, Me, 'GET', '/session');
    const admitted = `40/console,${JSON.stringify({ token: socketToken })}`;
    const nonsense = fc.oneof(
      fc.string({ maxLength: 200 }).map((text) => `42/console,${text}`),
      fc
        .tuple(fc.constantFrom('join', 'consume', 'constructor', '__proto__', 'disconnect'), fc.jsonValue())
        .map(([name, value]) => `42/console,7${JSON.stringify([name, value])}`),
      fc.integer({ min: 0, max: 1e6 }).map((count) => `45${count}-/console,["join",{"_placeholder":true,"num":${count}}]`),
      fc.string({ maxLength: 20 }),
    );
    const { control } = hub.state();
    const seed = Date.now() % 2 ** 31;
    const frames = fc.sample(nonsense, { seed, numRuns: 400 });
    for (let from = 0; from < frames.length; from += 50) {
      const sockets = await Promise.all(frames.slice(from, from + 50).map(() => idleWebSocket(new URL(hub.url), [admitted])));
      await until('they are let in', () => sockets.every(({ heard }) => heard.some((told) => told.startsWith('40/console,'))));
      for (const [i, socket] of sockets.entries()) {
        socket.send(frames[from + i] ?? '');
        socket.close();
      }
      await Promise.all(sockets.map(({ closed }) => closed));
    }
    const large = await idleWebSocket(new URL(hub.url), [admitted]);
    large.send(`42/console,${JSON.stringify(['join', 'x'.repeat(2_000_000)])}`);
    await large.closed;
    expect(hub.state().control, `seed ${seed}`).toBe(control);
    expect(await hello()).toBeLessThan(ANSWER_MS);
    expect(hub.output(), `seed ${seed}`).not.toMatch(/"level":[56]0/);
  });
});

describe('a token for a socket', () => {
  it('is refused when it is none, forged, changed, for something else, expired, or of a revoked link', async () => {
    const base = `/operations/${operation.operationId}/angles`;
    const { angleId } = await call(hub, AngleState, 'POST', base, { name: '手机' });
    const { url, linkId } = await call(hub, CaptureLink, 'POST', `${base}/${angleId}/links`);
    const { socketToken } = await call(hub, CaptureSession, 'POST', '/capture/session', { token: url.split('#')[1] });
    const [body = '', mac = ''] = String(socketToken).split('.');
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Parameters<SocketTokens['issue']>[0] & { kind: 'capture' };
    const store = new DatabaseSync(join(hub.dataDir, 'fieldhub.sqlite'), { readOnly: true });
    const secret = store.prepare("select value from secret where name = 'socket-tokens'").get() as { value: string };
    store.close();
    const own = new SocketTokens(secret.value);
    const refused: Record<string, unknown> = {
      none: undefined,
      number: 7,
      object: { token: socketToken },
      long: 'x'.repeat(100_000),
      unsigned: `${body}.`,
      forged: new SocketTokens('another secret').issue(claims, Date.now()),
      changed: `${Buffer.from(JSON.stringify({ ...claims, angleId: filmed() })).toString('base64url')}.${mac}`,
      console: own.issue({ kind: 'console', sessionHash: 'none' }, Date.now()),
      expired: own.issue(claims, Date.now() - 11 * 60_000),
    };
    for (const [name, token] of Object.entries(refused))
      expect([name, await refusal('/capture', { token })]).toEqual([name, 'unauthorized']);
    expect(await refusal('/capture', { token: socketToken })).toBe('connected');
    expect(await refusal('/console', { token: socketToken })).toBe('unauthorized');
    expect((await hubFetch(`${hub.url}/api/operations/${operation.operationId}/links/${linkId}`, { method: 'DELETE' })).status).toBe(204);
    expect(await refusal('/capture', { token: socketToken })).toBe('unauthorized');
  });
});

it('an offer larger than any real one is refused, however it is sent', async () => {
  const base = `/operations/${operation.operationId}/angles`;
  const { angleId } = await call(hub, AngleState, 'POST', base, { name: '编码器' });
  const { url } = await call(hub, CaptureLink, 'POST', `${base}/${angleId}/links`);
  const body = `${obsOffer}${'a=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\n'.repeat(2000)}`;
  for (const protocol of ['whip', 'whep'])
    for (const sent of [{}, { 'transfer-encoding': 'chunked' }]) {
      const right = protocol === 'whip' ? { authorization: `Bearer ${url.split('#')[1]}` } : { cookie: sessionAt(hub.url)?.cookie ?? '' };
      const headers = { 'content-type': 'application/sdp', ...right, ...sent };
      const { status } = await rawHttp(`${hub.url}/${protocol}/${operation.operationId}/${angleId}`, { method: 'POST', headers, body });
      expect([protocol, sent, status]).toEqual([protocol, sent, 413]);
    }
});

it('nothing of all that is seen in the recording', async () => {
  await untilSegments(operation, filmed(), 3);
  await operation.end();
  expect(takesOf(join(operation.dir, filmed()))).toEqual(['0001']);
  const lines = journalLines(join(operation.dir, filmed(), '0001', 'journal.ndjson'));
  expect(lines.find(({ type }) => type === 'take.ended')).toMatchObject({ missing: 0, withheld: cutOff(lines) });
  expect((await verifyOperation(operation.dir)).problems).toEqual([]);
  expect(complaints(operation.dir, filmed())).toEqual([]);
});
