import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readHead } from '../../server/custody/heads.ts';
import { THE_HUB } from '../../server/custody/lines.ts';
import { headFile, logFile } from '../../server/custody/open-log.ts';
import { readLog } from '../../server/custody/read-log.ts';
import { createLink } from '../../server/store/capture-links.ts';
import { insertAngle, insertOperation } from '../../server/store/operations.ts';
import { createSession } from '../../server/store/person-sessions.ts';
import { insertPerson, listSquads, setPassword } from '../../server/store/people.ts';
import { SmallDisk } from '../support/disk.ts';
import { until } from '../support/hub.ts';
import { type ControlPlane, controlPlane } from '../support/in-process.ts';

const OPERATION = '20260101-bbbbbbbb';
let plane: ControlPlane;
let disk: SmallDisk;
let cookie = '';
let token = '';
beforeAll(async () => {
  plane = await controlPlane((path) => (disk = SmallDisk.mount(path, 4)));
  const { store } = plane.context;
  const now = Date.now();
  const roles = (['administrator', 'commander'] as const).map((role) => ({ role, squadId: null }));
  await insertPerson(store, { personId: 'pe-root', login: 'root', name: '管理员', badge: null, roles, passwordHash: 'none' }, now);
  await setPassword(store, 'pe-root', 'none', null);
  const { secret } = await createSession(store, 'pe-root', { address: '127.0.0.1', device: 'test' }, now);
  cookie = `fh_session=${secret}`;
  await insertOperation(store, { operationId: OPERATION, name: '满盘', openedMs: now, segmentMs: 4000 });
  await insertAngle(store, OPERATION, 'an-aaaaaaaa', '东门');
  await insertAngle(store, OPERATION, 'an-bbbbbbbb', '西门');
  const wanted = {
    linkId: 'ln-aaaaaaaa',
    operationId: OPERATION,
    angleId: 'an-aaaaaaaa',
    devices: 'several',
    label: '门口',
    expiresMs: now + 3_600_000,
  } as const;
  ({ token } = await createLink(store, wanted, now));
});
afterAll(() => plane.close());

/**
 * To the last byte: the page of memory that the log ends in has room for some lines more. A head that is still being kept would
 * give room back, that of the one before it.
 */
async function fill(): Promise<void> {
  const { custody, settings } = plane.context;
  const head = headFile(join(settings.dataDir, 'custody'));
  await until('the head of the log is kept', async () => (await readHead(head))?.seq === custody.figures.seq);
  disk.leave(0);
  for (let lines = 0; lines < 100; lines += 1)
    if (await custody.record({ what: 'export', who: THE_HUB }).then(() => false, () => true)) return; // prettier-ignore
  throw new Error('the disk does not fill up');
}

/** Somebody looks at the recording of another angle; the address of what he looks at next. */
async function begunView(): Promise<string> {
  await ask({ method: 'GET', url: `/hls/${OPERATION}/an-bbbbbbbb/index.m3u8` });
  return `/hls/${OPERATION}/an-bbbbbbbb/0001/1-1.m4s`;
}

type Ask = { method: 'GET' | 'POST' | 'DELETE'; url: string; payload?: object };
const ask = (asked: Ask) => plane.app.inject({ ...asked, headers: { host: '127.0.0.1', cookie } });
const exchange = () =>
  plane.app.inject({ method: 'POST', url: '/api/capture/session', headers: { host: '127.0.0.1' }, payload: { token } });
const refused = { statusCode: 503, body: { code: 'unavailable', field: 'custodyLog' } };

describe('while the custody log cannot be written', () => {
  it('what it would record does not happen: no change, no view, no link, no sign-out', async () => {
    const segments = await begunView();
    await fill();
    const before = await listSquads(plane.context.store);
    const links = `/api/operations/${OPERATION}/links`;
    for (const asked of [
      { method: 'POST', url: '/api/squads', payload: { name: '二中队' } },
      { method: 'POST', url: links, payload: {} },
      { method: 'POST', url: `/api/operations/${OPERATION}/end` },
      { method: 'GET', url: `/hls/${OPERATION}/an-aaaaaaaa/index.m3u8` },
      { method: 'GET', url: segments }, // of a look that has begun
      { method: 'GET', url: '/api/custody/export' },
      { method: 'DELETE', url: '/api/session' },
    ] satisfies Ask[]) {
      const { statusCode, payload } = await ask(asked);
      expect({ url: asked.url, statusCode, body: JSON.parse(payload) as unknown }).toMatchObject({ url: asked.url, ...refused });
    }
    expect(await listSquads(plane.context.store)).toEqual(before);
    const { payload } = await ask({ method: 'GET', url: '/readyz' });
    expect(JSON.parse(payload)).toMatchObject({ custodyLog: false });
    expect((await ask({ method: 'GET', url: '/metrics' })).payload).toContain('fieldhub_custody_log_writable 0');
    const alarms = plane.context.hub.alarms(null);
    expect(alarms).toMatchObject([{ code: 'custody-refusing', lasting: true, facts: { why: expect.any(String) as string } }]);
    expect((await ask({ method: 'GET', url: '/api/session' })).statusCode).toBe(200); // nobody was signed out
    expect((await ask({ method: 'GET', url: `/api/operations/${OPERATION}` })).statusCode).toBe(200); // what reveals nothing goes on
  });

  it('no link takes the place of another where only its own line could be written', async () => {
    disk.leave(2);
    const url = `/api/operations/${OPERATION}/links`;
    await until('links are made again', async () => (await ask({ method: 'POST', url, payload: {} })).statusCode === 201);
    const before = (await ask({ method: 'GET', url })).payload;
    const { custody } = plane.context;
    const record = custody.record.bind(custody);
    custody.record = async (entry) => {
      const head = await record(entry);
      custody.record = record;
      await fill();
      return head;
    };
    const replaces = (JSON.parse(before) as { links: { linkId: string }[] }).links[0]?.linkId;
    const { statusCode, payload } = await ask({ method: 'POST', url, payload: { replaces } });
    expect({ statusCode, body: JSON.parse(payload) as unknown }).toMatchObject(refused);
    expect((await ask({ method: 'GET', url })).payload).toBe(before);
  });

  it('it is seen by itself when the disk takes lines again, though nobody asks for any', async () => {
    disk.leave(2);
    await until('the alarm is gone', () => plane.context.hub.alarms(null).length === 0);
    expect(() => plane.context.custody.requireWritable()).not.toThrow();
    expect(JSON.parse((await ask({ method: 'GET', url: '/readyz' })).payload)).toMatchObject({ custodyLog: true });
    await fill();
  });

  it('a phone opens its link all the same; the log has it late, once there is room', async () => {
    expect((await exchange()).statusCode).toBe(200);
    disk.leave(2);
    const used = async (): Promise<{ late: boolean; name: string | null }[]> => {
      const found = [];
      for await (const { line } of readLog(logFile(`${plane.context.settings.dataDir}/custody`)))
        if (line.type === 'custody' && line.what === 'link.used') found.push({ late: line.late, name: line.who.name });
      return found;
    };
    await until('the line is there', async () => (await used()).length > 0);
    expect(await used()).toEqual([{ late: true, name: '门口' }]);
    expect((await ask({ method: 'POST', url: '/api/squads', payload: { name: '二中队' } })).statusCode).toBe(201);
  });
});
