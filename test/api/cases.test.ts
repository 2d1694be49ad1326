import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../../scripts/demo/hub.ts';
import { hubFetch } from '../../scripts/demo/sign-in.ts';
import { DeviceView } from '../../server/protocol/devices.ts';
import { CaseList, EnforcementCase } from '../../server/protocol/cases.ts';
import { CustodyPage } from '../../server/protocol/custody.ts';
import { AngleState, OperationList, OperationView, SourceMade } from '../../server/protocol/http.ts';
import { Me, Squad } from '../../server/protocol/people.ts';
import { OperationShots } from '../../server/protocol/shots.ts';
import { OperationFacts } from '../../server/protocol/operations.ts';
import { crashControl, type RunningHub, startHub } from '../support/hub.ts';

let root = '';
let hub: RunningHub;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-cases-'));
  hub = await startHub(join(root, 'data'));
});
afterAll(async () => {
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

const facts = (method: 'GET' | 'PUT' | 'POST', path: string, body?: object): Promise<OperationFacts> =>
  call(hub, OperationFacts, method, `/operations/${path}`, body);
const make = (body: object): Promise<OperationView> => call(hub, OperationView, 'POST', '/operations', body);
const list = (query: string): Promise<OperationList> => call(hub, OperationList, 'GET', `/operations?${query}`);
const newCase = (body: object): Promise<EnforcementCase> => call(hub, EnforcementCase, 'POST', '/cases', body);
const refused = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'not refused',
    (error: Error) => error.message,
  );

describe('an operation', () => {
  it('goes from its plan to its end, and each step says when and by whom', async () => {
    const { caseId } = await newCase({ number: '综执罚〔2026〕12号', cause: '违法搭建', parties: ['张三', '李四'] });
    const planned = {
      type: 'demolition',
      place: '城东路12号',
      plannedMs: Date.now() + 3600_000,
      caseId,
      officers: [{ personId: null, name: '王伟' }],
    };
    const { operationId, status, angles } = await make({ name: '强制拆除', planned: true, angles: ['北门', '航拍'], ...planned });
    expect([status, angles.map(({ name }) => name)]).toEqual(['live', ['北门', '航拍']]);
    const before = await facts('GET', `${operationId}/facts`);
    expect(before).toMatchObject({ state: 'planned', quick: false, requiredAngles: 2, version: 1, ...planned });
    expect(before.labels.filter(({ value }) => value === null).map(({ label }) => label)).toEqual(['squads', 'time']);
    expect(
      await facts('PUT', `${operationId}/angles/${before.angles[1]?.angleId}/plan`, { officer: '李娜', deviceId: null }),
    ).toMatchObject({
      angles: [{ officer: null }, { name: '航拍', officer: '李娜' }],
    });
    await facts('POST', `${operationId}/start`);
    expect(await refused(facts('POST', `${operationId}/start`))).toMatch(/409.*"field":"state"/);
    expect(await refused(facts('POST', `${operationId}/seal`))).toMatch(/409.*"field":"state"/);
    await call(hub, OperationView, 'POST', `/operations/${operationId}/end`);
    const after = await facts('GET', `${operationId}/facts`);
    expect([after.state, after.steps.map(({ state }) => state)]).toEqual(['ended', ['planned', 'live', 'ended']]);
    const { name } = (await call(hub, Me, 'GET', '/session')).person;
    expect(after.steps.map(({ personName }) => personName)).toEqual([name, name, name]);
    expect(after.steps.every(({ atMs }, at) => Math.abs(atMs - Date.now()) < 60_000 && atMs >= (after.steps[at - 1]?.atMs ?? 0))).toBe(
      true,
    );
    // a demolition that nobody filmed
    expect(after.unrecorded).toBe(true);
    expect(after.unticked.length).toBe((await call(hub, OperationShots, 'GET', `/operations/${operationId}/shots`)).shots.length);
    expect(after.unticked.length).toBeGreaterThan(0);
    const { operationId: never } = await make({ name: '取消', planned: true, type: 'demolition' });
    await call(hub, OperationView, 'POST', `/operations/${never}/end`);
    expect((await facts('GET', `${never}/facts`)).unrecorded).toBe(false);
    const violations = (await list('missing=recording')).operations;
    expect(violations.map((each) => [each.operationId, each.unrecorded])).toEqual([[operationId, true]]);
    expect(await refused(facts('POST', `${operationId}/seal`))).toMatch(/409.*"field":"(package|labels)"/);
  });

  it('is live at once where nothing was planned, and its facts follow; who comes second is refused', async () => {
    const squad = await call(hub, Squad, 'POST', '/squads', { name: '城南中队' });
    const { operationId } = await make({ name: '现场行动', angles: ['主机位', '副机位'], squadIds: [squad.squadId] });
    const { version, state, quick } = await facts('GET', `${operationId}/facts`);
    expect([state, quick]).toEqual(['live', true]);
    const changed = await facts('PUT', `${operationId}/facts`, {
      version,
      name: '占道经营整治',
      type: 'campaign',
      place: '和平街',
      latitude: 30.1,
      longitude: 121.5,
    });
    expect(changed).toMatchObject({ name: '占道经营整治', requiredAngles: 2, place: '和平街', version: version + 1 });
    expect(await refused(facts('PUT', `${operationId}/facts`, { version, place: '另一处' }))).toMatch(/409.*"field":"version"/);
    const { operations } = await list(`q=${encodeURIComponent('道经营 和平')}`);
    expect(operations).toMatchObject([{ operationId, name: '占道经营整治', type: 'campaign', state: 'live', angles: 2 }]);
    await call(hub, Squad, 'PUT', `/squads/${squad.squadId}`, { name: '城北中队' });
    expect((await list(`q=${encodeURIComponent('城北中')}`)).total).toBe(1);
    const renamed = await facts('GET', `${operationId}/facts`);
    expect(renamed).toMatchObject({ place: '和平街', squads: [{ name: '城北中队' }] });
    await crashControl(hub);
    expect(await facts('GET', `${operationId}/facts`)).toEqual(renamed);
  });

  it('is found by its number, the stage of its case, and who films an angle with what', async () => {
    const squad = await call(hub, Squad, 'POST', '/squads', { name: '设备中队' });
    const body = { squadId: squad.squadId, type: 'body-camera', serial: 'XJ-7701', model: 'DSJ', ownerId: null, state: 'in-service' };
    const device = await call(hub, DeviceView, 'POST', '/devices', body);
    const { caseId } = await newCase({ number: '查找1号', cause: '油烟', stage: 'compulsion' });
    const { operationId, angles } = await make({ name: '查找', planned: true, angles: ['机位'], caseId, squadIds: [squad.squadId] });
    const plan = { officer: '端木红', deviceId: device.deviceId };
    const { number } = await facts('PUT', `${operationId}/angles/${angles[0]?.angleId}/plan`, plan);
    const find = async (q: string): Promise<string[]> =>
      (await list(`q=${encodeURIComponent(`查找 ${q}`)}`)).operations.map((each) => each.operationId);
    // what is not named stays
    const again = await facts('PUT', `${operationId}/angles/${angles[0]?.angleId}/plan`, { officer: '端木红' });
    expect(again.angles[0]).toMatchObject(plan);
    for (const q of ['端木红', 'XJ-7701', String(number), operationId, '行政强制', 'Compulsion'])
      expect([q, await find(q)]).toEqual([q, [operationId]]);
    await call(hub, DeviceView, 'PUT', `/devices/${device.deviceId}`, { ...body, serial: 'ZZ-9', version: device.version });
    expect([await find('ZZ-9'), await find('7701')]).toEqual([[operationId], []]);
  });

  it('keeps why an angle or a source was added while it goes on, and the log no password beside it', async () => {
    const { operationId } = await make({ name: '补拍', angles: ['主机位'] });
    const path = `/operations/${operationId}/angles`;
    const { angleId } = await call(hub, AngleState, 'POST', path, { name: '楼顶', reason: '执法记录仪没电' });
    const camera = { url: 'rtsp://10.255.255.1/main', user: 'u', password: 'pass-not-told' };
    await call(hub, SourceMade, 'POST', `${path}/${angleId}/source`, { ...camera, reason: '画面不清' });
    expect(await refused(call(hub, AngleState, 'POST', path, { name: '乙', reason: '长'.repeat(501) }))).toMatch(/400.*"field":"reason"/);
    await call(hub, AngleState, 'POST', path, { name: '无因' });
    const { additions } = await call(hub, OperationView, 'GET', `/operations/${operationId}`);
    expect(additions.map(({ what, angleId: where, reason }) => [what, where, reason])).toEqual([
      ['angle', angleId, '执法记录仪没电'],
      ['source', angleId, '画面不清'],
    ]);
    expect(additions[0]?.personName).toBeTruthy();
    const { lines } = await call(hub, CustodyPage, 'GET', `/custody?operation=${operationId}&what=source.added`);
    expect(lines.map(({ detail }) => detail)).toEqual([{ source: 'rtsp', address: '10.255.255.1', reason: '画面不清' }]);
    expect(hub.output()).not.toContain(camera.password);
    // what is there is not told as a failure where its reason cannot be kept
    const store = new DatabaseSync(join(hub.dataDir, 'fieldhub.sqlite'), { timeout: 5000 });
    store.exec("CREATE TRIGGER broken BEFORE INSERT ON addition BEGIN SELECT RAISE(ABORT, 'broken'); END");
    await call(hub, AngleState, 'POST', path, { name: '侧门', reason: '遮挡' });
    store.exec('DROP TRIGGER broken');
    store.close();
  });

  it.each([
    [{ name: '甲', requiredAngles: 1, type: 'campaign' }, 'requiredAngles'],
    [{ name: '甲', latitude: 30 }, 'longitude'],
    [{ name: '甲', latitude: 91, longitude: 0 }, 'latitude'],
    [{ name: '甲', caseId: 'cs-none' }, 'caseId'],
    [{ name: '甲', squadIds: ['sq-none'] }, 'squadIds'],
    [{ name: '甲', officers: [{ personId: 'pe-none', name: '乙' }] }, 'officers'],
    [{ name: '甲', type: 'parade' }, 'type'],
    [{ name: '' }, 'name'],
  ])('with %j is refused by the name of its field', async (body, field) => {
    const { total } = await list('');
    expect(await refused(make(body))).toMatch(new RegExp(`400.*"field":"${field}"`));
    expect((await list('')).total).toBe(total);
  });
});

describe('a case', () => {
  it('has a number of its own, and is found and changed by version', async () => {
    const one = await newCase({ number: '综执罚〔2026〕88号', cause: '占道经营' });
    expect(one).toMatchObject({ stage: 'filing', confidentiality: 'internal', parties: [], squad: null, operations: 0 });
    expect(await refused(newCase({ number: '综执罚〔2026〕88号', cause: '油烟' }))).toMatch(/409.*"field":"number"/);
    expect(await refused(newCase({ number: '1', cause: '油烟', squadId: 'sq-none' }))).toMatch(/400.*"field":"squadId"/);
    const { operationId } = await make({ name: '检查', caseId: one.caseId });
    const path = `/cases/${one.caseId}`;
    const changed = await call(hub, EnforcementCase, 'PUT', path, {
      version: 1,
      parties: ['欧阳明'],
      stage: 'decision',
      confidentiality: 'sensitive',
    });
    expect(changed).toMatchObject({ version: 2, stage: 'decision', operations: 1 });
    expect(await refused(call(hub, EnforcementCase, 'PUT', path, { version: 1, stage: 'service' }))).toMatch(/409.*"field":"version"/);
    expect(await facts('GET', `${operationId}/facts`)).toMatchObject({ confidentiality: 'sensitive', case: { parties: ['欧阳明'] } });
    expect((await list(`q=${encodeURIComponent('阳明')}`)).operations.map((each) => each.operationId)).toEqual([operationId]);
    const found = await call(hub, CaseList, 'GET', `/cases?q=${encodeURIComponent('88 欧阳')}&stage=decision`);
    expect([found.total, found.cases]).toEqual([1, [changed]]);
    expect(await refused(call(hub, EnforcementCase, 'GET', '/cases/cs-none'))).toMatch(/404.*"field":"caseId"/);
  });
});

describe('the list', () => {
  it('is filtered, sorted and cut into pages, and says which word of the query it does not know', async () => {
    for (const name of ['丙 分页', '甲 分页', '乙 分页']) await make({ name, planned: true });
    const q = encodeURIComponent('分页');
    const first = await list(`q=${q}&sort=name&order=desc&size=2&state=planned&state=live`);
    expect([first.total, first.more, first.operations.map(({ name }) => name)]).toEqual([3, false, ['甲 分页', '乙 分页']]);
    expect((await list(`q=${q}&sort=name&order=desc&size=2&page=2`)).operations.map(({ name }) => name)).toEqual(['丙 分页']);
    expect((await list(`q=${q}&state=sealed`)).operations).toEqual([]);
    for (const [query, field] of [
      ['state=over', 'state'],
      ['size=1000', 'size'],
      ['sort=colour', 'sort'],
    ])
      expect(await refused(list(query ?? ''))).toMatch(new RegExp(`400.*"field":"${field}"`));
  });

  it('goes to a spreadsheet, in which nothing is a formula', async () => {
    await make({ name: '=HYPERLINK("http://x")', place: '表格路1号', planned: true });
    const query = `q=${encodeURIComponent('表格路')}&lang=en&zone=Asia/Shanghai`;
    const answer = await hubFetch(`${hub.url}/api/operations.csv?${query}`);
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect([...bytes.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
    const [heads, row, rest] = bytes.toString().split('\r\n');
    expect([heads?.split(',').slice(1, 3), rest]).toEqual([['Operation', 'State'], '']);
    expect(row).toMatch(/^\d+,"'=HYPERLINK\(""http:\/\/x""\)",Planned,,表格路1号,/);
    expect((await hubFetch(`${hub.url}/api/operations.csv?zone=Mars/Olympus`)).status).toBe(400);
  });
});
