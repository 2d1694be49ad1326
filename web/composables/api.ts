import type { z } from 'zod';
import { ApiError } from '../../server/protocol/http.ts';
import common from '../locales/en/common.ts';
import { fieldWords } from './field-words.ts';

/** A refusal of the hub, or `network` when it could not be reached. */
export class ApiFailure extends Error {
  readonly code: string;
  readonly field: string | undefined;

  constructor(code: string, message: string, field?: string) {
    super(message);
    this.name = 'ApiFailure';
    this.code = code;
    this.field = field;
  }
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** Fields of which a sentence of `error.*` tells what is wrong, whatever the code. */
const OWN_WORDS = [
  'expired',
  'revoked',
  'device-revoked',
  'secret',
  'token',
  'device',
  'taken',
  'in-use',
  'name-taken',
  'angles-full',
  'edition',
  'version',
  'serial',
  'device-out',
  'device-state',
  'deviceId',
  'shotId',
  'sign-in',
  'given-expired',
  'own-password',
  'tokens-full',
  'signed-out',
  'must-change',
  'current',
  'next',
  'passkey',
  'passkey-late',
  'passkey-host',
  'passkeys-full',
  'passkeyId',
  'custodyLog',
  'codes',
];
/** And those of which it depends on the code. */
const OWN_BY_CODE: Record<string, string> = {
  'conflict angleId': 'in-use',
  'not_found operationId': 'no-operation',
  'not_found caseId': 'no-case',
  'not_found personId': 'no-person',
  'not_found squadId': 'no-squad',
  'not_found angleId': 'no-angle',
  'not_found useId': 'no-use',
  'not_found sessionId': 'no-session',
  'not_found tokenId': 'no-token',
  'not_found requestId': 'takeover-over',
  'unavailable DATA': 'not-writable',
};

/** Which sentence of `error.*` tells a failure, and what stands in it. `fields`: what a form calls its fields, by their names in the API. */
export function errorKey(error: unknown, fields: Record<string, string> = {}): { key: string; params: Record<string, string> } {
  if (!(error instanceof ApiFailure)) return { key: 'error.internal', params: {} };
  // of a list, the hub names the place in it too
  const [field = ''] = (error.field ?? '').split('.');
  const own = OWN_WORDS.includes(field) ? field : OWN_BY_CODE[`${error.code} ${field}`];
  const sentence = own ?? (error.code in common.error ? error.code : 'internal');
  return { key: `error.${sentence}`, params: { field: fieldWords(field, fields), why: error.message } };
}

/** Resolves with true once somebody has signed in again. */
let askToSignIn: (() => Promise<boolean>) | null = null;
let asking: Promise<boolean> | null = null;

/** Who asks for a new sign-in when the hub does not know the session any more. Where nobody does, that is an error like others. */
export function whenSignedOut(ask: () => Promise<boolean>): void {
  askToSignIn = ask;
}

/** What is wrong with what somebody typed, rather than with the session. */
const TYPED = ['current', 'code', 'password', 'secret', 'token', 'passkey', 'passkey-late'];

function isSignedOut(path: string, { code, field }: ApiFailure): boolean {
  if (path === '/session') return false; // this asks who it is
  return code === 'unauthorized' ? !TYPED.includes(field ?? '') : code === 'forbidden' && field === 'must-change';
}

/**
 * One JSON request, its answer checked against the schema. Where the session has ended, it waits until somebody has signed in
 * again, and is then sent once more. Throws ApiFailure.
 */
export async function api<S extends z.ZodType>(schema: S, method: Method, path: string, body?: unknown): Promise<z.infer<S>> {
  // what a page asks for every few seconds must not pile up behind the sign-in
  if (asking && method === 'GET' && path !== '/session') throw new ApiFailure('unauthorized', 'signed out', 'signed-out');
  try {
    return await send(schema, method, path, body);
  } catch (error) {
    if (!(error instanceof ApiFailure && askToSignIn && isSignedOut(path, error))) throw error;
    asking ??= askToSignIn().finally(() => (asking = null));
    if (!(await asking)) throw new ApiFailure('unauthorized', error.message, 'signed-out');
    return send(schema, method, path, body);
  }
}

/** Who shows what the hub said a while ago. */
const showing = new Set<() => void>();

/** `listener` hears of every refusal that says: what the page shows is not how it stands any more. Call what is returned to stop. */
export function afterConflict(listener: () => void): () => void {
  showing.add(listener);
  return () => showing.delete(listener);
}

async function send<S extends z.ZodType>(schema: S, method: Method, path: string, body?: unknown): Promise<z.infer<S>> {
  let response: Response;
  try {
    response = await fetch(`/api${path}`, {
      method,
      credentials: 'same-origin',
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
  } catch {
    throw new ApiFailure('network', 'the hub cannot be reached');
  }
  const value: unknown = response.status === 204 ? null : await response.json().catch(() => null);
  if (response.ok) return schema.parse(value);
  const refused = ApiError.safeParse(value);
  if (response.status === 409) for (const hear of showing) hear();
  throw refused.success
    ? new ApiFailure(refused.data.code, refused.data.message, refused.data.field)
    : new ApiFailure('internal', `status ${response.status}`);
}
