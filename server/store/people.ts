import { sql } from 'kysely';
import { HubError } from '../../media/errors.ts';
import type { Person, PersonChange, PersonListed, RoleGrant, Squad } from '../protocol/people.ts';
import { inTransaction, type Store } from './database.ts';
import { contains } from './like.ts';
import { forgetSquadsText } from './operation-index.ts';

type Row = {
  person_id: string;
  login: string;
  name: string;
  badge: string | null;
  state: 'active' | 'blocked';
  must_change: number;
  totp_step: number | null;
  totp_secret: string | null;
  created_ms: number;
  version: number;
};
const COLUMNS = [
  'person_id',
  'login',
  'name',
  'badge',
  'state',
  'must_change',
  'totp_secret',
  'totp_step',
  'created_ms',
  'version',
] as const;

export async function rolesOf(store: Store, personId: string): Promise<RoleGrant[]> {
  const rows = await store.selectFrom('person_role').where('person_id', '=', personId).select(['role', 'squad_id']).execute();
  return rows.map(({ role, squad_id: squadId }) => ({ role, squadId }));
}

async function personOf(store: Store, row: Row): Promise<Person> {
  return {
    personId: row.person_id,
    login: row.login,
    name: row.name,
    badge: row.badge,
    state: row.state,
    roles: await rolesOf(store, row.person_id),
    mustChange: row.must_change === 1,
    // set up, and not only begun: a code has been given
    totp: row.totp_secret !== null && row.totp_step !== null,
    createdMs: row.created_ms,
    version: row.version,
  };
}

/** Throws `not_found`. */
export async function personById(store: Store, personId: string): Promise<Person> {
  const row = await store.selectFrom('person').where('person_id', '=', personId).select(COLUMNS).executeTakeFirst();
  if (!row) throw new HubError('not_found', 'there is no such person', { field: 'personId' });
  return personOf(store, row);
}

export const hasPeople = async (store: Store): Promise<boolean> =>
  (await store.selectFrom('person').select('person_id').limit(1).executeTakeFirst()) !== undefined;

/** The only person there is, who has not yet chosen a password; null otherwise. */
export async function unusedAdministrator(store: Store): Promise<string | null> {
  const rows = await store.selectFrom('person').select(['person_id', 'must_change']).limit(2).execute();
  return rows.length === 1 && rows[0]?.must_change === 1 ? rows[0].person_id : null;
}

type PeopleQuery = {
  q: string;
  squad?: string | undefined;
  role?: RoleGrant['role'] | undefined;
  state?: Person['state'] | undefined;
  page: number;
  size: number;
};

/** By name. `q`: a part of name or badge. `whole`: with what only those know who manage people, and `q` may be a part of the login. */
export async function listPeople(store: Store, asked: PeopleQuery, whole: boolean): Promise<{ people: PersonListed[]; total: number }> {
  const { q, squad, role, state, page, size } = asked;
  let query = store.selectFrom('person');
  const texts = [sql<string>`name`, sql<string>`coalesce(badge, '')`, ...(whole ? [sql<string>`login`] : [])];
  if (q !== '') query = query.where((eb) => eb.or(texts.map((text) => contains(text, q))));
  if (state !== undefined) query = query.where('state', '=', state);
  if (squad !== undefined || role !== undefined) {
    let granted = store.selectFrom('person_role').select('person_id');
    if (squad !== undefined) granted = granted.where('squad_id', '=', squad);
    if (role !== undefined) granted = granted.where('role', '=', role);
    query = query.where('person_id', 'in', granted);
  }
  const { total } = await query.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow();
  const rows = await query.select(COLUMNS).orderBy('name').orderBy('person_id').limit(size).offset((page - 1) * size).execute(); // prettier-ignore
  const people = await Promise.all(rows.map((row) => personOf(store, row)));
  return { people: people.map((person) => listed(person, whole)), total };
}

function listed(person: Person, whole: boolean): PersonListed {
  const { personId, name, badge, roles } = person;
  const squadIds = [...new Set(roles.flatMap(({ squadId }) => squadId ?? []))];
  return whole ? { ...person, squadIds } : { personId, name, badge, squadIds };
}

/** Of these ids, those of people and squads. */
export async function namesOfPeople(store: Store, ids: string[]): Promise<[id: string, name: string][]> {
  const people = await store.selectFrom('person').where('person_id', 'in', ids).select(['person_id as id', 'name']).execute();
  const squads = await store.selectFrom('squad').where('squad_id', 'in', ids).select(['squad_id as id', 'name']).execute();
  return [...people, ...squads].map(({ id, name }) => [id, name]);
}

type NewPerson = { personId: string; login: string; name: string; badge: string | null; roles: RoleGrant[]; passwordHash: string };

/** With a password that must be changed. Throws `conflict` for a login that is taken, `bad_request` for a squad that is not. */
export async function insertPerson(store: Store, person: NewPerson, nowMs: number): Promise<Person> {
  const { personId, login, name, badge, roles, passwordHash } = person;
  return store.transaction().execute(async (tx) => {
    const taken = await tx.selectFrom('person').where('login', '=', login).select('person_id').executeTakeFirst();
    if (taken) throw new HubError('conflict', `the login ${login} is taken`, { field: 'login' });
    const row = { person_id: personId, login, name, badge, password_hash: passwordHash, must_change: 1, state: 'active' as const };
    await tx
      .insertInto('person')
      .values({ ...row, created_ms: Math.round(nowMs), given_ms: Math.round(nowMs) })
      .execute();
    await saveRoles(tx, personId, roles);
    return personById(tx, personId);
  });
}

/** Throws `not_found`, `bad_request`, `conflict` when nobody would be left who manages people, or for an older `version`. */
export function changePerson(store: Store, personId: string, change: PersonChange): Promise<Person> {
  return inTransaction(store, async (tx) => {
    const { version } = await personById(tx, personId);
    if (change.version !== undefined && change.version !== version)
      throw new HubError('conflict', 'version: this person has been changed meanwhile', { field: 'version' });
    const { name, badge, state, roles } = change;
    const facts = { ...(name !== undefined && { name }), ...(badge !== undefined && { badge }), ...(state !== undefined && { state }) };
    await tx
      .updateTable('person')
      .set({ ...facts, version: version + 1 })
      .where('person_id', '=', personId)
      .execute();
    if (roles !== undefined) await saveRoles(tx, personId, roles);
    await requireAdministrator(tx);
    return personById(tx, personId);
  });
}

async function saveRoles(store: Store, personId: string, roles: RoleGrant[]): Promise<void> {
  await store.deleteFrom('person_role').where('person_id', '=', personId).execute();
  const known = new Set((await store.selectFrom('squad').select('squad_id').execute()).map(({ squad_id: id }) => id));
  const unlike = new Map(roles.map((grant) => [`${grant.role} ${grant.squadId}`, grant]));
  for (const { role, squadId } of unlike.values()) {
    if (squadId !== null && !known.has(squadId)) throw new HubError('bad_request', `there is no squad ${squadId}`, { field: 'roles' });
    await store.insertInto('person_role').values({ person_id: personId, role, squad_id: squadId }).execute();
  }
}

async function requireAdministrator(store: Store): Promise<void> {
  const left = await store
    .selectFrom('person_role')
    .innerJoin('person', 'person.person_id', 'person_role.person_id')
    .where('role', '=', 'administrator')
    .where('squad_id', 'is', null)
    .where('state', '=', 'active')
    .select('role')
    .executeTakeFirst();
  if (!left) throw new HubError('conflict', 'nobody would be left who manages people', { field: 'last-administrator' });
}

/** `givenMs`: given then by somebody else, and to be changed; null: chosen by the person. */
export async function setPassword(store: Store, personId: string, passwordHash: string, givenMs: number | null): Promise<void> {
  await store
    .updateTable('person')
    .set({ password_hash: passwordHash, must_change: givenMs === null ? 0 : 1, given_ms: givenMs === null ? null : Math.round(givenMs) })
    .where('person_id', '=', personId)
    .execute();
}

/** What a sign-in is checked against; null for a login that nobody has. */
export async function credentials(store: Store, login: string) {
  const row = await store
    .selectFrom('person')
    .where('login', '=', login)
    .select(['person_id', 'name', 'state', 'password_hash', 'given_ms', 'totp_secret', 'totp_step'])
    .executeTakeFirst();
  if (!row) return null;
  const { person_id: personId, name, state, password_hash: passwordHash, given_ms: givenMs } = row;
  return { personId, name, state, passwordHash, givenMs, totpSecret: row.totp_secret, totpStep: row.totp_step };
}

export async function setTotp(store: Store, personId: string, secret: string | null, step: number | null): Promise<void> {
  await store.updateTable('person').set({ totp_secret: secret, totp_step: step }).where('person_id', '=', personId).execute();
}

/** Take a code's time step; false when it, or a later one, was taken before. One statement decides between two that come at once. */
export async function takeTotpStep(store: Store, personId: string, step: number): Promise<boolean> {
  const { numUpdatedRows } = await store
    .updateTable('person')
    .set({ totp_step: step })
    .where('person_id', '=', personId)
    .where('totp_step', '<', step)
    .executeTakeFirstOrThrow();
  return numUpdatedRows > 0n;
}

export async function listSquads(store: Store): Promise<Squad[]> {
  const rows = await store
    .selectFrom('squad')
    .leftJoin('person_role', 'person_role.squad_id', 'squad.squad_id')
    .select((eb) => ['squad.squad_id', 'squad.name', eb.fn.count<number>('person_role.person_id').distinct().as('people')])
    .groupBy('squad.squad_id')
    .orderBy('squad.name')
    .execute();
  return rows.map(({ squad_id: squadId, name, people }) => ({ squadId, name, people }));
}

/** A new squad, or another name for one. Throws `conflict` for a name that is taken, `not_found`. */
export function saveSquad(store: Store, squadId: string, name: string, create: { nowMs: number } | null): Promise<Squad> {
  return inTransaction(store, async (tx) => {
    const taken = await tx.selectFrom('squad').where('name', '=', name).where('squad_id', '!=', squadId).select('name').executeTakeFirst();
    if (taken) throw new HubError('conflict', `there is a squad ${name} already`, { field: 'name' });
    if (create) {
      const row = { squad_id: squadId, name, created_ms: Math.round(create.nowMs) };
      await tx.insertInto('squad').values(row).execute();
    } else {
      await tx.updateTable('squad').set({ name }).where('squad_id', '=', squadId).execute();
      await forgetSquadsText(tx, squadId);
    }
    const squad = (await listSquads(tx)).find((each) => each.squadId === squadId);
    if (!squad) throw new HubError('not_found', 'there is no such squad', { field: 'squadId' });
    return squad;
  });
}
