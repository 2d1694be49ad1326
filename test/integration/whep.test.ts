import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningHub, startHub } from '../support/hub.ts';
import { phoneOperation, type PhoneOperation } from '../support/phone-operation.ts';
import { rawHttp, type RawReply } from '../support/raw-http.ts';
import { obsOffer, playerOffer } from '../support/sdp-offers.ts';

const SECRET = 'open-sesame-1';
const SDP = { 'content-type': 'application/sdp' };

let root = '';
let near: RunningHub;
let beyond: RunningHub;
let operation: PhoneOperation;
let path = '';
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-whep-'));
  near = await startHub(join(root, 'near'));
  beyond = await startHub(join(root, 'beyond'), { LISTEN: '0.0.0.0', ANNOUNCED_ADDRESS: '127.0.0.1', STARTUP_SECRET: SECRET });
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

describe('on loopback', () => {
  it('an angle from which nothing comes is a conflict, to be tried again', async () => {
    const reply = await post(near, path);
    expect([reply.status, reply.headers['retry-after']]).toEqual([409, '2']);
    expect(reply.body).toContain('nothing comes from this angle');
    expect((await post(near, path.replace(operation.operationId, '20260101-aaaaaaaa'))).status).toBe(404);
    expect((await post(near, `/whep/${operation.operationId}/an-aaaaaaaa`)).status).toBe(404);
    expect((await post(near, path, {}, obsOffer)).status).toBe(422);
    expect((await post(near, path, {}, 'nonsense')).status).toBe(400);
  });

  it('no other site may watch, since nobody is asked for a secret', async () => {
    const origin = { origin: 'https://evil.example' };
    const refused = await post(near, path, { ...origin, authorization: 'Bearer anything' });
    expect([refused.status, refused.headers['access-control-allow-origin']]).toEqual([403, undefined]);
    expect((await rawHttp(near.url + path, { method: 'OPTIONS', headers: origin })).headers['access-control-allow-origin']).toBeUndefined();
    expect((await post(near, path, { host: 'rebound.example' })).status).toBe(403);
  });
});

describe('beyond loopback', () => {
  it('the start-up secret is asked for as Bearer token, of players and of the API', async () => {
    const made = await rawHttp(`${beyond.url}/api/operations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${SECRET}` },
      body: '{"name":"远处"}',
    });
    expect(made.status).toBe(201);
    const { operationId } = JSON.parse(made.body) as { operationId: string };
    const url = `/whep/${operationId}/an-aaaaaaaa`;
    const none = await post(beyond, url);
    expect([none.status, none.headers['www-authenticate']]).toEqual([401, 'Bearer realm="fieldhub whep"']);
    const right = await post(beyond, url, { authorization: `Bearer ${SECRET}`, origin: 'https://wall.example' });
    expect([right.status, right.headers['access-control-allow-origin']]).toEqual([404, '*']); // there is no such angle
    const session = await rawHttp(`${beyond.url}/api/console/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ secret: SECRET }),
    });
    const cookie = String(session.headers['set-cookie']).split(';')[0] ?? '';
    expect((await post(beyond, url, { cookie })).status).toBe(404);
    expect((await post(beyond, url, { cookie, origin: 'https://evil.example' })).status).toBe(401);
    expect((await rawHttp(`${beyond.url}/whep/a1/b1`, { method: 'OPTIONS', headers: { origin: 'https://wall.example' } })).status).toBe(
      200,
    );
    let refused = 0;
    for (let i = 0; i < 12; i += 1) refused = (await post(beyond, url, { authorization: 'Bearer wrong-secret' })).status;
    expect(refused).toBe(429);
    expect(beyond.output()).not.toContain(SECRET);
  });
});
