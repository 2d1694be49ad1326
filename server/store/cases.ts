import { type RawBuilder, sql } from 'kysely';
import type { z } from 'zod';
import { HubError } from '../../media/errors.ts';
import { stricter } from '../operations/stages.ts';
import type { Reach } from '../permission/reach.ts';
import type { CaseChange, CaseCreate, CaseQuery, EnforcementCase } from '../protocol/cases.ts';
import { inTransaction, type Store } from './database.ts';
import { indexOperationsOf } from './operation-index.ts';

/** The brigade's own cases (of no squad) are everybody's to see. Of sensitive and secret ones, what Reach says. */
function within({ squads, secrets, personId }: Reach): RawBuilder<unknown> {
  const list = (ids: string[]): RawBuilder<unknown> => sql`(${ids.length === 0 ? sql`NULL` : sql.join(ids)})`;
  const mine = squads === 'all' ? sql`1` : sql`(c.squad_id IS NULL OR c.squad_id IN ${list(squads)})`;
  if (secrets === 'all') return mine;
  return sql`${mine} AND (c.confidentiality IN ('open', 'internal') OR c.squad_id IN ${list(secrets)} OR c.created_by = ${personId})`;
}

/** A case, whoever reads it. */
export type KnownCase = Omit<EnforcementCase, 'edit'>;

/** Newest first; each word of the search stands in number, cause or parties. */
export async function listCases(
  store: Store,
  reach: Reach,
  query: z.infer<typeof CaseQuery>,
): Promise<{ cases: KnownCase[]; total: number }> {
  const { q, stage, page, size } = query;
  const words = q.split(/\s+/).filter(Boolean);
  const like = (word: string): string => `%${word.replace(/[\\%_]/g, (char) => `\\${char}`)}%`;
  const where = sql.join(
    [
      within(reach),
      ...(stage === undefined ? [] : [sql`c.stage = ${stage}`]),
      ...words.map((word) => sql`(c.number || char(10) || c.cause || char(10) || c.parties) LIKE ${like(word)} ESCAPE '\\'`),
    ],
    sql` AND `,
  );
  const { rows: counted } = await sql<{ total: number }>`SELECT count(*) AS total FROM enforcement_case AS c WHERE ${where}`.execute(store);
  const { rows } = await sql<{ case_id: string }>`
    SELECT c.case_id FROM enforcement_case AS c WHERE ${where} ORDER BY c.created_ms DESC, c.case_id LIMIT ${size} OFFSET ${(page - 1) * size}`.execute(
    store,
  );
  const cases: KnownCase[] = [];
  for (const { case_id: caseId } of rows) cases.push(await readCase(store, reach, caseId));
  return { cases, total: counted[0]?.total ?? 0 };
}

/** Throws `not_found`, also of what is not in reach. */
export async function readCase(store: Store, reach: Reach, caseId: string): Promise<KnownCase> {
  const row = await store
    .selectFrom('enforcement_case as c')
    .leftJoin('squad as s', 's.squad_id', 'c.squad_id')
    .where('c.case_id', '=', caseId)
    .where(sql<boolean>`${within(reach)}`)
    .selectAll('c')
    .select('s.name as squad')
    .select((eb) =>
      eb
        .selectFrom('operation_facts as f')
        .whereRef('f.case_id', '=', 'c.case_id')
        .select((of) => of.fn.countAll<number>().as('count'))
        .as('operations'),
    )
    .executeTakeFirst();
  if (!row) throw new HubError('not_found', `there is no case ${caseId}`, { field: 'caseId' });
  const { number, cause, stage, confidentiality, squad, version, operations } = row;
  const parties = JSON.parse(row.parties) as string[];
  return {
    caseId,
    number,
    cause,
    parties,
    stage,
    confidentiality,
    squadId: row.squad_id,
    squad,
    operations: operations ?? 0,
    createdMs: row.created_ms,
    version,
  };
}

/** The numbers of those of these cases that are in reach. */
export async function caseNumbers(store: Store, reach: Reach, caseIds: string[]): Promise<[caseId: string, number: string][]> {
  const rows = await store
    .selectFrom('enforcement_case as c')
    .where('c.case_id', 'in', caseIds)
    .where(sql<boolean>`${within(reach)}`)
    .select(['c.case_id', 'c.number'])
    .execute();
  return rows.map(({ case_id: id, number }) => [id, number]);
}

/** Whether an operation may be said to belong to it. Throws `bad_request`. */
export async function checkCase(store: Store, reach: Reach, caseId: string): Promise<void> {
  const { rows } = await sql`SELECT 1 FROM enforcement_case AS c WHERE c.case_id = ${caseId} AND ${within(reach)}`.execute(store);
  if (rows.length === 0) throw new HubError('bad_request', 'caseId: there is no such case', { field: 'caseId' });
}

/** Throws `conflict` (number), `bad_request` (squadId). */
export async function insertCase(
  store: Store,
  caseId: string,
  { number, cause, parties, stage, confidentiality, squadId }: z.infer<typeof CaseCreate>,
  { personId, nowMs }: { personId: string; nowMs: number },
): Promise<void> {
  await inTransaction(store, async (tx) => {
    await checkNumber(tx, caseId, number);
    await checkSquad(tx, squadId);
    const row = { case_id: caseId, number, cause, parties: JSON.stringify(parties), stage, confidentiality, squad_id: squadId };
    await tx
      .insertInto('enforcement_case')
      .values({ ...row, created_ms: Math.round(nowMs), created_by: personId, version: 1 })
      .execute();
  });
}

/** Operations of it are found by its new words, and are never shown wider than it. Throws `not_found`, `conflict`, `bad_request`. */
export async function changeCase(store: Store, caseId: string, change: z.infer<typeof CaseChange>): Promise<void> {
  await inTransaction(store, async (tx) => {
    const row = await tx.selectFrom('enforcement_case').where('case_id', '=', caseId).selectAll().executeTakeFirst();
    if (!row) throw new HubError('not_found', `there is no case ${caseId}`, { field: 'caseId' });
    if (row.version !== change.version) throw new HubError('conflict', 'version: it has been changed meanwhile', { field: 'version' });
    const {
      number = row.number,
      cause = row.cause,
      stage = row.stage,
      confidentiality = row.confidentiality,
      squadId = row.squad_id,
    } = change;
    await checkNumber(tx, caseId, number);
    await checkSquad(tx, squadId);
    const parties = change.parties ? JSON.stringify(change.parties) : row.parties;
    const set = { number, cause, parties, stage, confidentiality, squad_id: squadId, version: row.version + 1 };
    await tx.updateTable('enforcement_case').set(set).where('case_id', '=', caseId).execute();
    const operations = await tx
      .selectFrom('operation_facts')
      .where('case_id', '=', caseId)
      .select(['operation_id', 'confidentiality'])
      .execute();
    for (const { operation_id: id, confidentiality: own } of operations)
      await tx
        .updateTable('operation_facts')
        .set({ confidentiality: stricter(own, confidentiality) })
        .where('operation_id', '=', id)
        .execute();
    await indexOperationsOf(tx, caseId);
  });
}

async function checkNumber(store: Store, caseId: string, number: string): Promise<void> {
  const other = await store.selectFrom('enforcement_case').where('number', '=', number).select('case_id').executeTakeFirst();
  if (other && other.case_id !== caseId) throw new HubError('conflict', `number: there is a case ${number} already`, { field: 'number' });
}

async function checkSquad(store: Store, squadId: string | null): Promise<void> {
  if (squadId === null) return;
  const squad = await store.selectFrom('squad').where('squad_id', '=', squadId).select('squad_id').executeTakeFirst();
  if (!squad) throw new HubError('bad_request', 'squadId: there is no such squad', { field: 'squadId' });
}
