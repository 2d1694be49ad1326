import { HubError } from '../../media/errors.ts';
import { OPERATION_TYPES, type OperationType } from '../protocol/cases.ts';
import { ShotItem, type ShotList, type ShotListChange } from '../protocol/shots.ts';
import type { Store } from './database.ts';

type Row = { type: OperationType; edition: number; items: string; at_ms: number; person_name: string | null };
const COLUMNS = ['type', 'edition', 'items', 'at_ms', 'person_name'] as const;
const listOf = ({ type, edition, items, at_ms: atMs, person_name: by }: Row): ShotList => ({
  type,
  edition,
  items: ShotItem.array().parse(JSON.parse(items)),
  atMs,
  by,
});

/** Put in the first edition of every type that has none. */
export async function putFirstEditions(store: Store, lists: Record<OperationType, ShotItem[]>, nowMs: number): Promise<void> {
  const rows = OPERATION_TYPES.map((type) => ({ type, edition: 1, items: JSON.stringify(lists[type]), at_ms: Math.round(nowMs) }));
  await store
    .insertInto('shot_list')
    .values(rows)
    .onConflict((oc) => oc.columns(['type', 'edition']).doNothing())
    .execute();
}

/** All editions of a type, the newest first. */
export async function editionsOf(store: Store, type: OperationType): Promise<ShotList[]> {
  const rows = await store.selectFrom('shot_list').where('type', '=', type).select(COLUMNS).orderBy('edition', 'desc').execute();
  return rows.map(listOf);
}

/** The edition that applies now; null where there is none. */
export async function currentList(store: Store, type: OperationType): Promise<ShotList | null> {
  const query = store.selectFrom('shot_list').where('type', '=', type).select(COLUMNS).orderBy('edition', 'desc').limit(1);
  const row = await query.executeTakeFirst();
  return row ? listOf(row) : null;
}

/** Of every type the edition that applies now, in the order of the rules. */
export async function currentLists(store: Store): Promise<ShotList[]> {
  const lists = await Promise.all(OPERATION_TYPES.map((type) => currentList(store, type)));
  return lists.filter((list) => list !== null);
}

/** A new edition. Throws `conflict` (`edition`) when another was made since the one it comes from. */
export async function saveEdition(
  store: Store,
  type: OperationType,
  change: ShotListChange,
  who: { personId: string; name: string },
  nowMs: number,
): Promise<ShotList> {
  return store.transaction().execute(async (tx) => {
    const edition = (await currentList(tx, type))?.edition ?? 0;
    if (edition !== change.edition)
      throw new HubError('conflict', `the list has been changed meanwhile: it is at edition ${edition}`, { field: 'edition' });
    const row = { type, edition: edition + 1, items: JSON.stringify(change.items), at_ms: Math.round(nowMs), person_name: who.name };
    await tx
      .insertInto('shot_list')
      .values({ ...row, person_id: who.personId })
      .execute();
    return listOf(row);
  });
}
