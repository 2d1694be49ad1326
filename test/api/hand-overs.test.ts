import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CustodyPage } from '../../server/protocol/custody.ts';
import type { Custodians, WaitingHandOvers } from '../../server/protocol/hand-overs.ts';
import type { OperationFacts } from '../../server/protocol/operations.ts';
import type { RoleGrant } from '../../server/protocol/people.ts';
import type { z } from 'zod';
import { requestPackage, savePackage } from '../../server/store/archive-jobs.ts';
import { factsEnded } from '../../server/store/operation-facts.ts';
import { insertOperation } from '../../server/store/operations.ts';
import { createSession } from '../../server/store/person-sessions.ts';
import { insertPerson, saveSquad, setPassword } from '../../server/store/people.ts';
import { type ControlPlane, controlPlane } from '../support/in-process.ts';

const [EAST, WEST] = ['sq-east', 'sq-west'];
const people: Record<string, RoleGrant[]> = {
  commander: [{ role: 'commander', squadId: EAST }],
  keeper: [{ role: 'custodian', squadId: EAST }],
  other: [{ role: 'custodian', squadId: null }],
  far: [{ role: 'custodian', squadId: WEST }],
  reviewer: [{ role: 'reviewer', squadId: EAST }],
  legal: [{ role: 'legal', squadId: null }],
};
let plane: ControlPlane;
let root = '';
let bag = '';
let operationId = '';
let nth = 0;
const cookies = new Map<string, string>();

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-handed-'));
  plane = await controlPlane();
  const { store } = plane.context;
  await saveSquad(store, EAST, '城东中队', { nowMs: 1 });
  await saveSquad(store, WEST, '城西中队', { nowMs: 1 });
  for (const [login, roles] of Object.entries(people)) {
    const personId = `pe-${login}`;
    await insertPerson(store, { personId, login, name: login, badge: null, roles, passwordHash: 'none' }, Date.now());
    await setPassword(store, personId, 'none', null);
    const { secret } = await createSession(store, personId, { address: '127.0.0.1', device: 'desk' }, Date.now());
    cookies.set(login, `fh_session=${secret}`);
  }
});
afterAll(async () => {
  await plane.close();
  rmSync(root, { recursive: true, force: true });
});
/** An operation that has ended; `packed`: with a package of three files. */
async function ended(packed: boolean): Promise<void> {
  const { store } = plane.context;
  nth += 1;
  operationId = `20260101-handed${nth}`;
  bag = join(root, operationId);
  const given = { planned: false, who: null, squadIds: [EAST] };
  await insertOperation(store, { operationId, name: `拆除 ${nth}`, openedMs: nth, segmentMs: 4000 }, given);
  await factsEnded(store, operationId, 10);
  if (!packed) return;
  mkdirSync(bag);
  writeFileSync(join(bag, 'bag-info.txt'), 'Source-Organization: x\nPayload-Oxum: 4096.3\n');
  writeFileSync(join(bag, 'manifest-sha256.txt'), `${'0'.repeat(64)}  data/a\n`);
  await requestPackage(store, operationId, 11);
  await savePackage(store, operationId, { state: 'running' });
  await savePackage(store, operationId, { state: 'verified', path: bag, sizeBytes: 5000, files: 7, verifiedMs: 12 });
}

type Told<T> = { status: number; body: T & { code?: string; field?: string } };
async function ask<T>(who: string, method: 'GET' | 'POST', path: string, payload?: object): Promise<Told<T>> {
  const headers = { cookie: cookies.get(who) ?? '', host: '127.0.0.1' };
  const reply = await plane.app.inject({ method, url: `/api${path}`, headers, ...(payload && { payload }) });
  return { status: reply.statusCode, body: JSON.parse(reply.payload) as Told<T>['body'] };
}
const give = (who: string, takerId: string, note: string | null = null) =>
  ask<OperationFacts>(who, 'POST', `/operations/${operationId}/hand-overs`, { takerId, note });
const answer = (who: string, handOverId: string, taken: boolean, note: string | null = null) =>
  ask<OperationFacts>(who, 'POST', `/operations/${operationId}/hand-overs/${handOverId}/answer`, { taken, note });
const facts = async () => (await ask<OperationFacts>('commander', 'GET', `/operations/${operationId}/facts`)).body;
const waiting = async (who: string) =>
  (await ask<z.infer<typeof WaitingHandOvers>>(who, 'GET', '/hand-overs')).body.handOvers.filter(
    (each) => each.operationId === operationId,
  );
const newest = async () => (await facts()).handOvers[0]?.handOverId ?? '';

describe('what was filmed', () => {
  beforeEach(() => ended(true));

  it('is handed to a custodian of its squad, who takes it and answers for it', async () => {
    const { body } = await ask<z.infer<typeof Custodians>>('commander', 'GET', `/operations/${operationId}/custodians`);
    expect(body.people.map(({ personId }) => personId)).toEqual(['pe-keeper', 'pe-other']);
    const given = await give('commander', 'pe-keeper', '存储卡一并移交');
    expect(given).toMatchObject({ status: 200, body: { keeper: null } });
    expect(given.body.handOvers).toMatchObject([
      { giverName: 'commander', takerId: 'pe-keeper', note: '存储卡一并移交', files: 3, sizeBytes: 4096, state: 'given', answeredMs: null },
    ]);
    expect(await waiting('keeper')).toMatchObject([{ giverName: 'commander' }]);
    expect(await waiting('other')).toEqual([]);
    expect((await answer('keeper', await newest(), true)).body).toMatchObject({
      keeper: { name: 'keeper' },
      handOvers: [{ state: 'taken' }],
    });
    expect(await waiting('keeper')).toEqual([]);
    // and on to another one, who keeps it only when he has taken it
    await give('keeper', 'pe-other');
    expect((await facts()).keeper?.name).toBe('keeper');
    expect((await answer('other', await newest(), true)).body).toMatchObject({ keeper: { name: 'other' } });
  });

  it('is given back with the reason, and to another one before it is answered', async () => {
    await give('commander', 'pe-keeper');
    const first = await newest();
    expect(await answer('keeper', first, false)).toMatchObject({ status: 400, body: { field: 'note' } });
    expect((await answer('keeper', first, false, '少一张存储卡')).body).toMatchObject({
      keeper: null,
      handOvers: [{ state: 'declined', answer: '少一张存储卡' }],
    });
    await give('commander', 'pe-keeper');
    const second = await newest();
    await give('commander', 'pe-other');
    expect((await facts()).handOvers.map(({ state }) => state)).toEqual(['given', 'replaced', 'declined']);
    expect(await answer('keeper', second, true)).toMatchObject({ status: 409, body: { field: 'handOverId' } });
    expect(await answer('keeper', first, true)).toMatchObject({ status: 409, body: { field: 'handOverId' } });
    expect((await facts()).keeper).toBeNull();
  });

  it('is taken by nobody else, and given to nobody who may not keep it', async () => {
    await give('commander', 'pe-keeper');
    const id = await newest();
    expect(await answer('other', id, true)).toMatchObject({ status: 403, body: { field: 'takerId' } });
    expect(await answer('commander', id, true)).toMatchObject({ status: 403, body: { field: 'permission' } });
    for (const nobody of ['pe-far', 'pe-reviewer', 'pe-none', 'pe-commander'])
      expect(await give('commander', nobody)).toMatchObject({ status: 400, body: { field: 'takerId' } });
    expect(await give('keeper', 'pe-keeper')).toMatchObject({ status: 400, body: { field: 'takerId' } });
    expect(await give('reviewer', 'pe-keeper')).toMatchObject({ status: 403 });
    expect(await give('far', 'pe-other')).toMatchObject({ status: 404 });
    expect((await facts()).handOvers).toMatchObject([{ handOverId: id, state: 'given' }]);
  });

  it('is not taken when the package is another one than was handed over', async () => {
    await give('commander', 'pe-keeper');
    appendFileSync(join(bag, 'manifest-sha256.txt'), `${'1'.repeat(64)}  data/b\n`);
    expect(await answer('keeper', await newest(), true)).toMatchObject({ status: 409, body: { field: 'manifestSha256' } });
    expect(await answer('keeper', await newest(), false, '归档包有变动')).toMatchObject({ status: 200 });
  });

  it('stands in the custody log with who gave it, who took it and what it was', async () => {
    await give('commander', 'pe-keeper');
    await answer('keeper', await newest(), true, '已核对');
    const { handOvers } = await facts();
    const { manifestSha256, handOverId } = handOvers[0] ?? {};
    await plane.context.custodyIndex.flush();
    const { body } = await ask<z.infer<typeof CustodyPage>>('legal', 'GET', `/custody?operation=${operationId}`);
    const told = body.lines.filter(({ what }) => what.startsWith('handover.'));
    expect(told).toMatchObject([
      { what: 'handover.answered', who: { id: 'pe-keeper' }, subject: handOverId, detail: { taken: true, note: '已核对', manifestSha256 } },
      {
        what: 'handover.given',
        who: { id: 'pe-commander' },
        subject: handOverId,
        detail: { takerId: 'pe-keeper', files: 3, manifestSha256 },
      },
    ]);
  });
});

describe('what is not in a verified package', () => {
  beforeEach(() => ended(false));
  it('is not handed over yet', async () => {
    expect(await give('commander', 'pe-keeper')).toMatchObject({ status: 409, body: { field: 'package' } });
    expect((await facts()).handOvers).toEqual([]);
  });
});
