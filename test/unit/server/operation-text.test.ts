import { sql } from 'kysely';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openStore, type Store } from '../../../server/store/database.ts';
import { folded, matching, saveText, textMatch, textWords } from '../../../server/store/operation-text.ts';

let store: Store;
beforeAll(() => (store = openStore(':memory:')));
afterAll(() => store.destroy());
beforeEach(async () => {
  await sql`DELETE FROM operation_text`.execute(store);
});

async function finds(query: string): Promise<number[]> {
  const match = textMatch(query);
  if (match === null) return [];
  const { rows } = await sql<{ rowid: number }>`SELECT rowid FROM operation_text WHERE ${matching(match).where}`.execute(store);
  return rows.map(({ rowid }) => rowid);
}

/** Letters of several scripts, some beyond 16 bits, digits, and what stands between words. */
const char = fc.constantFrom(...Array.from('拆除违法建筑路甲乙aBcéß07ＡΣ𠮷й -〔'));
const field = fc.array(char, { minLength: 1, maxLength: 14 }).map((chars) => chars.join(''));
const runsOf = (text: string): string[] => folded(text).match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];

describe('full text', () => {
  it('finds every part of a word, of one character and more, and nothing that stands nowhere', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(field, { minLength: 1, maxLength: 4 }), field, fc.nat(), fc.nat(), async (fields, other, at, length) => {
        await saveText(store, 1, fields);
        const runs = fields.flatMap(runsOf);
        for (const run of runs) {
          const chars = Array.from(run);
          const from = at % chars.length;
          expect(await finds(chars.slice(from, from + 1 + (length % (chars.length - from))).join(''))).toEqual([1]);
        }
        const wanted = runsOf(other);
        const stands = wanted.length > 0 && wanted.every((word) => runs.some((run) => run.includes(word)));
        expect(await finds(other)).toEqual(stands ? [1] : []);
      }),
      { numRuns: 400 },
    );
  });

  it('takes nothing across the borders of words or fields for a word', async () => {
    await saveText(store, 1, ['甲乙 丙丁', '戊己']);
    expect(await finds('乙丙')).toEqual([]);
    expect(await finds('丁戊')).toEqual([]);
    expect(await finds('丙丁 乙')).toEqual([1]);
  });

  it('sees no difference in width, capitals or sigma', async () => {
    await saveText(store, 1, ['ＡＢＣ１２号', 'ΟΔΟΣ']);
    for (const query of ['abc12', 'ＢＣ', '12号', 'οδος', 'ΔΟΣ']) expect(await finds(query), query).toEqual([1]);
  });

  it('asks for nothing where there is no letter', () => {
    expect(textMatch(' 〔〕"*-')).toBeNull();
    expect(textWords(['—'])).toBe('');
    expect(textMatch('号')).toBe(`${'号'.charCodeAt(0).toString(36).padStart(4, '0')}*`);
  });
});
