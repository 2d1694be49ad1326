import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hubFetch } from '../../scripts/demo/sign-in.ts';
import { call } from '../../scripts/demo/hub.ts';
import { CaptureLink, CaptureLinkItem, CaptureSession } from '../../server/protocol/capture.ts';
import { CustodyPage } from '../../server/protocol/custody.ts';
import { AngleState, OperationView } from '../../server/protocol/http.ts';
import { crashControl, type RunningHub, startHub } from '../support/hub.ts';

let root = '';
let hub: RunningHub;
let operationId = '';
let angleId = '';
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-links-'));
  hub = await startHub(join(root, 'data'));
  ({ operationId } = await call(hub, OperationView, 'POST', '/operations', { name: '链接' }));
  ({ angleId } = await call(hub, AngleState, 'POST', `/operations/${operationId}/angles`, { name: '北门' }));
});
afterAll(async () => {
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

type Answer = { status: number; body: Record<string, unknown>; cookie: string };
/** As a phone asks, with what it has been given as a cookie. */
async function phone(method: 'GET' | 'POST', path: string, body?: object, cookie = ''): Promise<Answer> {
  const reply = await fetch(`${hub.url}/api/capture${path}`, {
    method,
    headers: { cookie, 'user-agent': 'Mozilla/5.0 (iPhone) Safari/604.1', ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const value = (await reply.json()) as Record<string, unknown>;
  return { status: reply.status, body: value, cookie: reply.headers.get('set-cookie')?.split(';')[0] ?? cookie };
}
const make = (path: string, body?: object): Promise<CaptureLink> =>
  call(hub, CaptureLink, 'POST', `/operations/${operationId}${path}/links`, body);
const tokenOf = ({ url }: CaptureLink): string => url.split('#')[1] ?? '';
const open = (link: CaptureLink, cookie = ''): Promise<Answer> => phone('POST', '/session', { token: tokenOf(link) }, cookie);
const list = async (): Promise<CaptureLinkItem[]> =>
  (await call(hub, z.object({ links: z.array(CaptureLinkItem) }), 'GET', `/operations/${operationId}/links`)).links;
/** As if so much time had passed since the link was made. */
function expire({ linkId }: CaptureLink): void {
  const store = new DatabaseSync(join(hub.dataDir, 'fieldhub.sqlite'), { timeout: 5000 });
  store.prepare('UPDATE capture_link SET expires_ms = created_ms - 1 WHERE link_id = ?').run(linkId);
  store.close();
}

describe('a link of the whole operation', () => {
  it('lets a phone choose an angle or propose one by its name, and gives a socket token only then', async () => {
    const link = await make('', { hours: 2, label: '第二中队' });
    expect(link).toMatchObject({ angleId: null, devices: 'several', label: '第二中队' });
    const opened = await open(link);
    expect(CaptureSession.parse(opened.body)).toMatchObject({
      angleId: null,
      socketToken: null,
      angles: [{ name: '北门', state: 'free' }],
    });
    const chosen = await phone('POST', '/angle', { angleId }, opened.cookie);
    expect(CaptureSession.parse(chosen.body)).toMatchObject({ angleId, angleName: '北门', angles: [{ state: 'mine' }] });
    expect(chosen.body['socketToken']).toBeTypeOf('string');
    const proposed = await phone('POST', '/angle', { name: '  南门 王五  ' }, opened.cookie);
    expect(proposed.body).toMatchObject({ angleName: '南门 王五' });
    const made = async () => (await call(hub, CustodyPage, 'GET', `/custody?what=angle.made&operation=${operationId}`)).lines;
    await expect
      .poll(async () => (await made())[0])
      .toMatchObject({
        who: { kind: 'link', id: link.linkId, name: '第二中队' },
        angleId: proposed.body['angleId'],
        detail: { name: '南门 王五' },
      });
    expect((await phone('POST', '/angle', { name: '南门 王五' }, opened.cookie)).body).toMatchObject({
      code: 'conflict',
      field: 'name-taken',
    });
    expect((await phone('POST', '/angle', { name: '' }, opened.cookie)).status).toBe(400);
    expect((await phone('POST', '/angle', { angleId: 'an-unknown' }, opened.cookie)).status).toBe(404);
    expect((await phone('POST', '/angle', { angleId }, '')).status).toBe(401);
    const { angles } = await call(hub, OperationView, 'GET', `/operations/${operationId}`);
    expect(angles.map(({ name }) => name)).toEqual(['北门', '南门 王五']);
  });

  it('cannot be used to fill the operation with angles', async () => {
    const { cookie } = await open(await make(''));
    const answers: Answer[] = [];
    for (let i = 0; i < 12; i += 1) answers.push(await phone('POST', '/angle', { name: `机位 ${i}` }, cookie));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(10);
    expect(answers.at(-1)).toMatchObject({ status: 429, body: { code: 'too_many' } });
  });
});

describe('a link for one device', () => {
  it('is refused to a second one in words of its own, and good for the first over a crash of the hub and beyond its time', async () => {
    const link = await make(`/angles/${angleId}`, { devices: 'one' });
    const first = await open(link);
    expect(first.status).toBe(200);
    expect(await open(link)).toMatchObject({ status: 409, body: { code: 'conflict', field: 'device' } });
    expect(await open(link, 'fh_capture=somebody-elses-cookie')).toMatchObject({ status: 409 });
    expire(link);
    await crashControl(hub);
    expect((await phone('GET', '/session', undefined, first.cookie)).body).toMatchObject({ angleId });
    expect(await open(link, first.cookie)).toMatchObject({ status: 200, body: { angleId }, cookie: first.cookie });
    expect(await open(link)).toMatchObject({ status: 410, body: { field: 'expired' } });
  });
});

describe('the list of links', () => {
  it('says what each allows, who opened it and when, and never a token', async () => {
    const link = await make(`/angles/${angleId}`, { label: '张三', hours: 1 });
    const opened = await open(link);
    const item = (await list()).find(({ linkId }) => linkId === link.linkId);
    expect(item).toMatchObject({
      label: '张三',
      angleName: '北门',
      state: 'open',
      uses: [{ device: 'iPhone · Safari', address: '127.0.0.1', angleName: '北门' }],
    });
    expect(item?.expiresMs).toBeCloseTo((item?.createdMs ?? 0) + 3600_000, -1);
    await phone('GET', '/session', undefined, opened.cookie);
    const again = (await list()).find(({ linkId }) => linkId === link.linkId);
    expect(again?.uses).toHaveLength(1);
    expect(again?.uses[0]?.seenMs).toBeGreaterThan(item?.uses[0]?.seenMs ?? Infinity);
    expect(JSON.stringify(await list())).not.toContain(tokenOf(link));
  });

  it('revokes one link and no other; what it gave is void at once', async () => {
    const [one, other] = [await make(''), await make('')];
    const [mine, yours] = [await open(one), await open(other)];
    const revoke = (linkId: string) => hubFetch(`${hub.url}/api/operations/${operationId}/links/${linkId}`, { method: 'DELETE' });
    expect((await revoke(one.linkId)).status).toBe(204);
    expect(await phone('GET', '/session', undefined, mine.cookie)).toMatchObject({ status: 410, body: { field: 'revoked' } });
    expect(await open(one, mine.cookie)).toMatchObject({ status: 410, body: { field: 'revoked' } });
    expect((await phone('GET', '/session', undefined, yours.cookie)).status).toBe(200);
    expect((await revoke('ln-nothing')).status).toBe(404);
    expect((await list()).find(({ linkId }) => linkId === one.linkId)?.state).toBe('revoked');
  });

  it('refuses what no link can be', async () => {
    const refused = (body: object) =>
      hubFetch(`${hub.url}/api/operations/${operationId}/links`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }).then(async (reply) => ({ status: reply.status, body: await reply.json() }));
    expect(await refused({ hours: 0 })).toMatchObject({ status: 400, body: { field: 'hours' } });
    expect(await refused({ hours: 10_000 })).toMatchObject({ status: 400, body: { field: 'hours' } });
    expect(await refused({ devices: 'many' })).toMatchObject({ status: 400, body: { field: 'devices' } });
    expect(await refused({ label: 'x\u0000' })).toMatchObject({ status: 400, body: { field: 'label' } });
  });
});

it('nothing is to be had once the operation has ended', async () => {
  const link = await make('');
  const { cookie } = await open(link);
  await call(hub, OperationView, 'POST', `/operations/${operationId}/end`);
  expect(await phone('GET', '/session', undefined, cookie)).toMatchObject({ status: 410, body: { field: 'operationId' } });
  expect(await open(link)).toMatchObject({ status: 410, body: { field: 'operationId' } });
  expect(await phone('POST', '/angle', { name: '西门' }, cookie)).toMatchObject({ status: 410 });
});
