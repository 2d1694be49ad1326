import { TYPE_WORDS } from '../protocol/cases.ts';
import type { Store } from './database.ts';
import { removeText, saveText, withoutText } from './operation-text.ts';

const STEP = 200;

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

/** Those of a case whose own words have changed. */
export async function indexOperationsOf(store: Store, caseId: string): Promise<void> {
  const ids = await store.selectFrom('operation_facts').where('case_id', '=', caseId).select('operation_id').execute();
  for (const { operation_id: id } of ids) await indexOperation(store, id);
}

/** A squad may have thousands: they are found by nothing until `indexMissing` has been there, which goes on after a crash. */
export async function forgetSquadsText(store: Store, squadId: string): Promise<void> {
  const rows = await store
    .selectFrom('operation_facts as f')
    .innerJoin('operation_squad as o', 'o.operation_id', 'f.operation_id')
    .where('o.squad_id', '=', squadId)
    .select('f.number')
    .execute();
  for (const { number } of rows) await removeText(store, number);
}

/** Index what is not, in steps that let others in between: after a squad's new name, and of a hub that knew no full text. */
export async function indexMissing(store: Store): Promise<void> {
  const missing = await withoutText(store);
  for (let at = 0; at < missing.length; at += STEP)
    await store.transaction().execute(async (tx) => {
      for (const id of missing.slice(at, at + STEP)) await indexOperation(tx, id);
    });
}
