/** Literal reasons for which fieldhub refuses or fails; each maps to one HTTP status and one sentence on screens. */
export type HubErrorCode =
  | 'bad_request'
  | 'unauthorized'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'gone'
  | 'too_many'
  | 'not_acceptable'
  | 'method_not_allowed'
  | 'precondition_failed'
  | 'precondition_required'
  | 'unsupported_type'
  | 'unprocessable'
  | 'unavailable'
  | 'timeout'
  | 'disk_full'
  | 'corrupt'
  | 'internal';

/**
 * The one error type of the hub. `message` says in English what is wrong and names the field or the cause; screens
 * translate by `code` and `field`. `cause` is never sent to clients.
 */
export class HubError extends Error {
  readonly code: HubErrorCode;
  /** Name of the offending field or setting, where there is one. */
  readonly field: string | undefined;

  constructor(code: HubErrorCode, message: string, options: { field?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'HubError';
    this.code = code;
    this.field = options.field;
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
