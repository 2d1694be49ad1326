import { expect, it } from 'vitest';
import { openStore } from '../../../server/store/database.ts';
import { changePerson, insertPerson, saveSquad } from '../../../server/store/people.ts';

it('a person is not changed by who has not seen the last change, and what is not named stays', async () => {
  const store = openStore(':memory:');
  const squad = await saveSquad(store, 'sq-1', '一中队', { nowMs: 0 });
  const admin = { role: 'administrator' as const, squadId: null };
  const person = { personId: 'pe-1', login: 'li', name: '李四', badge: null, roles: [admin], passwordHash: '-' };
  const { version } = await insertPerson(store, person, 0);
  const roles = [admin, { role: 'leader' as const, squadId: squad.squadId }];
  const changed = await changePerson(store, 'pe-1', { roles, version });
  await expect(changePerson(store, 'pe-1', { badge: '7', version })).rejects.toMatchObject({ code: 'conflict', field: 'version' });
  const twice = await changePerson(store, 'pe-1', { badge: '7', version: changed.version });
  expect(twice).toMatchObject({ badge: '7', roles });
  // blocking somebody waits for nobody
  await insertPerson(store, { ...person, personId: 'pe-2', login: 'wang' }, 0);
  expect(await changePerson(store, 'pe-1', { state: 'blocked' })).toMatchObject({ state: 'blocked', version: twice.version + 1 });
  await store.destroy();
});
