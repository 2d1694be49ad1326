import { randomBytes } from 'node:crypto';
import { HubError } from '../../media/errors.ts';
import type { OperationType } from '../protocol/cases.ts';
import type { OperationShot, OperationShots, ShotItem, ShotTick } from '../protocol/shots.ts';
import { mergeShots } from '../shots/merge.ts';
import type { Store } from './database.ts';
import { currentList } from './shot-lists.ts';

/**
 * The operation's own copy of the list of its type in the edition of now: to be called when the operation gets its type, when
 * that changes, and when it begins. What is ticked is kept; called again, nothing changes. Consoles and phones are told by
 * `tellShots`, after it.
 */
export async function shotsForType(store: Store, operationId: string, type: OperationType | null): Promise<void> {
  if (!store.isTransaction) return store.transaction().execute((tx) => shotsForType(tx, operationId, type));
  const list = type === null ? null : await currentList(store, type);
  const rows = await ofOperation(store, operationId).select(['shot_id', 'zh', 'mark_id']).orderBy('position').execute();
  const present = rows.map(({ shot_id: shotId, zh, mark_id: markId }) => ({ shotId, zh, ticked: markId !== null }));
  const { keep, add, drop } = mergeShots(present, list?.items ?? []);
  const english = new Map(list?.items.map(({ zh, en }) => [zh, en]));
  const words = new Map(rows.map(({ shot_id: shotId, zh }) => [shotId, zh]));
  if (drop.length > 0)
    await store.deleteFrom('operation_shot').where('operation_id', '=', operationId).where('shot_id', 'in', drop).execute();
  for (const { shotId, position, ticked } of keep) {
    const en = english.get(words.get(shotId) ?? '');
    // what was ticked stays as it was read then
    const change = ticked || !list || en === undefined ? { position } : { position, en, edition: list.edition };
    await store.updateTable('operation_shot').set(change).where('operation_id', '=', operationId).where('shot_id', '=', shotId).execute();
  }
  for (const { item, position } of add)
    await store
      .insertInto('operation_shot')
      .values({ operation_id: operationId, shot_id: newShotId(), position, ...item, edition: list?.edition ?? 1, unticks: 0 })
      .execute();
}

const newShotId = (): string => `sh-${randomBytes(8).toString('hex')}`;
const ofOperation = (store: Store, operationId: string) => store.selectFrom('operation_shot').where('operation_id', '=', operationId);

/** An operation's shots in their order, as they are at `readMs`, which is now. */
export async function operationShots(store: Store, operationId: string, readMs: number): Promise<OperationShots> {
  const facts = await store.selectFrom('operation_facts').where('operation_id', '=', operationId).select('type').executeTakeFirst();
  const rows = await ofOperation(store, operationId).selectAll().orderBy('position').execute();
  const shots = rows.map((row): OperationShot => ({
    shotId: row.shot_id,
    zh: row.zh,
    en: row.en,
    edition: row.edition,
    tick: row.mark_id === null ? null : { markId: row.mark_id, angleId: row.angle_id ?? '', atMs: row.at_ms ?? 0, by: row.person_name },
  }));
  return { type: facts?.type ?? null, shots, readMs };
}

/** What of its list nobody has ticked, in its order. */
export function untickedShots(store: Store, operationId: string): Promise<ShotItem[]> {
  return ofOperation(store, operationId).where('mark_id', 'is', null).select(['zh', 'en']).orderBy('position').execute();
}

/** `nextMarkId`: of the mark that ticks it, the same for whoever does until it has been unticked. Throws `not_found`. */
export async function shotRow(
  store: Store,
  operationId: string,
  shotId: string,
): Promise<{ zh: string; ticked: boolean; nextMarkId: string }> {
  const row = await ofOperation(store, operationId).where('shot_id', '=', shotId).selectAll().executeTakeFirst();
  if (!row) throw new HubError('not_found', 'the operation has no such item on its list', { field: 'shotId' });
  return { zh: row.zh, ticked: row.mark_id !== null, nextMarkId: `${shotId}-${row.unticks}` };
}

/** It is filmed there. The first tick counts. */
export async function saveTick(store: Store, operationId: string, shotId: string, tick: ShotTick): Promise<void> {
  const { markId, angleId, atMs, by } = tick;
  await store
    .updateTable('operation_shot')
    .set({ mark_id: markId, angle_id: angleId, at_ms: Math.round(atMs), person_name: by })
    .where('operation_id', '=', operationId)
    .where('shot_id', '=', shotId)
    .where('mark_id', 'is', null)
    .execute();
}

/** It is not filmed after all. */
export async function removeTick(store: Store, operationId: string, shotId: string): Promise<void> {
  await unticking(store, operationId).where('shot_id', '=', shotId).execute();
}

/** What was to be filmed from an angle that is no more. */
export async function removeTicksOf(store: Store, { operationId, angleId }: { operationId: string; angleId: string }): Promise<void> {
  await unticking(store, operationId).where('angle_id', '=', angleId).execute();
}

const unticking = (store: Store, operationId: string) =>
  store
    .updateTable('operation_shot')
    .set((eb) => ({ mark_id: null, angle_id: null, at_ms: null, person_name: null, unticks: eb('unticks', '+', 1) }))
    .where('operation_id', '=', operationId)
    .where('mark_id', 'is not', null);

/** Who films an angle, as it was planned or as its link says; null where neither does. */
export async function officerOf(store: Store, operationId: string, angleId: string, linkHash: string): Promise<string | null> {
  const planned = await store
    .selectFrom('planned_angle')
    .where('operation_id', '=', operationId)
    .where('angle_id', '=', angleId)
    .select('officer')
    .executeTakeFirst();
  if (planned?.officer) return planned.officer;
  const link = await store.selectFrom('capture_link').where('token_hash', '=', linkHash).select('label').executeTakeFirst();
  return link?.label ?? null;
}
