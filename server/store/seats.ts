import type { Store } from './database.ts';
import type { CaptureGrant } from './sessions.ts';

/** The device that joined an angle last and has not stopped. */
export type Holder = { owner: string; sessionHash: string; joinedMs: number };

/** A phone whose link is for the whole operation films this angle from now on. */
export async function chooseAngle(store: Store, sessionHash: string, angleId: string): Promise<void> {
  await store.updateTable('session').set({ angle_id: angleId, joined_ms: null }).where('session_hash', '=', sessionHash).execute();
}

/** In words what kind of device this is; empty where it has not said. */
export async function deviceOfSession(store: Store, sessionHash: string): Promise<string> {
  const row = await store.selectFrom('session').where('session_hash', '=', sessionHash).select('device').executeTakeFirst();
  return row?.device ?? '';
}

export async function noteSeen(store: Store, sessionHash: string, nowMs: number): Promise<void> {
  await store
    .updateTable('session')
    .set({ seen_ms: Math.round(nowMs) })
    .where('session_hash', '=', sessionHash)
    .execute();
}

/** It films, or tries to; null: it has stopped. */
export async function noteJoined(store: Store, sessionHash: string, joinedMs: number | null): Promise<void> {
  await store
    .updateTable('session')
    .set({ joined_ms: joinedMs === null ? null : Math.round(joinedMs), ...(joinedMs === null ? {} : { seen_ms: Math.round(joinedMs) }) })
    .where('session_hash', '=', sessionHash)
    .execute();
}

/** Who holds each angle of an operation: known over a restart of the hub, too. */
export async function angleHolders(store: Store, operationId: string): Promise<Map<string, Holder>> {
  const rows = await store
    .selectFrom('session')
    .innerJoin('capture_link', 'capture_link.token_hash', 'session.link_hash')
    .where('session.operation_id', '=', operationId)
    .where('session.joined_ms', 'is not', null)
    .select([
      'session.angle_id',
      'session.session_hash',
      'session.joined_ms',
      'capture_link.token_hash',
      'capture_link.angle_id as link_angle_id',
    ])
    .orderBy('session.joined_ms')
    .execute();
  return new Map(
    rows.flatMap(({ angle_id: angleId, session_hash: sessionHash, joined_ms: joinedMs, token_hash, link_angle_id }) =>
      angleId === null || joinedMs === null
        ? []
        : [[angleId, { owner: link_angle_id === null ? sessionHash : token_hash, sessionHash, joinedMs }] as const],
    ),
  );
}

/** A phone that has just joined needs a while until its pictures come. */
const STARTING_MS = 20_000;

/** Whether a device must leave this angle to another one: it records, or is about to, for somebody else. */
export function heldByOther(
  angle: { status: string },
  holder: Holder | undefined,
  { owner, wide }: Pick<CaptureGrant, 'owner' | 'wide'>,
  nowMs: number,
): boolean {
  if (holder?.owner === owner) return false;
  // a camera has no holder: a link of this angle alone may replace it, one of the whole operation may not
  if (angle.status === 'recording') return holder !== undefined || wide;
  return holder !== undefined && nowMs - holder.joinedMs < STARTING_MS;
}
