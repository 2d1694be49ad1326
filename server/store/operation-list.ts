import { type RawBuilder, sql } from 'kysely';
import type { Reach } from '../permission/reach.ts';
import type { OperationStage } from '../protocol/cases.ts';
import type { OperationList } from '../protocol/http.ts';
import type { OperationFilter, OperationQuery } from '../protocol/operations.ts';
import type { Store } from './database.ts';
import { itemsOf, type MayOn } from './operation-items.ts';
import { matching, textMatch } from './operation-text.ts';
import { unrecorded } from './unrecorded.ts';

/** So many are counted; of more it is only said that there are more. */
const COUNTED = 1000;
type Sql = RawBuilder<unknown>;
/** `number`: what has the order of the operations' numbers. */
type Picked = { from: Sql; where: Sql[]; number: Sql };
const FACTS = { from: sql`operation_facts AS f`, number: sql`f.number` };

/** One page of the operations that are in reach and pass the filter, each with what the reader may do with it. */
export async function listOperations(store: Store, reach: Reach, query: OperationQuery, mayOn: MayOn): Promise<OperationList> {
  const { page, size } = query;
  const picked = pick(reach, query);
  const found = await numbers(store, picked, sql`LIMIT ${COUNTED + 1}`);
  const more = found.length > COUNTED;
  // few are sorted by themselves; of many the whole is walked in its order
  const rest = more ? picked : { ...FACTS, where: [sql`f.number IN (SELECT value FROM json_each(${JSON.stringify(found)}))`] };
  const shown = await numbers(store, rest, sql`ORDER BY ${ordering(query, rest.number)} LIMIT ${size} OFFSET ${(page - 1) * size}`);
  return { operations: await itemsOf(store, shown, mayOn), total: Math.min(found.length, COUNTED), more };
}

/** All their numbers, in order. */
export function filteredOperations(store: Store, reach: Reach, filter: OperationFilter): Promise<number[]> {
  const picked = pick(reach, filter);
  return numbers(store, picked, sql`ORDER BY ${ordering(filter, picked.number)}`);
}

async function numbers(store: Store, { from, where }: Picked, tail: Sql): Promise<number[]> {
  const condition = where.length === 0 ? sql`1` : sql.join(where, sql` AND `);
  const { rows } = await sql<{ number: number }>`SELECT f.number FROM ${from} WHERE ${condition} ${tail}`.execute(store);
  return rows.map(({ number }) => number);
}

/** Operations `f` that may be looked at, as a condition. */
export function inReach(reach: Reach): Sql {
  const where = within(reach);
  return where.length === 0 ? sql`1` : sql.join(where, sql` AND `);
}

function pick(reach: Reach, { q, state, type, squad, case: caseId, confidentiality, from, to, missing }: OperationFilter): Picked {
  const match = textMatch(q);
  const text = match === null ? null : matching(match);
  const where = [
    text?.where,
    ...within(reach),
    state && sql`${rare(state) ? sql`f.state` : sql`+f.state`} IN (${sql.join(state)})`,
    type && sql`f.type IN (${sql.join(type)})`,
    squad === undefined ? undefined : ofSquads([squad]),
    caseId === undefined ? undefined : sql`f.case_id = ${caseId}`,
    confidentiality && sql`f.confidentiality = ${confidentiality}`,
    missing && unrecorded,
    from === undefined ? undefined : sql`f.at_ms >= ${Math.round(from)}`,
    to === undefined ? undefined : sql`f.at_ms < ${Math.round(to)}`,
  ];
  return { ...(text ?? FACTS), where: where.filter((each) => each !== undefined) };
}

/** Nearly all operations are over: an index of states helps only to find the others, and `+` keeps SQLite from it. */
const rare = (states: OperationStage[]): boolean => !states.includes('ended') && !states.includes('sealed');

/** The rule of `decide`, of many at once. */
function within(reach: Reach): Sql[] {
  return [...(reach.squads === 'all' ? [] : [ofSquads(reach.squads)]), ...(reach.secrets === 'all' ? [] : [operationShown(reach)])];
}

/** What of it hangs on the class of operations `f`. */
export function operationShown({ secrets, personId }: Reach): Sql {
  if (secrets === 'all') return sql`1`;
  const was = sql`EXISTS (SELECT 1 FROM operation_officer AS o WHERE o.operation_id = f.operation_id AND o.person_id = ${personId})`;
  return sql`(f.confidentiality IN ('open', 'internal') OR ${ofSquads(secrets)} OR ${was})`;
}

/** At least one of them is on it. */
function ofSquads(squadIds: string[]): Sql {
  if (squadIds.length === 0) return sql`0`;
  return sql`(${sql.join(
    squadIds.map((id) => sql`instr(f.squads, ${` ${id} `}) > 0`),
    sql` OR `,
  )})`;
}

/** Live ones first, as the day's work goes. An index has these very words. */
const BY_STATE = sql`CASE f.state WHEN 'live' THEN 3 WHEN 'planned' THEN 2 WHEN 'ended' THEN 1 ELSE 0 END`;
const SORTS: Record<OperationFilter['sort'], Sql | null> = {
  number: null,
  time: sql`f.at_ms`,
  name: sql`f.name`,
  state: BY_STATE,
  planned: sql`f.planned_ms`,
};

function ordering({ sort, order }: OperationFilter, number: Sql): Sql {
  const way = order === 'asc' ? sql`ASC` : sql`DESC`;
  const by = SORTS[sort];
  return by === null ? sql`${number} ${way}` : sql`${by} ${way}${sort === 'planned' ? sql` NULLS LAST` : sql``}, f.number ${way}`;
}
