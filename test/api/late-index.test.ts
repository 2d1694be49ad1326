import { sql } from 'kysely';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { insertOperation } from '../../server/store/operations.ts';
import { catchUpIndex } from '../../server/store/operation-index.ts';
import { type Asking, ask, OPERATION, personWith, readLines } from '../support/custody-plane.ts';
import { type ControlPlane, controlPlane } from '../support/in-process.ts';

let plane: ControlPlane;
let cookie = '';
let squadId = '';
beforeEach(async () => {
  plane = await controlPlane();
  cookie = await personWith(plane, 'pe-root', ['administrator', 'leader', 'custodian', 'commander']);
  squadId = String((await root('POST', '/squads', { name: '一中队' })).body['squadId']);
  const facts = { planned: true, who: null, squadIds: [squadId] };
  await insertOperation(plane.context.store, { operationId: OPERATION, name: '拆除', openedMs: Date.now(), segmentMs: 4000 }, facts);
});
afterEach(async () => {
  vi.useRealTimers();
  await plane.close();
});

const root: Asking = (method, url, payload) => ask(plane, cookie, { method, url: `/api${url}`, ...(payload && { payload }) });
const found = async (q: string) => (await root('GET', `/operations?q=${encodeURIComponent(q)}`)).body['total'];
const outcomes = async (what: string) => (await readLines(plane, cookie, `what=${what}`)).lines.map(({ outcome }) => outcome);
/** Without this table no operation's words can be gathered; nothing else that is asked for here needs it. */
const away = () => sql`ALTER TABLE operation_officer RENAME TO away`.execute(plane.context.store);
const back = () => sql`ALTER TABLE away RENAME TO operation_officer`.execute(plane.context.store);

it('a change that stands is answered as done though its words cannot be indexed; they are, a minute later', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  await away();
  expect(await root('PUT', `/squads/${squadId}`, { name: '二中队' })).toMatchObject({ status: 200, body: { name: '二中队' } });
  await vi.advanceTimersByTimeAsync(60_000); // it fails again
  await back();
  expect(await found('二中队')).toBe(0);
  await vi.advanceTimersByTimeAsync(60_000);
  await expect.poll(() => found('二中队')).toBe(1);
  vi.useRealTimers();
  expect(await outcomes('squad.changed')).toEqual(['done']);
});

it('what a hub could not index before it ended is indexed when it starts again', async () => {
  const device = { squadId, type: 'body-camera', serial: 'BC-1', model: 'T8' };
  const { deviceId, version } = (await root('POST', '/devices', device)).body;
  await plane.context.store
    .insertInto('angle')
    .values({ operation_id: OPERATION, angle_id: 'an-aaaaaaaa', name: '东门', position: 0 })
    .execute();
  expect((await root('PUT', `/operations/${OPERATION}/angles/an-aaaaaaaa/plan`, { officer: null, deviceId })).status).toBe(200);
  expect(await found('BC-1')).toBe(1);
  await away();
  expect((await root('PUT', `/devices/${String(deviceId)}`, { ...device, state: 'in-service', version, serial: 'BC-77' })).status).toBe(
    200,
  );
  expect(await outcomes('device.changed')).toEqual(['done']);
  await back();
  expect(await found('BC-77')).toBe(0);
  await catchUpIndex(plane.context.store, plane.context.log); // as `start` does
  expect(await found('BC-77')).toBe(1);
});
