import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyBag } from '../../media/archive/bag.ts';
import { writeLabels } from '../../media/archive/labels.ts';
import { call } from '../../scripts/demo/hub.ts';
import { hubFetch } from '../../scripts/demo/sign-in.ts';
import { EnforcementCase } from '../../server/protocol/cases.ts';
import { OperationList, OperationView } from '../../server/protocol/http.ts';
import { OperationFacts } from '../../server/protocol/operations.ts';
import { Squad } from '../../server/protocol/people.ts';
import { makeReadOnly, SmallDisk } from '../support/disk.ts';
import { crashControl, type RunningHub, startHub } from '../support/hub.ts';
import { film, type FilmedOperation, untilSegments } from '../support/operation.ts';

let root = '';
let hub: RunningHub;
let filmed: FilmedOperation;
let squad: Squad;
let ofCase: EnforcementCase;
let bag = '';
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-seal-'));
  hub = await startHub(join(root, 'data'), { SEGMENT_SECONDS: '2' });
  squad = await call(hub, Squad, 'POST', '/squads', { name: '城东中队' });
  ofCase = await call(hub, EnforcementCase, 'POST', '/cases', { number: '综执罚〔2026〕31号', cause: '违法搭建', parties: ['张三'] });
  filmed = await film(hub, ['北门']);
  await untilSegments(filmed, filmed.angles[0]?.angleId ?? '', 1);
  for (const { camera } of filmed.angles) camera.cut();
  bag = await filmed.end();
});
afterAll(async () => {
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

const facts = (method: 'GET' | 'PUT' | 'POST', path: string, body?: object): Promise<OperationFacts> =>
  call(hub, OperationFacts, method, `/operations/${filmed.operationId}/${path}`, body);
const found = async (q: string): Promise<string[]> =>
  (await call(hub, OperationList, 'GET', `/operations?q=${encodeURIComponent(q)}`)).operations.map(({ operationId }) => operationId);
const table = async (): Promise<string> => (await hubFetch(`${hub.url}/api/operations.csv?q=${encodeURIComponent('张三')}`)).text();

/** One statement fails, and with it the transaction that it is part of. */
function breakStore(statement: string): void {
  const store = new DatabaseSync(join(hub.dataDir, 'fieldhub.sqlite'), { timeout: 5000 });
  store.exec(statement);
  store.close();
}

describe('an operation that could not be sealed', () => {
  beforeAll(async () => {
    const { version } = await facts('GET', 'facts');
    const written = { type: 'demolition', place: '城东路12号', caseId: ofCase.caseId, squadIds: [squad.squadId] };
    await facts('PUT', 'facts', { version, ...written, officers: [{ personId: null, name: '王伟' }] });
  });
  const asItWas = async () => {
    expect((await facts('GET', 'facts')).state).toBe('ended');
    expect(existsSync(join(bag, 'labels.json'))).toBe(false);
    expect((await verifyBag(bag)).problems).toEqual([]);
  };

  it('has no labels of a seal in its package, nor counts any', async () => {
    breakStore("CREATE TRIGGER broken BEFORE UPDATE ON archive_job BEGIN SELECT RAISE(ABORT, 'broken'); END");
    await expect(facts('POST', 'seal')).rejects.toThrow(/500/);
    breakStore('DROP TRIGGER broken');
    await asItWas();
  });

  it('says that its package cannot be written, and is as it was', async () => {
    const writable = makeReadOnly(dirname(bag));
    await expect(facts('POST', 'seal')).rejects.toThrow(/503.*"field":"package"/);
    writable();
    await asItWas();
    // or that there is no room
    const disk = SmallDisk.mount(join(root, 'small'), 1);
    mkdirSync(join(disk.path, 'bag'));
    writeFileSync(join(disk.path, 'bag/tagmanifest-sha256.txt'), '');
    disk.flood();
    await expect(writeLabels(join(disk.path, 'bag'), { sealedBy: 'x'.repeat(8192) })).rejects.toMatchObject({
      code: 'disk_full',
      field: 'package',
    });
    disk.unmount();
  });
});

describe('an operation that is sealed', () => {
  it('has its labels in its package, which verifies', async () => {
    await writeLabels(bag, { sealedBy: 'nobody, in the end' }); // as a hub leaves it that died while it sealed
    const before = await call(hub, OperationView, 'GET', `/operations/${filmed.operationId}`);
    const sealed = await facts('POST', 'seal');
    expect(sealed.steps.at(-1)).toMatchObject({ state: 'sealed', personName: expect.any(String) as string });
    const kept = JSON.parse(readFileSync(join(bag, 'labels.json'), 'utf8')) as Record<string, unknown>;
    expect(kept).toMatchObject({
      operationId: filmed.operationId,
      caseNumber: '综执罚〔2026〕31号',
      sealedBy: sealed.steps.at(-1)?.personName,
      labels: sealed.labels,
    });
    expect(JSON.stringify(kept)).toContain('"zh":"当事人","en":"Parties","value":"张三"');
    const { problems, sizeBytes, files } = await verifyBag(bag);
    expect(problems).toEqual([]);
    const after = await call(hub, OperationView, 'GET', `/operations/${filmed.operationId}`);
    expect(after.package).toEqual({ ...before.package, sizeBytes, files });
    expect(files).toBe((before.package.files ?? 0) + 1);
  });

  it('goes on saying what it was, whatever becomes of its case and its squad', async () => {
    const [before, csv] = [await facts('GET', 'facts'), await table()];
    expect(csv).toContain('综执罚〔2026〕31号,违法搭建,张三,城东中队,王伟');
    const path = `/cases/${ofCase.caseId}`;
    const change = { number: '综执罚〔2026〕99号', cause: '占道经营', parties: ['李四'], stage: 'archiving' };
    await call(hub, EnforcementCase, 'PUT', path, { version: ofCase.version, ...change });
    await call(hub, Squad, 'PUT', `/squads/${squad.squadId}`, { name: '城西中队' });
    expect(await facts('GET', 'facts')).toEqual(before);
    expect(await table()).toBe(csv);
    for (const q of ['张三', '〔2026〕31', '城东中队', '违法搭建']) expect([q, await found(q)]).toEqual([q, [filmed.operationId]]);
    for (const q of ['李四', '〔2026〕99', '城西中队', '占道经营']) expect([q, await found(q)]).toEqual([q, []]);
    const { operations } = await call(hub, OperationList, 'GET', `/operations?case=${ofCase.caseId}`);
    expect(operations).toMatchObject([{ squads: ['城东中队'], case: { number: '综执罚〔2026〕31号', cause: '违法搭建' } }]);
    await crashControl(hub);
    expect(await facts('GET', 'facts')).toEqual(before);
  });
});
