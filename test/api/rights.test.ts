import { io } from 'socket.io-client';
import type { z } from 'zod';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Attempts } from '../../server/auth/attempts.ts';
import { newTotp } from '../../server/people/totp.ts';
import { hashPassword } from '../../server/people/passwords.ts';
import { permissionsOn } from '../../server/permission/decide.ts';
import { CaseList, EnforcementCase } from '../../server/protocol/cases.ts';
import { CustodyPage } from '../../server/protocol/custody.ts';
import { OperationList, SeenOperation } from '../../server/protocol/http.ts';
import { OperationFacts } from '../../server/protocol/operations.ts';
import type { RoleGrant } from '../../server/protocol/people.ts';
import { operationBounds } from '../../server/store/operation-bounds.ts';
import { markEnded, insertAngle, insertOperation } from '../../server/store/operations.ts';
import { actorOfSession, createSession, listSessions } from '../../server/store/person-sessions.ts';
import { insertPerson, saveSquad, setPassword, setTotp } from '../../server/store/people.ts';
import { hash } from '../../server/store/sessions.ts';
import { saveMove } from '../../server/store/take-moves.ts';
import { type ControlPlane, controlPlane } from '../support/in-process.ts';

const NEAR = '20260101-near0001';
const FAR = '20260101-far00001';
const HIDDEN = '20260101-hidden01';
let plane: ControlPlane;
const secrets = new Map<string, string>();

/** Commander of the first squad who films for the second; a custodian of the first; a leader of all. */
const PEOPLE: Record<string, RoleGrant[]> = {
  both: [
    { role: 'commander', squadId: 'sq-near' },
    { role: 'operator', squadId: 'sq-far' },
  ],
  keeper: [{ role: 'custodian', squadId: 'sq-near' }],
  chief: [{ role: 'leader', squadId: null }],
};
const newSession = async (personId: string): Promise<string> =>
  (await createSession(plane.context.store, personId, { address: '127.0.0.1', device: 'test' }, Date.now())).secret;
beforeAll(async () => {
  plane = await controlPlane();
  const { store } = plane.context;
  for (const squad of ['near', 'far', 'other']) await saveSquad(store, `sq-${squad}`, `${squad} squad`, { nowMs: Date.now() });
  const passwordHash = await hashPassword('two walls and a gate');
  for (const [login, roles] of Object.entries(PEOPLE)) {
    await insertPerson(store, { personId: `pe-${login}`, login, name: login, badge: null, roles, passwordHash }, Date.now());
    await setPassword(store, `pe-${login}`, passwordHash, null);
    secrets.set(login, await newSession(`pe-${login}`));
  }
  for (const [operationId, squadId] of [
    [NEAR, 'sq-near'],
    [FAR, 'sq-far'],
    [HIDDEN, 'sq-other'],
  ] as const) {
    const operation = { operationId, name: `拆除 ${squadId}`, openedMs: Date.now(), segmentMs: 4000 };
    await insertOperation(store, operation, { planned: false, who: null, squadIds: [squadId] });
  }
  await insertAngle(store, NEAR, 'an-gate0001', '东门');
});
afterAll(() => plane.close());

async function ask(login: string, method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object, secret = secrets.get(login)) {
  const reply = await plane.app.inject({
    method,
    url: `/api${path}`,
    headers: { cookie: `fh_session=${secret ?? ''}`, host: '127.0.0.1', ...(body && { 'content-type': 'application/json' }) },
    ...(body && { payload: JSON.stringify(body) }),
  });
  return { status: reply.statusCode, body: (reply.payload === '' ? null : JSON.parse(reply.payload)) as Record<string, unknown> };
}
async function told<S extends z.ZodType>(schema: S, ...asked: Parameters<typeof ask>): Promise<z.infer<S>> {
  return schema.parse((await ask(...asked)).body);
}
/** As it would be decided of each permission. */
async function expected(login: string, operationId: string): Promise<string[]> {
  const { store } = plane.context;
  const actor = await actorOfSession(store, hash(secrets.get(login) ?? ''), Date.now());
  const bounds = await operationBounds(store, operationId);
  return actor && bounds ? permissionsOn(actor, bounds) : [];
}

describe('what somebody may do with an operation', () => {
  it.each(['both', 'keeper', 'chief'])('is said with it wherever it is read: %s', async (login) => {
    const { operations } = await told(OperationList, login, 'GET', '/operations');
    expect(operations.length).toBeGreaterThan(0);
    for (const { operationId, may } of operations) {
      const wanted = await expected(login, operationId);
      expect(may).toEqual(wanted);
      expect((await told(SeenOperation, login, 'GET', `/operations/${operationId}`)).may).toEqual(wanted);
      expect((await told(OperationFacts, login, 'GET', `/operations/${operationId}/facts`)).may).toEqual(wanted);
    }
  });

  it('is of that operation: a commander who films for another squad only films there', async () => {
    const { operations } = await told(OperationList, 'both', 'GET', '/operations');
    const may = new Map(operations.map((one) => [one.operationId, one.may]));
    expect(may.get(NEAR)).toContain('live.watch');
    expect(may.get(FAR)).not.toContain('live.watch');
    expect(may.has(HIDDEN)).toBe(false);
    const { version } = await told(OperationFacts, 'both', 'GET', `/operations/${NEAR}/facts`);
    const changed = await told(OperationFacts, 'both', 'PUT', `/operations/${NEAR}/facts`, { version, place: '城东路12号' });
    expect(changed.may).toEqual(may.get(NEAR));
  });

  it('is told to the console that joins it', async () => {
    await markEnded(plane.context.store, FAR, Date.now()); // of one that goes on the media plane would be asked, which is not here
    const token = plane.context.tokens.issue({ kind: 'console', sessionHash: hash(secrets.get('both') ?? '') }, Date.now());
    const socket = io(`${plane.url}/console`, { auth: { token }, transports: ['websocket'], forceNew: true, reconnection: false });
    const joined = (await socket.timeout(30_000).emitWithAck('join', { peerId: 'rights-0001', operationId: FAR })) as {
      data: { may: string[] };
    };
    socket.close();
    expect(joined.data.may).toEqual(await expected('both', FAR));
    expect(joined.data.may).not.toContain('live.watch');
  });

  it('the operations that takes came from or went to are named to those who may know of them', async () => {
    const move = (moveId: string, toOperationId: string) => ({
      moveId,
      from: { operationId: NEAR, angleId: 'an-gate0001', takeId: '0001' },
      to: { operationId: toOperationId, angleId: 'an-gate0002', takeId: '0001' },
      atMs: Date.now(),
      by: { personId: 'pe-chief', name: 'chief' },
      reason: '扫错了二维码',
    });
    await saveMove(plane.context.store, move('mv-0000001', FAR));
    await saveMove(plane.context.store, move('mv-0000002', HIDDEN));
    expect((await told(SeenOperation, 'both', 'GET', `/operations/${NEAR}`)).others).toEqual({ [FAR]: '拆除 sq-far' });
    expect(Object.keys((await told(SeenOperation, 'chief', 'GET', `/operations/${NEAR}`)).others).toSorted()).toEqual(
      [FAR, HIDDEN].toSorted(),
    );
  });
});

it('a case says whether the reader may change it', async () => {
  const make = (squadId: string | null, number: string) =>
    told(EnforcementCase, 'chief', 'POST', '/cases', { number, cause: '违法搭建', squadId });
  const [near, brigade] = [await make('sq-near', '甲1'), await make(null, '甲2')];
  expect([near.edit, brigade.edit]).toEqual([true, true]);
  const { cases } = await told(CaseList, 'both', 'GET', '/cases');
  expect(new Map(cases.map(({ caseId, edit }) => [caseId, edit]))).toEqual(new Map([[near.caseId, true], [brigade.caseId, false]])); // prettier-ignore
  for (const { caseId, edit, version } of cases) {
    expect((await told(EnforcementCase, 'both', 'GET', `/cases/${caseId}`)).edit).toBe(edit);
    expect((await ask('both', 'PUT', `/cases/${caseId}`, { version, cause: '占道经营' })).status).toBe(edit ? 200 : 403);
  }
});

it('the custody log says by code why something failed, and names what the reader may know of', async () => {
  const { caseId } = await told(EnforcementCase, 'chief', 'POST', '/cases', { number: '乙1', cause: '油烟', squadId: 'sq-near' });
  expect((await ask('chief', 'PUT', `/cases/${caseId}`, { version: 7, cause: '噪声' })).status).toBe(409);
  const plan = { officer: '王伟', deviceId: null };
  expect((await ask('chief', 'PUT', `/operations/${NEAR}/angles/an-gate0001/plan`, plan)).status).toBe(200);
  const { lines, names } = await told(CustodyPage, 'chief', 'GET', '/custody?size=500');
  expect(lines.find(({ what, outcome }) => what === 'case.changed' && outcome === 'failed')?.detail).toMatchObject({
    code: 'conflict',
    field: 'version',
  });
  expect(names).toMatchObject({ [caseId]: '乙1', [NEAR]: '拆除 sq-near', 'an-gate0001': '东门' });
});

describe('signing out', () => {
  it('all other devices is one request, and leaves this one', async () => {
    const { store } = plane.context;
    const others = [await newSession('pe-keeper'), await newSession('pe-keeper')];
    expect((await ask('keeper', 'DELETE', '/session/all')).status).toBe(204);
    for (const secret of others) expect((await ask('keeper', 'GET', '/session', undefined, secret)).status).toBe(401);
    expect((await listSessions(store, 'pe-keeper', hash(secrets.get('keeper') ?? ''), Date.now())).map(({ current }) => current)).toEqual([
      true,
    ]);
    expect((await ask('keeper', 'DELETE', '/session/all')).status).toBe(204);
  });
});

describe('too many attempts', () => {
  it('are refused for the time that is told', () => {
    const codes = new Attempts(2, 15 * 60_000, 'codes');
    const note = (atMs: number) => () => codes.note('pe-1', atMs);
    for (const atMs of [0, 1]) expect(note(atMs)).not.toThrow();
    expect(note(14 * 60_000)).toThrow('wait 15 minutes');
    expect(note(15 * 60_000 + 1)).not.toThrow();
  });

  it('of an authenticator’s codes are told apart from those of a password', async () => {
    const { store, attempts } = plane.context;
    await setTotp(store, 'pe-keeper', newTotp('keeper').secret, 1);
    const signIn = async () => {
      attempts.clear('login keeper'); // of passwords there are ten a minute
      return (await ask('', 'POST', '/session', { login: 'keeper', password: 'two walls and a gate', code: 'nosuch' }, '')).body;
    };
    const told = [];
    for (let i = 0; i < 11; i += 1) told.push(await signIn());
    expect(told[9]).toMatchObject({ code: 'unauthorized', field: 'code' });
    expect(told[10]).toMatchObject({ code: 'too_many', field: 'codes' });
  });
});
