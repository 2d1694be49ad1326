import type { FastifyInstance } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { HubError, type HubErrorCode, messageOf } from '../../media/errors.ts';
import type { ApiError } from '../protocol/http.ts';

const STATUS: Record<HubErrorCode, number> = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  gone: 410,
  too_many: 429,
  not_acceptable: 406,
  method_not_allowed: 405,
  precondition_failed: 412,
  precondition_required: 428,
  unsupported_type: 415,
  unprocessable: 422,
  unavailable: 503,
  timeout: 504,
  disk_full: 507,
  corrupt: 500,
  internal: 500,
};

/** Of two that want the same name at once, the second fails in the store: SQLITE_CONSTRAINT_UNIQUE, its message names table and column. */
function takenField(error: unknown): string | null {
  const { errcode, message } = error as { errcode?: unknown; message?: unknown };
  if (errcode !== 2067) return null;
  return /UNIQUE constraint failed: \w+\.(\w+)/.exec(String(message))?.[1] ?? '';
}

/** Any error as the client is told it: never a stack, never a cause. */
export function apiError(error: unknown): { status: number; body: ApiError } {
  if (error instanceof HubError) {
    return {
      status: STATUS[error.code],
      body: { code: error.code, message: error.message, ...(error.field === undefined ? {} : { field: error.field }) },
    };
  }
  if (hasZodFastifySchemaValidationErrors(error)) {
    const [first] = error.validation;
    const field = first?.instancePath.replace(/^\//, '').replaceAll('/', '.') ?? '';
    return {
      status: 400,
      body: {
        code: 'bad_request',
        message: `${field ? `${field}: ` : ''}${first?.message ?? 'not understood'}`,
        ...(field ? { field } : {}),
      },
    };
  }
  const taken = takenField(error);
  if (taken !== null)
    return { status: 409, body: { code: 'conflict', message: `${taken}: it is taken already`, ...(taken && { field: taken }) } };
  const status = (error as { statusCode?: number }).statusCode ?? 500;
  if (status >= 400 && status < 500)
    return { status, body: { code: status === 404 ? 'not_found' : 'bad_request', message: (error as Error).message } };
  return { status: 500, body: { code: 'internal', message: 'the hub failed; its log says why' } };
}

/** Why something came to nothing, as the custody log has it: by its code in the reader's words, and in the hub's own. */
export function failure(error: unknown): Record<string, string> {
  const { code, field } = apiError(error).body;
  return { why: messageOf(error).slice(0, 200), code, ...(field !== undefined && { field }) };
}

/** The one place where errors become HTTP answers. */
export function installErrors(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => {
    const { status, body } = apiError(error);
    if (status >= 500) request.log.error({ err: error }, 'request failed');
    return reply.status(status).send(body);
  });
}
