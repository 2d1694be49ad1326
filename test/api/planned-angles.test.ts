import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readOperation } from '../../media/recordings/read.ts';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { call } from '../../scripts/demo/hub.ts';
import { CaptureLink } from '../../server/protocol/capture.ts';
import { CustodyPage } from '../../server/protocol/custody.ts';
import { AngleState, OperationView, PlainSource } from '../../server/protocol/http.ts';
import { OperationFacts } from '../../server/protocol/operations.ts';
import { OperationShots } from '../../server/protocol/shots.ts';
import { type RunningHub, startHub } from '../support/hub.ts';
import { openPhone } from '../support/phone-socket.ts';
import { type Plan, planWith } from '../support/plan.ts';

let root = '';
let hub: RunningHub;
let operationId = '';
let at: Plan['at'];
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-plans-'));
  hub = await startHub(join(root, 'data'));
  ({ operationId, at } = await planWith(hub, ['北门', '航拍', '南侧', '室内']));
});
afterAll(async () => {
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

const rename = (angle: number, name: string) => call(hub, OperationFacts, 'PUT', at(angle, '/name'), { name });
const remove = (angle: number) => call(hub, OperationFacts, 'DELETE', at(angle));
const names = ({ angles }: { angles: { name: string }[] }): string[] => angles.map(({ name }) => name);
const dir = (): string => join(hub.dataDir, 'recordings', operationId);

it('angles of a plan get other names and are taken out, in store, media plane and journal, over a crash', async () => {
  expect(names(await rename(0, '东门'))).toEqual(['东门', '航拍', '南侧', '室内']);
  expect(names(await remove(1))).toEqual(['东门', '南侧', '室内']);
  await call(hub, AngleState, 'POST', `/operations/${operationId}/angles`, { name: '楼顶' });
  const wanted = ['东门', '南侧', '室内', '楼顶'];
  const view = () => call(hub, OperationView, 'GET', `/operations/${operationId}`);
  expect(names(await view())).toEqual(wanted);
  expect(names(await readOperation(dir()))).toEqual(wanted);
  await hub.killAll();
  hub = await startHub(hub.dataDir);
  expect(names(await view())).toEqual(wanted);
  expect(names(await readOperation(dir()))).toEqual(wanted);
  expect((await verifyOperation(dir())).problems).toEqual([]);
});

it('what goes with an angle that is taken out: links, of which the log tells, and what was ticked on it', async () => {
  const wanted = { name: '清单', planned: true, type: 'demolition', angles: ['北门', '航拍'] };
  const { operationId: other, angles } = await call(hub, OperationView, 'POST', '/operations', wanted);
  const base = `/operations/${other}`;
  const angle = `${base}/angles/${angles[0]?.angleId}`;
  const { linkId, url } = await call(hub, CaptureLink, 'POST', `${angle}/links`);
  const { shots } = await call(hub, OperationShots, 'GET', `${base}/shots`);
  const tick = { angleId: angles[0]?.angleId };
  await call(hub, OperationShots, 'POST', `${base}/shots/${shots[0]?.shotId}/tick`, tick);
  const { unticked } = await call(hub, OperationFacts, 'GET', `${base}/facts`);
  expect(unticked).toHaveLength(shots.length - 1);
  expect((await call(hub, OperationFacts, 'DELETE', angle)).unticked).toHaveLength(shots.length);
  const { lines } = await call(hub, CustodyPage, 'GET', `/custody?operation=${other}&what=angle.removed`);
  expect(lines).toMatchObject([{ angleId: angles[0]?.angleId, detail: { links: [linkId] } }]);
  await expect(openPhone(hub, url)).rejects.toThrow();
  // and it may be ticked on another one
  await call(hub, OperationShots, 'POST', `${base}/shots/${shots[0]?.shotId}/tick`, { angleId: angles[1]?.angleId });
});

it('an angle that a device or a camera has stays as it is', async () => {
  const { url } = await call(hub, CaptureLink, 'POST', at(0, '/links'));
  (await openPhone(hub, url)).close();
  await call(hub, PlainSource, 'POST', at(2, '/camera'));
  for (const angle of [0, 2]) {
    await expect(rename(angle, '别的')).rejects.toThrow(/409.*"field":"angleId"/);
    await expect(remove(angle)).rejects.toThrow(/409.*"field":"angleId"/);
  }
  await expect(rename(1, '')).rejects.toThrow(/400.*"field":"name"/);
});

it('once it has begun, none is renamed or taken out', async () => {
  await call(hub, OperationFacts, 'POST', `/operations/${operationId}/start`);
  await expect(rename(3, '别的')).rejects.toThrow(/409.*"field":"state"/);
  await expect(remove(3)).rejects.toThrow(/409.*"field":"state"/);
});
