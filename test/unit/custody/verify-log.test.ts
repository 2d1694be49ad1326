import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chainLine } from '../../../media/recordings/chain.ts';
import { Signer } from '../../../media/recordings/signer.ts';
import { type SignedHead, signHead } from '../../../server/custody/heads.ts';
import { verifyLog } from '../../../server/custody/verify-log.ts';
import { forged, writtenLog } from '../../support/custody-logs.ts';

let dir = '';
let signer: Signer;
let other: Signer;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'fieldhub-custody-'));
  signer = await Signer.load(join(dir, 'keys'), 'custody-ed25519');
  other = await Signer.load(join(dir, 'keys'), 'other');
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function found(texts: (string | Buffer)[], kept: SignedHead | null = null, end = '\n'): Promise<[string, number, number][]> {
  const path = join(dir, 'log.ndjson');
  const bytes = texts.map((text, i) => Buffer.concat([Buffer.from(text), Buffer.from(i === texts.length - 1 ? end : '\n')]));
  writeFileSync(path, Buffer.concat(bytes));
  const { ok, problems } = await verifyLog(path, kept);
  expect(ok).toBe(problems.length === 0);
  return problems.map(({ kind, line, count }) => [kind, line, count]);
}

describe('a log that nobody touched', () => {
  it('has no problem, empty or not, and says how far it is signed', async () => {
    const { texts, kept } = writtenLog(signer, 25);
    expect(await found(texts, kept)).toEqual([]);
    expect(await verifyLog(join(dir, 'log.ndjson'))).toMatchObject({ ok: true, lines: 25, head: { seq: 24 }, signedSeq: 18, tornBytes: 0 });
    expect(await verifyLog(join(dir, 'log.ndjson'), kept)).toMatchObject({ signedSeq: 24 });
    writeFileSync(join(dir, 'empty'), '');
    expect(await verifyLog(join(dir, 'empty'))).toMatchObject({ ok: true, lines: 0, head: { seq: -1 }, signedSeq: -1 });
    await expect(verifyLog(join(dir, 'nowhere'))).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('a log that somebody changed', () => {
  it('names lines by the deed: changed with and without a new hash, removed, inserted, moved', async () => {
    const { texts, heads, kept } = writtenLog(signer, 30);
    const at = (i: number): string => texts[i] ?? '';
    const hash = (i: number): string => heads[i]?.hash ?? '';
    const put = (i: number, remove: number, ...lines: string[]): string[] => texts.toSpliced(i, remove, ...lines);
    const cases: [string, string[], [string, number, number][]][] = [
      ['a text', put(4, 1, at(4).replace('angle 4', 'angle 5')), [['changed', 5, 1]]],
      ['three texts', put(4, 3, ...[4, 5, 6].map((i) => at(i).replace('angle', 'ankle'))), [['changed', 5, 3]]],
      ['its own hash', put(4, 1, at(4).replace(/"hash":"../, '"hash":"zz')), [['changed', 5, 1]]],
      ['no JSON any more', put(4, 1, 'x'), [['changed', 5, 1]]],
      ['a line in two', put(4, 1, at(4).slice(0, 99), at(4).slice(99)), [['changed', 5, 2]]],
      ['two lines in one', put(4, 2, at(4) + at(5)), [['changed', 5, 1]]],
      ['with a new hash', put(4, 1, forged(4, hash(3))), [['changed', 5, 1]]],
      ['with a new number', put(4, 1, forged(99, hash(3))), [['changed', 5, 1]]],
      ['with a lower number', put(4, 1, forged(1, hash(3))), [['changed', 5, 1]]],
      ['a copy in its place', put(14, 1, at(2)), [['changed', 15, 1]]],
      ['the last, with a new hash', put(29, 1, forged(29, hash(28))), [['changed', 30, 1]]],
      ['the last', put(29, 1, at(29).replace('head', 'haed')), [['changed', 30, 1]]],
      ['one removed', put(4, 1), [['removed', 5, 1]]],
      ['the first four removed', put(0, 4), [['removed', 1, 4]]],
      ['a copy inserted', put(8, 0, at(3)), [['inserted', 9, 1]]],
      ['three well-made ones', put(4, 0, forged(4, hash(3)), forged(9, hash(3)), 'x'), [['inserted', 5, 3]]],
      ['a well-made one', put(4, 0, forged(4, hash(3))), [['inserted', 5, 1]]],
      ['no JSON at the end', [...texts, 'x', 'y'], [['not-json', 31, 2]]],
      ['one moved down', put(4, 4, at(5), at(6), at(7), at(4)), [['moved', 8, 1]]],
      ['one moved up', put(4, 4, at(7), at(4), at(5), at(6)), [['moved', 5, 1]]],
      ['two exchanged', put(4, 4, at(7), at(5), at(6), at(4)), [['moved', 5, 3]]],
      ['the end moved to the begin', [at(28), at(29), ...texts.slice(0, 28)], [['moved', 1, 2]]],
      ['two deeds', put(20, 1).toSpliced(4, 1, at(4).replace('angle', 'ankle')), [['changed', 5, 1], ['removed', 21, 1]]],
    ]; // prettier-ignore
    for (const [name, lines, expected] of cases) expect({ name, found: await found(lines, kept) }).toEqual({ name, found: expected });
  });

  it('names a cut by the kept head, and a torn end without one', async () => {
    const { texts, kept } = writtenLog(signer, 30);
    expect(await found(texts.slice(0, 20), kept)).toEqual([['cut', 21, 10]]);
    expect(await found(texts.slice(0, 20))).toEqual([]);
    expect(await found([], kept)).toEqual([['cut', 1, 30]]);
    const torn = [...texts.slice(0, 20), (texts[20] ?? '').slice(0, 50)];
    expect(await found(torn, null, '')).toEqual([['torn', 21, 1]]);
    expect(await found(torn, kept, '')).toEqual([['cut', 21, 10]]);
  });

  it('names a log that was written anew: with the key, with another one, with none', async () => {
    const { texts, kept } = writtenLog(signer, 30);
    const byTheKey = writtenLog(signer, 40, 12);
    expect(await found(byTheKey.texts, kept)).toEqual([['changed', 30, 1]]);
    const byAnother = writtenLog(other, 40, 10);
    expect(await found(byAnother.texts)).toEqual([]); // nothing to hold against it
    expect(await found(byAnother.texts, kept)).toEqual([['signature', 10, 1], ['changed', 30, 1]]); // prettier-ignore
    // every line after the fourth chained anew, the signatures as they were
    const anew = texts.slice(0, 4);
    let prev = (JSON.parse(anew[3] ?? '') as { hash: string }).hash;
    for (const text of texts.slice(4)) {
      const { v, seq, prev: _, hash: __, ...data } = JSON.parse(text) as Record<string, unknown>;
      anew.push(forgedAs(Number(seq), prev, seq === 4 ? { ...data, subject: 'another' } : data));
      prev = (JSON.parse(anew.at(-1) ?? '') as { hash: string }).hash;
      expect(v).toBe(1);
    }
    expect(await found(anew)).toEqual([['signature', 10, 3]]);
    expect(await found(anew, kept)).toEqual([['signature', 10, 3], ['changed', 30, 1]]); // prettier-ignore
    expect(await found(texts, { ...kept, atMs: 0 })).toEqual([['signature', 0, 1]]);
    expect(await found(texts, signHead(other, kept, 0))).toEqual([['signature', 10, 1]]);
  });
});

describe('any one deed on any log', () => {
  const log = fc.integer({ min: 6, max: 60 });
  const at = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
  const kinds = fc.constantFrom('changed', 'removed', 'inserted', 'moved', 'cut');
  const check = { numRuns: 300 };

  it('is found, once, and named with its line', async () => {
    await fc.assert(
      fc.asyncProperty(log, at, at, fc.integer({ min: 1, max: 255 }), kinds, async (count, where, second, xor, kind) => {
        const { texts, heads, kept } = writtenLog(signer, count, 7);
        const i = Math.floor(where * count);
        const line: (string | Buffer)[] = [...texts];
        const [text = ''] = line.splice(i, 1);
        let expected = [i + 1];
        if (kind === 'changed') {
          const bytes = Buffer.from(text);
          const byte = Math.floor(second * bytes.length);
          bytes[byte] = (bytes[byte] ?? 0) ^ xor;
          if (bytes[byte] === 0x0a) return; // two lines then: see above
          line.splice(i, 0, bytes);
        } else if (kind === 'inserted') {
          const copied = Math.floor(second * count);
          const seq = heads[copied]?.seq ?? 0;
          line.splice(i, 0, text);
          line.splice(i, 0, xor % 2 === 0 ? (texts[copied] ?? '') : forged(seq, heads[copied - 1]?.hash ?? '0'.repeat(64)));
          if (copied === i) expected = [i + 1, i + 2]; // the same twice: either is the one too many
        } else if (kind === 'moved') {
          const to = Math.floor(second * count);
          if (to === i) return;
          line.splice(to, 0, text);
          expected = Math.abs(to - i) === 1 ? [to + 1, i + 1] : [to + 1];
        } else if (kind === 'cut') line.splice(i);
        const problems = await found(line, kept);
        expect(problems).toHaveLength(1);
        const [[name, shown] = ['', 0]] = problems;
        expect(name).toBe(kind === 'removed' && i === count - 1 ? 'cut' : kind);
        expect(expected).toContain(shown);
      }),
      check,
    );
  });
});

function forgedAs(seq: number, prev: string, data: Record<string, unknown>): string {
  return chainLine({ seq: seq - 1, hash: prev }, data as { type: string }).text;
}
