import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Actor, Bounds } from '../../../server/permission/decide.ts';
import { decide, permissionsOn } from '../../../server/permission/decide.ts';
import { reachOf } from '../../../server/permission/reach.ts';
import { CONFIDENTIALITY, OPERATION_TYPES } from '../../../server/protocol/cases.ts';
import type { OperationListItem } from '../../../server/protocol/http.ts';
import { OPERATION_SORTS, OperationQuery } from '../../../server/protocol/operations.ts';
import type { RoleGrant } from '../../../server/protocol/people.ts';
import { insertCase } from '../../../server/store/cases.ts';
import { openStore, type Store } from '../../../server/store/database.ts';
import { takeStep } from '../../../server/store/operation-facts.ts';
import { listOperations } from '../../../server/store/operation-list.ts';
import { insertOperation } from '../../../server/store/operations.ts';

const NOW = 1.8e12;
const OPERATIONS = 1200;
const idOf = (n: number): string => `20260101-${String(n).padStart(8, '0')}`;
const factsOf = (n: number) => ({
  squadIds: [`sq-${n % 3}`, ...(n % 7 === 0 ? ['sq-3'] : [])],
  confidentiality: CONFIDENTIALITY[n % 4] ?? 'open',
  type: OPERATION_TYPES[n % 10] ?? null,
  officers: [{ personId: n % 5 === 0 ? 'pe-wang' : null, name: n % 5 === 0 ? '王伟' : '李娜' }],
  plannedMs: n % 2 === 0 ? NOW + ((n * 7919) % 5000) : null,
  place: `城东路${n}号`,
  caseId: n % 100 === 0 ? 'cs-one' : null,
});
const boundsOf = (n: number): Bounds => {
  const { squadIds, confidentiality, officers } = factsOf(n);
  return { squadIds, confidentiality, officerIds: officers.flatMap(({ personId }) => personId ?? []), state: 'live' };
};
const ACTOR = {
  personId: 'pe-wang',
  login: 'wang',
  name: '王伟',
  mustChange: false,
  sessionHash: 's',
  sessionId: 's',
  scopes: null,
  tokenId: null,
};
const actor = (...grants: RoleGrant[]): Actor => ({ ...ACTOR, grants });
const chief = actor({ role: 'leader', squadId: null });
const ALL = reachOf(chief, 'operation.see');
let store: Store;
const list = (query: object, who = chief) =>
  listOperations(store, reachOf(who, 'operation.see'), OperationQuery.parse(query), (bounds) => permissionsOn(who, bounds));

beforeAll(async () => {
  store = openStore(':memory:');
  await store.transaction().execute(async (tx) => {
    for (const n of [0, 1, 2, 3])
      await tx
        .insertInto('squad')
        .values({ squad_id: `sq-${n}`, name: `第${n}中队`, created_ms: NOW })
        .execute();
    const person = { person_id: 'pe-wang', login: 'wang', name: '王伟', password_hash: '', must_change: 0, state: 'active' as const };
    await tx
      .insertInto('person')
      .values({ ...person, created_ms: NOW })
      .execute();
    const written = { number: '〔2026〕77号', cause: '违法搭建', parties: ['赵六'], squadId: null };
    await insertCase(tx, 'cs-one', { ...written, stage: 'filing', confidentiality: 'open' }, { personId: 'pe-wang', nowMs: NOW });
    for (let n = 1; n <= OPERATIONS; n += 1) {
      const operation = { operationId: idOf(n), name: `行动${(n * 37) % 1000}`, openedMs: NOW + n, segmentMs: 4000 };
      await insertOperation(tx, operation, { ...factsOf(n), planned: n % 4 !== 0, who: null });
    }
    await takeStep(tx, idOf(5), 'live', NOW + 9000, { personId: 'pe-wang', name: '王伟' });
  });
});
afterAll(() => store.destroy());

describe('the list of operations', () => {
  it.each([
    ['a leader of the brigade', actor({ role: 'leader', squadId: null })],
    ['a reviewer of the brigade', actor({ role: 'reviewer', squadId: null })],
    ['an operator of one squad', actor({ role: 'operator', squadId: 'sq-1' })],
    ['a leader of one squad who films for another', actor({ role: 'leader', squadId: 'sq-0' }, { role: 'operator', squadId: 'sq-3' })],
    ['an administrator, who sees none', actor({ role: 'administrator', squadId: null })],
  ])('shows %s what may be looked at, one by one', async (_, who) => {
    const rule = { by: 'permission', permission: 'operation.see', of: 'operation' } as const;
    const mine = Array.from({ length: 300 }, (_, i) => i + 1).filter((n) => decide(rule, who, boundsOf(n)) === 'allowed');
    const shown: OperationListItem[] = [];
    for (let page = 1; page <= 4; page += 1) shown.push(...(await list({ order: 'asc', size: 100, page, sort: 'number' }, who)).operations);
    expect(shown.map(({ operationId }) => operationId).filter((id) => id <= idOf(300))).toEqual(mine.map(idOf).slice(0, 400));
    // and with each, what he may do with it
    for (const [at, n] of mine.entries()) expect([n, shown[at]?.may]).toEqual([n, permissionsOn(who, boundsOf(n))]);
  });

  const STATES = ['sealed', 'ended', 'planned', 'live'];
  /** What each is sorted by, as the list itself shows it. */
  const keyOf: Record<(typeof OPERATION_SORTS)[number], (item: OperationListItem) => number | string> = {
    number: ({ operationId }) => operationId,
    time: ({ startedMs, plannedMs, openedMs }) => startedMs ?? plannedMs ?? openedMs,
    name: ({ name }) => name,
    state: ({ state }) => STATES.indexOf(state),
    planned: ({ plannedMs }) => plannedMs ?? -1,
  };

  it.each(OPERATION_SORTS)('by %s, page after page, has each one once, in order', async (sort) => {
    const seen: string[] = [];
    const keys: (number | string)[] = [];
    for (let page = 1; page <= 12; page += 1) {
      const { operations, total, more } = await list({ sort, order: 'desc', size: 100, page });
      expect([total, more]).toEqual([1000, true]);
      seen.push(...operations.map(({ operationId }) => operationId));
      keys.push(...operations.map(keyOf[sort]));
    }
    expect(new Set(seen).size).toBe(OPERATIONS);
    expect(new Set(keys).size).toBeGreaterThan(1);
    expect(keys).toEqual(keys.toSorted((a, b) => (a < b ? 1 : a > b ? -1 : 0)));
  });

  it('is narrowed by each filter and by all at once', async () => {
    const ids = async (query: object): Promise<string[]> =>
      (await list({ size: 100, order: 'asc', ...query })).operations.map((one) => one.operationId);
    expect((await list({ case: 'cs-one' })).total).toBe(12);
    expect((await list({ q: '赵六 77' })).total).toBe(12);
    expect(await ids({ q: '路1200号' })).toEqual([idOf(1200)]);
    expect(await ids({ q: '路1200号', state: 'planned' })).toEqual([]);
    expect((await list({ state: ['live', 'ended'] })).total).toBe(301);
    expect(await ids({ from: NOW + 9000, to: NOW + 9001, q: '王' })).toEqual([idOf(5)]);
    expect(await ids({ squad: 'sq-3', type: 'questioning', confidentiality: 'internal', q: 'question 王伟' })).toEqual([]);
    const some = await ids({ squad: 'sq-3', type: ['questioning', 'campaign'], q: '中队 李娜' });
    expect(some).toEqual(
      Array.from({ length: OPERATIONS }, (_, i) => i + 1)
        .filter((n) => n % 7 === 0 && [1, 9].includes(n % 10))
        .slice(0, 100)
        .map(idOf),
    );
    expect(await listOperations(store, { ...ALL, squads: [] }, OperationQuery.parse({}), () => [])).toEqual({
      operations: [],
      total: 0,
      more: false,
    });
  });
});
