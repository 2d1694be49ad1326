import { randomBytes } from 'node:crypto';
import { HubError } from '../../media/errors.ts';
import type { Actor } from '../permission/decide.ts';
import type { SessionItem } from '../protocol/people.ts';
import { inTransaction, type Store } from './database.ts';
import { rolesOf } from './people.ts';
import { hash, newSecret } from './sessions.ts';

/** Unused for so long, or so old, a session is over. */
const IDLE_MS = 12 * 3600_000;
const LIFE_MS = 7 * 86_400_000;
/** When it was last seen need not be known to the second. */
export const SEEN_STEP_MS = 60_000;
/** A browser forgotten somewhere does not stay signed in because fifty others came later. */
const SESSIONS_MOST = 20;

/**
 * A new session: the secret for its cookie, and the hashes of those that are over by now: too old, unused for too long, and the
 * oldest of a person who has too many.
 */
export async function createSession(
  store: Store,
  personId: string,
  from: { address: string; device: string },
  nowMs: number,
): Promise<{ secret: string; ended: string[] }> {
  const secret = newSecret();
  const at = Math.round(nowMs);
  const over = await store
    .deleteFrom('person_session')
    .where((eb) => eb.or([eb('seen_ms', '<', at - IDLE_MS), eb('created_ms', '<', at - LIFE_MS)]))
    .returning('session_hash')
    .execute();
  const others = await store.selectFrom('person_session').where('person_id', '=', personId).select('session_hash').orderBy('created_ms', 'desc').execute(); // prettier-ignore
  const beyond = others.slice(SESSIONS_MOST - 1);
  for (const { session_hash: old } of beyond) await store.deleteFrom('person_session').where('session_hash', '=', old).execute();
  const row = { session_hash: hash(secret), session_id: newPublicId(), person_id: personId, created_ms: at, seen_ms: at, ...from };
  await store.insertInto('person_session').values(row).execute();
  return { secret, ended: [...over, ...beyond].map(({ session_hash: old }) => old) };
}

const newPublicId = (): string => `se-${randomBytes(8).toString('hex')}`;

/** Whose password, or passkey, was found right. */
export type Checked = { personId: string } & ({ passwordHash: string } | { credentialId: string });

/** As `createSession`; null where what was checked has been changed or removed since, or the person blocked: that ended all sessions there were. */
export function sessionFor(store: Store, checked: Checked, from: { address: string; device: string }, nowMs: number) {
  const { personId } = checked;
  return inTransaction(store, async (tx) => {
    const still =
      'passwordHash' in checked
        ? tx.selectFrom('person').where('password_hash', '=', checked.passwordHash)
        : tx.selectFrom('person').where('person_id', 'in', tx.selectFrom('passkey').where('credential_id', '=', checked.credentialId).select('person_id')); // prettier-ignore
    const person = await still.where('person_id', '=', personId).where('state', '=', 'active').select('person_id').executeTakeFirst();
    return person ? createSession(tx, personId, from, nowMs) : null;
  });
}

/** For what outlasts the session that it is made in. Throws `unauthorized` where that is over: what ended it has ended all the like. */
export async function requireSession(store: Store, sessionHash: string | null): Promise<void> {
  const row = await store
    .selectFrom('person_session')
    .where('session_hash', '=', sessionHash ?? '')
    .select('session_id')
    .executeTakeFirst();
  if (!row) throw over();
}

const over = (): HubError => new HubError('unauthorized', 'this session is over', { field: 'session' });

/**
 * Who comes by this session; null when there is none such, it is over, or its person is blocked. `seen` false: he is only
 * asked for, and it grows old.
 */
export async function actorOfSession(store: Store, sessionHash: string, nowMs: number, { seen = true } = {}): Promise<Actor | null> {
  const row = await store
    .selectFrom('person_session')
    .innerJoin('person', 'person.person_id', 'person_session.person_id')
    .where('session_hash', '=', sessionHash)
    .select(['session_id', 'person.person_id', 'login', 'name', 'state', 'must_change', 'seen_ms', 'person_session.created_ms'])
    .executeTakeFirst();
  if (!row || row.state !== 'active' || nowMs - row.seen_ms > IDLE_MS || nowMs - row.created_ms > LIFE_MS) return null;
  if (seen && nowMs - row.seen_ms > SEEN_STEP_MS)
    await store.updateTable('person_session').set({ seen_ms: Math.round(nowMs) }).where('session_hash', '=', sessionHash).execute(); // prettier-ignore
  const { person_id: personId, login, name, must_change: mustChange, session_id: sessionId } = row;
  const grants = await rolesOf(store, personId);
  return { personId, login, name, grants, mustChange: mustChange === 1, sessionHash, sessionId, scopes: null, tokenId: null };
}

export const actorOfCookie = (store: Store, secret: string | undefined, nowMs: number): Promise<Actor | null> =>
  secret === undefined || secret === '' ? Promise.resolve(null) : actorOfSession(store, hash(secret), nowMs);

export async function listSessions(store: Store, personId: string, currentHash: string | null, nowMs: number): Promise<SessionItem[]> {
  const rows = await store
    .selectFrom('person_session')
    .where('person_id', '=', personId)
    .where('seen_ms', '>=', Math.round(nowMs - IDLE_MS))
    .where('created_ms', '>=', Math.round(nowMs - LIFE_MS))
    .selectAll()
    .orderBy('seen_ms', 'desc')
    .execute();
  return rows.map(({ session_id: sessionId, session_hash: hashed, created_ms: createdMs, seen_ms: seenMs, address, device }) => ({
    sessionId,
    createdMs,
    seenMs,
    address,
    device,
    current: hashed === currentHash,
  }));
}

export async function sessionHashes(store: Store, personId: string): Promise<string[]> {
  const rows = await store.selectFrom('person_session').where('person_id', '=', personId).select('session_hash').execute();
  return rows.map(({ session_hash: each }) => each);
}

/** End one of a person's sessions, or (null) all but `except`. The hashes of those that are over. */
export async function endSessions(
  store: Store,
  personId: string,
  sessionId: string | null,
  except: string | null = null,
): Promise<string[]> {
  let query = store.deleteFrom('person_session').where('person_id', '=', personId);
  if (sessionId !== null) query = query.where('session_id', '=', sessionId);
  if (except !== null) query = query.where('session_hash', '!=', except);
  const rows = await query.returning('session_hash').execute();
  return rows.map(({ session_hash: ended }) => ended);
}

/** The same session under a new secret, for its cookie; the old one opens nothing any more. Throws as `requireSession`. */
export async function renewSession(store: Store, sessionHash: string | null): Promise<string> {
  const secret = newSecret();
  const { numUpdatedRows } = await store
    .updateTable('person_session')
    .set({ session_hash: hash(secret) })
    .where('session_hash', '=', sessionHash ?? '')
    .executeTakeFirstOrThrow();
  if (numUpdatedRows === 0n) throw over();
  return secret;
}
