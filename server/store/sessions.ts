import { createHash, randomBytes } from 'node:crypto';
import { HubError } from '../../media/errors.ts';
import type { Store } from './database.ts';

/** Secrets given out are 256 random bits; only their hash is kept, so that the store gives none away. */
export const newSecret = (): string => randomBytes(32).toString('base64url');
export const hash = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/**
 * What a phone may do: film this angle, or (null) first choose one. `sessionHash` is the device, and the owner of what it films:
 * another one with the same link takes that over only when a commander agrees.
 */
export type CaptureGrant = {
  operationId: string;
  angleId: string | null;
  linkHash: string;
  sessionHash: string;
  wide: boolean;
};

type LinkRow = {
  token_hash: string;
  operation_id: string;
  angle_id: string | null;
  devices: 'one' | 'several';
  bound_session: string | null;
  expires_ms: number;
};

const grantOf = (link: Pick<LinkRow, 'token_hash' | 'operation_id' | 'angle_id'>, sessionHash: string, angleId: string | null) => ({
  operationId: link.operation_id,
  angleId: angleId ?? link.angle_id,
  linkHash: link.token_hash,
  sessionHash,
  wide: link.angle_id === null,
});

/** Throws `gone` when the link, or this device of it, was revoked: what was made with it is void from then on. */
export async function requireGrant(store: Store, { linkHash, sessionHash }: Pick<CaptureGrant, 'linkHash' | 'sessionHash'>): Promise<void> {
  const link = await store.selectFrom('capture_link').where('token_hash', '=', linkHash).select('revoked').executeTakeFirst();
  if (!link || link.revoked) throw new HubError('gone', 'this capture link was revoked', { field: 'revoked' });
  const session = await store.selectFrom('session').where('session_hash', '=', sessionHash).select('revoked').executeTakeFirst();
  if (session?.revoked) throw deviceRevoked();
}

/**
 * Exchange a link's token for a session. A device that comes again, which `present` (its cookie) shows, keeps the session it
 * has; `fresh`: it is another one, of which `opening` was told first, which may throw. Throws `unauthorized` for an unknown token,
 * `gone` for one that expired or was revoked, `conflict` for one that is another device's.
 */
export async function exchangeToken(
  store: Store,
  token: string,
  who: { present: string | undefined; device: string; address: string },
  nowMs: number,
  opening: (linkHash: string) => void = () => undefined,
): Promise<{ session: string; grant: CaptureGrant; fresh: boolean }> {
  const link = await store.selectFrom('capture_link').where('token_hash', '=', hash(token)).selectAll().executeTakeFirst();
  if (!link) throw new HubError('unauthorized', 'this capture link is not known', { field: 'token' });
  if (link.revoked) throw new HubError('gone', 'this capture link was revoked', { field: 'revoked' });
  if (who.present !== undefined) {
    const known = await captureRow(store, who.present);
    if (known?.link_hash === link.token_hash && known.revoked) throw deviceRevoked();
    if (known?.link_hash === link.token_hash)
      return { session: who.present, grant: grantOf(link, known.session_hash, known.angle_id), fresh: false };
  }
  if (link.expires_ms < nowMs) throw new HubError('gone', 'this capture link has expired', { field: 'expired' });
  opening(link.token_hash);
  const session = newSecret();
  const sessionHash = hash(session);
  if (link.devices === 'one') await bind(store, link.token_hash, sessionHash);
  await store
    .insertInto('session')
    .values({
      session_hash: sessionHash,
      kind: 'capture',
      operation_id: link.operation_id,
      angle_id: link.angle_id,
      link_hash: link.token_hash,
      created_ms: Math.round(nowMs),
      device: who.device,
      address: who.address,
      seen_ms: Math.round(nowMs),
    })
    .execute();
  return { session, grant: grantOf(link, sessionHash, link.angle_id), fresh: true };
}

/** The link of a token that comes with every request of an encoder (RFC 6750). Throws `unauthorized`. */
export async function publishLink(store: Store, token: string): Promise<LinkRow> {
  const link = await store.selectFrom('capture_link').where('token_hash', '=', hash(token)).selectAll().executeTakeFirst();
  if (!link) throw new HubError('unauthorized', 'this token is not known', { field: 'token' });
  if (link.revoked) throw new HubError('unauthorized', 'this capture link was revoked', { field: 'revoked' });
  return link;
}

/**
 * What an encoder with this link may do on this angle, which is one of the link's. Used in time, the link stays good until the
 * operation ends, as it does for a phone; on each angle it is one device, `fresh` when it comes for the first time. Throws `unauthorized` for a link that is too old,
 * `conflict` for one that is another device's.
 */
export async function publishGrant(
  store: Store,
  link: LinkRow,
  who: { angleId: string; device: string; address: string },
  nowMs: number,
): Promise<{ grant: CaptureGrant; fresh: boolean }> {
  const { angleId, device, address } = who;
  const { token_hash: linkHash, operation_id: operationId } = link;
  const sessionHash = hash(`whip ${linkHash} ${angleId}`);
  const seen_ms = Math.round(nowMs);
  const known = await store
    .updateTable('session')
    .set({ seen_ms })
    .where('session_hash', '=', sessionHash)
    .returning('revoked')
    .executeTakeFirst();
  if (known?.revoked) throw new HubError('unauthorized', 'this device was shut out', { field: 'device-revoked' });
  if (!known) {
    if (link.expires_ms < nowMs) throw new HubError('unauthorized', 'this capture link has expired', { field: 'expired' });
    if (link.devices === 'one' && link.bound_session !== sessionHash) await bind(store, linkHash, sessionHash);
    const row = { operation_id: operationId, angle_id: angleId, link_hash: linkHash, created_ms: seen_ms, device, address, seen_ms };
    const { numInsertedOrUpdatedRows } = await store
      .insertInto('session')
      .values({ session_hash: sessionHash, kind: 'capture', ...row })
      .onConflict((oc) => oc.column('session_hash').doNothing())
      .executeTakeFirstOrThrow();
    return { grant: grantOf(link, sessionHash, angleId), fresh: numInsertedOrUpdatedRows === 1n };
  }
  return { grant: grantOf(link, sessionHash, angleId), fresh: false };
}

const deviceRevoked = (): HubError => new HubError('gone', 'this device was shut out', { field: 'device-revoked' });

/** The devices whose links are revoked, or who are shut out themselves, in all operations that go on (`sessionHash` of their grants). */
export async function revokedOwners(store: Store): Promise<string[]> {
  const rows = await store
    .selectFrom('capture_link')
    .innerJoin('operation', 'operation.operation_id', 'capture_link.operation_id')
    .leftJoin('session', 'session.link_hash', 'capture_link.token_hash')
    .where('operation.status', '=', 'live')
    .where((eb) => eb.or([eb('capture_link.revoked', '=', 1), eb('session.revoked', '=', 1)]))
    .select('session_hash')
    .execute();
  return rows.flatMap((row) => (row.session_hash === null ? [] : [row.session_hash]));
}

/** One statement decides between two devices that come at once. Throws `conflict`. */
async function bind(store: Store, linkHash: string, sessionHash: string): Promise<void> {
  const { numUpdatedRows } = await store
    .updateTable('capture_link')
    .set({ bound_session: sessionHash })
    .where('token_hash', '=', linkHash)
    .where('bound_session', 'is', null)
    .executeTakeFirstOrThrow();
  if (numUpdatedRows === 0n)
    throw new HubError('conflict', 'this capture link is for one device, and another one has opened it', { field: 'device' });
}

const captureRow = (store: Store, session: string) =>
  store.selectFrom('session').where('session_hash', '=', hash(session)).where('kind', '=', 'capture').selectAll().executeTakeFirst();

/**
 * The session behind a capture cookie. It lives until its operation ends, beyond the link's own expiry: then the journal is
 * closed, and takes nothing that a phone has kept. Throws `unauthorized`; `gone` when it was revoked (`revoked`,
 * `device-revoked`) or the operation has ended (`operationId`).
 */
export async function captureGrant(store: Store, session: string | undefined): Promise<CaptureGrant> {
  const row = session === undefined ? undefined : await captureRow(store, session);
  const link = row?.link_hash
    ? await store.selectFrom('capture_link').where('token_hash', '=', row.link_hash).selectAll().executeTakeFirst()
    : undefined;
  if (!row || !link) throw new HubError('unauthorized', 'open the capture link again');
  if (link.revoked) throw new HubError('gone', 'this capture link was revoked', { field: 'revoked' });
  if (row.revoked) throw deviceRevoked();
  const operation = await store.selectFrom('operation').where('operation_id', '=', link.operation_id).select('status').executeTakeFirst();
  if (operation?.status === 'ended') throw new HubError('gone', 'the operation has ended', { field: 'operationId' });
  return grantOf(link, row.session_hash, row.angle_id);
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
