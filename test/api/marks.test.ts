import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hubFetch } from '../../scripts/demo/sign-in.ts';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { call } from '../../scripts/demo/hub.ts';
import { Incidents, OperationView } from '../../server/protocol/http.ts';
import { freePort, type RunningHub, startHub, until } from '../support/hub.ts';
import { journalLines } from '../support/operation.ts';
import { phoneOperation, type PhoneOperation } from '../support/phone-operation.ts';
import { openConsoleSocket, openPhone, type PhoneSocket } from '../support/phone-socket.ts';

let root = '';
let hub: RunningHub;
let ports: Record<string, string>;
let operation: PhoneOperation;
let phone: PhoneSocket;
let desk: PhoneSocket;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-marks-'));
  ports = { PORT: String(await freePort()), RTC_PORT: String(await freePort()) };
  hub = await startHub(join(root, 'data'), ports);
  operation = await phoneOperation(hub, ['东侧', '西侧']);
  phone = await openPhone(hub, operation.angles[0]?.url ?? '');
  desk = await openConsoleSocket(hub, operation.operationId);
});
afterAll(async () => {
  phone.close();
  desk.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

const lines = (type: string): Record<string, unknown>[] =>
  journalLines(join(operation.dir, 'operation.ndjson')).filter((line) => line['type'] === type);
const view = (): Promise<OperationView> => call(hub, OperationView, 'GET', `/operations/${operation.operationId}`);
const toldMarks = (socket: PhoneSocket): unknown[] => socket.told('mark').map(({ mark }) => mark);

/** The hub was killed and is there again; so are phone and console. */
async function killed(): Promise<void> {
  phone.close();
  desk.close();
  await hub.killAll();
  hub = await startHub(join(root, 'data'), ports);
  phone = await openPhone(hub, operation.angles[0]?.url ?? '');
  desk = await openConsoleSocket(hub, operation.operationId);
}

describe('marks', () => {
  it('are journalled with the moment of the touch, told to consoles, and entered once however often they are sent', async () => {
    const angleId = operation.angles[0]?.angleId;
    const atMs = (await view()).openedMs + 1.25;
    const sent = { markId: 'touch-0001', kind: 'moment', atMs, text: null };
    const answers = await Promise.all([phone.ask('mark', sent), phone.ask('mark', sent)]);
    answers.push(await phone.ask('mark', sent));
    for (const answer of answers) expect(answer).toMatchObject({ markId: 'touch-0001', angleId, by: 'operator', atMs, acknowledged: null });
    expect(lines('mark')).toHaveLength(1);
    expect(lines('mark')[0]).toMatchObject({ markId: 'touch-0001', kind: 'moment', angleId, by: 'operator', atMs, text: null });
    expect(Number(lines('mark')[0]?.['receivedMs'])).toBeGreaterThanOrEqual(atMs);
    await expect.poll(() => toldMarks(desk)).toEqual([expect.objectContaining({ markId: 'touch-0001', version: 1 })]);
    await expect.poll(() => toldMarks(phone)).toHaveLength(1);
    expect((await view()).marks).toEqual([expect.objectContaining({ markId: 'touch-0001', atMs })]);
  });

  it('are never in the future, nor before the operation', async () => {
    const ahead = await phone.ask('mark', { markId: 'touch-0002', kind: 'moment', atMs: Date.now() + 3_600_000, text: null });
    expect(ahead['atMs']).toBe(ahead['receivedMs']);
    const behind = await phone.ask('mark', { markId: 'touch-0003', kind: 'moment', atMs: 1000, text: null });
    expect(Math.abs(Number(behind['atMs']) - (await view()).openedMs)).toBeLessThan(1); // the view has whole milliseconds
  });

  it('are labelled afterwards, by the phone only its own', async () => {
    expect(await phone.ask('labelMark', { markId: 'touch-0001', text: ' 开始拆除 ' })).toMatchObject({ text: '开始拆除', version: 2 });
    const other = await desk.ask('mark', {
      markId: 'desk-00001',
      angleId: operation.angles[1]?.angleId ?? '',
      atMs: Date.now(),
      text: null,
    });
    expect(other).toMatchObject({ by: 'commander', kind: 'moment' });
    await expect(phone.ask('labelMark', { markId: 'desk-00001', text: 'x' })).rejects.toThrow('forbidden');
    await expect(phone.ask('labelMark', { markId: 'nothing-01', text: 'x' })).rejects.toThrow('not_found');
    await desk.ask('labelMark', { markId: 'desk-00001', text: '西侧围栏' });
    expect(lines('mark.labelled')).toMatchObject([
      { markId: 'touch-0001', text: '开始拆除', by: 'operator' },
      { markId: 'desk-00001', text: '西侧围栏', by: 'commander' },
    ]);
  });

  it('are refused where they make no sense, with the field named', async () => {
    const good = { markId: 'touch-0009', kind: 'moment', atMs: Date.now(), text: null };
    await expect(phone.ask('mark', { ...good, kind: 'party' })).rejects.toThrow('bad_request kind');
    await expect(phone.ask('mark', { ...good, markId: '../x' })).rejects.toThrow('bad_request markId');
    await expect(phone.ask('mark', { ...good, text: 'x'.repeat(61) })).rejects.toThrow('bad_request text');
    await expect(phone.ask('mark', { ...good, text: 'a\nb' })).rejects.toThrow('bad_request text');
    await expect(phone.ask('mark', { ...good, atMs: Number.NaN })).rejects.toThrow('bad_request atMs');
    await expect(desk.ask('mark', { markId: 'desk-00009', angleId: 'nowhere', atMs: 1, text: null })).rejects.toThrow('not_found angleId');
    await expect(desk.ask('acknowledgeMark', { markId: 'touch-0001', text: 'x' })).rejects.toThrow('conflict');
  });
});

describe('a page that was in the background', () => {
  it('is journalled once, also when it tells it again to a hub that was killed meanwhile', async () => {
    const toMs = Date.now();
    const hidden = { fromMs: toMs - 2000, toMs };
    await phone.ask('noteHidden', hidden);
    await phone.ask('noteHidden', hidden);
    await killed();
    await phone.ask('noteHidden', hidden);
    const angleId = operation.angles[0]?.angleId;
    expect(lines('source.hidden')).toMatchObject([{ angleId, ...hidden }]);
    const told = await call(hub, Incidents, 'GET', `/operations/${operation.operationId}/incidents`);
    expect(told).toEqual({ hidden: [{ angleId, ...hidden }], takeovers: [] });
  });
});

describe('a call for help', () => {
  it('stands after the hub was killed and started again, until somebody answers in words', async () => {
    await phone.ask('mark', { markId: 'help-00001', kind: 'blocked', atMs: Date.now(), text: null });
    const list = async (): Promise<number> =>
      ((await (await hubFetch(`${hub.url}/api/operations`)).json()) as { operations: { calls: number }[] }).operations[0]?.calls ?? -1;
    await expect.poll(list).toBe(1);
    await killed();
    expect(await list()).toBe(1);
    expect((await view()).marks.filter(({ kind }) => kind === 'blocked')).toMatchObject([{ markId: 'help-00001', acknowledged: null }]);
    // the phone was not told and sends it again: it is the same one
    await phone.ask('mark', { markId: 'help-00001', kind: 'blocked', atMs: Date.now(), text: null });
    await expect(desk.ask('acknowledgeMark', { markId: 'help-00001', text: '   ' })).rejects.toThrow('bad_request text');
    await desk.ask('acknowledgeMark', { markId: 'help-00001', text: '支援已出发' });
    await desk.ask('acknowledgeMark', { markId: 'help-00001', text: '另一个回复' }); // the first answer stands
    await expect
      .poll(() => toldMarks(phone))
      .toEqual([expect.objectContaining({ markId: 'help-00001', acknowledged: expect.objectContaining({ text: '支援已出发' }) })]);
    expect(await list()).toBe(0);
    expect(lines('mark').filter(({ markId }) => markId === 'help-00001')).toHaveLength(1);
    expect(lines('mark.acknowledged')).toMatchObject([{ markId: 'help-00001', text: '支援已出发' }]);
  });

  it('is known from the journals alone, where the store has lost it', async () => {
    await phone.ask('mark', { markId: 'help-00002', kind: 'blocked', atMs: Date.now(), text: '遭推搡' });
    await until('the store has it', async () => (await view()).marks.some(({ markId }) => markId === 'help-00002'));
    const { DatabaseSync } = await import('node:sqlite');
    const before = (await view()).marks;
    phone.close();
    desk.close();
    await hub.stop();
    const store = new DatabaseSync(join(root, 'data', 'fieldhub.sqlite'));
    store.exec('DELETE FROM mark');
    store.close();
    hub = await startHub(join(root, 'data'), ports);
    expect((await view()).marks).toEqual(before);
  });
});

describe('marks in the package', () => {
  it('are verified, found when they are changed, and refused once the operation has ended', async () => {
    phone = await openPhone(hub, operation.angles[0]?.url ?? '');
    desk = await openConsoleSocket(hub, operation.operationId);
    const ending = operation.end();
    await ending;
    await expect(desk.ask('mark', { markId: 'late-00001', angleId: null, atMs: Date.now(), text: null })).rejects.toThrow('gone');
    await expect(phone.ask('mark', { markId: 'late-00002', kind: 'blocked', atMs: Date.now(), text: null })).rejects.toThrow('gone');
    expect((await verifyOperation(operation.dir)).problems).toEqual([]);
    const copy = join(root, 'copy');
    await cp(operation.dir, copy, { recursive: true });
    const path = join(copy, 'operation.ndjson');
    const text = readFileSync(path, 'utf8');
    const changed = text.replace('"text":"支援已出发"', '"text":"支援未出发"');
    expect(changed).not.toBe(text);
    writeFileSync(path, changed);
    const { problems } = await verifyOperation(copy);
    expect(problems).toContainEqual({ path: 'operation.ndjson', message: expect.stringMatching(/^line \d+: its hash does not match/) });
  });
});
