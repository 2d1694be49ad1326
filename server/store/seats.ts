import type { Store } from './database.ts';

/** The device that joined an angle last and has not stopped. */
export type Holder = { owner: string; device: string; joinedMs: number };

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
    .where('session.operation_id', '=', operationId)
    .where('session.joined_ms', 'is not', null)
    .select(['session.angle_id', 'session.session_hash', 'session.joined_ms', 'session.device'])
    .orderBy('session.joined_ms')
    .execute();
  return new Map(
    rows.flatMap(({ angle_id: angleId, session_hash: owner, joined_ms: joinedMs, device }) =>
      angleId === null || joinedMs === null ? [] : [[angleId, { owner, joinedMs, device: device ?? '' }] as const],
    ),
  );
}

/** A phone that has just joined needs a while until its pictures come. */
const STARTING_MS = 20_000;

/**
 * Whether a device must leave this angle to another one: it records, or is about to, for somebody else. `films`: who does, by the
 * media plane's word, which counts where it is known (a camera has no owner).
 */
export function heldByOther(
  angle: { status: string },
  holder: Pick<Holder, 'owner' | 'joinedMs'> | undefined,
  owner: string,
  nowMs: number,
  films?: { owner: string | null },
): boolean {
  if (angle.status === 'recording') return films ? films.owner !== owner : holder !== undefined && holder.owner !== owner;
  return holder !== undefined && holder.owner !== owner && nowMs - holder.joinedMs < STARTING_MS;
}
