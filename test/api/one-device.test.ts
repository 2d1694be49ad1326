import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hubFetch } from '../../scripts/demo/sign-in.ts';
import { call } from '../../scripts/demo/hub.ts';
import { CaptureLinkItem } from '../../server/protocol/capture.ts';
import { metric, type RunningHub, startHub, until } from '../support/hub.ts';
import { phoneOperation, type PhoneAngle, type PhoneOperation } from '../support/phone-operation.ts';
import { openConsoleSocket, openPhone } from '../support/phone-socket.ts';
import { rawHttp, type RawReply } from '../support/raw-http.ts';
import { obsOffer } from '../support/sdp-offers.ts';

let root = '';
let hub: RunningHub;
let operation: PhoneOperation;
let angle: PhoneAngle;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-device-'));
  hub = await startHub(join(root, 'data'));
  operation = await phoneOperation(hub, ['东门']);
  [angle] = operation.angles as [PhoneAngle];
});
afterAll(async () => {
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

const links = async (): Promise<CaptureLinkItem[]> =>
  (await call(hub, z.object({ links: z.array(CaptureLinkItem) }), 'GET', `/operations/${operation.operationId}/links`)).links;
const only = async (): Promise<CaptureLinkItem> => (await links())[0] as CaptureLinkItem;
const shutOut = async (deviceId: string): Promise<number> => {
  const { linkId } = await only();
  const path = `/api/operations/${operation.operationId}/links/${linkId}/devices/${deviceId}`;
  return (await hubFetch(hub.url + path, { method: 'DELETE' })).status;
};
const whip = (userAgent: string): Promise<RawReply> =>
  rawHttp(`${hub.url}/whip/${operation.operationId}/${angle.angleId}`, {
    method: 'POST',
    headers: { 'content-type': 'application/sdp', authorization: `Bearer ${angle.url.split('#')[1]}`, 'user-agent': userAgent },
    body: obsOffer,
  });

it('a phone that is shut out is told, and neither its cookie, its socket nor the link lets it in again; another one stays', async () => {
  const [out, other] = [await openPhone(hub, angle.url), await openPhone(hub, angle.url)];
  await out.ask('join', { peerId: 'phone-out-0001' });
  const { uses } = await only();
  expect(uses.map(({ state }) => state)).toEqual(['open', 'open']); // nothing comes from either
  expect(await shutOut('dv-0000000000000000')).toBe(404);
  expect(await shutOut('dv-%25')).toBe(400);
  expect(await shutOut(uses[0]?.deviceId ?? '')).toBe(204);
  await until('it is told', () => out.told('dismissed').length === 1);
  expect(out.told('dismissed')).toEqual([{ reason: 'device-revoked' }]);
  const ask = (method: string, cookie: string): Promise<Response> =>
    fetch(`${hub.url}/api/capture/session`, {
      method,
      headers: { cookie, 'content-type': 'application/json' },
      ...(method === 'POST' ? { body: JSON.stringify({ token: angle.url.split('#')[1] }) } : {}),
    });
  for (const method of ['GET', 'POST']) {
    const refused = await ask(method, out.cookie);
    expect([refused.status, ((await refused.json()) as { field: string }).field]).toEqual([410, 'device-revoked']);
  }
  expect((await ask('GET', other.cookie)).status).toBe(200);
  await other.ask('join', { peerId: 'phone-other-001' });
  expect((await only()).uses.map(({ state }) => state)).toEqual(['revoked', 'open']);
  await other.ask('stop', {});
  out.close();
  other.close();
});

it('an encoder that is shut out loses its session, and its token is refused; the link’s phones stay', async () => {
  const begun = await whip('OBS-Studio/31.0');
  expect(begun.status).toBe(201);
  const encoder = (await only()).uses.find(({ device }) => device.includes('OBS-Studio'));
  expect(await shutOut(encoder?.deviceId ?? '')).toBe(204);
  await until('its session is closed', async () => (await metric(hub, 'webrtc_transports')) === 0);
  expect((await whip('OBS-Studio/31.0')).status).toBe(401);
  const phone = await openPhone(hub, angle.url);
  await phone.ask('join', { peerId: 'phone-third-001' });
  await phone.ask('stop', {});
  phone.close();
});

it('nobody asks for an angle that is free, and an answer to nothing is refused', async () => {
  const phone = await openPhone(hub, angle.url);
  await expect(phone.ask('askTakeover', {})).rejects.toThrow('conflict free');
  const desk = await openConsoleSocket(hub, operation.operationId);
  await expect(desk.ask('answerTakeover', { requestId: '0123456789abcdef', agree: true })).rejects.toThrow('not_found requestId');
  await expect(desk.ask('answerTakeover', { requestId: 7, agree: 'yes' })).rejects.toThrow('bad_request requestId');
  phone.close();
  desk.close();
});
