import { TYPE_WORDS } from '../protocol/cases.ts';
import type { Store } from './database.ts';
import { saveText, withoutText } from './operation-text.ts';

/** Enter all words of an operation that it may be found by, as they are now. Part of every change of one of them. */
export async function indexOperation(store: Store, operationId: string): Promise<void> {
  const facts = await store
    .selectFrom('operation_facts as f')
    .leftJoin('enforcement_case as c', 'c.case_id', 'f.case_id')
    .where('f.operation_id', '=', operationId)
    .select(['f.number', 'f.name', 'f.place', 'f.type', 'c.number as caseNumber', 'c.cause', 'c.parties'])
    .executeTakeFirst();
  if (!facts) return;
  const officers = await store.selectFrom('operation_officer').where('operation_id', '=', operationId).select('name').execute();
  const squads = await store
    .selectFrom('operation_squad as o')
    .innerJoin('squad as s', 's.squad_id', 'o.squad_id')
    .where('o.operation_id', '=', operationId)
    .select('s.name')
    .execute();
  const angles = await store.selectFrom('angle').where('operation_id', '=', operationId).select('name').execute();
  const type = facts.type === null ? [] : Object.values(TYPE_WORDS[facts.type]);
  const parties = facts.parties === null ? [] : (JSON.parse(facts.parties) as string[]);
  const own = [facts.name, facts.place, facts.caseNumber, facts.cause].filter((each) => each !== null);
  await saveText(store, facts.number, [...own, ...parties, ...[...officers, ...squads, ...angles].map(({ name }) => name), ...type]);
}

/** Those of a case or a squad whose own words have changed. */
export async function indexOperationsOf(store: Store, of: { caseId: string } | { squadId: string }): Promise<void> {
  const ids =
    'caseId' in of
      ? await store.selectFrom('operation_facts').where('case_id', '=', of.caseId).select('operation_id').execute()
      : await store.selectFrom('operation_squad').where('squad_id', '=', of.squadId).select('operation_id').execute();
  for (const { operation_id: id } of ids) await indexOperation(store, id);
}

/** At start: operations of a hub that knew no full text. */
export async function indexMissing(store: Store): Promise<void> {
  const missing = await withoutText(store);
  if (missing.length === 0) return;
  await store.transaction().execute(async (tx) => {
    for (const id of missing) await indexOperation(tx, id);
  });
}
