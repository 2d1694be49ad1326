import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Signer } from '../../media/recordings/signer.ts';
import { keep } from '../../scripts/demo/child.ts';
import { readHead } from '../../server/custody/heads.ts';
import { type CustodyLine, THE_HUB } from '../../server/custody/lines.ts';
import { CustodyLog, type CustodyLogOptions } from '../../server/custody/log.ts';
import { headFile, logFile } from '../../server/custody/open-log.ts';
import { readLog } from '../../server/custody/read-log.ts';
import { verifyLog } from '../../server/custody/verify-log.ts';
import { SmallDisk } from '../support/disk.ts';
import { until } from '../support/hub.ts';

let root = '';
let signer: Signer;
let disk: SmallDisk | null = null;
const logs: CustodyLog[] = [];

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-custody-'));
  signer = await Signer.load(join(root, 'keys'), 'custody-ed25519');
});
afterEach(async () => {
  for (const log of logs.splice(0)) await log.close();
  disk?.unmount();
  disk = null;
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function open(dir: string, more: Partial<Pick<CustodyLogOptions, 'onLine' | 'onHealth' | 'maxNotes'>> = {}): Promise<CustodyLog> {
  const log = await CustodyLog.open(dir, { signer, nowMs: () => Date.now(), log: pino({ level: 'silent' }), ...more });
  logs.push(log);
  return log;
}
const seen = (subject: string, text = ''): Parameters<CustodyLog['record']>[0] => ({
  what: 'view.live',
  who: THE_HUB,
  subject,
  detail: { text },
});
const check = async (dir: string): Promise<string[]> =>
  (await verifyLog(logFile(dir), await readHead(headFile(dir)))).problems.map(({ line, kind }) => `${line} ${kind}`);
async function linesOf(dir: string): Promise<CustodyLine[]> {
  const lines: CustodyLine[] = [];
  for await (const { line } of readLog(logFile(dir))) lines.push(line);
  return lines;
}
const subjects = (lines: CustodyLine[]): string[] => lines.flatMap((line) => (line.type === 'custody' ? [line.subject ?? ''] : []));

describe('the custody log', () => {
  it('writes what comes together in one go, tells of every line in order, and signs its end', async () => {
    const dir = join(root, 'together');
    const told: CustodyLine[] = [];
    const log = await open(dir, { onLine: (line) => told.push(line) });
    const heads = await Promise.all(Array.from({ length: 1000 }, (_, i) => log.record(seen(`${i}`))));
    expect(new Set(heads.map(({ seq }) => seq)).size).toBe(1000);
    expect(log.figures.writes).toBeLessThanOrEqual(3);
    log.note({ ...seen('long', '长'.repeat(5000)), detail: { text: Array.from({ length: 100 }, () => '长\n'.repeat(700)) } });
    await log.close();
    await log.close();
    await expect(log.record(seen('after'))).rejects.toMatchObject({ code: 'unavailable', field: 'custodyLog' });
    const lines = await linesOf(dir);
    expect(told).toEqual(lines);
    expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_, i) => i));
    expect(lines.filter(({ type }) => type === 'head')).toHaveLength(2);
    const long = lines.find((line) => line.type === 'custody' && line.subject === 'long');
    expect(long).toMatchObject({ late: false, detail: { omitted: true } });
    expect(await readHead(headFile(dir))).toEqual(log.signedHead());
    expect(await verifyLog(logFile(dir), log.signedHead())).toMatchObject({ ok: true, signedSeq: lines.length - 1 });
  });

  it('refuses what must be in it while the disk is full, half writes nothing, and writes the rest late', async () => {
    disk = SmallDisk.mount(join(root, 'small'), 4);
    const dir = join(disk.path, 'custody');
    const log = await open(dir, { maxNotes: 3 });
    await log.record(seen('before'));
    disk.flood();
    const big = Array.from({ length: 40 }, (_, i) => log.record(seen(`big ${i}`, 'x'.repeat(900))));
    for (const refused of await Promise.allSettled(big))
      expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'unavailable', field: 'custodyLog' } });
    expect(log.refusal).toMatch(/only \d+ of \d+ bytes|ENOSPC/);
    const before = readFileSync(logFile(dir), 'utf8');
    expect(before.endsWith('}\n')).toBe(true);
    expect(before).not.toContain('big');
    for (const i of [0, 1, 2, 3, 4]) log.note(seen(`note ${i}`, 'x'.repeat(900)));
    await expect(log.record(seen('refused', 'x'.repeat(900)))).rejects.toMatchObject({ field: 'custodyLog' });
    expect(log.figures).toMatchObject({ waiting: 3, dropped: 2 });
    disk.clear();
    await until('the notes are written', () => log.figures.waiting === 0 && log.refusal === null);
    await log.record(seen('after'));
    await log.close();
    const lines = await linesOf(dir);
    expect(subjects(lines)).toEqual(['before', 'note 0', 'note 1', 'note 2', 'after']);
    expect(lines.flatMap((line) => (line.type === 'custody' ? [line.late] : []))).toEqual([false, true, true, true, false]);
    expect(lines.find(({ type }) => type === 'log.dropped')).toMatchObject({ count: 2 });
    expect(await check(dir)).toEqual([]);
  });

  it('tells once that it is refused, whoever listens to that, and once that it is not', async () => {
    disk = SmallDisk.mount(join(root, 'told'), 4);
    const dir = join(disk.path, 'custody');
    const told: boolean[] = [];
    const onHealth = ({ refusal }: { refusal: string | null }): never => {
      told.push(refusal !== null);
      throw new Error('a bad listener');
    };
    const log = await open(dir, { onHealth });
    await log.record(seen('before'));
    disk.flood();
    await Promise.allSettled(Array.from({ length: 40 }, (_, i) => log.record(seen(`big ${i}`, 'x'.repeat(900)))));
    renameSync(logFile(dir), join(dir, 'taken-away'));
    await until('it is opened anew', () => log.problems.length > 0);
    expect(told).toEqual([false, true]);
    disk.clear();
    await until('the disk takes lines again', () => log.refusal === null); // what comes while a write fails is refused with it
    await log.record(seen('after'));
    expect(told).toEqual([false, true, false]);
  });

  it('opens on a disk that is full, and puts a torn end aside when there is room', async () => {
    disk = SmallDisk.mount(join(root, 'torn'), 4);
    const dir = join(disk.path, 'custody');
    await (await open(dir)).close();
    appendFileSync(logFile(dir), `{"v":1,"seq":2,${'x'.repeat(9000)}`);
    disk.flood();
    const log = await open(dir);
    expect(log.refusal).toContain('ENOSPC');
    await expect(log.record(seen('refused'))).rejects.toMatchObject({ field: 'custodyLog' });
    disk.clear();
    await log.record(seen('taken'));
    const torn = (await linesOf(dir)).find((line) => line.type === 'log.opened' && line.torn !== null);
    expect(torn).toMatchObject({ seq: 2, torn: { sizeBytes: 9015 }, problems: 0 });
    expect(readdirSync(dir).filter((name) => name.startsWith('torn-'))).toHaveLength(1);
    expect(await check(dir)).toEqual([]);
  });

  it('loses nothing it has acknowledged when its process is killed', async () => {
    const data = join(root, 'killed');
    const dir = join(data, 'custody');
    const writer = join(import.meta.dirname, '../support/custody-writer.ts');
    const own = await Signer.load(join(data, 'keys'), 'custody-ed25519');
    for (const round of [1, 2]) {
      const child = keep(spawn(process.execPath, [writer, data], { stdio: ['ignore', 'pipe', 'pipe'] }));
      let said = '';
      child.stdout.on('data', (bytes: Buffer) => void (said += bytes.toString()));
      await until('lines are acknowledged', () => said.length > 8000 * round);
      child.kill('SIGKILL');
      await once(child, 'close');
      const log = await CustodyLog.open(dir, { signer: own, nowMs: () => Date.now(), log: pino({ level: 'silent' }) });
      expect(log.problems).toEqual([]);
      await log.close();
      expect(await check(dir)).toEqual([]);
      const kept = new Map((await linesOf(dir)).map((line) => [line.seq, line.type === 'custody' ? line.subject : null]));
      const told = said.slice(0, said.lastIndexOf('\n')).split('\n');
      for (const line of told) expect(kept.get(Number(line.split(' ')[0]))).toBe(line.split(' ')[1]);
    }
  });

  it('goes on over a cut, a change and a file that was taken away, and says so for good', async () => {
    const dir = join(root, 'cut');
    const log = await open(dir);
    for (const i of [0, 1, 2, 3]) await log.record(seen(`${i}`));
    await log.close();
    const texts = readFileSync(logFile(dir), 'utf8').split('\n');
    truncateSync(logFile(dir), Buffer.byteLength(`${texts.slice(0, 3).join('\n')}\n`));
    const second = await open(dir);
    expect(second.problems).toMatchObject([{ kind: 'cut', line: 4, count: 3 }]);
    await second.record(seen('on'));
    expect(await check(dir)).toEqual(['4 removed']);
    rmSync(logFile(dir)); // while it is written
    await second.record(seen('still'));
    expect(second.problems).toMatchObject([{ kind: 'cut', line: 1 }]);
    await second.close();
    expect(await check(dir)).toEqual(['1 removed']);
    expect(subjects(await linesOf(dir))).toEqual(['still']);
  });
});

describe('npm run verify -- log', () => {
  const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, ['scripts/verify.ts', 'log', ...args], { encoding: 'utf8' });

  it('checks a copy without the hub, by its own exit code and by hand', async () => {
    const dir = join(root, 'copied');
    const log = await open(dir);
    for (const i of [0, 1, 2, 3]) await log.record(seen(`${i}`));
    await log.close();
    const copy = join(root, 'copy.ndjson');
    copyFileSync(logFile(dir), copy);
    expect(run(copy)).toMatchObject({ status: 0, stdout: expect.stringContaining('without a kept head') as string });
    const good = run(copy, '--head', headFile(dir), '--json');
    expect(good).toMatchObject({ status: 0, stdout: expect.stringContaining('verified, 6 lines') as string });
    expect(JSON.parse(good.stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({ ok: true, lines: 6, signedSeq: 5, problems: [] });
    const texts = readFileSync(copy, 'utf8').split('\n');
    writeFileSync(copy, texts.toSpliced(2, 1).join('\n'));
    expect(run(copy)).toMatchObject({ status: 1, stdout: expect.stringContaining('line 3: removed: number 2') as string });
    writeFileSync(copy, `${texts.slice(0, 4).join('\n')}\n`);
    expect(run(copy).status).toBe(0);
    expect(run(copy, '--head', headFile(dir))).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('line 5: cut: numbers 4 to 5') as string,
    });
    expect(run(join(root, 'nowhere'))).toMatchObject({ status: 2, stderr: expect.stringContaining('cannot be read') as string });
    expect(run(copy, '--head', copy).status).toBe(2);
    const { seq, hash, atMs, signature } = log.signedHead();
    writeFileSync(join(root, 'head.txt'), `custody-head ${seq} ${hash} ${atMs}`);
    writeFileSync(join(root, 'head.sig'), Buffer.from(signature, 'base64'));
    const key = join(root, 'keys/custody-ed25519.pub.pem');
    const args = [
      'pkeyutl',
      '-verify',
      '-pubin',
      '-inkey',
      key,
      '-rawin',
      '-in',
      join(root, 'head.txt'),
      '-sigfile',
      join(root, 'head.sig'),
    ];
    expect(spawnSync('openssl', args, { encoding: 'utf8' })).toMatchObject({ status: 0 });
  });
});
