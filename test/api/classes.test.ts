import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sql } from 'kysely';
import type { EnforcementCase } from '../../server/protocol/cases.ts';
import type { OperationFacts } from '../../server/protocol/operations.ts';
import type { RoleGrant } from '../../server/protocol/people.ts';
import { insertCase } from '../../server/store/cases.ts';
import { insertAngle, insertOperation } from '../../server/store/operations.ts';
import { createSession } from '../../server/store/person-sessions.ts';
import { insertPerson, saveSquad, setPassword } from '../../server/store/people.ts';
import { readLines } from '../support/custody-plane.ts';
import { type ControlPlane, controlPlane } from '../support/in-process.ts';

const SECRET = '20260101-secretop';
const OPEN = '20260101-openopen';
const HIDDEN = '20260101-hiddenop';
const SQUAD = 'sq-east';
let plane: ControlPlane;
const cookies = new Map<string, string>();

beforeAll(async () => {
  plane = await controlPlane();
  const { store } = plane.context;
  await saveSquad(store, SQUAD, '城东中队', { nowMs: 1 });
  for (const role of ['commander', 'leader', 'custodian'] as const) await somebody(role, [{ role, squadId: SQUAD }]);
  await somebody('chief', [{ role: 'leader', squadId: null }]);
  const made = { personId: 'pe-commander', nowMs: 1 };
  for (const [caseId, number, stage, confidentiality] of [
    ['cs-secret', '乙3号', 'service', 'secret'],
    ['cs-two', '甲1号', 'archiving', 'internal'],
    ['cs-three', '丙2号', 'filing', 'internal'],
  ] as const)
    await insertCase(store, caseId, { number, cause: '违建', parties: ['张三'], stage, confidentiality, squadId: SQUAD }, made);
  const who = { planned: false, who: null, squadIds: [SQUAD] };
  const officers = [{ personId: 'pe-commander', name: '指挥员' }];
  for (const [operationId, more] of [
    [SECRET, { caseId: 'cs-secret', officers }],
    [OPEN, { confidentiality: 'open' as const }],
    [HIDDEN, { caseId: 'cs-secret' }],
  ] as const) {
    await insertOperation(store, { operationId, name: '行动', openedMs: 1, segmentMs: 4000 }, { ...who, ...more });
    await insertAngle(store, operationId, 'an-1', '东门');
  }
});
afterAll(() => plane.close());

async function somebody(login: string, roles: RoleGrant[]): Promise<void> {
  const { store } = plane.context;
  const personId = `pe-${login}`;
  await insertPerson(store, { personId, login, name: login, badge: null, roles, passwordHash: 'none' }, Date.now());
  await setPassword(store, personId, 'none', null);
  const { secret } = await createSession(store, personId, { address: '127.0.0.1', device: 'desk' }, Date.now());
  cookies.set(login, `fh_session=${secret}`);
}
type Told<T> = { status: number; body: T & { code?: string; field?: string }; text: string };
async function ask<T = object>(who: string, method: 'GET' | 'PUT' | 'POST', path: string, payload?: object): Promise<Told<T>> {
  const headers = { cookie: cookies.get(who) ?? '', host: '127.0.0.1' };
  const reply = await plane.app.inject({ method, url: `/api${path}`, headers, ...(payload && { payload }) });
  const json = reply.headers['content-type']?.toString().includes('json') === true;
  return { status: reply.statusCode, body: (json ? JSON.parse(reply.payload) : {}) as Told<T>['body'], text: reply.payload };
}
const factsPath = `/operations/${SECRET}/facts`;
const change = async (who: string, more: object) => {
  const { body } = await ask<OperationFacts>('chief', 'GET', factsPath);
  return ask<OperationFacts>(who, 'PUT', factsPath, { version: body.version, ...more });
};
const refused = { status: 403, body: { code: 'forbidden', field: 'confidentiality' } };

describe('a class is lowered', () => {
  it('by nobody who was only on the operation, whether its case is named or let go', async () => {
    for (const more of [
      { confidentiality: 'open', caseId: null },
      { confidentiality: 'sensitive', caseId: 'cs-two' },
    ])
      expect(await change('commander', more)).toMatchObject(refused);
    // without its case it is as it was
    expect(await change('commander', { caseId: null })).toMatchObject({ status: 200, body: { caseId: null, confidentiality: 'secret' } });
    expect(await change('commander', { confidentiality: 'open' })).toMatchObject(refused);
  });

  it('by a leader or a custodian of its squad', async () => {
    expect(await change('custodian', { confidentiality: 'sensitive' })).toMatchObject({
      status: 200,
      body: { confidentiality: 'sensitive' },
    });
    expect(await change('leader', { confidentiality: 'internal' })).toMatchObject({ status: 200, body: { confidentiality: 'internal' } });
    // and raised by whoever writes its facts
    expect(await change('commander', { confidentiality: 'secret' })).toMatchObject({ status: 200 });
  });

  it('of a case, likewise', async () => {
    const path = '/cases/cs-secret';
    expect(await ask('commander', 'PUT', path, { version: 1, confidentiality: 'internal' })).toMatchObject(refused);
    expect(await ask('leader', 'PUT', path, { version: 1, confidentiality: 'sensitive' })).toMatchObject({ status: 200 });
    expect(await ask('commander', 'PUT', path, { version: 2, confidentiality: 'secret' })).toMatchObject({ status: 200 });
  });

  it('never by raising it; whoever raises what he cannot see then is told how it stands, and the log that it was done', async () => {
    const made = { number: '戊5号', cause: '违建', parties: [], stage: 'filing', confidentiality: 'internal', squadId: SQUAD };
    const { caseId } = (await ask<EnforcementCase>('leader', 'POST', '/cases', made)).body;
    const raised = await ask('commander', 'PUT', `/cases/${caseId}`, { version: 1, confidentiality: 'sensitive' });
    expect(raised).toMatchObject({ status: 200, body: { confidentiality: 'sensitive', version: 2, edit: false } });
    expect((await ask('commander', 'GET', `/cases/${caseId}`)).status).toBe(404);
    const { lines } = await readLines(plane, cookies.get('chief') ?? '', 'what=case.changed&size=1');
    expect(lines).toMatchObject([{ subject: caseId, outcome: 'done', detail: { confidentiality: 'sensitive' } }]);
    await plane.context.store.deleteFrom('enforcement_case').where('case_id', '=', caseId).execute();
  });

  it('of a take that is moved, likewise', async () => {
    const path = `/operations/${SECRET}/angles/an-1/takes/0001/move`;
    const where = { toOperationId: OPEN, toAngleId: 'an-1', reason: '错' };
    expect(await ask('commander', 'POST', path, where)).toMatchObject(refused);
    // whoever may is let through to the media plane, which is away
    expect(await ask('leader', 'POST', path, where)).toMatchObject({ status: 503 });
    expect(
      await ask('commander', 'POST', `/operations/${OPEN}/angles/an-1/takes/0001/move`, { ...where, toOperationId: SECRET }),
    ).toMatchObject({
      status: 503,
    });
  });
});

describe('the list of cases', () => {
  const numbers = async (query: string, who = 'chief'): Promise<string[]> =>
    (await ask<{ cases: EnforcementCase[] }>(who, 'GET', `/cases?${query}`)).body.cases.map(({ number }) => number);

  it('is sorted and filtered', async () => {
    expect(await numbers('sort=stage&order=asc')).toEqual(['丙2号', '乙3号', '甲1号']);
    expect(await numbers('sort=number&order=asc')).toEqual(['丙2号', '乙3号', '甲1号'].toSorted());
    expect(await numbers('sort=number&order=desc&size=1&page=3')).toEqual(['丙2号', '乙3号', '甲1号'].toSorted().slice(0, 1));
    expect(await numbers('confidentiality=internal&stage=filing')).toEqual(['丙2号']);
    expect((await ask('chief', 'GET', '/cases?sort=colour')).body.field).toBe('sort');
  });

  it('counts the operations that the reader may see', async () => {
    const { store } = plane.context;
    await store.updateTable('operation_facts').set({ case_id: 'cs-secret' }).where('operation_id', '=', SECRET).execute();
    const count = async (who: string) => (await ask<EnforcementCase>(who, 'GET', '/cases/cs-secret')).body.operations;
    expect([await count('leader'), await count('commander')]).toEqual([2, 1]); // it was the commander's case
  });

  it('goes to a spreadsheet, whole, of what the reader may see', async () => {
    const { text, status } = await ask('chief', 'GET', '/cases.csv?lang=en&zone=Asia/Shanghai&sort=stage&order=asc');
    const rows = text.split('\r\n');
    expect([status, rows.length]).toEqual([200, 5]);
    expect(rows[0]?.split(',').slice(0, 5)).toEqual(['\u{FEFF}Case number', 'Cause', 'Parties', 'Stage', 'Confidentiality']);
    expect(rows[1]).toMatch(/^丙2号,违建,张三,Filing,Internal,城东中队,0,1970-01-01 08:00:00,cs-three$/);
    expect((await ask('chief', 'GET', '/cases.csv?zone=Mars')).body.field).toBe('zone');
  });
});

it('a table of operations has every one of them', async () => {
  const { store } = plane.context;
  const many = sql`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10100)`;
  await sql`INSERT INTO operation (operation_id, name, status, opened_ms, segment_ms) ${many} SELECT 'many-' || i, '许多', 'live', i, 4000 FROM n`.execute(
    store,
  );
  await sql`INSERT INTO operation_facts (operation_id, name, state, at_ms, confidentiality, squads, required_angles, quick, created_ms, version)
    ${many} SELECT 'many-' || i, '许多', 'live', i, 'open', '', 1, 1, i, 1 FROM n`.execute(store);
  const { text } = await ask('chief', 'GET', '/operations.csv?sort=time&order=asc');
  const ids = text.split('\r\n').flatMap((row) => /,(many-\d+)$/.exec(row)?.[1] ?? []);
  expect(ids).toEqual(Array.from({ length: 10_100 }, (_, i) => `many-${i + 1}`));
});
