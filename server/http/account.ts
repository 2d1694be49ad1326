import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { HubError } from '../../media/errors.ts';
import { Id } from '../../media/protocol/ids.ts';
import { deviceOf } from '../auth/device-name.ts';
import { sessionCookie } from '../auth/gate.ts';
import type { Context } from '../context.ts';
import { requirePassword } from '../people/own-password.ts';
import { hashPassword, requireGoodPassword } from '../people/passwords.ts';
import { signIn } from '../people/sign-in.ts';
import { newTotp, totpStep } from '../people/totp.ts';
import type { Actor } from '../permission/decide.ts';
import { anyone, signedIn } from '../permission/rules.ts';
import { ApiError } from '../protocol/http.ts';
import { Me, PasswordChange, PasswordGiven, SessionItem, SignIn, TotpConfirm, TotpSetup } from '../protocol/people.ts';
import { endTokens } from '../store/access-tokens.ts';
import { inTransaction } from '../store/database.ts';
import { credentials, personById, setPassword, setTotp } from '../store/people.ts';
import * as sessions from '../store/person-sessions.ts';
import { hash } from '../store/sessions.ts';
import { cookieOptions, letIn, meOf } from './letting-in.ts';
import { actorOf, noteRefused } from './permit.ts';

const errors = { '4xx': ApiError, '5xx': ApiError };
const OfSession = z.object({ sessionId: Id });

/** Signing in and out, and everybody's own account: password, authenticator, sessions. */
export function accountRoutes(app: FastifyInstance, context: Context): void {
  const { store, hub } = context;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const me = (actor: Actor): Promise<Me> => meOf(context, actor);
  const over = (ended: string[]): void => void hub.emit('signedOut', ended);

  routes.post(
    '/session',
    { schema: { summary: 'Sign in', body: SignIn, response: { 200: Me, ...errors } }, ...anyone('signing in') },
    async (request, reply) => {
      const from = { address: request.ip, device: deviceOf(request.headers) };
      return letIn(context, request, reply, await signIn(context, request.body, from));
    },
  );

  routes.get(
    '/session',
    {
      schema: { summary: 'Who is signed in, and what they may do', response: { 200: Me, ...errors } },
      ...signedIn({ whileMustChange: true }),
    },
    async (request) => me(actorOf(request)),
  );

  routes.delete(
    '/session',
    { schema: { summary: 'Sign out', response: { 204: z.null(), ...errors } }, ...signedIn({ whileMustChange: true, logged: 'sign-out' }) },
    async (request, reply: FastifyReply) => {
      const { personId, sessionId } = actorOf(request);
      over(await sessions.endSessions(store, personId, sessionId));
      void reply.clearCookie(sessionCookie(context), cookieOptions(context));
      return reply.status(204).send(null);
    },
  );

  routes.put(
    '/session/password',
    {
      schema: {
        summary: 'Choose another password; signs out everywhere else and ends all access tokens',
        body: PasswordChange,
        response: { 200: Me, ...errors },
      },
      ...signedIn({ whileMustChange: true, logged: 'person.password' }),
    },
    async (request, reply) => {
      const actor = actorOf(request);
      const { current, next } = request.body;
      await requirePassword(context, actor, current);
      if (next === current) throw new HubError('bad_request', 'this is the password you have', { field: 'next' });
      requireGoodPassword(next, actor);
      const passwordHash = await hashPassword(next);
      const { secret, ended } = await inTransaction(store, async (tx) => {
        await setPassword(tx, actor.personId, passwordHash, null);
        const renewed = await sessions.renewSession(tx, actor.sessionHash);
        const others = await sessions.endSessions(tx, actor.personId, null, hash(renewed)); // whoever knew the old one is out
        return { secret: renewed, ended: [...others, ...(await endTokens(tx, actor.personId, null)), actor.sessionHash ?? ''] };
      });
      void reply.setCookie(sessionCookie(context), secret, cookieOptions(context));
      over(ended);
      return me({ ...actor, sessionHash: hash(secret), mustChange: false });
    },
  );

  routes.get(
    '/session/all',
    {
      schema: { summary: 'Where one is signed in', response: { 200: z.object({ sessions: z.array(SessionItem) }), ...errors } },
      ...signedIn(),
    },
    async (request) => {
      const { personId, sessionHash } = actorOf(request);
      return { sessions: await sessions.listSessions(store, personId, sessionHash, hub.nowMs()) };
    },
  );

  routes.delete(
    '/session/all',
    {
      schema: { summary: 'End all own sessions but this one', response: { 204: z.null(), ...errors } },
      ...signedIn({ logged: 'session.ended' }),
    },
    async (request, reply) => {
      const { personId, sessionHash } = actorOf(request);
      over(await sessions.endSessions(store, personId, null, sessionHash));
      return reply.status(204).send(null);
    },
  );

  routes.delete(
    '/session/all/:sessionId',
    {
      schema: { summary: 'End one of the own sessions', params: OfSession, response: { 204: z.null(), ...errors } },
      ...signedIn({ logged: 'session.ended' }),
    },
    async (request, reply) => {
      const ended = await sessions.endSessions(store, actorOf(request).personId, request.params.sessionId);
      if (ended.length === 0) throw new HubError('not_found', 'there is no such session', { field: 'sessionId' });
      over(ended);
      return reply.status(204).send(null);
    },
  );

  routes.post(
    '/session/totp',
    {
      schema: { summary: 'Begin to set up an authenticator', body: PasswordGiven, response: { 200: TotpSetup, ...errors } },
      ...signedIn(),
    },
    async (request) => {
      const { personId, login } = actorOf(request);
      // who finds a page open locks nobody out
      await requirePassword(context, actorOf(request), request.body.password, (why) => noteRefused(context, request, why));
      if ((await personById(store, personId)).totp)
        throw new HubError('conflict', 'an authenticator is set up: remove it first', { field: 'totp' });
      const made = newTotp(login);
      await setTotp(store, personId, made.secret, null);
      return made;
    },
  );

  routes.put(
    '/session/totp',
    {
      schema: { summary: 'Confirm the authenticator by a code of it', body: TotpConfirm, response: { 204: z.null(), ...errors } },
      ...signedIn({ logged: 'person.totp', detail: { change: 'set-up' } }),
    },
    async (request, reply) => {
      const { personId, login, sessionHash } = actorOf(request);
      context.attempts.note(`totp ${login}`, Date.now());
      const known = await credentials(store, login);
      if (!known?.totpSecret || known.totpStep !== null)
        throw new HubError('conflict', 'no authenticator is being set up', { field: 'totp' });
      const step = totpStep(known.totpSecret, request.body.code, Date.now());
      if (step === null) throw new HubError('bad_request', "this is not the authenticator's code now", { field: 'code' });
      await inTransaction(store, async (tx) => {
        await sessions.requireSession(tx, sessionHash);
        await setTotp(tx, personId, known.totpSecret, step);
      });
      return reply.status(204).send(null);
    },
  );

  routes.delete(
    '/session/totp',
    {
      schema: { summary: 'Remove the authenticator', body: PasswordGiven, response: { 204: z.null(), ...errors } },
      ...signedIn({ logged: 'person.totp', detail: { change: 'removed' } }),
    },
    async (request, reply) => {
      const actor = actorOf(request);
      await requirePassword(context, actor, request.body.password);
      await setTotp(store, actor.personId, null, null);
      return reply.status(204).send(null);
    },
  );
}
