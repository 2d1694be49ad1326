import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../../scripts/demo/hub.ts';
import { sessionAt } from '../../scripts/demo/sign-in.ts';
import { CustodyPage } from '../../server/protocol/custody.ts';
import { OperationView } from '../../server/protocol/http.ts';
import { AccessTokenMade } from '../../server/protocol/people.ts';
import { type RunningHub, startHub } from '../support/hub.ts';
import { phoneOperation, type PhoneOperation } from '../support/phone-operation.ts';
import { rawHttp, type RawReply } from '../support/raw-http.ts';
import { obsOffer, playerOffer } from '../support/sdp-offers.ts';

const SDP = { 'content-type': 'application/sdp' };

let root = '';
let near: RunningHub;
let beyond: RunningHub;
let operation: PhoneOperation;
let path = '';
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-whep-'));
  near = await startHub(join(root, 'near'));
  beyond = await startHub(join(root, 'beyond'), { LISTEN: '0.0.0.0', ANNOUNCED_ADDRESS: '127.0.0.1' });
  operation = await phoneOperation(near, ['机位']);
  path = `/whep/${operation.operationId}/${operation.angles[0]?.angleId}`;
});
afterAll(async () => {
  await near.stop();
  await beyond.stop();
  rmSync(root, { recursive: true, force: true });
});

const post = (hub: RunningHub, url: string, headers: Record<string, string> = {}, body = playerOffer): Promise<RawReply> =>
  rawHttp(hub.url + url, { method: 'POST', headers: { ...SDP, ...headers }, body });
/** The session of whoever has signed in there. */
const cookieOf = (hub: RunningHub): { cookie: string } => ({ cookie: sessionAt(hub.url)?.cookie ?? '' });

describe('on loopback', () => {
  it('an angle from which nothing comes is a conflict, to be tried again', async () => {
    const mine = cookieOf(near);
    const reply = await post(near, path, mine);
    expect([reply.status, reply.headers['retry-after']]).toEqual([409, '2']);
    expect(reply.body).toContain('nothing comes from this angle');
    expect((await post(near, path.replace(operation.operationId, '20260101-aaaaaaaa'), mine)).status).toBe(404);
    expect((await post(near, `/whep/${operation.operationId}/an-aaaaaaaa`, mine)).status).toBe(404);
    expect((await post(near, path, mine, obsOffer)).status).toBe(422);
    expect((await post(near, path, mine, 'nonsense')).status).toBe(400);
    // nothing was shown: a player that tries for ever leaves no line
    expect((await call(near, CustodyPage, 'GET', '/custody?what=view.live')).lines).toEqual([]);
  });

  it('nobody watches without a right, and another site’s page not with somebody’s cookie', async () => {
    const origin = { origin: 'https://evil.example' };
    const none = await post(near, path);
    expect([none.status, none.headers['www-authenticate']]).toEqual([401, 'Bearer realm="fieldhub whep"']);
    expect((await post(near, path, { ...origin, ...cookieOf(near) })).status).toBe(401);
    expect((await post(near, path, { ...origin, authorization: 'Bearer anything' })).status).toBe(401);
    expect((await post(near, path, { ...cookieOf(near), host: 'rebound.example' })).status).toBe(403);
  });
});

describe('beyond loopback', () => {
  it('a player comes with an access token for just that, from any site, until it is revoked', async () => {
    const { operationId } = OperationView.parse(await ask('POST', '/operations', { name: '远处' }));
    const password = sessionAt(beyond.url)?.password;
    // who watches an operation sees it: that need not be asked for
    const { token, item } = AccessTokenMade.parse(
      await ask('POST', '/session/tokens', { name: '大屏', permissions: ['live.watch'], days: 7, password }),
    );
    expect(item.permissions).toEqual(['operation.see', 'live.watch']);
    const url = `/whep/${operationId}/an-aaaaaaaa`;
    const bearer = { authorization: `Bearer ${token}` };
    const right = await post(beyond, url, { ...bearer, origin: 'https://wall.example' });
    expect([right.status, right.headers['access-control-allow-origin']]).toEqual([404, '*']); // there is no such angle
    const other = await rawHttp(`${beyond.url}/api/operations/${operationId}/end`, { method: 'POST', headers: bearer });
    expect(other.status).toBe(403);
    const preflight = await rawHttp(`${beyond.url}/whep/a1/b1`, { method: 'OPTIONS', headers: { origin: 'https://wall.example' } });
    expect(preflight.status).toBe(200);
    await ask('DELETE', `/session/tokens/${item.tokenId}`);
    expect((await post(beyond, url, bearer)).status).toBe(401);
    let refused = 0;
    for (let i = 0; i < 12; i += 1) refused = (await post(beyond, url, { authorization: 'Bearer wrong-secret' })).status;
    expect(refused).toBe(429);
    expect(beyond.output()).not.toContain(token);
  });

  async function ask(method: string, url: string, body?: object): Promise<unknown> {
    const headers = { ...cookieOf(beyond), ...(body && { 'content-type': 'application/json' }) };
    const reply = await rawHttp(`${beyond.url}/api${url}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    return reply.body === '' ? null : JSON.parse(reply.body);
  }
});
