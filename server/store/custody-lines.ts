import { type RawBuilder, type Selectable, sql } from 'kysely';
import type { CustodyLine as LogLine } from '../custody/lines.ts';
import type { Reach } from '../permission/reach.ts';
import type { CustodyLine, CustodyQuery } from '../protocol/custody.ts';
import { caseShown } from './cases.ts';
import type { Store } from './database.ts';
import { contains } from './like.ts';
import { operationShown } from './operation-list.ts';
import type { Database } from './schema.ts';

type Row = Parameters<ReturnType<typeof insertInto>['values']>[0];
const insertInto = (store: Store) => store.insertInto('custody_line');

/** Signed heads are for whoever verifies the log. That something is wrong with it, or missing, is for everybody who reads it. */
function rowOf(line: LogLine): Row | null {
  if (line.type === 'head') return null;
  const { seq, atMs: at_ms } = line;
  const hub = { kind: 'hub', who_id: null, who_name: null, address: null, operation_id: null, angle_id: null, subject: null, late: 0 };
  if (line.type === 'log.dropped') {
    const { count, fromMs, toMs } = line;
    return { ...hub, seq, at_ms, what: line.type, outcome: 'failed', detail: JSON.stringify({ count, fromMs, toMs }) };
  }
  if (line.type === 'log.opened') {
    const { problems, firstProblems, torn } = line;
    const outcome = problems > 0 ? 'failed' : 'done';
    return { ...hub, seq, at_ms, what: line.type, outcome, detail: JSON.stringify({ problems, firstProblems, torn: torn?.file ?? null }) };
  }
  return {
    seq,
    at_ms,
    what: line.what,
    kind: line.who.kind,
    who_id: line.who.id,
    who_name: line.who.name,
    address: line.who.address,
    operation_id: line.operationId,
    angle_id: line.angleId,
    subject: line.subject,
    outcome: line.outcome,
    late: line.late ? 1 : 0,
    detail: JSON.stringify(line.detail),
  };
}

/** Entered twice, a line stands there once. `endBytes`: how far into the file these reach, where that is known. */
export async function saveCustodyLines(store: Store, lines: LogLine[], endBytes: number | null): Promise<void> {
  await store.transaction().execute(async (tx) => {
    for (const line of lines) {
      const row = rowOf(line);
      if (row) await tx.replaceInto('custody_line').values(row).execute();
    }
    if (endBytes !== null) await tx.replaceInto('custody_index').values({ one: 1, end_bytes: endBytes }).execute();
  });
}

export async function custodyIndexed(store: Store): Promise<number> {
  return (await store.selectFrom('custody_index').select('end_bytes').executeTakeFirst())?.end_bytes ?? 0;
}

/** Newest first. Who reads for some squads has only what was done to their operations; what is secret has no details for him. */
export async function listCustodyLines(store: Store, asked: CustodyQuery, reach: Reach): Promise<{ lines: CustodyLine[]; more: boolean }> {
  const hidden = hiddenFrom(reach);
  let query = store.selectFrom('custody_line').selectAll().select(hidden.as('hidden'));
  const { squads } = reach;
  const { what, who, operation, from, to, q, outcome, before, size } = asked;
  if (squads !== 'all')
    query = query.where('operation_id', 'in', store.selectFrom('operation_squad').where('squad_id', 'in', squads).select('operation_id'));
  if (what !== undefined) query = query.where('what', '=', what);
  if (operation !== undefined) query = query.where('operation_id', '=', operation);
  if (from !== undefined) query = query.where('at_ms', '>=', from);
  if (to !== undefined) query = query.where('at_ms', '<', to);
  if (outcome !== undefined) query = query.where('outcome', '=', outcome);
  if (before !== undefined) query = query.where('seq', '<', before);
  if (who !== undefined && who !== '')
    query = query.where(sql<boolean>`(${contains(sql`who_name`, who)} OR who_id = ${who} OR address = ${who})`);
  if (q !== undefined && q !== '') query = query.where(sql<boolean>`(${contains(sql`detail`, q)} OR subject = ${q} OR angle_id = ${q})`);
  // what is not shown is not found by it either
  if (operation !== undefined || (q !== undefined && q !== '')) query = query.where(hidden, '=', 0);
  const rows = await query
    .orderBy('seq', 'desc')
    .limit(size + 1)
    .execute();
  return { lines: rows.slice(0, size).map(lineOf), more: rows.length > size };
}

function lineOf(row: Selectable<Database['custody_line']> & { hidden: number }): CustodyLine {
  const { seq, at_ms: atMs, what, outcome, late } = row;
  const who = { kind: row.kind, id: row.who_id, name: row.who_name, address: row.address };
  const line = { seq, atMs, what, who, outcome, late: late === 1 };
  if (row.hidden === 1) return { ...line, operationId: null, angleId: null, subject: null, detail: {}, hidden: true };
  const { operation_id: operationId, angle_id: angleId, subject } = row;
  return { ...line, operationId, angleId, subject, detail: JSON.parse(row.detail) as Record<string, unknown>, hidden: false };
}

/** Whether there is anything in the log that this reader is not shown: then he does not get it as a whole. */
export async function hidesFrom(store: Store, reach: Reach): Promise<boolean> {
  const { rows } = await sql`
    SELECT 1 FROM operation_facts AS f WHERE ${secretOperation(reach)} UNION ALL
    SELECT 1 FROM enforcement_case AS c WHERE ${secretCase(reach)} LIMIT 1`.execute(store);
  return rows.length > 0;
}

/** 1 for a line of what is secret to this reader. */
const hiddenFrom = (reach: Reach): RawBuilder<number> => sql<number>`
  (EXISTS (SELECT 1 FROM operation_facts AS f WHERE f.operation_id = custody_line.operation_id AND ${secretOperation(reach)})
  OR (custody_line.what IN ('case.made', 'case.changed')
    AND EXISTS (SELECT 1 FROM enforcement_case AS c WHERE c.case_id = custody_line.subject AND ${secretCase(reach)})))`;

/** Of operations `f`, of cases `c`: what is not known of is as what is not shown. */
const secretOperation = (reach: Reach): RawBuilder<unknown> => sql`${operationShown(reach)} IS NOT TRUE`;
const secretCase = (reach: Reach): RawBuilder<unknown> => sql`${caseShown(reach)} IS NOT TRUE`;
