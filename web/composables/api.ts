import type { z } from 'zod';
import { ApiError } from '../../server/protocol/http.ts';

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

const OWN_WORDS = [
  'expired',
  'revoked',
  'device-revoked',
  'secret',
  'token',
  'device',
  'taken',
  'name-taken',
  'angles-full',
  'edition',
  'version',
  'serial',
  'device-out',
  'device-state',
  'deviceId',
  'shotId',
];

/** Which sentence of `error.*` tells a failure; some fields have a sentence of their own. */
export function errorKey(error: unknown): { key: string; params: Record<string, string> } {
  if (!(error instanceof ApiFailure)) return { key: 'error.internal', params: {} };
  const own = OWN_WORDS.find((field) => field === error.field);
  return { key: `error.${own ?? error.code}`, params: { field: error.field ?? '', why: error.message } };
}

/** One JSON request, its answer checked against the schema. Throws ApiFailure. */
export async function api<S extends z.ZodType>(
  schema: S,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<z.infer<S>> {
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
  throw refused.success
    ? new ApiFailure(refused.data.code, refused.data.message, refused.data.field)
    : new ApiFailure('internal', `status ${response.status}`);
}
