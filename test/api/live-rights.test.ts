import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../../scripts/demo/hub.ts';
import { hubFetch, sessionAt, signIn } from '../../scripts/demo/sign-in.ts';
import { CaptureLinkItem } from '../../server/protocol/capture.ts';
import { CustodyPage } from '../../server/protocol/custody.ts';
import { OperationFacts } from '../../server/protocol/operations.ts';
import { AccessTokenMade, Person, PersonCreated, type RoleGrant, Squad } from '../../server/protocol/people.ts';
import { metric, type RunningHub, startHub, until } from '../support/hub.ts';
import { phoneOperation, type PhoneAngle, type PhoneOperation } from '../support/phone-operation.ts';
import { openConsoleOf, openConsoleSocket, openPhone, type PhoneSocket } from '../support/phone-socket.ts';
import { rawHttp } from '../support/raw-http.ts';
import { obsOffer, playerOffer } from '../support/sdp-offers.ts';

const PEER = 'desk-of-somebody-1';

let root = '';
let hub: RunningHub;
let operation: PhoneOperation;
let other: PhoneOperation;
let angle: PhoneAngle;
let squads: Squad[];
/** Closed at the end: a peer whose desk has gone goes half a minute later, in the middle of what another test counts. */
const desks: PhoneSocket[] = [];
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-rights-'));
  hub = await startHub(join(root, 'data'));
  [operation, other] = [await phoneOperation(hub, ['东门']), await phoneOperation(hub, ['西门'])];
  [angle] = operation.angles as [PhoneAngle];
  squads = [await call(hub, Squad, 'POST', '/squads', { name: '一中队' }), await call(hub, Squad, 'POST', '/squads', { name: '二中队' })];
  await changeFacts({ squadIds: squads.map(({ squadId }) => squadId) });
});
afterAll(async () => {
  for (const desk of desks) desk.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

async function changeFacts(facts: object): Promise<void> {
  const path = `/operations/${operation.operationId}/facts`;
  const { version } = await call(hub, OperationFacts, 'GET', path);
  await call(hub, OperationFacts, 'PUT', path, { version, ...facts });
}
const transports = (): Promise<number> => metric(hub, 'webrtc_transports');
const of = (squad: number, ...roles: RoleGrant['role'][]): RoleGrant[] =>
  roles.map((role) => ({ role, squadId: squads[squad]?.squadId ?? null }));

let made = 0;
type Officer = { personId: string; cookie: string };
async function person(roles: RoleGrant[]): Promise<Officer> {
  made += 1;
  const login = `officer${made}`;
  const { person: created, password } = await call(hub, PersonCreated, 'POST', '/people', { login, name: `队员 ${made}`, roles });
  const { cookie } = await signIn(hub.url, login, password, `a long way to ${made} gates`);
  return { personId: created.personId, cookie };
}
async function deskOf({ cookie }: Officer): Promise<PhoneSocket> {
  const desk = await openConsoleOf(hub, cookie);
  desks.push(desk);
  return desk;
}
/** A console that receives: it has a transport of its own. */
async function watching(officer: Officer): Promise<{ desk: PhoneSocket; transportId: string; rtpCapabilities: unknown }> {
  const desk = await deskOf(officer);
  const { rtpCapabilities } = await desk.ask('join', { peerId: PEER, operationId: operation.operationId });
  const before = await transports();
  const { id } = await desk.ask('createTransport', { direction: 'recv' });
  expect(await transports()).toBe(before + 1);
  return { desk, transportId: String(id), rtpCapabilities };
}
/** An encoder becomes the angle's source. Nothing comes of it, which is enough to be refused for. */
const film = async (): Promise<string> => {
  const headers = { 'content-type': 'application/sdp', authorization: `Bearer ${angle.url.split('#')[1]}` };
  const begun = await rawHttp(`${hub.url}/whip/${operation.operationId}/${angle.angleId}`, { method: 'POST', headers, body: obsOffer });
  expect(begun.status).toBe(201);
  return String(begun.headers['location']);
};

describe('who watches live loses the picture', () => {
  it('when a role is taken, though others still let him see that there is an operation', async () => {
    const officer = await person(of(0, 'commander', 'operator'));
    const { desk } = await watching(officer);
    const before = await transports();
    await call(hub, Person, 'PUT', `/people/${officer.personId}`, { roles: of(0, 'operator') });
    await until('its transport is closed', async () => (await transports()) === before - 1);
    await until('it is disconnected', () => !desk.connected());
    const again = await deskOf(officer);
    const joined = await again.ask('join', { peerId: PEER, operationId: operation.operationId });
    expect([joined['peerExists'], joined['transports']]).toEqual([false, []]);
    await expect(again.ask('createTransport', { direction: 'recv' })).rejects.toThrow('forbidden permission');
  });

  it('when he is signed out', async () => {
    const officer = await person(of(0, 'commander'));
    await watching(officer);
    const before = await transports();
    expect((await hubFetch(`${hub.url}/api/people/${officer.personId}/sessions`, { method: 'DELETE' })).status).toBe(204);
    await until('its transport is closed', async () => (await transports()) === before - 1);
  });

  it('when the operation is no more one of his squads, and hears no more of it', async () => {
    const [first, second] = [await person(of(0, 'commander')), await person(of(1, 'commander'))];
    const [stays, goes] = [await watching(first), await watching(second)];
    const before = await transports();
    await changeFacts({ squadIds: [squads[0]?.squadId] });
    await until('its transport is closed', async () => (await transports()) === before - 1);
    await until('it is disconnected', () => !goes.desk.connected());
    const again = await deskOf(second);
    await expect(again.ask('join', { peerId: PEER, operationId: operation.operationId })).rejects.toThrow('not_found operationId');
    await stays.desk.ask('mark', { markId: 'mark-of-who-stays', angleId: null, atMs: Date.now(), text: '只有一中队' });
    await until('who stays is told', () => stays.desk.told('mark').length === 1);
    expect(again.told('mark')).toEqual([]);

    await changeFacts({ confidentiality: 'secret' });
    await until('nobody but who was on it', async () => (await transports()) === before - 2);
    await changeFacts({ confidentiality: 'internal', squadIds: squads.map(({ squadId }) => squadId) });
  });

  it('when the token of his player is revoked', async () => {
    const source = await film();
    const asked = { name: '大屏', permissions: ['live.watch', 'operation.see'], days: 7, password: sessionAt(hub.url)?.password };
    const { token, item } = await call(hub, AccessTokenMade, 'POST', '/session/tokens', asked);
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/sdp' };
    const whep = `${hub.url}/whep/${operation.operationId}/${angle.angleId}`;
    expect((await rawHttp(whep, { method: 'POST', headers, body: playerOffer })).status).toBe(201);
    const before = await transports();
    expect((await hubFetch(`${hub.url}/api/session/tokens/${item.tokenId}`, { method: 'DELETE' })).status).toBe(204);
    await until('its session is closed', async () => (await transports()) === before - 1);
    await rawHttp(hub.url + source, { method: 'DELETE', headers: { authorization: `Bearer ${angle.url.split('#')[1]}` } });
  });
});

describe('a console’s peer', () => {
  it('is of one operation: what was made in another is not there, and is closed', async () => {
    const officer = await person([{ role: 'commander', squadId: null }]);
    const { desk, transportId } = await watching(officer);
    const before = await transports();
    const joined = await desk.ask('join', { peerId: PEER, operationId: other.operationId });
    expect(joined['peerExists']).toBe(false);
    await expect(desk.ask('restartIce', { transportId })).rejects.toThrow('not_found peerId');
    await until('it is closed', async () => (await transports()) === before - 1);
  });

  it('is of one person: by its name another gets one of its own', async () => {
    const [one, two] = [await watching(await person(of(0, 'commander'))), await watching(await person(of(0, 'commander')))];
    await expect(two.desk.ask('restartIce', { transportId: one.transportId })).rejects.toThrow('not_found transportId');
    expect(await one.desk.ask('restartIce', { transportId: one.transportId })).toHaveProperty('iceParameters');
  });
});

describe('a console', () => {
  it('that was away is told nothing of what it may not see any more, before it has joined again', async () => {
    const [goes, stays] = [await deskOf(await person(of(0, 'commander'))), await openConsoleSocket(hub, operation.operationId)];
    desks.push(stays);
    await goes.ask('join', { peerId: PEER, operationId: operation.operationId });
    const mark = (markId: string) => stays.ask('mark', { markId, angleId: null, atMs: Date.now(), text: '涉密' });
    await mark('mark-before-0001');
    await until('it is told', () => goes.told('mark').length === 1);
    const comeBack = goes.cut();
    await changeFacts({ confidentiality: 'secret' });
    await mark('mark-while-away-1');
    await until('who stays is told', () => stays.told('mark').length === 2);
    comeBack();
    await until('it is back', () => goes.connected());
    await expect(goes.ask('join', { peerId: PEER, operationId: operation.operationId })).rejects.toThrow('not_found operationId');
    expect(goes.told('mark')).toHaveLength(1);
    await changeFacts({ confidentiality: 'internal' });
  });

  it('that has come to an operation that is over is in the one before no more', async () => {
    const desk = await deskOf(await person([{ role: 'commander', squadId: null }]));
    const over = await phoneOperation(hub, ['北门']);
    await over.end();
    await desk.ask('join', { peerId: PEER, operationId: operation.operationId });
    await desk.ask('join', { peerId: PEER, operationId: over.operationId });
    await expect(desk.ask('createTransport', { direction: 'recv' })).rejects.toThrow('conflict');
  });

  it('watches no angle that is not there, and no line says so', async () => {
    const { desk, transportId, rtpCapabilities } = await watching(await person(of(0, 'commander')));
    const asked = { transportId, angleId: 'an-nowhere', rtpCapabilities };
    await expect(desk.ask('consume', asked)).rejects.toThrow('not_found angleId');
    expect((await call(hub, CustodyPage, 'GET', '/custody?what=view.live')).lines.map((line) => line.angleId)).not.toContain('an-nowhere');
  });
});

describe('a phone', () => {
  it('sees nothing of what another device films, whatever its link; revoked, its ways end with it', async () => {
    const { rtpCapabilities } = await watching(await person(of(0, 'commander')));
    const before = await transports();
    await film();
    const phone = await openPhone(hub, angle.url);
    const { id: transportId } = await phone.ask('wayTransport', { wayId: 'way-to-look-around' });
    await expect(phone.ask('mirrorConsume', { wayId: 'way-to-look-around', transportId, rtpCapabilities })).rejects.toThrow(
      'forbidden angleId',
    );
    for (let way = 0; way < 6; way += 1) await phone.ask('wayTransport', { wayId: `one-way-more-${way}` });
    expect(await transports()).toBe(before + 5); // the encoder, and of the phone's ways the newest four
    const schema = z.object({ links: z.array(CaptureLinkItem) });
    const [link] = (await call(hub, schema, 'GET', `/operations/${operation.operationId}/links`)).links;
    await hubFetch(`${hub.url}/api/operations/${operation.operationId}/links/${link?.linkId}`, { method: 'DELETE' });
    await until('encoder and ways are gone', async () => (await transports()) === before);
    phone.close();
  });
});
