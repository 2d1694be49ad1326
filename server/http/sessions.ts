import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { checkSecret, CONSOLE_COOKIE, requireConsole } from '../auth/gate.ts';
import type { Context } from '../context.ts';
import { ApiError, ConsoleExchange, ConsoleSession } from '../protocol/http.ts';
import { createConsoleSession } from '../store/sessions.ts';

const errors = { '4xx': ApiError, '5xx': ApiError };

/** Signing in at the console with the start-up secret. */
export function sessionRoutes(app: FastifyInstance, context: Context): void {
  const { store, hub, tokens, settings } = context;
  const routes = app.withTypeProvider<ZodTypeProvider>();

  const setCookie = (reply: FastifyReply, name: string, value: string, path: string): void => {
    void reply.setCookie(name, value, { path, httpOnly: true, sameSite: 'strict', secure: settings.beyondLoopback, maxAge: 30 * 86_400 });
  };
  const consoleSession = (): ConsoleSession => ({ socketToken: tokens.issue({ kind: 'console' }, Date.now()), hubTimeMs: hub.nowMs() });

  routes.get('/console/session', { schema: { response: { 200: ConsoleSession, ...errors } } }, async (request) => {
    await requireConsole(context, request);
    return consoleSession();
  });

  routes.post(
    '/console/session',
    { schema: { body: ConsoleExchange, response: { 200: ConsoleSession, ...errors } } },
    async (request, reply) => {
      checkSecret(context, request.ip, request.body.secret);
      setCookie(reply, CONSOLE_COOKIE, await createConsoleSession(store, Date.now()), '/');
      return consoleSession();
    },
  );
}
