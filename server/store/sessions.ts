import { createHash, randomBytes } from 'node:crypto';
import { HubError } from '../../media/errors.ts';
import type { Store } from './database.ts';

/** Secrets given out are 256 random bits; only their hash is kept, so that the store gives none away. */
export const newSecret = (): string => randomBytes(32).toString('base64url');
const hash = (secret: string): string => createHash('sha256').update(secret).digest('hex');

export type CaptureGrant = { operationId: string; angleId: string; linkHash: string; sessionHash: string };

/** A capture link's token for one angle. */
export async function createLink(store: Store, operationId: string, angleId: string, nowMs: number, expiresMs: number): Promise<string> {
  const token = newSecret();
  await store
    .insertInto('capture_link')
    .values({
      token_hash: hash(token),
      operation_id: operationId,
      angle_id: angleId,
      created_ms: Math.round(nowMs),
      expires_ms: Math.round(expiresMs),
      revoked: 0,
    })
    .execute();
  return token;
}

/** Revoke every link of an angle, and with them the sessions they made. */
export async function revokeLinks(store: Store, operationId: string, angleId: string): Promise<void> {
  await store
    .updateTable('capture_link')
    .set({ revoked: 1 })
    .where('operation_id', '=', operationId)
    .where('angle_id', '=', angleId)
    .execute();
}

/** Throws `gone` when the link was revoked: what was made with it is void from then on. */
export async function requireLink(store: Store, linkHash: string): Promise<void> {
  const link = await store.selectFrom('capture_link').where('token_hash', '=', linkHash).select('revoked').executeTakeFirst();
  if (!link || link.revoked) throw new HubError('gone', 'this capture link was revoked', { field: 'revoked' });
}

/** Exchange a link's token for a session. Throws `unauthorized` for an unknown one, `gone` for one that expired or was revoked. */
export async function exchangeToken(store: Store, token: string, nowMs: number): Promise<{ session: string; grant: CaptureGrant }> {
  const link = await store.selectFrom('capture_link').where('token_hash', '=', hash(token)).selectAll().executeTakeFirst();
  if (!link) throw new HubError('unauthorized', 'this capture link is not known', { field: 'token' });
  if (link.revoked) throw new HubError('gone', 'this capture link was revoked', { field: 'revoked' });
  if (link.expires_ms < nowMs) throw new HubError('gone', 'this capture link has expired', { field: 'expired' });
  const session = newSecret();
  const row = {
    session_hash: hash(session),
    kind: 'capture' as const,
    operation_id: link.operation_id,
    angle_id: link.angle_id,
    link_hash: link.token_hash,
    created_ms: Math.round(nowMs),
  };
  await store.insertInto('session').values(row).execute();
  return {
    session,
    grant: { operationId: link.operation_id, angleId: link.angle_id, linkHash: link.token_hash, sessionHash: row.session_hash },
  };
}

/**
 * What an encoder may do that presents its link's token with every request (RFC 6750). Used in time, the token stays good
 * until the operation ends, as a phone's session does. Throws `unauthorized` for one that is unknown, revoked or too old.
 */
export async function publishGrant(store: Store, token: string, nowMs: number): Promise<CaptureGrant> {
  const link = await store.selectFrom('capture_link').where('token_hash', '=', hash(token)).selectAll().executeTakeFirst();
  if (!link) throw new HubError('unauthorized', 'this token is not known', { field: 'token' });
  if (link.revoked) throw new HubError('unauthorized', 'this capture link was revoked', { field: 'revoked' });
  const { token_hash: linkHash, operation_id: operationId, angle_id: angleId } = link;
  const used = await store.selectFrom('session').where('session_hash', '=', linkHash).select('session_hash').executeTakeFirst();
  if (!used) {
    if (link.expires_ms < nowMs) throw new HubError('unauthorized', 'this capture link has expired', { field: 'expired' });
    const row = { operation_id: operationId, angle_id: angleId, link_hash: linkHash, created_ms: Math.round(nowMs) };
    await store
      .insertInto('session')
      .values({ session_hash: linkHash, kind: 'capture', ...row })
      .onConflict((oc) => oc.column('session_hash').doNothing())
      .execute();
  }
  return { operationId, angleId, linkHash, sessionHash: linkHash };
}

/** The hashes of the revoked links of all operations that go on: by these devices were there. */
export async function revokedLinks(store: Store): Promise<string[]> {
  const rows = await store
    .selectFrom('capture_link')
    .innerJoin('operation', 'operation.operation_id', 'capture_link.operation_id')
    .where('operation.status', '=', 'live')
    .where('revoked', '=', 1)
    .select('token_hash')
    .execute();
  return rows.map((row) => row.token_hash);
}

/** The session behind a capture cookie. It lives until its operation ends, beyond the link's own expiry. Throws `unauthorized` or `gone`. */
export async function captureGrant(store: Store, session: string | undefined): Promise<CaptureGrant> {
  const row =
    session === undefined
      ? undefined
      : await store
          .selectFrom('session')
          .where('session_hash', '=', hash(session))
          .where('kind', '=', 'capture')
          .selectAll()
          .executeTakeFirst();
  if (!row?.operation_id || !row.angle_id || !row.link_hash) throw new HubError('unauthorized', 'open the capture link again');
  await requireLink(store, row.link_hash);
  return { operationId: row.operation_id, angleId: row.angle_id, linkHash: row.link_hash, sessionHash: row.session_hash };
}

export async function createConsoleSession(store: Store, nowMs: number): Promise<string> {
  const session = newSecret();
  await store
    .insertInto('session')
    .values({ session_hash: hash(session), kind: 'console', created_ms: Math.round(nowMs) })
    .execute();
  return session;
}

export async function isConsoleSession(store: Store, session: string | undefined, nowMs: number, maxAgeMs: number): Promise<boolean> {
  if (session === undefined) return false;
  const row = await store
    .selectFrom('session')
    .where('session_hash', '=', hash(session))
    .where('kind', '=', 'console')
    .select('created_ms')
    .executeTakeFirst();
  return row !== undefined && nowMs - row.created_ms < maxAgeMs;
}

/** A secret of the hub's own that outlives restarts, made on first use. */
export async function hubSecret(store: Store, name: string): Promise<string> {
  await store
    .insertInto('secret')
    .values({ name, value: newSecret() })
    .onConflict((oc) => oc.column('name').doNothing())
    .execute();
  return (await store.selectFrom('secret').where('name', '=', name).select('value').executeTakeFirstOrThrow()).value;
}

/** The number of the last event of the media plane that was applied. */
export async function readCursor(store: Store): Promise<{ bootId: string; seq: number } | null> {
  const row = await store.selectFrom('media_cursor').selectAll().executeTakeFirst();
  return row ? { bootId: row.boot_id, seq: row.seq } : null;
}

export async function saveCursor(store: Store, bootId: string, seq: number): Promise<void> {
  await store
    .insertInto('media_cursor')
    .values({ one: 1, boot_id: bootId, seq })
    .onConflict((oc) => oc.column('one').doUpdateSet({ boot_id: bootId, seq }))
    .execute();
}
