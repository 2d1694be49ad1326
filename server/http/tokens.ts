import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { HubError } from '../../media/errors.ts';
import { Id } from '../../media/protocol/ids.ts';
import type { Context } from '../context.ts';
import { requirePassword } from '../people/own-password.ts';
import { permissionsOf } from '../permission/decide.ts';
import { onBrigade, PERMISSION_NAMES, signedIn } from '../permission/rules.ts';
import { ApiError } from '../protocol/http.ts';
import { AccessTokenCreate, AccessTokenList, AccessTokenMade, withSeeing } from '../protocol/people.ts';
import { createAccessToken, endTokens, listAccessTokens } from '../store/access-tokens.ts';
import { personById } from '../store/people.ts';
import { actorOf, madeId, noteRefused, record } from './permit.ts';

const errors = { '4xx': ApiError, '5xx': ApiError };
const DAY_MS = 86_400_000;
const OfToken = z.object({ tokenId: Id });
const OfPerson = z.object({ personId: Id });
const OfTheirs = OfPerson.extend(OfToken.shape);

/** Access tokens for machines: everybody's own, and what an administrator does about those of others. */
export function tokenRoutes(app: FastifyInstance, context: Context): void {
  const { store, hub } = context;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  /** Throws `not_found`. */
  const revoke = async (personId: string, tokenId: string): Promise<void> => {
    const ended = await endTokens(store, personId, tokenId);
    if (ended.length === 0) throw new HubError('not_found', 'there is no such token', { field: 'tokenId' });
    hub.emit('signedOut', ended);
  };

  routes.get(
    '/session/tokens',
    { schema: { summary: 'Access tokens for machines', response: { 200: AccessTokenList, ...errors } }, ...signedIn() },
    async (request) => ({ tokens: await listAccessTokens(store, actorOf(request).personId) }),
  );

  routes.post(
    '/session/tokens',
    {
      schema: { summary: 'Make an access token, told once', body: AccessTokenCreate, response: { 201: AccessTokenMade, ...errors } },
      ...signedIn({ logged: 'token.made', how: 'route', makes: 'to' }),
    },
    async (request, reply) => {
      const actor = actorOf(request);
      const { personId, sessionHash } = actor;
      const { name, permissions, days, password } = request.body;
      await requirePassword(context, actor, password, (why) => noteRefused(context, request, why)); // it outlasts the session
      const may: string[] = permissionsOf(actor);
      const beyond = permissions.find((each) => !may.includes(each));
      if (beyond !== undefined) throw new HubError('bad_request', `you have no permission ${beyond} to give on`, { field: 'permissions' });
      const wanted = withSeeing(permissions);
      const given = PERMISSION_NAMES.filter((each) => wanted.includes(each) && may.includes(each));
      const expiresMs = hub.nowMs() + days * DAY_MS;
      await record(context, request, { detail: { name, permissions: given, expiresMs } });
      const token = { tokenId: madeId(request), personId, name, permissions: given, expiresMs };
      return reply.status(201).send(await createAccessToken(store, token, sessionHash, hub.nowMs()));
    },
  );

  routes.delete(
    '/session/tokens/:tokenId',
    {
      schema: { summary: 'Revoke an access token', params: OfToken, response: { 204: z.null(), ...errors } },
      ...signedIn({ logged: 'token.revoked' }),
    },
    async (request, reply) => {
      await revoke(actorOf(request).personId, request.params.tokenId);
      return reply.status(204).send(null);
    },
  );

  routes.get(
    '/people/:personId/tokens',
    {
      schema: { summary: "Somebody's access tokens", params: OfPerson, response: { 200: AccessTokenList, ...errors } },
      ...onBrigade('people.manage'),
    },
    async (request) => {
      const { personId } = request.params;
      await personById(store, personId);
      return { tokens: await listAccessTokens(store, personId) };
    },
  );

  routes.delete(
    '/people/:personId/tokens',
    {
      schema: { summary: "Revoke all of somebody's access tokens", params: OfPerson, response: { 204: z.null(), ...errors } },
      ...onBrigade('people.manage', 'token.revoked'),
    },
    async (request, reply) => {
      const { personId } = request.params;
      await personById(store, personId);
      hub.emit('signedOut', await endTokens(store, personId, null));
      return reply.status(204).send(null);
    },
  );

  routes.delete(
    '/people/:personId/tokens/:tokenId',
    {
      schema: { summary: "Revoke one of somebody's access tokens", params: OfTheirs, response: { 204: z.null(), ...errors } },
      ...onBrigade('people.manage', 'token.revoked'),
    },
    async (request, reply) => {
      await revoke(request.params.personId, request.params.tokenId);
      return reply.status(204).send(null);
    },
  );
}
