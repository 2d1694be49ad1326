import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deviceChecks, deviceView } from '../../../server/devices/view.ts';
import type { Actor } from '../../../server/permission/decide.ts';
import { CHECKS_A_PAGE } from '../../../server/protocol/devices.ts';
import { openStore, type Store } from '../../../server/store/database.ts';
import { checksWith, deviceOnDuty, saveDeviceCheck } from '../../../server/store/device-checks.ts';
import { handOut } from '../../../server/store/device-history.ts';
import { changeDevice, insertDevice } from '../../../server/store/devices.ts';
import { planAngle } from '../../../server/store/operation-facts.ts';
import { insertAngle, insertOperation } from '../../../server/store/operations.ts';
import { insertPerson, saveSquad } from '../../../server/store/people.ts';

const OPERATION = '20260101-aaaaaaaa';
const NOW = 1.8e12;
const NORTH = { operationId: OPERATION, angleId: 'an-north', linkHash: 'none' };
const facts = (serial: string, squadId = 'sq-first') =>
  ({ squadId, type: 'phone', serial, model: 'T8', ownerId: null, state: 'in-service' }) as const;
let store: Store;
beforeEach(async () => {
  store = openStore(':memory:');
  for (const [id, name] of [['sq-first', '一中队'] as const, ['sq-second', '二中队'] as const])
    await saveSquad(store, id, name, { nowMs: NOW });
  const given = { planned: true, who: null, squadIds: ['sq-first'] };
  await insertOperation(store, { operationId: OPERATION, name: '拆除', openedMs: NOW, segmentMs: 4000 }, given);
  for (const [id, name] of [['an-north', '北门'] as const, ['an-south', '南门'] as const]) await insertAngle(store, OPERATION, id, name);
  for (const name of ['de-a', 'de-b']) await insertDevice(store, name, facts(name), NOW);
  for (const id of ['pe-wang', 'pe-li'])
    await insertPerson(store, { personId: id, login: id, name: id, badge: null, roles: [], passwordHash: 'none' }, NOW);
});
afterEach(() => store.destroy());

const plan = (angleId: string, deviceId: string | null, officer: string | null = null) =>
  planAngle(store, { operationId: OPERATION, angleId }, { officer, deviceId });
const give = (deviceId: string, personId: string | null, operationId: string | null) =>
  handOut(store, deviceId, { useId: `us-${deviceId}`, personId, operationId }, NOW);

describe('the device of a check before duty', () => {
  it('is the one planned for the angle, whatever else is out', async () => {
    await plan('an-north', 'de-a', 'pe-wang');
    await give('de-b', 'pe-wang', OPERATION);
    expect(await deviceOnDuty(store, NORTH)).toBe('de-a');
  });

  it('is the one that its officer has, for this operation before any other', async () => {
    await plan('an-north', null, 'pe-wang');
    expect(await deviceOnDuty(store, NORTH)).toBeNull();
    await give('de-a', 'pe-wang', null);
    expect(await deviceOnDuty(store, NORTH)).toBe('de-a');
    await give('de-b', 'pe-wang', OPERATION);
    expect(await deviceOnDuty(store, NORTH)).toBe('de-b');
  });

  it('is none of several that its officer has, nor one that is planned for another angle or that another one has', async () => {
    await plan('an-north', null, 'pe-wang');
    await give('de-a', 'pe-wang', null);
    await give('de-b', 'pe-wang', null);
    expect(await deviceOnDuty(store, NORTH)).toBeNull();
    await plan('an-south', 'de-b', 'pe-li');
    expect(await deviceOnDuty(store, NORTH)).toBe('de-a');
    await plan('an-north', null, 'pe-li');
    expect(await deviceOnDuty(store, NORTH)).toBeNull();
  });

  it('is the only one out for the operation, where one angle alone is without a planned one', async () => {
    await give('de-a', null, OPERATION);
    expect(await deviceOnDuty(store, NORTH)).toBeNull();
    await plan('an-south', 'de-b');
    expect(await deviceOnDuty(store, NORTH)).toBe('de-a');
  });
});

describe('what is planned for an angle', () => {
  it('is a device in service of the operation’s squads, or the one it was', async () => {
    await insertDevice(store, 'de-far', facts('far', 'sq-second'), NOW);
    await expect(plan('an-north', 'de-none')).rejects.toMatchObject({ code: 'bad_request', field: 'deviceId' });
    await expect(plan('an-north', 'de-far')).rejects.toMatchObject({ code: 'bad_request', field: 'deviceId' });
    await plan('an-north', 'de-a');
    for (const state of ['in-repair', 'lost', 'retired'] as const) {
      const { version } = await store.selectFrom('device').where('device_id', '=', 'de-a').select('version').executeTakeFirstOrThrow();
      // what operations are found by has not changed with it
      expect(await changeDevice(store, 'de-a', { ...facts('de-a'), state, version })).toBe(false);
      await expect(plan('an-south', 'de-a')).rejects.toMatchObject({ code: 'conflict', field: 'deviceId' });
      await plan('an-north', 'de-a', '王伟');
    }
    const { device_id: kept, officer } = await store.selectFrom('planned_angle').selectAll().executeTakeFirstOrThrow();
    expect([kept, officer]).toEqual(['de-a', '王伟']);
  });
});

describe('what is known of a device', () => {
  const actor = (squadId: string | null): Actor => ({
    personId: 'pe-x',
    login: 'x',
    name: 'x',
    mustChange: false,
    sessionHash: null,
    sessionId: null,
    scopes: null,
    tokenId: null,
    grants: [{ role: 'custodian', squadId }],
  });
  const battery = { name: 'battery', result: 'pass', facts: {} } as const;
  const check = (atMs: number) => ({ angleId: 'an-north', device: '', checks: [battery], reason: null, atMs });

  it('says nothing of an operation out of the reader’s reach, not even its id', async () => {
    await changeDevice(store, 'de-a', { ...facts('de-a', 'sq-second'), version: 1 });
    await give('de-a', 'pe-wang', OPERATION);
    await saveDeviceCheck(store, 'de-a', OPERATION, check(NOW));
    const near = await deviceView({ store }, actor(null), 'de-a');
    expect([near.out?.operationId, near.uses[0]?.operationName]).toEqual([OPERATION, '拆除']);
    const far = await deviceView({ store }, actor('sq-second'), 'de-a');
    expect(far).toMatchObject({ out: { personName: 'pe-wang', operationId: null }, uses: [{ operationId: null, operationName: null }] });
    expect(JSON.stringify(far)).not.toContain(OPERATION);
  });

  it('has what its checks found for whoever sees the device, and of their operations what the reader may know', async () => {
    await changeDevice(store, 'de-a', { ...facts('de-a', 'sq-second'), version: 1 });
    const made = { ...check(NOW), reason: '电量不足，换机' };
    await saveDeviceCheck(store, 'de-a', OPERATION, made);
    const kept = async (who: Actor) => (await deviceChecks({ store }, who, 'de-a', 1)).checks;
    expect(await kept(actor(null))).toEqual([{ ...made, operationId: OPERATION, operationName: '拆除' }]);
    const nothing = { operationId: null, operationName: null, angleId: null, reason: null };
    const administrator = { ...actor(null), grants: [{ role: 'administrator' as const, squadId: null }] };
    for (const who of [actor('sq-second'), administrator]) expect(await kept(who)).toEqual([{ ...made, ...nothing }]);
  });

  it('has all its checks, the newest first, page after page', async () => {
    const all = CHECKS_A_PAGE * 2 + 1;
    for (let i = 0; i < all; i += 1) await saveDeviceCheck(store, 'de-a', OPERATION, check(NOW + i));
    const times: number[] = [];
    for (const page of [1, 2, 3]) {
      const { checks, total } = await deviceChecks({ store }, actor(null), 'de-a', page);
      expect([checks.length, total]).toEqual([page === 3 ? 1 : CHECKS_A_PAGE, all]);
      times.push(...checks.map(({ atMs }) => atMs));
    }
    expect(times).toEqual(Array.from({ length: all }, (_, i) => NOW + all - 1 - i));
    expect(await checksWith(store, 'de-b', 1)).toEqual({ checks: [], total: 0 });
  });
});
