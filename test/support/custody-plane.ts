import type { z } from 'zod';
import type { Confidentiality } from '../../server/protocol/cases.ts';
import { CustodyPage } from '../../server/protocol/custody.ts';
import type { RoleGrant } from '../../server/protocol/people.ts';
import { insertAngle, insertOperation } from '../../server/store/operations.ts';
import { createSession } from '../../server/store/person-sessions.ts';
import { insertPerson, setPassword } from '../../server/store/people.ts';
import { until } from './hub.ts';
import type { ControlPlane } from './in-process.ts';

export const OPERATION = '20260101-aaaaaaaa';
export const ANGLE = 'an-aaaaaaaa';

type Asked = { method: 'GET' | 'POST' | 'PUT' | 'DELETE'; url: string; payload?: object; address?: string };
export type Answer = { status: number; body: Record<string, unknown>; cookie: string };
export type Asking = (method: Asked['method'], url: string, payload?: object) => Promise<Answer>;

/** One request, as by somebody with this cookie; `address`: from where. */
export async function ask({ app }: ControlPlane, cookie: string, { method, url, payload, address }: Asked): Promise<Answer> {
  const reply = await app.inject({
    method,
    url,
    headers: { host: '127.0.0.1', cookie },
    ...(payload && { payload }),
    ...(address !== undefined && { remoteAddress: address }),
  });
  const json = reply.headers['content-type']?.toString().startsWith('application/json') === true;
  const set = reply.cookies[0];
  return {
    status: reply.statusCode,
    body: json ? (JSON.parse(reply.payload) as Record<string, unknown>) : {},
    cookie: set ? `${set.name}=${set.value}` : '',
  };
}

/** Somebody with these roles in the whole brigade, signed in; his password is `passwordHash`'s. */
export async function personWith(
  { context: { store } }: ControlPlane,
  personId: string,
  roles: RoleGrant['role'][],
  passwordHash = 'none',
): Promise<string> {
  const grants = roles.map((role) => ({ role, squadId: null }));
  const person = { personId, login: personId, name: `姓名 ${personId}`, badge: null, roles: grants, passwordHash };
  await insertPerson(store, person, Date.now());
  await setPassword(store, personId, passwordHash, null);
  const { secret } = await createSession(store, personId, { address: '127.0.0.1', device: 'test' }, Date.now());
  return `fh_session=${secret}`;
}

/** An operation with one angle, as if it had been opened while the media plane was there. */
export async function operationWith(
  { context: { store } }: ControlPlane,
  operationId = OPERATION,
  confidentiality: Confidentiality = 'internal',
): Promise<void> {
  await insertOperation(store, { operationId, name: `行动 ${operationId}`, openedMs: Date.now(), segmentMs: 4000 });
  await store.updateTable('operation_facts').set({ confidentiality }).where('operation_id', '=', operationId).execute();
  await insertAngle(store, operationId, ANGLE, '东门');
}

/** The page of the log, as somebody reads it; newest first. What nobody waited for is in it, too. */
export async function readLines(plane: ControlPlane, cookie: string, query = ''): Promise<z.infer<typeof CustodyPage>> {
  await until('all is written', () => plane.context.custody.figures.waiting === 0);
  return CustodyPage.parse((await ask(plane, cookie, { method: 'GET', url: `/api/custody?${query}` })).body);
}
