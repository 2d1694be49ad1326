import { Mark } from '../../media/protocol/marks.ts';
import type { Store } from './database.ts';

/** Enter a mark, or what has become of it: what is older than what is known changes nothing. */
export async function saveMark(store: Store, operationId: string, mark: Mark): Promise<void> {
  const { markId, version } = mark;
  const standing = mark.kind === 'blocked' && mark.acknowledged === null ? 1 : 0;
  const state = { at_ms: Math.round(mark.atMs), standing, version, data: JSON.stringify(mark) };
  await store
    .insertInto('mark')
    .values({ operation_id: operationId, mark_id: markId, ...state })
    .onConflict((oc) => oc.columns(['operation_id', 'mark_id']).doUpdateSet(state).where('mark.version', '<', version))
    .execute();
}

export async function marksOf(store: Store, operationId: string): Promise<Mark[]> {
  const rows = await store.selectFrom('mark').where('operation_id', '=', operationId).select('data').orderBy('at_ms').execute();
  return rows.map(({ data }) => Mark.parse(JSON.parse(data)));
}

/** How many calls for help stand unanswered, by operation; those without any are not in it. */
export async function standingCalls(store: Store): Promise<Map<string, number>> {
  const rows = await store
    .selectFrom('mark')
    .where('standing', '=', 1)
    .select((eb) => ['operation_id', eb.fn.countAll<number>().as('count')])
    .groupBy('operation_id')
    .execute();
  return new Map(rows.map((row) => [row.operation_id, row.count]));
}
