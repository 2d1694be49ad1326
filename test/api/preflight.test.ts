import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyBag } from '../../media/archive/bag.ts';
import { call } from '../../scripts/demo/hub.ts';
import { CaptureLink } from '../../server/protocol/capture.ts';
import { AngleState, OperationView } from '../../server/protocol/http.ts';
import { ClockReading, KeptPreflight, type PreflightFacts, ProbeResult } from '../../server/protocol/preflight.ts';
import { type RunningHub, startHub, until } from '../support/hub.ts';
import { journalLines, untilPacked } from '../support/operation.ts';

let root = '';
let hub: RunningHub;
let operationId = '';
let angleId = '';
let cookie = '';
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-preflight-'));
  hub = await startHub(join(root, 'data'));
  ({ operationId } = await call(hub, OperationView, 'POST', '/operations', { name: '出勤' }));
  ({ angleId } = await call(hub, AngleState, 'POST', `/operations/${operationId}/angles`, { name: '北门' }));
  cookie = await newPhone();
});
afterAll(async () => {
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

async function newPhone(): Promise<string> {
  const { url } = await call(hub, CaptureLink, 'POST', `/operations/${operationId}/angles/${angleId}/links`);
  const { headers } = await phone('POST', '/session', JSON.stringify({ token: url.split('#')[1] }));
  return headers.get('set-cookie')?.split(';')[0] ?? '';
}
const phone = (method: string, path: string, body?: string | Uint8Array<ArrayBuffer>, as = cookie): Promise<Response> =>
  fetch(`${hub.url}/api/capture${path}`, {
    method,
    headers: {
      cookie: as,
      ...(body ? { 'content-type': typeof body === 'string' ? 'application/json' : 'application/octet-stream' } : {}),
    },
    ...(body ? { body } : {}),
  });
const report = (facts: Partial<PreflightFacts>, reason?: string): string =>
  JSON.stringify({
    facts: {
      camera: { width: 1280, height: 720, picture: true },
      microphone: { heard: true },
      network: { roundTripMs: 40, jitterMs: 5 },
      uplink: { bitsPerSecond: 5e6, bound: false },
      battery: 'unavailable',
      storage: null,
      clock: { offsetMs: 12, roundTripMs: 40 },
      ...facts,
    },
    reason,
  });
const kept = async (): Promise<KeptPreflight[]> =>
  (await call(hub, z.object({ preflights: z.array(KeptPreflight) }), 'GET', `/operations/${operationId}/preflights`)).preflights;

describe('the measure of the network', () => {
  it('has hub time told, and an upload counted as it comes', async () => {
    const sentMs = Date.now();
    const { t1, t2 } = ClockReading.parse(await (await phone('GET', '/clock')).json());
    expect(t2).toBeGreaterThanOrEqual(t1);
    // however long that took: a second for what two clocks may differ by
    expect(t1).toBeGreaterThan(sentMs - 1000);
    expect(t2).toBeLessThan(Date.now() + 1000);
    const reply = ProbeResult.parse(await (await phone('POST', '/probe', new Uint8Array(512 * 1024).fill(7))).json());
    expect(reply.bytes).toBe(512 * 1024);
    expect(reply.laterBytes).toBeLessThan(reply.bytes);
  });

  it('is for phones of an operation only, and no larger than it needs to be', async () => {
    expect((await phone('GET', '/clock', undefined, '')).status).toBe(401);
    expect((await phone('POST', '/probe', new Uint8Array(1000), '')).status).toBe(401);
    expect((await phone('POST', '/probe', new Uint8Array(512 * 1024 + 1))).status).toBe(400);
    expect(await (await phone('POST', '/probe')).json()).toMatchObject({ code: 'bad_request', field: 'probe' });
  });

  it('cannot be used to flood the hub', async () => {
    const mine = await newPhone();
    const statuses: number[] = [];
    for (let i = 0; i < 14; i += 1) statuses.push((await phone('POST', '/probe', new Uint8Array(512 * 1024), mine)).status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(12);
    expect(statuses.slice(12)).toEqual([429, 429]);
    expect((await phone('POST', '/probe', new Uint8Array(1000))).status).toBe(200); // another phone's turn
  });
});

describe('a check before duty', () => {
  it('that passes is kept in the operation’s journal', async () => {
    const reply = (await (await phone('POST', '/preflight', report({}))).json()) as { checks: { name: string; result: string }[] };
    expect(reply.checks.map(({ name, result }) => `${name} ${result}`)).toEqual([
      'camera pass',
      'microphone pass',
      'network pass',
      'uplink pass',
      'battery unavailable',
      'storage skipped',
      'clock pass',
    ]);
    expect(await kept()).toMatchObject([{ angleId, reason: null, checks: reply.checks }]);
  });

  it('that fails is kept with the reason to go on, and not without one', async () => {
    const facts = { uplink: { bitsPerSecond: 1e5, bound: true } };
    expect(await (await phone('POST', '/preflight', report(facts))).json()).toMatchObject({ code: 'bad_request', field: 'reason' });
    expect(await kept()).toHaveLength(1);
    expect((await phone('POST', '/preflight', report(facts, '情况紧急'))).status).toBe(200);
    expect((await kept())[1]).toMatchObject({ reason: '情况紧急' });
  });

  it('is refused to who has no link, and what is none', async () => {
    expect((await phone('POST', '/preflight', report({}), '')).status).toBe(401);
    const odd = report({ camera: 'nonsense' as 'failed' });
    expect(await (await phone('POST', '/preflight', odd)).json()).toMatchObject({ code: 'bad_request' });
  });

  it('is in the package, under the journal’s chain and signature', async () => {
    await call(hub, OperationView, 'POST', `/operations/${operationId}/end`);
    const path = await untilPacked(() => call(hub, OperationView, 'GET', `/operations/${operationId}`));
    const lines = journalLines(join(path, 'data/operation.ndjson')).filter(({ type }) => type === 'preflight');
    expect(lines).toMatchObject([{ angleId }, { angleId, reason: '情况紧急' }]);
    expect((await verifyBag(path)).problems).toEqual([]);
    expect(await kept()).toHaveLength(2);
    await until('the phone is told that it is over', async () => (await phone('POST', '/preflight', report({}))).status === 410);
  });
});
