import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chainLine, checkLine, EMPTY_HEAD } from '../../../media/recordings/chain.ts';
import { Journal, readJournal } from '../../../media/recordings/journal.ts';

let dir = '';
beforeAll(() => void (dir = mkdtempSync(join(tmpdir(), 'fieldhub-journal-'))));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
type Line = { type: string; n?: number };
const parse = (value: unknown): Line => value as Line;

describe('the hash chain', () => {
  it('can be checked by anybody with SHA-256 and a text editor', () => {
    const { text } = chainLine(EMPTY_HEAD, { type: 'note' });
    const body = text.replace(/,"hash":"[0-9a-f]{64}"\}$/, '}');
    expect(text).toContain(`"hash":"${createHash('sha256').update(body).digest('hex')}"`);
  });

  it('breaks at any change of any character', () => {
    const mark = { type: '标记', n: 12.5 };
    const { text } = chainLine(EMPTY_HEAD, mark);
    expect(checkLine(EMPTY_HEAD, text).value).toMatchObject({ type: '标记', n: 12.5 });
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.constantFrom('0', 'a', '"', '}', ' ', '记'), (at, to) => {
        if (text[at] === to) return;
        expect(() => checkLine(EMPTY_HEAD, text.slice(0, at) + to + text.slice(at + 1))).toThrow(/line 0/);
      }),
    );
  });

  it('does not accept a line from elsewhere in the chain', () => {
    const first = chainLine(EMPTY_HEAD, { type: 'a' });
    const second = chainLine(first.head, { type: 'b' });
    const third = chainLine(second.head, { type: 'c' });
    expect(() => checkLine(first.head, third.text)).toThrow('says it is number 2');
    expect(() => checkLine(EMPTY_HEAD, second.text)).toThrow();
  });
});

describe('Journal', () => {
  it('keeps the order of what is appended at once, and goes on after it was closed', async () => {
    const path = join(dir, 'order.ndjson');
    const journal = await Journal.create<Line>(path);
    await Promise.all(Array.from({ length: 200 }, (_, n) => journal.append({ type: 'note', n })));
    await journal.close();
    const read = readJournal(readFileSync(path), parse);
    expect(read.lines.map(({ n }) => n)).toEqual(Array.from({ length: 200 }, (_, n) => n));
    const resumed = await Journal.resume<Line>(path, read.head);
    await resumed.append({ type: 'note', n: 200 });
    await resumed.close();
    expect(readJournal(readFileSync(path), parse).lines).toHaveLength(201);
    await expect(Journal.create(path)).rejects.toThrow();
  });

  it('leaves out a torn last line and says where the good part ends', async () => {
    const path = join(dir, 'torn.ndjson');
    const journal = await Journal.create<Line>(path);
    await journal.append({ type: 'note', n: 1 });
    await journal.append({ type: 'note', n: 2 });
    await journal.close();
    const bytes = readFileSync(path);
    const end = bytes.indexOf(0x0a) + 1;
    for (let size = end; size < bytes.length; size += 1) {
      const { lines, tornBytes, validBytes } = readJournal(bytes.subarray(0, size), parse);
      expect(lines).toHaveLength(1);
      expect({ tornBytes, validBytes }).toEqual({ tornBytes: size - end, validBytes: end });
    }
  });
});
