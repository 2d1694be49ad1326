import { sql, type RawBuilder } from 'kysely';
import type { Store } from './database.ts';

/**
 * Full text in SQLite, the only module that knows FTS5. Its own tokenisers do not cut Chinese, and `trigram` finds no word of
 * two characters; so the words are made here. Each character of a run of letters and digits makes a word of itself and the one
 * after it, the last one of itself alone. A part of a run is then a phrase of these, and one character the beginning of a word.
 * A character is written as four digits of base 36, which the `ascii` tokeniser leaves alone: nothing hangs on its tables. The
 * table has an index of beginnings of that length.
 */
const RUN = /[\p{L}\p{M}\p{N}]+/gu;
const DIGITS = 4;

/** Characters that look alike to a reader are the same: full width and half (NFKC), capitals, the Greek final sigma. */
export const folded = (text: string): string => text.normalize('NFKC').toLowerCase().normalize('NFKC').replaceAll('ς', 'σ');

const runsOf = (text: string): string[][] =>
  [...folded(text).matchAll(RUN)].map(([run]) => Array.from(run, (char) => (char.codePointAt(0) ?? 0).toString(36).padStart(DIGITS, '0')));

/** What is kept of these fields. */
export function textWords(fields: string[]): string {
  const words = fields.flatMap((field) => runsOf(field).flatMap((run) => run.map((char, i) => char + (run[i + 1] ?? ''))));
  return words.join(' ');
}

/** What FTS5 is asked for: every run of the query, in any order. Null: there is no letter or digit in it. */
export function textMatch(query: string): string | null {
  const runs = runsOf(query).map((run) => {
    const [only] = run;
    if (run.length === 1) return `${only}*`;
    return `"${run
      .slice(0, -1)
      .map((char, i) => char + (run[i + 1] ?? ''))
      .join(' ')}"`;
  });
  return runs.length === 0 ? null : runs.join(' AND ');
}

/** Enter what is known of an operation in words, in place of what was. `number`: of its facts. */
export async function saveText(store: Store, number: number, fields: string[]): Promise<void> {
  await removeText(store, number);
  await sql`INSERT INTO operation_text (rowid, words) VALUES (${number}, ${textWords(fields)})`.execute(store);
}

export async function removeText(store: Store, number: number): Promise<void> {
  await sql`DELETE FROM operation_text WHERE rowid = ${number}`.execute(store);
}

/** Operations without a text. */
export async function withoutText(store: Store): Promise<string[]> {
  const { rows } = await sql<{ operation_id: string }>`
    SELECT operation_id FROM operation_facts WHERE number NOT IN (SELECT rowid FROM operation_text)`.execute(store);
  return rows.map(({ operation_id: id }) => id);
}

/**
 * `FROM` and `WHERE` of facts `f` that match. The text is the outer loop, by its order of numbers: asked for one row after the
 * other, it would look for the words anew each time.
 */
export function matching(match: string): Record<'from' | 'where' | 'number', RawBuilder<unknown>> {
  return {
    from: sql`operation_text CROSS JOIN operation_facts AS f ON f.number = operation_text.rowid`,
    where: sql`operation_text MATCH ${match}`,
    // sorted by `f.number`, which is the same, SQLite would sort what comes in that order already
    number: sql`operation_text.rowid`,
  };
}
