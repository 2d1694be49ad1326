import type { Socket } from 'socket.io';
import type { z } from 'zod';
import { HubError } from '../../media/errors.ts';
import { apiError } from '../http/errors.ts';
import type { Context } from '../context.ts';
import { Pace } from './pace.ts';

type Specs = Record<string, { params: z.ZodType; result: z.ZodType }>;
export type HandlersOf<S extends Specs> = { [K in keyof S]: (params: z.infer<S[K]['params']>) => Promise<z.infer<S[K]['result']>> };

/** Throws when whoever is at the socket may not ask this; asked before what was sent is looked at. */
export type Permit = (name: string, params: unknown) => Promise<void>;

/** Answer a socket's requests: none too often, every message permitted and validated, every error turned into a reply, none left to escape. */
export function answer<S extends Specs>(socket: Socket, specs: S, handlers: HandlersOf<S>, context: Context, permit: Permit): void {
  const pace = new Pace(performance.now());
  for (const [name, spec] of Object.entries(specs)) {
    socket.on(name, (params: unknown, acknowledge: unknown) => {
      const reply = typeof acknowledge === 'function' ? (acknowledge as (value: unknown) => void) : (): void => undefined;
      void respond({ name, spec, handler: handlers[name as keyof S] as Handler, permit, pace }, params, context).then(reply);
    });
  }
}

type Handler = (value: unknown) => Promise<unknown>;
type Asked = { name: string; spec: Specs[string]; handler: Handler; permit: Permit; pace: Pace };

async function respond({ name, spec, handler, permit, pace }: Asked, params: unknown, context: Context): Promise<unknown> {
  try {
    pace.take(performance.now()); // before anything that costs
    await permit(name, params);
    const parsed = spec.params.safeParse(params ?? {});
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw new HubError('bad_request', `${name}: ${issue?.message ?? 'not understood'}`, { field: issue?.path.join('.') || name });
    }
    return { ok: true, data: await handler(parsed.data) };
  } catch (error) {
    const { status, body } = apiError(error);
    if (status >= 500 && status !== 503) context.log.error({ err: error, request: name }, 'socket request failed');
    return { ok: false, error: body };
  }
}
