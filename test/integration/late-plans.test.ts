import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readOperation } from '../../media/recordings/read.ts';
import { call } from '../../scripts/demo/hub.ts';
import { CaptureLink, CaptureLinkItem } from '../../server/protocol/capture.ts';
import { OperationList, OperationView } from '../../server/protocol/http.ts';
import { OperationFacts } from '../../server/protocol/operations.ts';
import { type RunningHub, startHub, until } from '../support/hub.ts';
import { type Plan, planWith } from '../support/plan.ts';

let root = '';
let hub: RunningHub;
let operationId = '';
let at: Plan['at'];
const stuck = (): string => join(root, 'stuck');
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-late-plans-'));
  const library = join(root, 'slow-disk.so');
  const source = fileURLToPath(new URL('../fixtures/slow-disk.c', import.meta.url));
  execFileSync('g++', ['-xc', '-shared', '-fPIC', '-o', library, source, '-ldl']);
  const slow = { LD_PRELOAD: library, SLOW_DISK_SWITCH: stuck(), SLOW_DISK_ENDS: '/operation.ndjson' };
  hub = await startHub(join(root, 'data'), slow);
  ({ operationId, at } = await planWith(hub, ['北门', '航拍']));
});
afterAll(async () => {
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

const names = ({ angles }: { angles: { name: string }[] }): string[] => angles.map(({ name }) => name);
const view = () => call(hub, OperationView, 'GET', `/operations/${operationId}`);
const facts = () => call(hub, OperationFacts, 'GET', `/operations/${operationId}/facts`);
const found = async (q: string) => (await call(hub, OperationList, 'GET', `/operations?q=${encodeURIComponent(q)}`)).total;
const inJournal = async () => names(await readOperation(join(hub.dataDir, 'recordings', operationId)));

it('what a slow disk takes of a plan after the answer was given up is so in the store, too', async () => {
  const { linkId } = await call(hub, CaptureLink, 'POST', at(1, '/links'));
  writeFileSync(stuck(), '');
  const asked = [call(hub, OperationFacts, 'PUT', at(0, '/name'), { name: '东门' }), call(hub, OperationFacts, 'DELETE', at(1))];
  await Promise.all(asked.map((answer) => expect(answer).rejects.toThrow(/504.*"code":"timeout"/)));
  expect(names(await view())).toEqual(['北门', '航拍']);
  await expect(call(hub, CaptureLink, 'POST', at(1, '/links'))).rejects.toThrow(/404.*"field":"angleId"/); // it may be gone any moment
  rmSync(stuck());
  await until('both are so', async () => names(await view()).join() === '东门');
  expect(names(await facts())).toEqual(['东门']);
  expect(await inJournal()).toEqual(['东门']);
  expect([await found('东门'), await found('北门'), await found('航拍')]).toEqual([1, 0, 0]);
  const { links } = await call(hub, z.object({ links: z.array(CaptureLinkItem) }), 'GET', `/operations/${operationId}/links`);
  expect(links).toMatchObject([{ linkId, state: 'revoked' }]);
});

it('what was in the journal only when everything ended is learned from there', async () => {
  await hub.stop();
  const store = new DatabaseSync(join(hub.dataDir, 'fieldhub.sqlite'));
  store.prepare("UPDATE angle SET name = '北门', state = replace(state, '东门', '北门') WHERE operation_id = ?").run(operationId);
  store.close();
  hub = await startHub(hub.dataDir);
  expect(names(await view())).toEqual(['东门']);
  expect(names(await facts())).toEqual(['东门']);
  expect(await inJournal()).toEqual(['东门']);
});
