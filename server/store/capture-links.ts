import { createHash } from 'node:crypto';
import { HubError } from '../../media/errors.ts';
import type { CaptureLinkItem } from '../protocol/capture.ts';
import type { Store } from './database.ts';
import { newSecret } from './sessions.ts';
import type { Who } from '../custody/lines.ts';

export type LinkWanted = {
  linkId: string;
  operationId: string;
  /** Null: the phone chooses one, or proposes a new one. */
  angleId: string | null;
  devices: 'one' | 'several';
  label: string | null;
  expiresMs: number;
};

/** How a device that came by a link is named in the custody log: the link's own name and label. */
export async function linkWho(store: Store, linkHash: string, address: string): Promise<Who> {
  const row = await store.selectFrom('capture_link').where('token_hash', '=', linkHash).select(['link_id', 'label']).executeTakeFirst();
  return { kind: 'link', id: row?.link_id ?? null, name: row?.label ?? null, address };
}

/** A capture link. Its token is told once and stored only as a hash. */
export async function createLink(store: Store, wanted: LinkWanted, nowMs: number): Promise<{ linkId: string; token: string }> {
  const token = newSecret();
  const { linkId } = wanted;
  await store
    .insertInto('capture_link')
    .values({
      token_hash: createHash('sha256').update(token).digest('hex'),
      link_id: linkId,
      operation_id: wanted.operationId,
      angle_id: wanted.angleId,
      devices: wanted.devices,
      label: wanted.label,
      created_ms: Math.round(nowMs),
      expires_ms: Math.round(wanted.expiresMs),
      revoked: 0,
    })
    .execute();
  return { linkId, token };
}

/** Every link of an operation, the newest first, with the devices that have opened it; `filming`: those of them that do now, by their `sessionHash`. */
export async function listLinks(
  store: Store,
  operationId: string,
  nowMs: number,
  filming: ReadonlySet<string>,
): Promise<CaptureLinkItem[]> {
  const links = await store
    .selectFrom('capture_link')
    .leftJoin('angle', (join) =>
      join.onRef('angle.operation_id', '=', 'capture_link.operation_id').onRef('angle.angle_id', '=', 'capture_link.angle_id'),
    )
    .where('capture_link.operation_id', '=', operationId)
    .selectAll('capture_link')
    .select('angle.name as angle_name')
    .orderBy('capture_link.created_ms', 'desc')
    .execute();
  const sessions = await store
    .selectFrom('session')
    .leftJoin('angle', (join) =>
      join.onRef('angle.operation_id', '=', 'session.operation_id').onRef('angle.angle_id', '=', 'session.angle_id'),
    )
    .where('session.operation_id', '=', operationId)
    .where('session.kind', '=', 'capture')
    .select(['session_hash', 'link_hash', 'device', 'address', 'created_ms', 'seen_ms', 'revoked', 'angle.name as angle_name'])
    .orderBy('created_ms')
    .execute();
  return links.map((link) => ({
    linkId: link.link_id,
    angleId: link.angle_id,
    angleName: link.angle_name,
    devices: link.devices,
    label: link.label,
    createdMs: link.created_ms,
    expiresMs: link.expires_ms,
    state: link.revoked ? 'revoked' : link.expires_ms < nowMs ? 'expired' : 'open',
    uses: sessions
      .filter((session) => session.link_hash === link.token_hash)
      .map((session) => ({
        deviceId: deviceIdOf(session.session_hash),
        device: session.device ?? '',
        address: session.address ?? '',
        openedMs: session.created_ms,
        seenMs: filming.has(session.session_hash) ? nowMs : (session.seen_ms ?? session.created_ms),
        angleName: session.angle_name,
        state: session.revoked ? 'revoked' : filming.has(session.session_hash) ? 'filming' : 'open',
      })),
  }));
}

/** Revoke one link, and with it the sessions it made; its hash. Throws `not_found`. */
export async function revokeLink(store: Store, operationId: string, linkId: string): Promise<string> {
  const link = await revoking(store, operationId).where('link_id', '=', linkId).returning('token_hash').executeTakeFirst();
  if (!link) throw new HubError('not_found', `operation ${operationId} has no link ${linkId}`, { field: 'linkId' });
  return link.token_hash;
}

/** Names a device to people and in addresses; gives nothing away. */
const deviceIdOf = (sessionHash: string): string => `dv-${sessionHash.slice(0, 16)}`;

/** Shut out one device of a link, for good; the others go on. Its `sessionHash`. Throws `not_found`. */
export async function revokeDevice(store: Store, operationId: string, linkId: string, deviceId: string): Promise<string> {
  const session = await store
    .updateTable('session')
    .set({ revoked: 1, joined_ms: null })
    .where('operation_id', '=', operationId)
    .where('kind', '=', 'capture')
    .where('session_hash', 'like', `${deviceId.slice(3)}%`)
    .where('link_hash', 'in', store.selectFrom('capture_link').where('link_id', '=', linkId).select('token_hash'))
    .returning('session_hash')
    .executeTakeFirst();
  if (!session) throw new HubError('not_found', `this link has no device ${deviceId}`, { field: 'deviceId' });
  return session.session_hash;
}

/** Whether a link can be opened, and nobody has: one that another link replaces is void then. */
export async function isUnused(store: Store, operationId: string, linkId: string): Promise<boolean> {
  const row = await unused(store, operationId, linkId).select('link_id').executeTakeFirst();
  return row !== undefined;
}

/** A link that another one replaces is void, unless somebody has opened it already: whether it is by this. */
export async function revokeUnused(store: Store, operationId: string, linkId: string): Promise<boolean> {
  const { numUpdatedRows } = await revoking(store, operationId)
    .where('link_id', 'in', unused(store, operationId, linkId).select('link_id'))
    .executeTakeFirstOrThrow();
  return numUpdatedRows > 0n;
}

const unused = (store: Store, operationId: string, linkId: string) =>
  store
    .selectFrom('capture_link')
    .where('operation_id', '=', operationId)
    .where('link_id', '=', linkId)
    .where('revoked', '=', 0)
    .where((eb) =>
      eb.not(eb.exists(eb.selectFrom('session').whereRef('session.link_hash', '=', 'capture_link.token_hash').select('session_hash'))),
    );

/** The links of an angle that are not revoked, the oldest first. */
export async function linksOfAngle(store: Store, operationId: string, angleId: string): Promise<string[]> {
  const rows = await store
    .selectFrom('capture_link')
    .where('operation_id', '=', operationId)
    .where('angle_id', '=', angleId)
    .where('revoked', '=', 0)
    .select('link_id')
    .orderBy('created_ms')
    .execute();
  return rows.map((row) => row.link_id);
}

/** Revoke these links, and with them the sessions they made; their hashes. */
export async function revokeLinks(store: Store, operationId: string, linkIds: string[]): Promise<string[]> {
  if (linkIds.length === 0) return [];
  const rows = await revoking(store, operationId).where('link_id', 'in', linkIds).returning('token_hash').execute();
  return rows.map((row) => row.token_hash);
}

/** Revoke all of an angle's; the hashes of all it had, those revoked before among them. */
export async function revokeLinksOfAngle(store: Store, operationId: string, angleId: string): Promise<string[]> {
  const rows = await revoking(store, operationId).where('angle_id', '=', angleId).returning('token_hash').execute();
  return rows.map((row) => row.token_hash);
}

/** Which of them are revoked is still to be said. */
const revoking = (store: Store, operationId: string) =>
  store.updateTable('capture_link').set({ revoked: 1 }).where('operation_id', '=', operationId);
