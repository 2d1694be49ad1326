import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { HubError } from '../../media/errors.ts';
import { CAPTURE_COOKIE, checkSecret, CONSOLE_COOKIE, requireConsole } from '../auth/gate.ts';
import type { Context } from '../context.ts';
import { ApiError, CaptureExchange, CaptureSession, ConsoleExchange, ConsoleSession } from '../protocol/http.ts';
import { angleName, operationRow } from '../store/operations.ts';
import { type CaptureGrant, captureGrant, createConsoleSession, exchangeToken } from '../store/sessions.ts';

const errors = { '4xx': ApiError, '5xx': ApiError };

/** Signing in: the console with the start-up secret, a phone with the token of its link. */
export function sessionRoutes(app: FastifyInstance, context: Context): void {
  const { store, hub, tokens, settings, attempts } = context;
  const routes = app.withTypeProvider<ZodTypeProvider>();

  const setCookie = (reply: FastifyReply, name: string, value: string, path: string): void => {
    void reply.setCookie(name, value, { path, httpOnly: true, sameSite: 'strict', secure: settings.beyondLoopback, maxAge: 30 * 86_400 });
  };
  const consoleSession = (): ConsoleSession => ({ socketToken: tokens.issue({ kind: 'console' }, Date.now()), hubTimeMs: hub.nowMs() });
  const captureSession = async (grant: CaptureGrant): Promise<CaptureSession> => {
    const operation = await operationRow(store, grant.operationId);
    if (operation.status === 'ended') throw new HubError('gone', 'the operation has ended', { field: 'operationId' });
    return {
      operationId: grant.operationId,
      operationName: operation.name,
      angleId: grant.angleId,
      angleName: await angleName(store, grant.operationId, grant.angleId),
      socketToken: tokens.issue({ kind: 'capture', ...grant }, Date.now()),
      hubTimeMs: hub.nowMs(),
    };
  };

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

  routes.post(
    '/capture/session',
    { schema: { body: CaptureExchange, response: { 200: CaptureSession, ...errors } } },
    async (request, reply) => {
      attempts.note(`link ${request.ip}`, Date.now());
      const { session, grant } = await exchangeToken(store, request.body.token, hub.nowMs());
      attempts.clear(`link ${request.ip}`);
      const answer = await captureSession(grant);
      setCookie(reply, CAPTURE_COOKIE, session, '/api/capture');
      return answer;
    },
  );

  routes.get('/capture/session', { schema: { response: { 200: CaptureSession, ...errors } } }, async (request) =>
    captureSession(await captureGrant(store, request.cookies[CAPTURE_COOKIE])),
  );
}
