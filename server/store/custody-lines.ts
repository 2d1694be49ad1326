import { sql } from 'kysely';
import type { CustodyLine as LogLine } from '../custody/lines.ts';
import type { CustodyLine, CustodyQuery } from '../protocol/custody.ts';
import type { Store } from './database.ts';

type Row = Parameters<ReturnType<typeof insertInto>['values']>[0];
const insertInto = (store: Store) => store.insertInto('custody_line');

/** What the log itself tells of (its opening, signed heads) is for whoever verifies it. */
const rowOf = (line: LogLine): Row | null =>
  line.type === 'custody'
    ? {
        seq: line.seq,
        at_ms: line.atMs,
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
      }
    : null;

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

/** Newest first. `squads`: only what was done to their operations. */
export async function listCustodyLines(
  store: Store,
  asked: CustodyQuery,
  squads: 'all' | string[],
): Promise<{ lines: CustodyLine[]; more: boolean }> {
  const part = (text: string): string => `%${text.replace(/[\\%_]/g, String.raw`\$&`)}%`;
  let query = store.selectFrom('custody_line').selectAll();
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
    query = query.where(sql<boolean>`(who_name LIKE ${part(who)} ESCAPE '\\' OR who_id = ${who} OR address = ${who})`);
  if (q !== undefined && q !== '')
    query = query.where(sql<boolean>`(detail LIKE ${part(q)} ESCAPE '\\' OR subject = ${q} OR angle_id = ${q})`);
  const rows = await query
    .orderBy('seq', 'desc')
    .limit(size + 1)
    .execute();
  const lines = rows.slice(0, size).map((row) => ({
    seq: row.seq,
    atMs: row.at_ms,
    what: row.what,
    who: { kind: row.kind, id: row.who_id, name: row.who_name, address: row.address },
    operationId: row.operation_id,
    angleId: row.angle_id,
    subject: row.subject,
    outcome: row.outcome,
    detail: JSON.parse(row.detail) as Record<string, unknown>,
    late: row.late === 1,
  }));
  return { lines, more: rows.length > size };
}
