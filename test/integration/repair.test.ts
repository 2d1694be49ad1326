import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFragments } from '../../media/mp4/read.ts';
import { repairOperation } from '../../media/recorder/repair.ts';
import { Signer } from '../../media/recordings/signer.ts';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { listFiles } from '../../media/recordings/verify-files.ts';
import { startHub, until } from '../support/hub.ts';
import { film, untilSegments } from '../support/operation.ts';
import { segmentLines, journalsOf } from '../support/playback.ts';

let root = '';
let crashed = '';
let angleId = '';
let signer: Signer;

/** One recording whose hub was killed, in the midst of a segment with some fragments. */
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-repair-'));
  const hub = await startHub(join(root, 'data'), { SEGMENT_SECONDS: '4' });
  const operation = await film(hub, ['东侧']);
  angleId = operation.angles[0]?.angleId ?? '';
  await untilSegments(operation, angleId, 1);
  crashed = operation.dir;
  const written = (): number => {
    const unfinished = unfinishedOf(crashed);
    return unfinished === null ? 0 : readFragments(readFileSync(unfinished)).fragments.length;
  };
  // half a second each: there is time for some more until it is full
  await until('some fragments are written', () => written() >= 3 && written() <= 5);
  await hub.killAll();
  operation.angles[0]?.camera.cut();
  signer = await Signer.load(join(hub.dataDir, 'keys'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A copy of what the killed hub left, and where its unfinished segment is in it. */
function copy(): { dir: string; take: string; unfinished: string } {
  const dir = mkdtempSync(join(root, 'copy-'));
  cpSync(crashed, dir, { recursive: true });
  const unfinished = unfinishedOf(dir);
  if (unfinished === null) throw new Error('the hub was killed between two segments');
  return { dir, take: join(dir, angleId, '0001'), unfinished };
}
/** The segment that is being written, or was, in this operation's folder. */
function unfinishedOf(dir: string): string | null {
  const take = join(dir, angleId, '0001');
  const closed = segmentLines(journalsOf(dir, angleId)[0]?.lines ?? []).map((line) => line['file']);
  const name = readdirSync(take).find((each) => each.endsWith('.m4s') && !closed.includes(each));
  return name === undefined ? null : join(take, name);
}
async function repair(dir: string): Promise<void> {
  const restored = await repairOperation(dir, signer, Date.now());
  await restored?.journal.close();
}
async function contents(dir: string): Promise<Map<string, string>> {
  const paths = await listFiles(dir);
  return new Map(
    paths.map((path) => [
      path,
      createHash('sha256')
        .update(readFileSync(join(dir, path)))
        .digest('hex'),
    ]),
  );
}

describe('repair', () => {
  it('changes nothing the second time but the line that says that the hub was there', async () => {
    const { dir } = copy();
    await repair(dir);
    expect((await verifyOperation(dir)).problems).toEqual([]);
    const first = await contents(dir);
    const journal = readFileSync(join(dir, 'operation.ndjson'), 'utf8');
    await repair(dir);
    const second = await contents(dir);
    expect([...second].filter(([path, hash]) => first.get(path) !== hash).map(([path]) => path)).toEqual(['operation.ndjson']);
    expect([...second.keys()]).toEqual([...first.keys()]);
    const after = readFileSync(join(dir, 'operation.ndjson'), 'utf8');
    expect(after.startsWith(journal)).toBe(true);
    const added = after
      .slice(journal.length)
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { type: string }).type);
    expect(added).toEqual(['hub.restarted', 'signature']);
    expect((await verifyOperation(dir)).problems).toEqual([]);
  });

  it('keeps every whole fragment, wherever the file was cut off', async () => {
    const { fragments, wholeBytes } = readFragments(readFileSync(copy().unfinished));
    expect(fragments.length).toBeGreaterThanOrEqual(3);
    const ends = [0, ...fragments.map(({ offset, sizeBytes }) => offset + sizeBytes)];
    const cuts = ends.flatMap((end) => [-9, -1, 0, 1, 7, 8, 9, 400].map((by) => end + by)).filter((at) => at >= 0 && at <= wholeBytes);
    for (const at of new Set(cuts)) {
      const { dir, unfinished } = copy();
      truncateSync(unfinished, at);
      await repair(dir);
      expect((await verifyOperation(dir)).problems, `cut at ${at}`).toEqual([]);
      const whole = ends.filter((end) => end > 0 && end <= at).length;
      const line = segmentLines(journalsOf(dir, angleId)[0]?.lines ?? []).find(({ file }) => unfinished.endsWith(String(file)));
      expect(line?.['fragments'] ?? 0, `cut at ${at}`).toBe(whole);
      if (whole > 0) expect(statSync(unfinished).size).toBe(ends[whole]);
      rmSync(dir, { recursive: true });
    }
  });

  it('goes on from every state that a kill can leave: journals cut off at any line, or within one', async () => {
    const { dir: repaired } = copy();
    await repair(repaired);
    const before = readFileSync(join(crashed, 'operation.ndjson')).length;
    const after = readFileSync(join(repaired, 'operation.ndjson'));
    const takeBefore = readFileSync(join(crashed, angleId, '0001', 'journal.ndjson')).length;
    const takeAfter = readFileSync(join(repaired, angleId, '0001', 'journal.ndjson'));
    // the take's journal comes first: while it grows, the operation's stands still
    const states = [
      ...cutsOf(takeAfter, takeBefore).map((take) => ({ take, operation: before })),
      ...cutsOf(after, before).map((operation) => ({ take: takeAfter.length, operation })),
    ];
    expect(states.length).toBeGreaterThan(10);
    for (const state of states) {
      const dir = mkdtempSync(join(root, 'state-'));
      cpSync(repaired, dir, { recursive: true });
      writeFileSync(join(dir, 'operation.ndjson'), after.subarray(0, state.operation));
      writeFileSync(join(dir, angleId, '0001', 'journal.ndjson'), takeAfter.subarray(0, state.take));
      await repair(dir);
      expect((await verifyOperation(dir)).problems, JSON.stringify(state)).toEqual([]);
      const opened = readFileSync(join(dir, 'operation.ndjson'), 'utf8').match(/"type":"interruption.opened"/g);
      expect(opened, JSON.stringify(state)).toHaveLength(1);
      rmSync(dir, { recursive: true });
    }
  });

  it('of a take whose unfinished segment was removed keeps the rest', async () => {
    const { dir, unfinished } = copy();
    unlinkSync(unfinished);
    await repair(dir);
    expect((await verifyOperation(dir)).problems).toEqual([]);
    expect(segmentLines(journalsOf(dir, angleId)[0]?.lines ?? []).length).toBeGreaterThan(0);
  });
});

/** Where the bytes after `from` can have been cut off: at the end of each line, just before it and in its midst. */
function cutsOf(bytes: Buffer, from: number): number[] {
  const cuts = new Set([from]);
  for (let at = bytes.indexOf(0x0a, from), start = from; at >= 0; start = at + 1, at = bytes.indexOf(0x0a, start))
    for (const cut of [start + Math.floor((at - start) / 2), at, at + 1]) cuts.add(cut);
  return [...cuts];
}
