import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { HubError } from '../../media/errors.ts';
import { Id } from '../../media/protocol/ids.ts';
import type { Context } from '../context.ts';
import { hashPassword, oneTimePassword } from '../people/passwords.ts';
import { onBrigade, onHub } from '../permission/rules.ts';
import { ApiError } from '../protocol/http.ts';
import {
  OneTimePassword,
  PeoplePage,
  PeopleQuery,
  Person,
  PersonChange,
  PersonCreate,
  PersonCreated,
  SessionItem,
  Squad,
  SquadCreate,
  Squads,
} from '../protocol/people.ts';
import { squadsWith } from '../permission/decide.ts';
import { endTokens } from '../store/access-tokens.ts';
import { inTransaction, type Store } from '../store/database.ts';
import { catchUpIndex } from '../store/operation-index.ts';
import { changePerson, insertPerson, listPeople, listSquads, personById, saveSquad, setPassword, setTotp } from '../store/people.ts';
import { deletePasskeys } from '../store/passkeys.ts';
import { endSessions, listSessions, sessionHashes } from '../store/person-sessions.ts';
import { actorOf, madeId } from './permit.ts';

const errors = { '4xx': ApiError, '5xx': ApiError };
const OfPerson = z.object({ personId: Id });
const OfSquad = z.object({ squadId: Id });

/** Squads, people, their roles, and what an administrator does about their sessions and passwords. */
export function peopleRoutes(app: FastifyInstance, context: Context): void {
  const { store, hub, log } = context;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  /** Nothing that somebody has signed in with, or has given to a program, opens anything any more; what is over by that. */
  const signOut = async (tx: Store, personId: string): Promise<string[]> => [
    ...(await endSessions(tx, personId, null)),
    ...(await endTokens(tx, personId, null)),
  ];

  routes.get('/squads', { schema: { summary: 'Squads', response: { 200: Squads, ...errors } }, ...onHub('people.see') }, async () => ({
    squads: await listSquads(store),
  }));

  routes.post(
    '/squads',
    {
      schema: { summary: 'Make a squad', body: SquadCreate, response: { 201: Squad, ...errors } },
      ...onBrigade('people.manage', 'squad.made', { makes: 'sq' }),
    },
    async (request, reply) => reply.status(201).send(await saveSquad(store, madeId(request), request.body.name, { nowMs: hub.nowMs() })),
  );

  routes.put(
    '/squads/:squadId',
    {
      schema: { summary: 'Rename a squad', params: OfSquad, body: SquadCreate, response: { 200: Squad, ...errors } },
      ...onBrigade('people.manage', 'squad.changed'),
    },
    async (request) => {
      const squad = await saveSquad(store, request.params.squadId, request.body.name, null);
      await catchUpIndex(store, log);
      return squad;
    },
  );

  routes.get(
    '/people',
    {
      schema: {
        summary: 'People, searched and in pages',
        querystring: PeopleQuery,
        response: { 200: PeoplePage, ...errors },
      },
      ...onHub('people.see'),
    },
    async (request) => {
      const whole = squadsWith(actorOf(request), 'people.manage') === 'all';
      if (!whole && request.query.role !== undefined)
        throw new HubError('forbidden', 'role: only who manages people may ask for it', { field: 'role' });
      return listPeople(store, request.query, whole);
    },
  );

  routes.post(
    '/people',
    {
      schema: { summary: 'Add somebody, with a password to be changed', body: PersonCreate, response: { 201: PersonCreated, ...errors } },
      ...onBrigade('people.manage', 'person.made', { makes: 'pe' }),
    },
    async (request, reply) => {
      const { login, name, badge, roles } = request.body;
      const password = oneTimePassword();
      const personId = madeId(request);
      const passwordHash = await hashPassword(password);
      const person = await insertPerson(store, { personId, login, name, badge, roles, passwordHash }, hub.nowMs());
      return reply.status(201).send({ person, password });
    },
  );

  routes.put(
    '/people/:personId',
    {
      schema: { summary: 'Change name, badge, roles or state', params: OfPerson, body: PersonChange, response: { 200: Person, ...errors } },
      ...onBrigade('people.manage', 'person.changed'),
    },
    async (request) => {
      const { personId } = request.params;
      const { person, over } = await inTransaction(store, async (tx) => {
        const changed = await changePerson(tx, personId, request.body);
        if (changed.state === 'blocked') return { person: changed, over: await signOut(tx, personId) };
        // consoles come again, with the new roles
        return { person: changed, over: request.body.roles ? await sessionHashes(tx, personId) : [] };
      });
      hub.emit('signedOut', over);
      hub.emit('rights');
      return person;
    },
  );

  routes.post(
    '/people/:personId/password',
    {
      schema: { summary: 'Give a new password to be changed', params: OfPerson, response: { 200: OneTimePassword, ...errors } },
      ...onBrigade('people.manage', 'person.password'),
    },
    async (request) => {
      const { personId } = request.params;
      await personById(store, personId);
      if (personId === actorOf(request).personId)
        throw new HubError('conflict', 'choose your own password in your account', { field: 'own-password' });
      const password = oneTimePassword();
      const passwordHash = await hashPassword(password);
      const over = await inTransaction(store, async (tx) => {
        await setPassword(tx, personId, passwordHash, hub.nowMs());
        // whoever lost the password has often lost the phone as well, and what is on it opens nothing from now on
        await setTotp(tx, personId, null, null);
        await deletePasskeys(tx, personId);
        return signOut(tx, personId);
      });
      hub.emit('signedOut', over);
      return { password };
    },
  );

  routes.get(
    '/people/:personId/sessions',
    {
      schema: {
        summary: "Somebody's sessions",
        params: OfPerson,
        response: { 200: z.object({ sessions: z.array(SessionItem) }), ...errors },
      },
      ...onBrigade('people.manage'),
    },
    async (request) => {
      const { personId } = request.params;
      await personById(store, personId);
      return { sessions: await listSessions(store, personId, actorOf(request).sessionHash, hub.nowMs()) };
    },
  );

  routes.delete(
    '/people/:personId/sessions',
    {
      schema: {
        summary: 'Sign somebody out everywhere, and end all access tokens',
        params: OfPerson,
        response: { 204: z.null(), ...errors },
      },
      ...onBrigade('people.manage', 'session.ended'),
    },
    async (request, reply) => {
      await personById(store, request.params.personId);
      hub.emit('signedOut', await inTransaction(store, (tx) => signOut(tx, request.params.personId)));
      return reply.status(204).send(null);
    },
  );
}
