import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import { call } from '../../scripts/demo/hub.ts';
import { sessionAt } from '../../scripts/demo/sign-in.ts';
import { CustodyPage } from '../../server/protocol/custody.ts';
import { AccessTokenMade } from '../../server/protocol/people.ts';
import { crashControl, metric, type RunningHub, signal, startHub, until } from '../support/hub.ts';
import { idleTcp } from '../support/idle-sockets.ts';
import { phoneOperation, type PhoneAngle, type PhoneOperation } from '../support/phone-operation.ts';
import { openConsoleOf, type PhoneSocket } from '../support/phone-socket.ts';
import { rawHttp, type RawReply } from '../support/raw-http.ts';
import { obsOffer, playerOffer } from '../support/sdp-offers.ts';

/** Who watches live has a line when it begins and one when it is over, whatever of the hub is begun anew meanwhile. */
let root = '';
let hub: RunningHub;
let operation: PhoneOperation;
let angle: PhoneAngle;
let token = '';
let desk: PhoneSocket;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-views-'));
  hub = await startHub(join(root, 'data'));
  operation = await phoneOperation(hub, ['东门']);
  [angle] = operation.angles as [PhoneAngle];
  const asked = { name: '大屏', permissions: ['live.watch'], days: 7, password: sessionAt(hub.url)?.password };
  ({ token } = await call(hub, AccessTokenMade, 'POST', '/session/tokens', asked));
  desk = await openConsoleOf(hub, sessionAt(hub.url)?.cookie ?? '');
});
afterAll(async () => {
  desk.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

const { stringify } = JSON;
const UPGRADE = [
  'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1',
  'host: 127.0.0.1',
  'connection: Upgrade',
  'upgrade: websocket',
  'sec-websocket-version: 13',
  `sec-websocket-key: ${Buffer.alloc(16).toString('base64')}`,
  '\r\n',
].join('\r\n');
const post = (kind: 'whip' | 'whep', secret: string, body: string): Promise<RawReply> =>
  rawHttp(`${hub.url}/${kind}/${operation.operationId}/${angle.angleId}`, {
    method: 'POST',
    headers: { 'content-type': 'application/sdp', authorization: `Bearer ${secret}` },
    body,
  });
const linkSecret = (): string => angle.url.split('#')[1] ?? '';
/** The encoder's session, and when it began. It never connects, and so is let go of after half a minute: each test has one of its own. */
let encoder = { path: '', sinceMs: 0 };
const LET_GO_MS = 30_000;
const transports = (): Promise<number> => metric(hub, 'webrtc_transports');
/** Nobody watches any more, and the encoder is there for as long as it may. */
const onlyEncoder = async (): Promise<boolean> => {
  const left = await transports().catch(() => Number.NaN);
  return left === 1 || (left === 0 && performance.now() - encoder.sinceMs > LET_GO_MS);
};
/** Who began to watch, and of whom that is over, since the last time. */
let seen = 0;
const lines = async (): Promise<string[]> => {
  const all = (await call(hub, CustodyPage, 'GET', '/custody?what=view.live')).lines.flatMap((line) => ('who' in line ? [line] : []));
  return all
    .toReversed()
    .slice(seen)
    .map(({ who, detail }) => `${who?.kind} ${stringify(detail?.['begins'])} ${stringify(detail?.['why'] ?? null)}`);
};

/** An encoder films; a console and a player watch it. */
beforeEach(async () => {
  await until('an encoder fills the angle', async () => {
    const { status, headers } = await post('whip', linkSecret(), obsOffer);
    encoder = { path: new URL(String(headers['location']), hub.url).pathname, sinceMs: performance.now() };
    return status === 201;
  });
  seen += (await lines()).length;
  await until('the desk is connected', () => desk.connected());
  const joined = await desk.ask('join', { peerId: 'desk-0001', operationId: operation.operationId });
  expect(joined['peerExists']).toBe(false);
  const { id: transportId } = await desk.ask('createTransport', { direction: 'recv' });
  const wanted = { transportId, angleId: angle.angleId, rtpCapabilities: joined['rtpCapabilities'] };
  expect((await desk.ask('consume', wanted))['consumers']).not.toEqual([]);
  expect((await post('whep', token, playerOffer)).status).toBe(201);
  expect(await lines()).toEqual(['person true null', 'token true null']);
  expect(await transports()).toBe(3);
});
afterEach(async () => {
  await rawHttp(hub.url + encoder.path, { method: 'DELETE', headers: { authorization: `Bearer ${linkSecret()}` } });
});

it('a control process that was killed ends, once it is back, what nobody has an eye on, and says whose', async () => {
  await crashControl(hub);
  await until('only the encoder is left', onlyEncoder);
  await until('both are over', async () => (await lines()).length === 4);
  expect((await lines()).slice(2).toSorted()).toEqual(['person false "control-restarted"', 'token false "control-restarted"']);
});

it('one that is stopped ends it before it goes, whoever is still being answered or does not hang up', async () => {
  const mute = await idleTcp(new URL(hub.url), UPGRADE); // as a phone is that has lost its network
  onTestFinished(mute.close);
  const { control } = hub.state();
  const upload = 'POST /api/session HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{';
  const half = await idleTcp(new URL(hub.url), upload);
  onTestFinished(half.close);
  signal(control, 'SIGTERM');
  await until('another is there', async () => {
    if (hub.state().control === control) return false;
    return onlyEncoder();
  });
  await until('both are over', async () => (await lines()).length === 4); // the index may have to catch up with the log
  expect((await lines()).slice(2).toSorted()).toEqual(['person false null', 'token false null']);
});

it('a media process that dies ends it with itself', async () => {
  signal(hub.state().media, 'SIGKILL');
  await until('both are over', async () => (await lines()).length === 4);
  expect((await lines()).slice(2).toSorted()).toEqual(['person false null', 'token false null']);
});
