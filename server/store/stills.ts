import { Still } from '../../media/protocol/stills.ts';
import type { Store } from './database.ts';

export async function saveStill(store: Store, operationId: string, still: Still): Promise<void> {
  const row = { operation_id: operationId, still_id: still.stillId, at_ms: Math.round(still.atMs), data: JSON.stringify(still) };
  await store
    .insertInto('still')
    .values(row)
    .onConflict((oc) => oc.columns(['operation_id', 'still_id']).doNothing())
    .execute();
}

export async function stillsOf(store: Store, operationId: string): Promise<Still[]> {
  const rows = await store.selectFrom('still').where('operation_id', '=', operationId).select('data').orderBy('at_ms').execute();
  return rows.map(({ data }) => Still.parse(JSON.parse(data)));
}

export async function stillRow(store: Store, operationId: string, stillId: string): Promise<Still | null> {
  const row = await store
    .selectFrom('still')
    .where('operation_id', '=', operationId)
    .where('still_id', '=', stillId)
    .select('data')
    .executeTakeFirst();
  return row ? Still.parse(JSON.parse(row.data)) : null;
}
