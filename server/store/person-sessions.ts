import { randomBytes } from 'node:crypto';
import { HubError } from '../../media/errors.ts';
import type { Actor } from '../permission/decide.ts';
import { PERMISSION_NAMES, type Permission } from '../permission/rules.ts';
import type { AccessTokenItem, SessionItem } from '../protocol/people.ts';
import type { Store } from './database.ts';
import { rolesOf } from './people.ts';
import { hash, newSecret } from './sessions.ts';

/** Unused for so long, or so old, a session is over. */
const IDLE_MS = 12 * 3600_000;
const LIFE_MS = 7 * 86_400_000;
/** When it was last seen need not be known to the second. */
const SEEN_STEP_MS = 60_000;
/** A browser forgotten somewhere does not stay signed in because fifty others came later. */
const SESSIONS_MOST = 20;
/** Somebody who has more has lost sight of them. */
const TOKENS_MOST = 20;

const newPublicId = (prefix: string): string => `${prefix}-${randomBytes(8).toString('hex')}`;

/** A new session; the oldest of a person who has too many is over. The secret for its cookie. */
export async function createSession(
  store: Store,
  personId: string,
  from: { address: string; device: string },
  nowMs: number,
): Promise<string> {
  const secret = newSecret();
  const at = Math.round(nowMs);
  await store.deleteFrom('person_session').where('seen_ms', '<', at - IDLE_MS).execute(); // prettier-ignore
  const row = { session_hash: hash(secret), session_id: newPublicId('se'), person_id: personId, created_ms: at, seen_ms: at, ...from };
  await store.insertInto('person_session').values(row).execute();
  const all = await store.selectFrom('person_session').where('person_id', '=', personId).select('session_hash').orderBy('created_ms', 'desc').execute(); // prettier-ignore
  for (const { session_hash: old } of all.slice(SESSIONS_MOST))
    await store.deleteFrom('person_session').where('session_hash', '=', old).execute();
  return secret;
}

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

/** A machine with an access token: its owner's roles, narrowed to what the token is for. */
export const actorOfToken = (store: Store, token: string, nowMs: number): Promise<Actor | null> =>
  tokenActor(store, ['token_hash', hash(token)], nowMs, { seen: true });

/** As `actorOfToken`, of one that was let in before: it is not used by this. */
export const actorOfTokenId = (store: Store, tokenId: string, nowMs: number): Promise<Actor | null> =>
  tokenActor(store, ['token_id', tokenId], nowMs, { seen: false });

type TokenKey = ['token_hash' | 'token_id', string];
async function tokenActor(store: Store, [column, value]: TokenKey, nowMs: number, { seen }: { seen: boolean }): Promise<Actor | null> {
  const row = await store
    .selectFrom('access_token')
    .innerJoin('person', 'person.person_id', 'access_token.person_id')
    .where(column, '=', value)
    .select(['token_id', 'access_token.name as token_name', 'permissions', 'expires_ms', 'used_ms', 'person.person_id', 'login', 'state'])
    .executeTakeFirst();
  if (!row || row.state !== 'active' || row.expires_ms < nowMs) return null;
  if (seen && nowMs - (row.used_ms ?? 0) > SEEN_STEP_MS)
    await store.updateTable('access_token').set({ used_ms: Math.round(nowMs) }).where('token_id', '=', row.token_id).execute(); // prettier-ignore
  const { person_id: personId, login, token_name: name, token_id: tokenId } = row;
  const grants = await rolesOf(store, personId);
  const scopes = scopesOf(row.permissions);
  return { personId, login, name: `${login}: ${name}`, grants, mustChange: false, sessionHash: null, sessionId: null, scopes, tokenId };
}

const scopesOf = (json: string): Permission[] => {
  const named = JSON.parse(json) as string[];
  return PERMISSION_NAMES.filter((each) => named.includes(each));
};

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

/** The same session under a new secret, for its cookie; the old one opens nothing any more. */
export async function renewSession(store: Store, sessionHash: string): Promise<string> {
  const secret = newSecret();
  await store
    .updateTable('person_session')
    .set({ session_hash: hash(secret) })
    .where('session_hash', '=', sessionHash)
    .execute();
  return secret;
}

type NewToken = { tokenId: string; personId: string; name: string; permissions: Permission[]; expiresMs: number };

/** The token itself is told once, here. Throws `conflict` (`tokens-full`); those that have expired do not count. */
export async function createAccessToken(store: Store, made: NewToken, nowMs: number): Promise<{ token: string; item: AccessTokenItem }> {
  const has = await store.selectFrom('access_token').where('person_id', '=', made.personId).where('expires_ms', '>=', Math.round(nowMs)).select('token_id').execute(); // prettier-ignore
  if (has.length >= TOKENS_MOST) throw new HubError('conflict', `a person has ${TOKENS_MOST} tokens at most`, { field: 'tokens-full' });
  const token = `fh_${newSecret()}`;
  const { tokenId, personId, name, permissions, expiresMs } = made;
  const moments = { created_ms: Math.round(nowMs), expires_ms: Math.round(expiresMs) };
  const row = {
    token_hash: hash(token),
    token_id: tokenId,
    person_id: personId,
    name,
    permissions: JSON.stringify(permissions),
    ...moments,
  };
  await store.insertInto('access_token').values(row).execute();
  return { token, item: { tokenId, name, permissions, createdMs: moments.created_ms, expiresMs: moments.expires_ms, usedMs: null } };
}

export async function listAccessTokens(store: Store, personId: string): Promise<AccessTokenItem[]> {
  const rows = await store.selectFrom('access_token').where('person_id', '=', personId).selectAll().orderBy('created_ms', 'desc').execute();
  return rows.map((row) => ({
    tokenId: row.token_id,
    name: row.name,
    permissions: scopesOf(row.permissions),
    createdMs: row.created_ms,
    expiresMs: row.expires_ms,
    usedMs: row.used_ms,
  }));
}

/** Throws `not_found`. */
export async function revokeAccessToken(store: Store, personId: string, tokenId: string): Promise<void> {
  const { numDeletedRows } = await store
    .deleteFrom('access_token')
    .where('person_id', '=', personId)
    .where('token_id', '=', tokenId)
    .executeTakeFirstOrThrow();
  if (numDeletedRows === 0n) throw new HubError('not_found', 'there is no such token', { field: 'tokenId' });
}
