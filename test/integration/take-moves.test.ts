import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MediaEvent } from '../../media/protocol/events.ts';
import { repairOperation, surveyOperations } from '../../media/recorder/repair.ts';
import { settleMoves } from '../../media/recorder/settle-moves.ts';
import { readOperation } from '../../media/recordings/read.ts';
import { Signer } from '../../media/recordings/signer.ts';
import { fixture } from '../support/depacketize.ts';
import { openRecorder } from '../support/direct-recorder.ts';
import { contents, dirOf, filmTake, folder, journalOf, mover, orderOf, problems } from '../support/moving.ts';
import { journalLines } from '../support/operation.ts';
import { playTake } from '../support/playback.ts';
import { MadeUpTime, repeated } from '../support/replay.ts';
import { trackInput } from '../support/rtp.ts';

const SEGMENT_MS = 2000;
const OPERATIONS = ['op-wrong', 'op-right'] as const;
let root = '';
let signer: Signer;
/** Data folders before a move from op-wrong/east/0001 to op-right/west, and after it: both ended, only the first, only the second. */
const states = new Map<string, { before: string; after: string }>();
const time = new MadeUpTime(1_800_000_000_500);
let live: { events: MediaEvent[]; counts: number[] };

const FROM = 'east/0001';
const TO = 'west/0002';

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-moves-'));
  for (const ended of [['op-wrong', 'op-right'], ['op-wrong'], ['op-right']]) {
    const data = join(root, `live-${states.size}`);
    const wrong = await openRecorder(data, SEGMENT_MS, time.clock, 'op-wrong');
    const right = await openRecorder(data, 4000, time.clock, 'op-right');
    const recorders = new Map([wrong, right].map((recorder) => [recorder.operationId, recorder]));
    await wrong.addAngle('east', '东侧');
    await right.addAngle('west', '西侧');
    await filmTake(right, 'west', time);
    time.nowMs += 2000;
    await filmTake(wrong, 'east', time, 5000);
    for (const id of ended) {
      await recorders.get(id)?.end();
      recorders.delete(id);
    }
    const before = join(root, `before-${states.size}`);
    cpSync(data, before, { recursive: true });
    const { moves, events } = await mover(data, time, recorders);
    await moves.move(orderOf('op-wrong/east/0001', 'op-right/west'));
    if (ended.length === 1 && ended[0] === 'op-right')
      live = { events, counts: [wrong.angle('east').segments, wrong.angle('east').frames, wrong.angle('east').takes] };
    const after = join(root, `after-${states.size}`);
    cpSync(data, after, { recursive: true });
    states.set(ended.join('+'), { before, after });
    for (const recorder of recorders.values()) await recorder.stop();
  }
  signer = await Signer.load(join(states.get('op-wrong+op-right')?.before ?? '', 'keys'));
}, 60_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

const both = (): { before: string; after: string } => states.get('op-wrong+op-right') as { before: string; after: string };
function copyOf(data: string): string {
  const copy = mkdtempSync(join(root, 'copy-'));
  cpSync(data, copy, { recursive: true });
  return copy;
}

describe('a take that was moved', () => {
  it.each(['op-wrong+op-right', 'op-wrong', 'op-right'])(
    'is as it was, and both operations are verified, where %s had ended',
    async (ended) => {
      const { before, after } = states.get(ended) as { before: string; after: string };
      expect(await contents(folder(after, 'op-right', TO))).toEqual(await contents(folder(before, 'op-wrong', FROM)));
      expect(existsSync(folder(after, 'op-wrong', FROM))).toBe(false);
      for (const id of OPERATIONS) expect(await problems(after, id)).toEqual([]);
      const out = journalLines(journalOf(after, 'op-wrong')).find(({ type }) => type === 'take.moved-out');
      const into = journalLines(journalOf(after, 'op-right')).find(({ type }) => type === 'take.moved-in');
      const told = { moveId: 'mv-test0001', by: { personId: 'pe-1', name: '王队' }, reason: '扫错了二维码' };
      expect(out).toMatchObject({
        ...told,
        angleId: 'east',
        takeId: '0001',
        toOperationId: 'op-right',
        toAngleId: 'west',
        toTakeId: '0002',
      });
      const from = { fromOperationId: 'op-wrong', fromAngleId: 'east', fromTakeId: '0001' };
      expect(into).toMatchObject({
        ...told,
        ...from,
        angleId: 'west',
        takeId: '0002',
        headHash: out?.['headHash'],
        headSeq: out?.['headSeq'],
      });
    },
  );

  it('plays in its new place at its true time, and no more in the old one', async () => {
    const { before, after } = both();
    const was = (await readOperation(dirOf(before, 'op-wrong'))).angles[0]?.takes[0];
    const [wrong, right] = await Promise.all(OPERATIONS.map((id) => readOperation(dirOf(after, id))));
    expect(wrong?.angles[0]?.takes).toEqual([]);
    expect(right?.angles[0]?.takes.map(({ takeId }) => takeId)).toEqual(['0001', '0002']);
    expect(right?.angles[0]?.takes[1]).toEqual({ ...was, angleId: 'west', takeId: '0002' });
    expect(wrong?.moves).toEqual(right?.moves);
    const { status, said, playlist } = await playTake(dirOf(after, 'op-right'), 'west', '0002');
    expect([status, said]).toEqual([0, '']);
    expect(playlist).toContain(new Date(Math.round(was?.segments[0]?.startMs ?? 0)).toISOString());
  });

  it('is told of, and counted no more where it was', () => {
    const place = { operationId: 'op-right', angleId: 'west', takeId: '0002' };
    expect(live.events).toMatchObject([{ type: 'take.moved', from: { operationId: 'op-wrong' }, to: place }]);
    expect(live.counts).toEqual([0, 0, 1]);
  });

  it('leaves its number behind, and goes on to a new angle or back', async () => {
    const data = copyOf(both().after);
    const { moves } = await mover(data, time);
    const third = await moves.move(orderOf('op-right/west/0002', 'op-right/roof', '屋顶', 'mv-test0002'));
    expect(third).toEqual({ operationId: 'op-right', angleId: 'roof', takeId: '0001' });
    const back = await moves.move(orderOf('op-right/roof/0001', 'op-wrong/east', null, 'mv-test0003'));
    expect(back).toEqual({ operationId: 'op-wrong', angleId: 'east', takeId: '0002' });
    for (const id of OPERATIONS) expect(await problems(data, id)).toEqual([]);
    expect((await readOperation(dirOf(data, 'op-right'))).moves).toHaveLength(3);
  });

  it('of an operation that goes on after a restart is taken up there, and its number given to no other', async () => {
    const data = copyOf(states.get('op-wrong')?.after ?? ''); // op-right is live
    const restored = await repairOperation(dirOf(data, 'op-right'), signer, time.nowMs);
    await restored?.journal.close();
    expect(restored?.angles[0]).toMatchObject({ takes: 2, firstMediaMs: expect.any(Number) as number });
    const types = journalLines(journalOf(data, 'op-right')).map(({ type }) => type);
    expect(types.filter((type) => type === 'take.started')).toHaveLength(1);
    const source = copyOf(states.get('op-right')?.after ?? ''); // op-wrong is live
    const emptied = await repairOperation(dirOf(source, 'op-wrong'), signer, time.nowMs);
    await emptied?.journal.close();
    expect(emptied?.angles[0]).toMatchObject({ takes: 1, segments: 0, frames: 0 });
  });
});

describe('a move that may not be', () => {
  it.each([
    ['op-wrong/east/0009', 'op-right/west', null, 'takeId'],
    ['op-wrong/east/0001', 'op-right/none', null, 'toAngleId'],
    ['op-wrong/east/0001', 'op-right/west', '西侧', 'toAngleId'],
    ['op-wrong/east/0001', 'op-wrong/east', null, 'toAngleId'],
    ['op-wrong/east/0001', 'op-right/talk', null, 'toAngleId'],
  ])('is refused: %s to %s', async (from, to, name, field) => {
    const data = copyOf(both().before);
    const { moves, events } = await mover(data, time);
    await expect(moves.move(orderOf(from, to, name))).rejects.toMatchObject({ field });
    expect(events).toEqual([]);
    for (const id of OPERATIONS) expect(readFileSync(journalOf(data, id))).toEqual(readFileSync(journalOf(both().before, id)));
  });

  it('is refused while the take runs, and where the angle has one of the same time', async () => {
    const data = join(root, 'running');
    const recorder = await openRecorder(data, SEGMENT_MS, time.clock, 'op-wrong');
    for (const angleId of ['east', 'west']) await recorder.addAngle(angleId, angleId);
    const startMs = time.nowMs;
    await filmTake(recorder, 'east', time);
    time.nowMs = startMs;
    await filmTake(recorder, 'west', time);
    const { moves } = await mover(data, time, new Map([['op-wrong', recorder]]));
    await expect(moves.move(orderOf('op-wrong/east/0001', 'op-wrong/west'))).rejects.toMatchObject({
      code: 'conflict',
      field: 'same-time',
    });
    const running = recorder.startTake('east', 'camera');
    const video = fixture('h264');
    time.receive([{ sink: running.addTrack(trackInput(video)), sent: repeated(video, 3000).sent }]);
    await expect.poll(() => recorder.angle('east').takeId).toBe('0002');
    await expect.poll(() => existsSync(folder(data, 'op-wrong', 'east/0002'))).toBe(true);
    const late = moves.move(orderOf('op-wrong/east/0002', 'op-wrong/new', '新', 'mv-test0009'));
    await expect(late).rejects.toMatchObject({ field: 'takeId' });
    await recorder.endTake(running, 'stopped-by-operator');
    await moves.move(orderOf('op-wrong/east/0002', 'op-wrong/new', '新', 'mv-test0010'));
    await recorder.end();
    expect(await problems(data, 'op-wrong')).toEqual([]);
  });
});

describe('a hub that dies in a move', () => {
  /** Lengths of a journal at each line, and within each, from where it stood before. */
  function cuts(before: Buffer, after: Buffer): number[] {
    const at = new Set([before.length]);
    for (let end = after.indexOf(0x0a, before.length), from = before.length; end >= 0; from = end + 1, end = after.indexOf(0x0a, from))
      for (const cut of [from + ((end - from) >> 1), end, end + 1]) at.add(cut);
    return [...at];
  }
  async function settle(data: string): Promise<void> {
    const log = pino({ level: 'silent' });
    const recordingsDir = join(data, 'recordings');
    const { withMoves, live: going } = await surveyOperations(recordingsDir);
    await settleMoves(withMoves, { recordingsDir, signer: await Signer.load(join(data, 'keys')), nowMs: () => time.nowMs, log });
    for (const { operationId } of going) {
      const restored = await repairOperation(dirOf(data, operationId), await Signer.load(join(data, 'keys')), time.nowMs).catch(
        (error: { code: string }) => (error.code === 'gone' ? null : Promise.reject(error as unknown as Error)),
      );
      await restored?.journal.close();
    }
  }

  it.each(['op-wrong+op-right', 'op-wrong', 'op-right'])('finds it wholly here or wholly there, where %s had ended', async (ended) => {
    const { before, after } = states.get(ended) as { before: string; after: string };
    const bytes = (data: string, id: string): Buffer => readFileSync(journalOf(data, id));
    const [out, into] = OPERATIONS.map((id) => cuts(bytes(before, id), bytes(after, id))) as [number[], number[]];
    const whole = (id: 'op-wrong' | 'op-right'): number => bytes(after, id).length;
    const points = [
      ...out.map((length) => ({ wrong: length, right: into[0] as number, renamed: false })),
      ...into.map((length) => ({ wrong: whole('op-wrong'), right: length, renamed: false })),
      { wrong: whole('op-wrong'), right: whole('op-right'), renamed: true },
    ];
    const outcomes = new Set<string>();
    for (const point of points) {
      const data = copyOf(after);
      for (const [id, length] of [
        ['op-wrong', point.wrong],
        ['op-right', point.right],
      ] as const)
        writeFileSync(journalOf(data, id), bytes(after, id).subarray(0, length));
      if (!point.renamed) {
        mkdirSync(join(dirOf(data, 'op-wrong'), 'east'), { recursive: true });
        renameSync(folder(data, 'op-right', TO), folder(data, 'op-wrong', FROM));
      }
      await settle(data);
      const places = [existsSync(folder(data, 'op-wrong', FROM)), existsSync(folder(data, 'op-right', TO))];
      for (const id of OPERATIONS) expect(await problems(data, id), JSON.stringify(point)).toEqual([]);
      const takes = await Promise.all(OPERATIONS.map(async (id) => (await readOperation(dirOf(data, id))).angles[0]?.takes.length));
      expect(takes, JSON.stringify(point)).toEqual(places[0] ? [1, 1] : [0, 2]);
      outcomes.add(places.join());
      const journals = OPERATIONS.map((id) => bytes(data, id).toString());
      await settle(data);
      if (ended === 'op-wrong+op-right') expect(OPERATIONS.map((id) => bytes(data, id).toString())).toEqual(journals);
      rmSync(data, { recursive: true });
    }
    expect([...outcomes].toSorted()).toEqual(['false,true', 'true,false']);
  });

  it('finds it in one place also where both are of one operation', async () => {
    const before = copyOf(both().before);
    const after = copyOf(before);
    const { moves } = await mover(after, time);
    await moves.move(orderOf('op-wrong/east/0001', 'op-wrong/roof', '屋顶'));
    const [was, is] = [before, after].map((data) => readFileSync(journalOf(data, 'op-wrong'))) as [Buffer, Buffer];
    const outcomes = new Set<boolean>();
    for (const length of cuts(was, is)) {
      const data = copyOf(after);
      writeFileSync(journalOf(data, 'op-wrong'), is.subarray(0, length));
      renameSync(folder(data, 'op-wrong', 'roof/0001'), folder(data, 'op-wrong', FROM));
      await settle(data);
      expect(await problems(data, 'op-wrong'), String(length)).toEqual([]);
      const { angles } = await readOperation(dirOf(data, 'op-wrong'));
      expect(angles.flatMap(({ takes }) => takes)).toHaveLength(1);
      outcomes.add(existsSync(folder(data, 'op-wrong', FROM)));
    }
    expect(outcomes.size).toBe(2);
  });
});

describe('verify', () => {
  const told = async (data: string, id: string): Promise<string> => JSON.stringify(await problems(data, id));

  it('finds a take that is gone without a line', async () => {
    const data = copyOf(both().before);
    rmSync(folder(data, 'op-wrong', FROM), { recursive: true });
    expect(await told(data, 'op-wrong')).toContain('its own journal is missing');
  });

  it('finds a take that was moved away and is still there', async () => {
    const data = copyOf(both().after);
    cpSync(folder(both().before, 'op-wrong', FROM), folder(data, 'op-wrong', FROM), { recursive: true });
    expect(await told(data, 'op-wrong')).toContain('was moved to op-right/west/0002, but is still here');
  });

  it('finds a take that came and is another, is shorter, or is gone', async () => {
    const other = copyOf(both().after);
    rmSync(folder(other, 'op-right', TO), { recursive: true });
    cpSync(folder(other, 'op-right', 'west/0001'), folder(other, 'op-right', TO), { recursive: true });
    expect(await told(other, 'op-right')).toContain("is not the one that the operation's journal knows");
    const shorter = copyOf(both().after);
    const path = join(folder(shorter, 'op-right', TO), 'journal.ndjson');
    writeFileSync(path, readFileSync(path, 'utf8').trimEnd().split('\n').slice(0, -1).join('\n').concat('\n'));
    expect(await told(shorter, 'op-right')).toContain('the journal was cut off');
    const gone = copyOf(both().after);
    rmSync(folder(gone, 'op-right', TO), { recursive: true });
    expect(await told(gone, 'op-right')).toContain('its own journal is missing');
  });

  it('finds a line of a move that was cut off behind the end', async () => {
    const data = copyOf(both().after);
    const lines = readFileSync(journalOf(data, 'op-wrong'), 'utf8').trimEnd().split('\n');
    writeFileSync(journalOf(data, 'op-wrong'), `${lines.slice(0, -1).join('\n')}\n`);
    expect(await told(data, 'op-wrong')).toContain('the final signature is missing');
  });
});
