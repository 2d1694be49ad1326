import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { Id } from '../../media/protocol/ids.ts';
import { deviceOf } from '../auth/device-name.ts';
import type { Context } from '../context.ts';
import { requirePassword } from '../people/own-password.ts';
import { Passkeys } from '../people/passkeys.ts';
import { anyone, signedIn } from '../permission/rules.ts';
import { ApiError } from '../protocol/http.ts';
import { PasskeyAssertion, PasskeyCreate, PasskeyItem, PasskeyList, PasskeyOptions } from '../protocol/passkeys.ts';
import { Me, PasswordGiven } from '../protocol/people.ts';
import { deletePasskey } from '../store/passkeys.ts';
import { letIn } from './letting-in.ts';
import { actorOf, noteRefused, record } from './permit.ts';

const errors = { '4xx': ApiError, '5xx': ApiError };
const KEEPS = signedIn({ logged: 'person.passkey', how: 'route' });
const OfPasskey = z.object({ passkeyId: Id });

/** Signing in by a passkey, and everybody's own passkeys. */
export function passkeyRoutes(app: FastifyInstance, context: Context): void {
  const { store } = context;
  const passkeys = new Passkeys(context);
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.post(
    '/session/passkey/options',
    { schema: { summary: 'Begin to sign in by a passkey', response: { 200: PasskeyOptions, ...errors } }, ...anyone('signing in') },
    async (request) => passkeys.optionsToSignIn(request.ip),
  );

  routes.post(
    '/session/passkey',
    { schema: { summary: 'Sign in by a passkey', body: PasskeyAssertion, response: { 200: Me, ...errors } }, ...anyone('signing in') },
    async (request, reply) => {
      const from = { address: request.ip, device: deviceOf(request.headers) };
      return letIn(context, request, reply, await passkeys.signIn(request.body, from, request.socket.localPort));
    },
  );

  routes.get(
    '/session/passkeys',
    { schema: { summary: 'Your passkeys', response: { 200: PasskeyList, ...errors } }, ...signedIn() },
    async (request) => passkeys.list(actorOf(request).personId),
  );

  routes.post(
    '/session/passkeys/options',
    { schema: { summary: 'Begin to add a passkey', body: PasswordGiven, response: { 200: PasskeyOptions, ...errors } }, ...signedIn() },
    async (request) => {
      const actor = actorOf(request);
      await requirePassword(context, actor, request.body.password, (why) => noteRefused(context, request, why));
      return passkeys.optionsToMake(actor);
    },
  );

  routes.post(
    '/session/passkeys',
    { schema: { summary: 'Add a passkey', body: PasskeyCreate, response: { 201: PasskeyItem, ...errors } }, ...KEEPS },
    async (request, reply) => {
      const { name, credential } = request.body;
      const told = (subject: string): Promise<void> => record(context, request, { subject, detail: { change: 'added', passkey: name } });
      const kept = await passkeys.keep(actorOf(request), name, credential, { told, port: request.socket.localPort });
      return reply.status(201).send(kept);
    },
  );

  routes.delete(
    '/session/passkeys/:passkeyId',
    {
      schema: { summary: 'Remove a passkey', params: OfPasskey, body: PasswordGiven, response: { 204: z.null(), ...errors } },
      ...signedIn({ logged: 'person.passkey', detail: { change: 'removed' } }),
    },
    async (request, reply) => {
      const actor = actorOf(request);
      await requirePassword(context, actor, request.body.password);
      await deletePasskey(store, actor.personId, request.params.passkeyId);
      return reply.status(204).send(null);
    },
  );
}
