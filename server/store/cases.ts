import { type RawBuilder, sql } from 'kysely';
import type { z } from 'zod';
import { HubError } from '../../media/errors.ts';
import { stricter } from '../operations/stages.ts';
import type { Reach } from '../permission/reach.ts';
import { CASE_STAGES, type CaseChange, type CaseCreate, type CaseFilter, type CaseQuery, type EnforcementCase } from '../protocol/cases.ts';
import { inTransaction, type Store } from './database.ts';
import type { Lowers } from './facts-parts.ts';
import { contains } from './like.ts';
import { indexOperationsOf } from './operation-index.ts';
import { inReach } from './operation-list.ts';

/** A case as it is read. `seen`: it is in the reader's reach. */
export type KnownCase = Omit<EnforcementCase, 'edit'> & { seen: boolean };

/** So many are looked up at once: SQLite takes no list of any length. */
const CHUNK = 500;

/** The brigade's own cases (of no squad) are everybody's to see. Of sensitive and secret ones, what Reach says. */
function within(reach: Reach): RawBuilder<unknown> {
  const { squads } = reach;
  return sql`${squads === 'all' ? sql`1` : sql`(c.squad_id IS NULL OR c.squad_id IN ${list(squads)})`} AND ${caseShown(reach)}`;
}

/** What of it hangs on the class of cases `c`. */
export function caseShown({ secrets, personId }: Reach): RawBuilder<unknown> {
  if (secrets === 'all') return sql`1`;
  return sql`(c.confidentiality IN ('open', 'internal') OR c.squad_id IN ${list(secrets)} OR c.created_by = ${personId})`;
}

const list = (ids: string[]): RawBuilder<unknown> => sql`(${ids.length === 0 ? sql`NULL` : sql.join(ids)})`;

/** One page; each word of the search stands in number, cause or parties. */
export async function listCases(
  store: Store,
  reach: Reach,
  query: z.infer<typeof CaseQuery>,
): Promise<{ cases: KnownCase[]; total: number }> {
  const { page, size } = query;
  const where = passing(reach, query);
  const { rows } = await sql<{ total: number }>`SELECT count(*) AS total FROM enforcement_case AS c WHERE ${where}`.execute(store);
  const ids = await filteredCases(store, reach, query, { from: (page - 1) * size, most: size });
  return { cases: await casesOf(store, reach, ids), total: rows[0]?.total ?? 0 };
}

/** All that pass the filter, in order, looked up as they are asked for. */
export async function* exportedCases(store: Store, reach: Reach, filter: CaseFilter): AsyncGenerator<KnownCase> {
  const ids = await filteredCases(store, reach, filter, { from: 0, most: -1 });
  for (let at = 0; at < ids.length; at += CHUNK) yield* await casesOf(store, reach, ids.slice(at, at + CHUNK));
}

/** Throws `not_found`, also of what is not in reach. */
export async function readCase(store: Store, reach: Reach, caseId: string): Promise<KnownCase> {
  const [found] = await casesOf(store, reach, [caseId]);
  if (!found) throw new HubError('not_found', `there is no case ${caseId}`, { field: 'caseId' });
  return found;
}

/** As whoever has just changed it is told it: by that it may have gone out of his reach. */
export async function changedCase(store: Store, reach: Reach, caseId: string): Promise<KnownCase> {
  const [changed] = await casesOf(store, reach, [caseId], sql`1`);
  if (!changed) throw new HubError('internal', `the case ${caseId} just changed is not there`);
  return changed;
}

function passing(reach: Reach, { q, stage, confidentiality }: CaseFilter): RawBuilder<unknown> {
  const words = q.split(/\s+/).filter(Boolean);
  return sql.join(
    [
      within(reach),
      ...(stage === undefined ? [] : [sql`c.stage = ${stage}`]),
      ...(confidentiality === undefined ? [] : [sql`c.confidentiality = ${confidentiality}`]),
      ...words.map((word) => contains(sql`(c.number || char(10) || c.cause || char(10) || c.parties)`, word)),
    ],
    sql` AND `,
  );
}

const SORTS: Record<CaseFilter['sort'], RawBuilder<unknown>> = {
  time: sql`c.created_ms`,
  number: sql`c.number`,
  stage: sql`CASE c.stage ${sql.join(
    CASE_STAGES.map((stage, at) => sql`WHEN ${stage} THEN ${at}`),
    sql` `,
  )} END`,
};

/** Their ids in order. `most` -1: all. */
async function filteredCases(store: Store, reach: Reach, filter: CaseFilter, { from, most }: { from: number; most: number }) {
  const way = filter.order === 'asc' ? sql`ASC` : sql`DESC`;
  const { rows } = await sql<{ case_id: string }>`SELECT c.case_id FROM enforcement_case AS c WHERE ${passing(reach, filter)}
    ORDER BY ${SORTS[filter.sort]} ${way}, c.created_ms DESC, c.case_id LIMIT ${most} OFFSET ${from}`.execute(store);
  return rows.map(({ case_id: id }) => id);
}

/** Those of them that are in reach (or `of`), in this order; each with how many operations of it the reader may see. */
async function casesOf(store: Store, reach: Reach, ids: string[], of = within(reach)): Promise<KnownCase[]> {
  if (ids.length === 0) return [];
  const rows = await store
    .selectFrom('enforcement_case as c')
    .leftJoin('squad as s', 's.squad_id', 'c.squad_id')
    .where('c.case_id', 'in', ids)
    .where(sql<boolean>`${of}`)
    .selectAll('c')
    .select('s.name as squad')
    .select(sql<number>`(${within(reach)})`.as('seen'))
    .select(sql<number>`(SELECT count(*) FROM operation_facts AS f WHERE f.case_id = c.case_id AND ${inReach(reach)})`.as('operations'))
    .execute();
  const known = new Map(
    rows.map((row): [string, KnownCase] => {
      const { case_id: caseId, number, cause, stage, confidentiality, squad, operations, version } = row;
      const facts = { caseId, number, cause, stage, confidentiality, squad, operations, version, seen: row.seen === 1 };
      return [caseId, { ...facts, parties: JSON.parse(row.parties) as string[], squadId: row.squad_id, createdMs: row.created_ms }];
    }),
  );
  return ids.flatMap((id) => known.get(id) ?? []);
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

/**
 * Operations of it are found by its new words, and are never shown wider than it; sealed ones go on saying what it was at their
 * seal, but who may see them narrows with it too. `lowers`: throws unless whoever asks may lower its class. Throws `not_found`,
 * `conflict`, `bad_request`.
 */
export async function changeCase(store: Store, caseId: string, change: z.infer<typeof CaseChange>, lowers: Lowers): Promise<void> {
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
    lowers(row.confidentiality, confidentiality, row.squad_id === null ? [] : [row.squad_id]);
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
