import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyBag } from '../../media/archive/bag.ts';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { type RunningHub, startHub, until } from '../support/hub.ts';
import { film, type FilmedOperation, journalLines, untilSegments } from '../support/operation.ts';
import { cutOff, journalsOf } from '../support/playback.ts';
import { Relay } from '../support/relay.ts';

const SEGMENT_MS = 2000;
let root = '';
let hub: RunningHub;
let operation: FilmedOperation;
let bag = '';
/** When none of the second camera's packets was on its way to the hub. */
let silence = { fromMs: 0, toMs: 0 };

/** Two cameras; one loses its plug for three seconds; then the operation ends and is packed. */
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-recording-'));
  hub = await startHub(join(root, 'data'), { SEGMENT_SECONDS: String(SEGMENT_MS / 1000) });
  const relays: Relay[] = [];
  operation = await film(hub, ['东侧', '西侧'], async (_, target) => {
    const relay = await Relay.open(target);
    relays.push(relay);
    return relay.source;
  });
  const [west, relay] = [operation.angles[1], relays[1]];
  if (!west || !relay) throw new Error('two angles were asked for');
  await untilSegments(operation, west.angleId, 2);
  west.camera.cut();
  const cutMs = Date.now();
  await until('the interruption is noticed', async () => (await operation.view()).angles[1]?.status === 'interrupted');
  await new Promise((resolve) => setTimeout(resolve, cutMs + 3000 - Date.now()));
  west.camera.start();
  await until('it records again', async () => (await operation.view()).angles[1]?.status === 'recording');
  ({ silence } = relay);
  await untilSegments(operation, west.angleId, 5);
  bag = await operation.end();
  for (const { camera } of operation.angles) camera.cut();
  for (const each of relays) each.close();
});
afterAll(async () => {
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

type Segment = { path: string; initPath: string; line: Record<string, number | string> };
function segments(dir: string): Segment[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('/journal.ndjson'))
    .flatMap((path) => {
      const folder = join(dir, path, '..');
      const lines = journalLines(join(dir, path)).filter((line) => line['type'] === 'segment') as Segment['line'][];
      return lines.map((line) => ({ path: join(folder, String(line['file'])), initPath: join(folder, String(line['init'])), line }));
    });
}

describe('recorded segments', () => {
  it('lie in the cell of the grid that their name says', () => {
    const all = segments(operation.dir);
    expect(all.length).toBeGreaterThanOrEqual(9);
    for (const { path, line } of all) {
      expect(Math.floor(Number(line['startMs']) / SEGMENT_MS)).toBe(line['cell']);
      expect(Number(line['offsetMs'])).toBeCloseTo(Number(line['startMs']) - Number(line['cell']) * SEGMENT_MS, 2);
      expect(path.endsWith(`/${line['cell']}-${line['part']}.m4s`)).toBe(true);
    }
  });

  it('decode without a word from ffmpeg, and hold just the frames that their journal says', () => {
    for (const { path, initPath, line } of segments(operation.dir)) {
      const input = Buffer.concat([readFileSync(initPath), readFileSync(path)]);
      const decoded = spawnSync('ffmpeg', ['-v', 'error', '-i', 'pipe:0', '-f', 'null', '-'], { input });
      expect(`${path}: ${decoded.stderr.toString()}`).toBe(`${path}: `);
      const probe = [
        '-v',
        'error',
        '-select_streams',
        'v',
        '-count_packets',
        '-show_entries',
        'stream=nb_read_packets',
        '-of',
        'csv=p=0',
        'pipe:0',
      ];
      const counted = spawnSync('ffprobe', probe, { input });
      expect(Number(counted.stdout.toString() || 0)).toBe(line['frames']);
    }
  });

  it('leave no frame between them within a take', () => {
    for (const { angleId } of operation.angles) {
      const frames = segments(join(operation.dir, angleId)).filter(({ line }) => Number(line['frames']) > 0);
      let before: Segment | null = null;
      for (const segment of frames) {
        const sameTake = before !== null && join(before.path, '..') === join(segment.path, '..');
        if (before && sameTake)
          expect(Number(before.line['mediaMs']) + Number(before.line['durationMs'])).toBeCloseTo(Number(segment.line['mediaMs']), 1);
        expect(Number(segment.line['durationMs'])).toBeCloseTo((Number(segment.line['frames']) * 1000) / 30, 0);
        expect(segment.line['missing']).toBe(0);
        before = segment;
      }
      for (const { lines } of journalsOf(operation.dir, angleId))
        expect(lines.at(-1)).toMatchObject({ type: 'take.ended', missing: 0, withheld: cutOff(lines) });
    }
  });

  it('play as one, from the package alone', () => {
    for (const { angleId } of operation.angles) {
      const played = spawnSync('ffmpeg', ['-v', 'error', '-i', join(bag, 'data', angleId, 'index.m3u8'), '-map', '0:v', '-f', 'null', '-']);
      expect(played.status).toBe(0);
    }
  });
});

describe('the interruption', () => {
  it('is one, on the right angle, within a second of when nothing came, and says why', async () => {
    const report = await verifyOperation(operation.dir);
    expect(report.interruptions).toHaveLength(1);
    const [found] = report.interruptions;
    expect(found).toMatchObject({ angleId: operation.angles[1]?.angleId, cause: 'connection-lost' });
    expect(silence.toMs - silence.fromMs).toBeGreaterThanOrEqual(3000);
    expect(Math.abs((found?.startMs ?? 0) - silence.fromMs)).toBeLessThan(1000);
    expect(Math.abs((found?.endMs ?? 0) - silence.toMs)).toBeLessThan(1000);
  });
});

describe('the package', () => {
  it('passes sha256sum and conforms to RFC 8493', () => {
    for (const manifest of ['manifest-sha256.txt', 'tagmanifest-sha256.txt'])
      execFileSync('sha256sum', ['--quiet', '--strict', '-c', manifest], { cwd: bag });
    expect(readFileSync(join(bag, 'bagit.txt'), 'utf8')).toBe('BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n');
    const files = readdirSync(bag, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const payload = files.map((file) => join(file.parentPath, file.name).slice(bag.length + 1)).filter((path) => path.startsWith('data/'));
    const listed = readFileSync(join(bag, 'manifest-sha256.txt'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => line.slice(66));
    expect(payload.toSorted()).toEqual(listed.toSorted());
    const octets = payload.reduce((sum, path) => sum + statSync(join(bag, path)).size, 0);
    expect(readFileSync(join(bag, 'bag-info.txt'), 'utf8')).toContain(`Payload-Oxum: ${octets}.${payload.length}\n`);
  });

  it('names an unlisted file, a missing one and a wrong sum', async () => {
    const copy = join(root, 'bag-copy');
    cpSync(bag, copy, { recursive: true });
    writeFileSync(join(copy, 'data', 'extra.txt'), 'x');
    rmSync(join(copy, 'data', operation.angles[0]?.angleId ?? '', 'index.m3u8'));
    const { ok, problems } = await verifyBag(copy);
    expect(ok).toBe(false);
    expect(problems.map(({ path }) => path)).toContain('data/extra.txt');
    expect(problems.map(({ path }) => path)).toContain(`data/${operation.angles[0]?.angleId}/index.m3u8`);
  });
});

describe('verification', () => {
  /** A copy of the recorded operation, spoilt, and what verification says of it. */
  async function spoilt(spoil: (dir: string) => void): Promise<string[]> {
    const copy = mkdtempSync(join(root, 'spoilt-'));
    cpSync(operation.dir, copy, { recursive: true });
    spoil(copy);
    const { ok, problems } = await verifyOperation(copy);
    expect(ok).toBe(problems.length === 0);
    return problems.map(({ path, message }) => `${path}: ${message}`);
  }
  const flip = (path: string, at: number): void => {
    const bytes = readFileSync(path);
    const index = at < 0 ? bytes.length + at : at;
    bytes[index] = (bytes[index] as number) ^ 1;
    writeFileSync(path, bytes);
  };
  const relative = (path: string): string => path.slice(operation.dir.length + 1);
  const journals = (): string[] =>
    readdirSync(operation.dir, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ndjson'));

  it('passes what was recorded', async () => {
    expect(await spoilt(() => undefined)).toEqual([]);
  });

  it('finds a changed byte in any segment and names the file', async () => {
    for (const [i, { path }] of segments(operation.dir).entries()) {
      const size = statSync(path).size;
      const said = await spoilt((dir) => flip(join(dir, relative(path)), Math.floor((size * (i + 1)) / 40) % size));
      expect(said.some((line) => line.startsWith(`${relative(path)}: `) && line.includes('SHA-256'))).toBe(true);
    }
  });

  it('finds a changed byte in any line of any journal and names the line', async () => {
    for (const path of journals()) {
      const text = readFileSync(join(operation.dir, path), 'utf8');
      let at = 0;
      for (const [number, line] of text.trimEnd().split('\n').entries()) {
        const middle = at + Math.floor(line.length / 2);
        const said = await spoilt((dir) => flip(join(dir, path), middle));
        expect(
          said.find((problem) => problem.startsWith(`${path}: line ${number}:`)),
          `${path} line ${number}`,
        ).toBeDefined();
        at += Buffer.byteLength(line) + 1;
      }
    }
  });

  it('finds a journal whose last line was cut off', async () => {
    for (const path of journals()) {
      const said = await spoilt((dir) => {
        const lines = readFileSync(join(dir, path), 'utf8').trimEnd().split('\n');
        writeFileSync(join(dir, path), `${lines.slice(0, -1).join('\n')}\n`);
      });
      expect(
        said.some((problem) => problem.startsWith(`${path}: `) && /cut off/.test(problem)),
        path,
      ).toBe(true);
    }
  });

  it('finds a removed take, a removed segment, an added file and a torn line', async () => {
    const take = `${operation.angles[0]?.angleId}/0001`;
    expect((await spoilt((dir) => rmSync(join(dir, take), { recursive: true }))).join('\n')).toContain(`${take}/journal.ndjson: take 0001`);
    const segment = segments(operation.dir)[0]?.path ?? '';
    expect(await spoilt((dir) => rmSync(join(dir, relative(segment))))).toEqual([`${relative(segment)}: is missing`]);
    expect(await spoilt((dir) => writeFileSync(join(dir, take, 'note.txt'), 'x'))).toEqual([`${take}/note.txt: is in no journal`]);
    const torn = await spoilt((dir) => writeFileSync(join(dir, 'operation.ndjson'), '{"v":1', { flag: 'a' }));
    expect(torn.some((problem) => problem.includes('torn'))).toBe(true);
  });

  it('finds a journal that was rewritten with right hashes but without the signing key', async () => {
    const said = await spoilt((dir) => {
      const script =
        "const c=require('crypto');const fs=require('fs');const p=process.argv[1];let prev='0'.repeat(64);const out=fs.readFileSync(p,'utf8').trimEnd().split('\\n').map((t)=>{const o=JSON.parse(t);delete o.hash;if(o.type==='interruption.closed')o.cause='hub-stopped';o.prev=prev;const b=JSON.stringify(o);prev=c.createHash('sha256').update(b).digest('hex');return b.slice(0,-1)+',\"hash\":\"'+prev+'\"}'});fs.writeFileSync(p,out.join('\\n')+'\\n')";
      execFileSync(process.execPath, ['-e', script, join(dir, 'operation.ndjson')]);
    });
    expect(said.some((problem) => problem.includes('signs another line') || problem.includes('signature is not valid'))).toBe(true);
  });

  it('is a command that anybody can run', () => {
    const run = spawnSync(process.execPath, ['scripts/verify.ts', bag, '--json'], { encoding: 'utf8' });
    expect(run.status).toBe(0);
    expect(JSON.parse(run.stdout.trimEnd().split('\n').at(-1) ?? '')).toEqual([{ path: bag, ok: true, problems: [] }]);
  });
});
