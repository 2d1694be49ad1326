import { createHash } from 'node:crypto';
import { z } from 'zod';
import { call } from '../../scripts/demo/hub.ts';
import { hubFetch, sessionAt } from '../../scripts/demo/sign-in.ts';
import { AngleState, CaptureLink, OperationView } from '../../server/protocol/http.ts';
import { AccessTokenMade, PersonCreated, type RoleGrant, ROLES, Squad } from '../../server/protocol/people.ts';
import { type ApiDocument, namesIn, routesOf } from './api-document.ts';
import type { RunningHub } from './hub.ts';
import type { KnownIds } from './known-ids.ts';
import { somebody } from './people.ts';
import { obsOffer } from './sdp-offers.ts';
import { film, untilPacked, untilSegments } from './operation.ts';

export type Member = { personId: string; login: string; password: string; cookie: string };

/** Somebody with these roles and a password of the own. */
export async function member(hub: RunningHub, login: string, roles: RoleGrant[]): Promise<Member> {
  return (await somebody(hub, { login, name: login, roles }, `a long way to ${login}`)).session;
}

export const everyRole: RoleGrant[] = ROLES.map((role) => ({ role, squadId: null }));

/** Something of everything: an operation that was filmed and goes on, one that has ended, links, a phone, a picture, squads, people, devices. */
export async function furnish(hub: RunningHub): Promise<{ operator: Member; machine: string; filmed: Filmed }> {
  const near = await call(hub, Squad, 'POST', '/squads', { name: '一中队' });
  const far = await call(hub, Squad, 'POST', '/squads', { name: '二中队' });
  const operator = await member(hub, 'operator', [{ role: 'operator', squadId: far.squadId }]);
  for (const login of ['some', 'more', 'others'])
    await call(hub, PersonCreated, 'POST', '/people', { login, name: login, roles: [{ role: 'leader', squadId: near.squadId }] });
  const device = { squadId: near.squadId, type: 'body-camera', model: 'X' };
  await call(hub, z.unknown(), 'POST', '/devices', { ...device, serial: 'A-1' });
  const { deviceId } = await call(hub, z.object({ deviceId: z.string() }), 'POST', '/devices', { ...device, serial: 'A-2' });
  await call(hub, z.unknown(), 'POST', `/devices/${deviceId}/uses`, { personId: operator.personId, operationId: null });
  const permissions = ['operation.see', 'recording.view'];
  const { squadId } = near;
  for (const number of ['拆 1', '拆 2']) await call(hub, z.unknown(), 'POST', '/cases', { number, cause: '违法建设', squadId });
  await call(hub, OperationView, 'POST', '/operations', { name: '明天', planned: true, type: 'demolition', squadIds: [squadId] });
  const password = sessionAt(hub.url)?.password;
  const { token } = await call(hub, AccessTokenMade, 'POST', '/session/tokens', { name: '归档', permissions, days: 1, password });

  const over = await call(hub, OperationView, 'POST', '/operations', { name: '昨天', squadIds: [squadId] });
  await call(hub, AngleState, 'POST', `/operations/${over.operationId}/angles`, { name: '西门' });
  await call(hub, OperationView, 'POST', `/operations/${over.operationId}/end`);
  const filmed = await recorded(hub);
  await untilPacked(() => call(hub, OperationView, 'GET', `/operations/${over.operationId}`));
  return { operator, machine: token, filmed };
}

type Filmed = { operationId: string; angleId: string; takeId: string; file: string };

export type Duty = { operationId: string; angleId: string; link: string; phone: string; sessionId?: string };

/** A link for an angle, and the phone that has opened it. */
async function onDuty(hub: RunningHub, operationId: string, angleId: string): Promise<Duty> {
  const { url } = await call(hub, CaptureLink, 'POST', `/operations/${operationId}/angles/${angleId}/links`);
  const link = url.split('#')[1] ?? '';
  const headers = { 'content-type': 'application/json' };
  const opened = await fetch(`${hub.url}/api/capture/session`, { method: 'POST', headers, body: JSON.stringify({ token: link }) });
  return { operationId, angleId, link, phone: opened.headers.get('set-cookie')?.split(';')[0] ?? '' };
}

/** An operation that goes on, a phone on duty, and an encoder's session. */
export async function newDuty(hub: RunningHub, ids: KnownIds): Promise<Duty> {
  const { operationId } = await call(hub, OperationView, 'POST', '/operations', { name: '今天', type: 'demolition' });
  const { angleId } = await call(hub, AngleState, 'POST', `/operations/${operationId}/angles`, { name: '北门' });
  const duty = await onDuty(hub, operationId, angleId);
  const headers = { 'content-type': 'application/sdp', authorization: `Bearer ${duty.link}` };
  const whip = await fetch(`${hub.url}/whip/${operationId}/${angleId}`, { method: 'POST', headers, body: obsOffer });
  ids.add({ token: duty.link });
  return { ...duty, sessionId: whip.headers.get('location')?.split('/').at(-1) ?? '' };
}

/** Whether its phone and its encoder's session are still there. */
export async function isOnDuty(hub: RunningHub, { operationId, angleId, sessionId, link, phone }: Duty): Promise<boolean> {
  const opened = await fetch(`${hub.url}/api/capture/session`, { headers: { cookie: phone } });
  const whip = await fetch(`${hub.url}/whip/${operationId}/${angleId}/${sessionId}`, { headers: { authorization: `Bearer ${link}` } });
  return opened.ok && whip.ok;
}

/** Two segments of a camera that has gone, and a picture of a phone. */
async function recorded(hub: RunningHub): Promise<Filmed> {
  const operation = await film(hub, ['东门']);
  const { operationId } = operation;
  const angleId = operation.angles[0]?.angleId ?? '';
  await untilSegments(operation, angleId, 2);
  operation.angles[0]?.camera.cut();
  await hubFetch(`${hub.url}/api/operations/${operationId}/angles/${angleId}/camera`, { method: 'DELETE' });
  const { phone } = await onDuty(hub, operationId, angleId);
  const poster = await hubFetch(`${hub.url}/api/operations/${operationId}/angles/${angleId}/poster.jpg`);
  const picture = Buffer.from(await poster.arrayBuffer());
  const sha256 = createHash('sha256').update(picture).digest('hex');
  const still = `stillId=still-0001&angleId=${angleId}&atMs=${Date.now()}&sha256=${sha256}`;
  const image = { cookie: phone, 'content-type': 'image/jpeg' };
  const kept = await fetch(`${hub.url}/api/capture/stills?${still}`, { method: 'POST', headers: image, body: picture });
  if (kept.status !== 201) throw new Error(`the picture was not kept: ${await kept.text()}`);
  const playlist = await (await hubFetch(`${hub.url}/hls/${operationId}/${angleId}/index.m3u8`)).text();
  const [, takeId = '', file = ''] = /(\d{4,6})\/(\d+-\d+\.m4s)/.exec(playlist) ?? [];
  return { operationId, angleId, takeId, file };
}

/** What the lists and views of the API tell whoever asks of what there is. */
export async function learn(
  hub: RunningHub,
  document: ApiDocument,
  ids: KnownIds,
  cookie = sessionAt(hub.url)?.cookie ?? '',
): Promise<void> {
  const readable = routesOf(document).filter(({ method, path }) => method === 'GET' && path.startsWith('/api/') && !/\.|export/.test(path));
  for (const { path } of readable.toSorted((a, b) => namesIn(a.path).length - namesIn(b.path).length)) {
    const names = namesIn(path);
    const of = names.length === 0 ? [{}] : [0, 1].map((nth) => ids.together(names, nth) ?? {});
    for (const address of new Set(of.map((context) => ids.fill(path.replaceAll(/\{(\w+)\}/g, '{{$1#0}}'), context)))) {
      const reply = await fetch(hub.url + address, { headers: { cookie } });
      const around = Object.fromEntries(names.map((name, i) => [name, address.split('/')[path.split('/').indexOf(`{${names[i]}}`)] ?? '']));
      if (reply.ok && reply.headers.get('content-type')?.includes('json')) ids.harvest(await reply.json(), around);
      else await reply.body?.cancel();
    }
  }
}
