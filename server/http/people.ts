import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { HubError } from '../../media/errors.ts';
import { Id } from '../../media/protocol/ids.ts';
import type { Context } from '../context.ts';
import type { Json } from '../custody/lines.ts';
import { newId } from '../live/new-angle.ts';
import { hashPassword, oneTimePassword } from '../people/passwords.ts';
import { onBrigade, onHub } from '../permission/rules.ts';
import { ApiError } from '../protocol/http.ts';
import {
  OneTimePassword,
  PeopleQuery,
  Person,
  PersonChange,
  PersonCreate,
  PersonCreated,
  SessionItem,
  Squad,
  SquadCreate,
} from '../protocol/people.ts';
import { changePerson, insertPerson, listPeople, listSquads, personById, saveSquad, setPassword, setTotp } from '../store/people.ts';
import { endSessions, listSessions, sessionHashes } from '../store/person-sessions.ts';
import { actorOf, whoIs } from './permit.ts';

const errors = { '4xx': ApiError, '5xx': ApiError };
const OfPerson = z.object({ personId: Id });
const OfSquad = z.object({ squadId: Id });

/** Squads, people, their roles, and what an administrator does about their sessions and passwords. */
export function peopleRoutes(app: FastifyInstance, context: Context): void {
  const { store, hub, custody } = context;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const signOut = async (personId: string): Promise<void> => void hub.emit('signedOut', await endSessions(store, personId, null));

  routes.get(
    '/squads',
    { schema: { summary: 'Squads', response: { 200: z.object({ squads: z.array(Squad) }), ...errors } }, ...onHub('people.see') },
    async () => ({ squads: await listSquads(store) }),
  );

  routes.post(
    '/squads',
    {
      schema: { summary: 'Make a squad', body: SquadCreate, response: { 201: Squad, ...errors } },
      ...onBrigade('people.manage', 'squad.made'),
    },
    async (request, reply) => reply.status(201).send(await saveSquad(store, newId('sq'), request.body.name, { nowMs: hub.nowMs() })),
  );

  routes.put(
    '/squads/:squadId',
    {
      schema: { summary: 'Rename a squad', params: OfSquad, body: SquadCreate, response: { 200: Squad, ...errors } },
      ...onBrigade('people.manage', 'squad.changed'),
    },
    async (request) => saveSquad(store, request.params.squadId, request.body.name, null),
  );

  routes.get(
    '/people',
    {
      schema: {
        summary: 'People, searched and in pages',
        querystring: PeopleQuery,
        response: { 200: z.object({ people: z.array(Person), total: z.int() }), ...errors },
      },
      ...onHub('people.see'),
    },
    async (request) => listPeople(store, request.query),
  );

  routes.post(
    '/people',
    {
      schema: { summary: 'Add somebody, with a password to be changed', body: PersonCreate, response: { 201: PersonCreated, ...errors } },
      ...onBrigade('people.manage'),
    },
    async (request, reply) => {
      const { login, name, badge, roles } = request.body;
      const password = oneTimePassword();
      const personId = newId('pe');
      const who = whoIs(actorOf(request), request.ip);
      await custody.record({ what: 'person.made', who, subject: personId, outcome: 'done', detail: { login, name, roles } });
      const passwordHash = await hashPassword(password);
      const person = await insertPerson(store, { personId, login, name, badge, roles, passwordHash }, hub.nowMs());
      return reply.status(201).send({ person, password });
    },
  );

  routes.put(
    '/people/:personId',
    {
      schema: { summary: 'Change name, badge, roles or state', params: OfPerson, body: PersonChange, response: { 200: Person, ...errors } },
      ...onBrigade('people.manage'),
    },
    async (request) => {
      const { personId } = request.params;
      const before = await personById(store, personId);
      const who = whoIs(actorOf(request), request.ip);
      const changed = JSON.parse(JSON.stringify({ login: before.login, ...request.body })) as Record<string, Json>;
      await custody.record({ what: 'person.changed', who, subject: personId, detail: changed });
      const person = await changePerson(store, personId, request.body);
      if (person.state === 'blocked') await signOut(personId);
      else if (request.body.roles) hub.emit('signedOut', await sessionHashes(store, personId)); // consoles come again, with the new roles
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
      await setPassword(store, personId, await hashPassword(password), true);
      await setTotp(store, personId, null, null); // whoever lost the password has often lost the phone as well
      await signOut(personId);
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
      schema: { summary: 'Sign somebody out everywhere', params: OfPerson, response: { 204: z.null(), ...errors } },
      ...onBrigade('people.manage', 'session.ended'),
    },
    async (request, reply) => {
      await personById(store, request.params.personId);
      await signOut(request.params.personId);
      return reply.status(204).send(null);
    },
  );
}
