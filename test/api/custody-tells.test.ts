import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../../scripts/demo/hub.ts';
import { hubFetch, signIn } from '../../scripts/demo/sign-in.ts';
import { verifyLog } from '../../server/custody/verify-log.ts';
import { CustodyHead, CustodyPage } from '../../server/protocol/custody.ts';
import { AngleState, OperationView } from '../../server/protocol/http.ts';
import { PersonCreated } from '../../server/protocol/people.ts';
import { type RunningHub, startHub, until } from '../support/hub.ts';

let root = '';
let hub: RunningHub;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-tells-'));
  hub = await startHub(join(root, 'data'));
});
afterAll(async () => {
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

describe('the custody log', () => {
  it('tells who did what, who was refused and what was seen; a copy is checked without the hub', async () => {
    const { operationId } = await call(hub, OperationView, 'POST', '/operations', { name: '保管' });
    const { angleId } = await call(hub, AngleState, 'POST', `/operations/${operationId}/angles`, { name: '东门' });
    await call(hub, OperationView, 'GET', `/operations/${operationId}`);
    expect((await hubFetch(`${hub.url}/hls/${operationId}/${angleId}/index.m3u8`)).status).toBe(200);
    const asked = { login: 'officer', name: '队员', roles: [{ role: 'operator', squadId: null }] };
    const operator = await call(hub, PersonCreated, 'POST', '/people', asked);
    const { cookie } = await signIn(hub.url, 'officer', operator.password, 'a long way to two gates');
    const ask = async (method: string, path: string) => (await fetch(`${hub.url}/api${path}`, { method, headers: { cookie } })).status;
    expect(await ask('POST', `/operations/${operationId}/end`)).toBe(403);
    const page = async (query: string) => call(hub, CustodyPage, 'GET', `/custody?operation=${operationId}&${query}`);
    await until('the refusal is in the index', async () => (await page('outcome=refused')).lines.length > 0);
    const { lines } = await page('');
    expect(lines.map(({ what, outcome }) => `${what} ${outcome}`).toReversed()).toEqual([
      'operation.opened done',
      'angle.made done',
      'view.recording done',
      'refused refused',
    ]);
    expect(lines[0]?.who).toMatchObject({ kind: 'person', id: operator.person.personId, address: '127.0.0.1' });
    expect((await page('what=angle.made')).lines).toHaveLength(1);
    expect(await ask('GET', '/custody')).toBe(403);
    const head = await call(hub, CustodyHead, 'GET', '/custody/head');
    const copy = join(root, 'copy.ndjson');
    writeFileSync(copy, await (await hubFetch(`${hub.url}/api/custody/export`)).text());
    expect(readFileSync(copy, 'utf8')).toContain('"what":"sign-in"');
    const { problems, head: last } = await verifyLog(copy, head);
    expect([problems, last.seq > head.seq]).toEqual([[], true]); // the export itself stands in it
  });
});

describe('settings', () => {
  it('are told in the log at the first start, and what has changed at the next', async () => {
    await hub.stop();
    hub = await startHub(hub.dataDir, { LINK_HOURS: '5', TURN_URLS: 'turn:127.0.0.1:3478', TURN_SECRET: 'never told to anybody' });
    const told = async () => (await call(hub, CustodyPage, 'GET', '/custody?what=setting.changed')).lines;
    await until('both starts are in the index', async () => (await told()).length === 2);
    const [second, first] = await told();
    expect(first).toMatchObject({
      who: { kind: 'hub' },
      detail: { linkHours: [null, 72], segmentMs: [null, 4000], dataDir: [null, hub.dataDir] },
    });
    expect(second?.detail).toMatchObject({ linkHours: [72, 5], turnSecret: [null, '…'] });
    expect(second?.detail).not.toHaveProperty('segmentMs');
    expect(readFileSync(join(hub.dataDir, 'custody/custody.ndjson'), 'utf8')).not.toContain('never told');
  });
});
