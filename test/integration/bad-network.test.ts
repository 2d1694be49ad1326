import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RecordFigures } from '../../scripts/bench/record-report.ts';
import { journalLines } from '../support/operation.ts';

type Run = { dir: string; raw: RecordFigures['raw'][number] };

/** Every fault that a network does to a stream and a stream does to itself, on two streams (docs/benchmarks.md). A run of 12 packets swallows whole pictures. */
const FAULTS = '--only hub --streams 2 --seconds 6 --rounds 1 --loss 5 --reorder --resize --check-playlists --json'.split(' ');

let root = '';
let answered: Run;
let unanswered: Run;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-bad-network-'));
  [answered, unanswered] = await Promise.all([bench('answered', []), bench('unanswered', ['--no-nack', '--burst', '12'])]);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** The bench of the same name, in a process of its own, with what it leaves. */
async function bench(name: string, more: string[]): Promise<Run> {
  const dir = join(root, name);
  const child = spawn(process.execPath, ['scripts/bench/main.ts', 'record', ...FAULTS, '--keep', dir, ...more]);
  let [out, said] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += String(chunk)));
  child.stderr.on('data', (chunk: Buffer) => (said += String(chunk)));
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw new Error(`the bench ended with code ${code}:\n${said}`);
  const [raw] = (JSON.parse(out.trimEnd().split('\n').at(-1) ?? '') as RecordFigures).raw;
  if (!raw) throw new Error('one round was asked for');
  return { dir, raw };
}

const total = <K extends string>(all: Record<K, number>[], key: K): number => all.reduce((sum, each) => sum + each[key], 0);

describe.each([
  ['NACKs are answered', () => answered],
  ['nobody sends again what was lost', () => unanswered],
])('packets lost one in twenty and overtaken by others, pictures that change their size, and %s', (_, run) => {
  it('are what happened', () => {
    const { dir, raw } = run();
    expect(raw.framesSent).toBeGreaterThan(500);
    for (const key of ['dropped', 'held'] as const) expect(total(raw.relay ?? [], key)).toBeGreaterThan(50);
    for (const angle of ['angle-000', 'angle-001']) {
      const lines = journalLines(join(dir, 'hub-1/recordings/bench', angle, '0001/journal.ndjson'));
      expect(lines.filter(({ type }) => type === 'size').map(({ width }) => width)).toContain(640);
    }
  });

  it('lose count of no picture: sent = recorded + withheld + missing, each in its place', () => {
    const { accounts } = run().raw;
    expect(accounts).toHaveLength(2);
    for (const account of accounts) expect(account).toMatchObject({ takes: 1, unaccounted: 0, misplaced: 0 });
  });

  it('leave recordings that verify, and that ffmpeg plays without a word', () => {
    const { problems, playlists } = run().raw;
    expect(problems).toEqual([]);
    expect(playlists).toEqual({ takes: 2, complaints: [] });
  });
});

describe('what was lost', () => {
  it('is asked for and recorded after all where it is sent again', () => {
    const { nacked, resent, accounts, framesSent } = answered.raw;
    expect(nacked).toBeGreaterThan(50);
    expect(resent).toBeGreaterThan(50);
    expect(total(accounts, 'recorded')).toBeGreaterThan(framesSent * 0.8);
  });

  it('is withheld with what refers to it, or missing, where it is not', () => {
    const { resent, accounts } = unanswered.raw;
    expect(resent).toBe(0);
    expect(total(accounts, 'withheld')).toBeGreaterThan(0);
    expect(total(accounts, 'missing')).toBeGreaterThan(0);
  });
});
