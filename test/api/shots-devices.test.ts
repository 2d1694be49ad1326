import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { call } from '../../scripts/demo/hub.ts';
import { DeviceCheckList, DeviceChoices, DeviceList, DeviceView } from '../../server/protocol/devices.ts';
import { OperationFacts } from '../../server/protocol/operations.ts';
import { OperationShots, ShotList } from '../../server/protocol/shots.ts';
import { DEFAULT_LISTS } from '../../server/shots/default-lists.ts';
import { openStore, type Store } from '../../server/store/database.ts';
import { shotsForType } from '../../server/store/operation-shots.ts';
import { type RunningHub, startHub } from '../support/hub.ts';
import { journalLines } from '../support/operation.ts';
import { phoneOperation, type PhoneOperation } from '../support/phone-operation.ts';
import { openConsoleSocket, openPhone, type PhoneSocket } from '../support/phone-socket.ts';
import { nameType } from '../support/typed-operation.ts';

let root = '';
let hub: RunningHub;
let store: Store;
let operation: PhoneOperation;
let phone: PhoneSocket;
let desk: PhoneSocket;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-shots-'));
  hub = await startHub(join(root, 'data'));
  store = openStore(join(hub.dataDir, 'fieldhub.sqlite'));
  operation = await phoneOperation(hub, ['东侧', '西侧']);
  phone = await openPhone(hub, operation.angles[1]?.url ?? '');
  desk = await openConsoleSocket(hub, operation.operationId);
  await nameType(store, operation.operationId, 'demolition');
});
afterAll(async () => {
  phone.close();
  desk.close();
  await store.destroy();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

describe('the lists of the legal unit', () => {
  const Editions = z.object({ editions: z.array(ShotList) });
  const items = [...DEFAULT_LISTS.hearing, { zh: '旁听席', en: 'The public seats' }];

  it('are there for every type, and changed edition by edition; the older ones stay', async () => {
    const { lists } = await call(hub, z.object({ lists: z.array(ShotList) }), 'GET', '/shot-lists');
    expect(lists.map(({ type, edition }) => [type, edition])).toEqual(Object.keys(DEFAULT_LISTS).map((type) => [type, 1]));
    const made = await call(hub, ShotList, 'PUT', '/shot-lists/hearing', { edition: 1, items });
    expect(made).toMatchObject({ edition: 2, items });
    const { editions } = await call(hub, Editions, 'GET', '/shot-lists/hearing');
    expect(editions.map((each) => each.items)).toEqual([items, DEFAULT_LISTS.hearing]);
    expect(editions[0]?.by).toBeTruthy();
    expect(editions[1]?.by).toBeNull();
  });

  it('are not overwritten by who has not seen the last edition, nor taken with an item twice or too long', async () => {
    const put = (edition: number, list: object[]) => call(hub, ShotList, 'PUT', '/shot-lists/hearing', { edition, items: list });
    await expect(put(1, items)).rejects.toThrow(/409 .*"field":"edition"/);
    await expect(put(2, [...items, items[0] ?? {}])).rejects.toThrow(/400 .*"field":"items.4.zh"/);
    await expect(put(2, [{ zh: '长'.repeat(61), en: 'long' }])).rejects.toThrow(/400 .*"field":"items.0.zh"/);
    await expect(put(2, [])).rejects.toThrow(/400 .*"field":"items"/);
  });
});

describe('the list of an operation', () => {
  const base = () => `/operations/${operation.operationId}/shots`;
  const read = () => call(hub, OperationShots, 'GET', base());
  const marks = () => journalLines(join(operation.dir, 'operation.ndjson')).filter(({ type }) => type === 'mark');
  const east = () => operation.angles[0]?.angleId ?? '';
  const onPhone = (path: string, body?: object) =>
    fetch(`${hub.url}/api/capture/shots${path}`, {
      method: body ? 'POST' : 'GET',
      headers: { cookie: phone.cookie, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });

  it('is that of its type; ticked at the console once, however often, it is a mark, and everybody hears of it', async () => {
    const { type, shots } = await read();
    expect(type).toBe('demolition');
    expect(shots.map(({ zh, en }) => ({ zh, en }))).toEqual(DEFAULT_LISTS.demolition);
    const [first] = shots;
    const path = `${base()}/${first?.shotId}/tick`;
    const atMs = Date.now() - 20;
    const answers = await Promise.all([1, 2, 3].map(() => call(hub, OperationShots, 'POST', path, { angleId: east(), atMs })));
    const tick = { angleId: east(), markId: `${first?.shotId}-0` };
    for (const { shots: told } of answers) expect(told[0]?.tick).toMatchObject(tick);
    expect(marks()).toMatchObject([{ ...tick, text: first?.zh, by: 'commander', kind: 'moment' }]);
    const ticks = (socket: PhoneSocket) =>
      (socket.told('shots').at(-1) as { list: OperationShots } | undefined)?.list.shots.map((shot) => shot.tick);
    const heard = (socket: PhoneSocket) => ticks(socket)?.map((each) => each?.markId ?? null);
    const others = shots.slice(1).map(() => null);
    for (const socket of [phone, desk]) await expect.poll(() => heard(socket)).toEqual([tick.markId, ...others]);
    expect(ticks(desk)?.[0]?.by).toBe(answers[0]?.shots[0]?.tick?.by);
    expect(ticks(phone)?.[0]?.by).toBeNull();
  });

  it('is ticked by a phone on its own angle, now or of a moment before', async () => {
    const { shots } = OperationShots.parse(await (await onPhone('')).json());
    const asked = shots[1];
    expect((await read()).shots[0]?.tick?.by).toBeTruthy();
    expect(shots[0]?.tick?.by).toBeNull();
    const before = marks()[0]?.['atMs'] as number;
    const answer = await onPhone(`/${asked?.shotId}/tick`, { atMs: before });
    const told = OperationShots.parse(await answer.json());
    expect(told.shots[1]?.tick).toMatchObject({ angleId: operation.angles[1]?.angleId, atMs: Math.round(before) });
    expect(marks()[1]).toMatchObject({ angleId: operation.angles[1]?.angleId, by: 'operator', text: asked?.zh });
    expect((await onPhone('/sh-nothing/tick', {})).status).toBe(404);
    const stranger = await fetch(`${hub.url}/api/capture/shots`);
    expect(stranger.status).toBe(401);
  });

  it('is unticked, while the mark stays; ticked again it is another one', async () => {
    const { shots } = await read();
    const path = `${base()}/${shots[1]?.shotId}/tick`;
    const { shots: without } = await call(hub, OperationShots, 'DELETE', path);
    expect(without[1]?.tick).toBeNull();
    expect(marks()).toHaveLength(2);
    const { shots: again } = await call(hub, OperationShots, 'POST', path, { angleId: east() });
    expect(again[1]?.tick).toMatchObject({ markId: `${shots[1]?.shotId}-1`, angleId: east() });
    expect(marks()).toHaveLength(3);
    await expect(call(hub, OperationShots, 'POST', `${base()}/${shots[2]?.shotId}/tick`, { angleId: 'an-nowhere' })).rejects.toThrow(
      /404 .*"field":"angleId"/,
    );
  });

  it('follows the type; what is ticked is kept, and what is in both lists is the same item', async () => {
    await nameType(store, operation.operationId, 'campaign');
    const { type, shots } = await read();
    expect(type).toBe('campaign');
    const words = (list: { zh: string }[]) => list.map(({ zh }) => zh);
    expect(words(shots)).toEqual([...words(DEFAULT_LISTS.campaign), ...words(DEFAULT_LISTS.demolition.slice(0, 2))]);
    expect(shots.filter(({ tick }) => tick)).toHaveLength(2);
    await shotsForType(store, operation.operationId, 'campaign');
    expect((await read()).shots).toEqual(shots);
  });

  it('says at the end what was never filmed, and is no longer ticked', async () => {
    await operation.end();
    const { shots } = await read();
    expect(shots.filter(({ tick }) => tick === null)).toHaveLength(DEFAULT_LISTS.campaign.length);
    const path = `${base()}/${shots[0]?.shotId}/tick`;
    await expect(call(hub, OperationShots, 'POST', path, { angleId: east() })).rejects.toThrow(/410 .*"field":"operationId"/);
    await expect(call(hub, OperationShots, 'DELETE', path)).rejects.toThrow(/410/);
    for (const asked of ['session', 'shots', 'clock']) {
      const answer = await fetch(`${hub.url}/api/capture/${asked}`, { headers: { cookie: phone.cookie } });
      expect([asked, answer.status, await answer.json()]).toMatchObject([asked, 410, { code: 'gone', field: 'operationId' }]);
    }
  });
});

describe('the register of devices', () => {
  const squads = { first: 'sq-first', second: 'sq-second' };
  const facts = { squadId: squads.first, type: 'body-camera', serial: 'BC-0001', model: '执法记录仪 T8' };
  let deviceId = '';
  beforeAll(async () => {
    const created_ms = Date.now();
    for (const [name, squad_id] of [['一中队', squads.first] as const, ['二中队', squads.second] as const])
      await store.insertInto('squad').values({ squad_id, name, created_ms }).execute();
    const person = { login: 'zhang', name: '张三', password_hash: '-', must_change: 0, state: 'active' as const, created_ms };
    await store.insertInto('person').values({ person_id: 'pe-zhang', ...person }).execute(); // prettier-ignore
  });
  const list = (query: string) => call(hub, DeviceList, 'GET', `/devices?${query}`);
  const change = (path: string, body: object = {}, method: 'POST' | 'PUT' = 'POST') =>
    call(hub, DeviceView, method, `/devices${path}`, body);

  it('takes a device once; what is wrong is named', async () => {
    const made = await change('', facts);
    expect(made).toMatchObject({ ...facts, squadName: '一中队', state: 'in-service', out: null, version: 1, keep: true, uses: [] });
    ({ deviceId } = made);
    await expect(change('', facts)).rejects.toThrow(/409 .*"field":"serial"/);
    await expect(change('', { ...facts, serial: 'x', squadId: 'sq-none' })).rejects.toThrow(/"field":"squadId"/);
    await expect(change('', { ...facts, serial: 'x', ownerId: 'pe-none' })).rejects.toThrow(/400 .*"field":"ownerId"/);
    await expect(change('', { ...facts, serial: ' ' })).rejects.toThrow(/400 .*"field":"serial"/);
  });

  it('is changed by who has seen the last version, annotated, and found', async () => {
    const wanted = { ...facts, squadId: squads.second, ownerId: 'pe-zhang', state: 'in-repair', version: 1 };
    expect(await change(`/${deviceId}`, wanted, 'PUT')).toMatchObject({ ownerName: '张三', state: 'in-repair', version: 2 });
    await expect(change(`/${deviceId}`, wanted, 'PUT')).rejects.toThrow(/409 .*"field":"version"/);
    const { notes } = await change(`/${deviceId}/notes`, { kind: 'maintenance', text: '更换电池\n已充电' });
    expect(notes).toMatchObject([{ kind: 'maintenance', text: '更换电池\n已充电' }]);
    await change('', { ...facts, serial: 'PH-100%', type: 'phone', model: 'Pixel' });
    const serials = async (query: string) => (await list(query)).devices.map(({ serial }) => serial);
    expect(await serials('')).toEqual(['PH-100%', 'BC-0001']);
    expect(await serials(`q=${encodeURIComponent('张')}`)).toEqual(['BC-0001']);
    expect(await serials('q=%25')).toEqual(['PH-100%']);
    expect(await serials('state=in-repair&type=body-camera')).toEqual(['BC-0001']);
    expect(await serials(`squad=${squads.first}`)).toEqual(['PH-100%']);
    expect(await list('page=2')).toMatchObject({ devices: [], total: 2 });
    const choices = await call(hub, DeviceChoices, 'GET', '/devices/choices');
    expect(choices.people).toContainEqual({ id: 'pe-zhang', name: '张三' });
    expect(choices.squads).toContainEqual({ id: squads.first, name: '一中队', keep: true });
  });

  it('hands a device out to one at a time, while it is in service, and takes it back', async () => {
    await expect(change(`/${deviceId}/uses`, { personId: 'pe-zhang' })).rejects.toThrow(/409 .*"field":"device-state"/);
    await change(`/${deviceId}`, { ...facts, version: 2 }, 'PUT');
    await expect(change(`/${deviceId}/uses`)).rejects.toThrow(/400 .*"field":"personId"/);
    await expect(change(`/${deviceId}/uses`, { operationId: operation.operationId })).rejects.toThrow(/410 .*"field":"operationId"/);
    const next = await phoneOperation(hub, ['南侧']);
    await nameType(store, next.operationId, 'other');
    const handed = { personId: 'pe-zhang', operationId: next.operationId };
    const both = await Promise.allSettled([1, 2].map(() => change(`/${deviceId}/uses`, handed)));
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(both.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { message: expect.stringMatching(/409 .*"field":"device-out"/) as string } }); // prettier-ignore
    const { devices } = await list('q=BC');
    expect(devices[0]?.out).toMatchObject({ personName: '张三', operationName: '拆除 测试' });
    const back = await change(`/${deviceId}/uses/${devices[0]?.out?.useId}/end`);
    expect(back).toMatchObject({ out: null, uses: [{ personName: '张三', operationId: next.operationId }] });
    expect(back.uses[0]?.toMs).toBeGreaterThan(0);
    await expect(change(`/${deviceId}/uses/us-none/end`)).rejects.toThrow(/404/);
    await next.end();
  });

  it('keeps the checks before duty that were made with it, whatever is planned afterwards', async () => {
    const next = await phoneOperation(hub, ['北侧', '别处']);
    await nameType(store, next.operationId, 'other');
    const spare = await change('', { ...facts, serial: 'BC-0002' });
    const [mine, other] = next.angles;
    const plan = (device: string) =>
      call(hub, OperationFacts, 'PUT', `/operations/${next.operationId}/angles/${mine?.angleId}/plan`, {
        officer: '李四',
        deviceId: device,
      });
    await plan(deviceId);
    const skipped = { camera: null, microphone: null, network: null, uplink: null, battery: null, storage: null, clock: null };
    for (const angle of [mine, other]) {
      const { cookie, close } = await openPhone(hub, angle?.url ?? '');
      close();
      const sent = await fetch(`${hub.url}/api/capture/preflight`, {
        method: 'POST',
        headers: { cookie, 'content-type': 'application/json' },
        body: JSON.stringify({ facts: { ...skipped, battery: { percent: 80, charging: false } } }),
      });
      expect(sent.status).toBe(200);
    }
    const { angles } = await plan(spare.deviceId);
    expect(angles[0]?.device).toEqual({ type: 'body-camera', model: facts.model, serial: 'BC-0002' });
    const checksOf = async (id: string) => (await call(hub, DeviceCheckList, 'GET', `/devices/${id}/checks`)).checks;
    const [kept, ...others] = await checksOf(deviceId);
    expect([kept, others]).toMatchObject([{ angleId: mine?.angleId, operationId: next.operationId, operationName: '拆除 测试' }, []]);
    expect(journalLines(join(next.dir, 'operation.ndjson'))).toContainEqual(
      expect.objectContaining({ type: 'preflight', atMs: kept?.atMs }),
    );
    expect(await checksOf(spare.deviceId)).toEqual([]);
    await next.end();
  });
});
