import { HubError } from '../../media/errors.ts';
import type { Actor } from '../permission/decide.ts';
import { PERMISSION_NAMES, type Permission } from '../permission/rules.ts';
import type { AccessTokenItem } from '../protocol/people.ts';
import { inTransaction, type Store } from './database.ts';
import { rolesOf } from './people.ts';
import { requireSession, SEEN_STEP_MS } from './person-sessions.ts';
import { hash, newSecret } from './sessions.ts';

/** Somebody who has more has lost sight of them. */
const TOKENS_MOST = 20;

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
    .select(['token_id', 'access_token.name as token_name', 'permissions', 'expires_ms', 'used_ms'])
    .select(['person.person_id', 'login', 'state', 'must_change'])
    .executeTakeFirst();
  if (!row || row.state !== 'active' || row.expires_ms < nowMs) return null;
  if (seen && nowMs - (row.used_ms ?? 0) > SEEN_STEP_MS)
    await store.updateTable('access_token').set({ used_ms: Math.round(nowMs) }).where('token_id', '=', row.token_id).execute(); // prettier-ignore
  const { person_id: personId, login, token_name: name, token_id: tokenId } = row;
  const grants = await rolesOf(store, personId);
  const [scopes, mustChange] = [scopesOf(row.permissions), row.must_change === 1];
  return { personId, login, name: `${login}: ${name}`, grants, mustChange, sessionHash: null, sessionId: null, scopes, tokenId };
}

const scopesOf = (json: string): Permission[] => {
  const named = JSON.parse(json) as string[];
  return PERMISSION_NAMES.filter((each) => named.includes(each));
};

type NewToken = { tokenId: string; personId: string; name: string; permissions: Permission[]; expiresMs: number };

/**
 * The token itself is told once, here. `sessionHash`: the session it is made in. Throws `conflict` (`tokens-full`; those that have
 * expired do not count), and as `requireSession`.
 */
export function createAccessToken(
  store: Store,
  { tokenId, personId, name, permissions, expiresMs }: NewToken,
  sessionHash: string | null,
  nowMs: number,
): Promise<{ token: string; item: AccessTokenItem }> {
  return inTransaction(store, async (tx) => {
    await requireSession(tx, sessionHash);
    const has = await tx.selectFrom('access_token').where('person_id', '=', personId).where('expires_ms', '>=', Math.round(nowMs)).select('token_id').execute(); // prettier-ignore
    if (has.length >= TOKENS_MOST) throw new HubError('conflict', `a person has ${TOKENS_MOST} tokens at most`, { field: 'tokens-full' });
    const token = `fh_${newSecret()}`;
    const moments = { created_ms: Math.round(nowMs), expires_ms: Math.round(expiresMs) };
    const row = { token_hash: hash(token), token_id: tokenId, person_id: personId, name, permissions: JSON.stringify(permissions) };
    await tx
      .insertInto('access_token')
      .values({ ...row, ...moments })
      .execute();
    return { token, item: { tokenId, name, permissions, createdMs: moments.created_ms, expiresMs: moments.expires_ms, usedMs: null } };
  });
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

/** End one of a person's tokens, or (null) all. The ids of those that are over. */
export async function endTokens(store: Store, personId: string, tokenId: string | null): Promise<string[]> {
  let query = store.deleteFrom('access_token').where('person_id', '=', personId);
  if (tokenId !== null) query = query.where('token_id', '=', tokenId);
  const rows = await query.returning('token_id').execute();
  return rows.map(({ token_id: ended }) => ended);
}
