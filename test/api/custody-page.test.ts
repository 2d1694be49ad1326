import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CustodyEntry } from '../../server/custody/lines.ts';
import { saveCustodyLines } from '../../server/store/custody-lines.ts';
import { ANGLE, ask, OPERATION, operationWith, personWith, readLines } from '../support/custody-plane.ts';
import { until } from '../support/hub.ts';
import { type ControlPlane, controlPlane } from '../support/in-process.ts';

const SECRET = '20260101-ssssssss';
const BEFORE_MS = 1_700_000_000_000;
let plane: ControlPlane;
let legal = '';
let administrator = '';
let operator = '';
beforeAll(async () => {
  plane = await controlPlane();
  legal = await personWith(plane, 'pe-legal', ['legal']);
  administrator = await personWith(plane, 'pe-admin', ['administrator']);
  operator = await personWith(plane, 'pe-operator', ['operator']);
  await operationWith(plane);
  await operationWith(plane, SECRET, 'secret');
});
afterAll(() => plane.close());

const zhang = { kind: 'person', id: 'pe-zhang', name: '张三', address: '10.2.0.1' } as const;
const wang = { kind: 'person', id: 'pe-wang', name: '王五', address: '10.2.0.2' } as const;
const record = async (...entries: Partial<CustodyEntry>[]): Promise<void> => {
  for (const entry of entries) await plane.context.custody.record({ what: 'operation.changed', who: zhang, ...entry });
};
const subjects = async (query: string, cookie = legal) => (await readLines(plane, cookie, query)).lines.map(({ subject }) => subject);

describe('the page of the log', () => {
  beforeAll(async () => {
    const at = (n: number): number => BEFORE_MS + n * 1000;
    await record(
      { subject: 'one', atMs: at(1), detail: { name: '拆除 100% 完成' } },
      { subject: 'two', atMs: at(2), who: wang, angleId: 'an-bbbbbbbb' },
      { subject: 'three', atMs: at(3), outcome: 'refused', detail: { name: '拆除 100 完成' } },
      { subject: 'four', atMs: at(4), operationId: OPERATION },
    );
  });

  it('is narrowed by time, whose end does not belong to it', async () => {
    expect(await subjects(`to=${BEFORE_MS + 4000}`)).toEqual(['three', 'two', 'one']);
    expect(await subjects(`from=${BEFORE_MS + 2000}&to=${BEFORE_MS + 4000}`)).toEqual(['three', 'two']);
    expect(await subjects(`from=${BEFORE_MS + 2001}&to=${BEFORE_MS + 3001}`)).toEqual(['three']);
  });

  it('by who: a part of a name, a whole id or address', async () => {
    const within = `&to=${BEFORE_MS + 5000}`;
    for (const who of ['王', 'pe-wang', '10.2.0.2']) expect(await subjects(`who=${encodeURIComponent(who)}${within}`)).toEqual(['two']);
    for (const who of ['pe-wan', '10.2.0', '%25']) expect(await subjects(`who=${who}${within}`)).toEqual([]);
  });

  it('by what stands in its details, the subject or the angle; by outcome and operation', async () => {
    const within = `&to=${BEFORE_MS + 5000}`;
    expect(await subjects(`q=${encodeURIComponent('拆除')}${within}`)).toEqual(['three', 'one']);
    expect(await subjects(`q=${encodeURIComponent('100%')}${within}`)).toEqual(['one']);
    expect(await subjects(`q=two${within}`)).toEqual(['two']);
    expect(await subjects(`q=an-bbbbbbbb${within}`)).toEqual(['two']);
    expect(await subjects(`outcome=refused${within}`)).toEqual(['three']);
    expect(await subjects(`operation=${OPERATION}${within}`)).toEqual(['four']);
  });

  it('goes on where the last part ended, and says whether there is more', async () => {
    const within = `&to=${BEFORE_MS + 5000}`;
    const first = await readLines(plane, legal, `size=3${within}`);
    expect([first.lines.map(({ subject }) => subject), first.more]).toEqual([['four', 'three', 'two'], true]);
    const next = await readLines(plane, legal, `size=3&before=${first.lines.at(-1)?.seq}${within}`);
    expect([next.lines.map(({ subject }) => subject), next.more]).toEqual([['one'], false]);
    const whole = await readLines(plane, legal, `size=4${within}`);
    expect([whole.lines.length, whole.more]).toEqual([4, false]);
  });

  it('tells what the log says of itself: that it was opened, found broken, and what it lacks', async () => {
    const [opened] = (await readLines(plane, legal, 'what=log.opened')).lines;
    expect(opened).toMatchObject({ seq: 0, who: { kind: 'hub' }, outcome: 'done', detail: { problems: 0 } });
    const place = { v: 1 as const, prev: '0'.repeat(64), hash: '0'.repeat(64), atMs: BEFORE_MS };
    const found = { publicKey: '', keptSeq: null, torn: null, problems: 2, firstProblems: ['line 4: changed: number 3 was changed'] };
    const dropped = { ...place, seq: 1_000_001, type: 'log.dropped' as const, count: 7, fromMs: BEFORE_MS, toMs: BEFORE_MS + 10 };
    await saveCustodyLines(plane.context.store, [{ ...place, seq: 1_000_000, type: 'log.opened', ...found }, dropped], null);
    const { lines } = await readLines(plane, legal, `outcome=failed&to=${BEFORE_MS + 1}`);
    expect(lines).toMatchObject([
      { what: 'log.dropped', detail: { count: 7 } },
      { what: 'log.opened', detail: { problems: 2, firstProblems: found.firstProblems } },
    ]);
  });
});

describe('what lines name by id', () => {
  it('comes with its name, wherever in the details it stands: people and squads too, however many the hub knows', async () => {
    const { store } = plane.context;
    await store.insertInto('squad').values({ squad_id: 'sq-north', name: '城北中队', created_ms: 0 }).execute();
    const atMs = BEFORE_MS + 500_000;
    const officers = [{ personId: 'pe-operator', name: '' }];
    const roles = [{ role: 'leader', squadId: 'sq-north' }];
    await record(
      { subject: 'pe-legal', atMs, what: 'person.changed', detail: { roles } },
      { atMs, operationId: OPERATION, detail: { officers, squadIds: ['sq-north'] } },
      { atMs, what: 'export', detail: { exported: 'operations', squad: 'sq-north' } },
    );
    const nameOf = async (id: string) =>
      (await store.selectFrom('person').where('person_id', '=', id).select('name').executeTakeFirst())?.name;
    const { names } = await readLines(plane, legal, `from=${atMs}&to=${atMs + 1}`);
    expect(names).toMatchObject({
      'sq-north': '城北中队',
      'pe-legal': await nameOf('pe-legal'),
      'pe-operator': await nameOf('pe-operator'),
    });
  });
});

describe('of a secret operation', () => {
  const since = BEFORE_MS + 1_000_000;
  const within = `from=${since}&to=${since + 10}`;
  beforeAll(() =>
    record(
      { subject: 'open', atMs: since, operationId: OPERATION, detail: { name: '公开' } },
      { subject: 'hush', atMs: since + 1, operationId: SECRET, angleId: ANGLE, detail: { name: '抓捕' } },
    ),
  );

  it('whoever may see it reads all, and gets the log as a whole', async () => {
    const { lines } = await readLines(plane, legal, within);
    expect(lines[0]).toMatchObject({ hidden: false, operationId: SECRET, subject: 'hush', detail: { name: '抓捕' } });
    expect((await ask(plane, legal, { method: 'GET', url: '/api/custody/export' })).status).toBe(200);
  });

  it('anybody else sees that there is a line, when, what and who; and finds nothing by what it hides', async () => {
    const { lines } = await readLines(plane, administrator, within);
    const hidden = { hidden: true, operationId: null, angleId: null, subject: null, detail: {} };
    expect(lines[0]).toMatchObject({ what: 'operation.changed', who: zhang, atMs: since + 1, ...hidden });
    expect(lines[1]).toMatchObject({ hidden: false, operationId: OPERATION, detail: { name: '公开' } });
    expect(lines[0]?.seq).toBe((lines[1]?.seq ?? 0) + 1);
    for (const query of [`operation=${SECRET}`, `q=${encodeURIComponent('抓捕')}`, 'q=hush'])
      expect([query, await subjects(`${query}&${within}`, administrator)]).toEqual([query, []]);
    const whole = await ask(plane, administrator, { method: 'GET', url: '/api/custody/export' });
    expect(whole).toMatchObject({ status: 403, body: { field: 'confidential' } });
    const [refused] = (await readLines(plane, administrator, 'what=refused')).lines;
    expect(refused).toMatchObject({ who: { id: 'pe-admin' }, detail: { why: 'confidential' } });
  });

  it('its officers read it, whatever their roles', async () => {
    const officer = { operation_id: SECRET, person_id: 'pe-admin', name: '管理员', position: 0 };
    await plane.context.store.insertInto('operation_officer').values(officer).execute();
    expect((await readLines(plane, administrator, within)).lines[0]).toMatchObject({ hidden: false, operationId: SECRET });
    expect((await ask(plane, administrator, { method: 'GET', url: '/api/custody/export' })).status).toBe(200);
  });
});

describe('refusals', () => {
  const refusals = async (query: string) => (await readLines(plane, legal, `what=refused&size=500&${query}`)).lines;

  it('of what a route asks for itself are written as the others are', async () => {
    const custodian = await personWith(plane, 'pe-keeper', ['custodian']);
    const url = `/api/operations/${OPERATION}/angles/${ANGLE}/takes/0001/move`;
    const payload = { toOperationId: '20260101-nnnnnnnn', toAngleId: ANGLE, reason: '放错了' };
    expect((await ask(plane, custodian, { method: 'POST', url, payload })).status).toBe(409);
    const [line] = await refusals('who=pe-keeper');
    expect(line).toMatchObject({ operationId: '20260101-nnnnnnnn', detail: { decision: 'unknown-operation', method: 'POST' } });
    expect((await ask(plane, operator, { method: 'GET', url: '/api/custody' })).status).toBe(403);
    expect(await refusals('who=pe-operator')).toHaveLength(1);
  });

  it('of nobody signed in have a line an address, however often it comes', async () => {
    const from = (address: string, url = '/api/people') => ask(plane, '', { method: 'GET', url, address });
    for (let i = 0; i < 5; i += 1) expect((await from('10.3.0.1', '/api/session')).status).toBe(401); // asking who one is is none
    expect(await refusals('who=10.3.0.1')).toEqual([]);
    for (let i = 0; i < 20; i += 1) expect((await from('10.3.0.1')).status).toBe(401);
    expect(await refusals('who=10.3.0.1')).toMatchObject([
      { who: { kind: 'nobody', id: null }, detail: { method: 'GET', route: '/api/people', decision: 'sign-in' } },
    ]);
    for (let i = 0; i < 100; i += 1) await from(`10.4.0.${i}`);
    const told = (await refusals('outcome=refused')).filter(({ who }) => who.address?.startsWith('10.4.'));
    expect(told.length).toBeLessThan(60);
    expect(told.length).toBeGreaterThan(50);
  });
});

describe('what was never there', () => {
  it('is not looked at: an angle of no operation leaves no line', async () => {
    const { store } = plane.context;
    const reviewer = await personWith(plane, 'pe-review', ['reviewer']);
    const playlist = (angleId: string) => ask(plane, reviewer, { method: 'GET', url: `/hls/${OPERATION}/${angleId}/index.m3u8` });
    expect((await playlist('an-invented')).body).toMatchObject({ code: 'not_found', field: 'angleId' });
    const seen = async () => (await readLines(plane, legal, 'what=view.recording')).lines;
    expect(await seen()).toEqual([]);
    await playlist(ANGLE);
    expect(await seen()).toHaveLength(1);
    const still = `/api/operations/${OPERATION}/angles/${ANGLE}/stills/still-0001`;
    await ask(plane, reviewer, { method: 'GET', url: still });
    await ask(plane, reviewer, { method: 'GET', url: `/api/operations/${OPERATION}/angles/${ANGLE}/poster.jpg` });
    plane.context.recordingViews.close();
    await until('its end is told', async () => (await seen()).length === 2);
    expect((await seen())[0]?.detail).toMatchObject({ begins: false, pictures: ['still-0001', 'poster'] });
    expect(await store.selectFrom('custody_line').where('angle_id', '=', 'an-invented').select('seq').execute()).toEqual([]);
  });
});

describe('what was sent where nothing is asked for', () => {
  it('is in no line, however it is made', async () => {
    const custodian = await personWith(plane, 'pe-sealer', ['custodian']);
    const deep = `{"note":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
    const headers = { host: '127.0.0.1', cookie: custodian, 'content-type': 'application/json' };
    const url = `/api/operations/${OPERATION}/seal`;
    const reply = await plane.app.inject({ method: 'POST', url, headers, payload: deep });
    expect([reply.statusCode, reply.payload]).toEqual([409, expect.stringContaining('state') as string]); // it goes on
    const { lines } = await readLines(plane, legal, `what=operation.sealed&operation=${OPERATION}`);
    expect(lines.map(({ outcome, detail }) => [outcome, detail['note']])).toEqual([
      ['failed', undefined],
      ['done', undefined],
    ]);
  });
});
