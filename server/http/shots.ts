import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { HubError } from '../../media/errors.ts';
import { Id } from '../../media/protocol/ids.ts';
import { Attempts } from '../auth/attempts.ts';
import { captureCookie } from '../auth/gate.ts';
import type { Context } from '../context.ts';
import { forPhones, tickShot, untickShot } from '../live/shot-ticks.ts';
import { mayAnywhere } from '../permission/decide.ts';
import { byLink, onBrigade, onHub, onOperation } from '../permission/rules.ts';
import { OperationType } from '../protocol/cases.ts';
import { ApiError } from '../protocol/http.ts';
import { OperationShots, PhoneTick, ShotList, ShotListChange, ShotListEditions, TickCreate } from '../protocol/shots.ts';
import { linkWho } from '../store/capture-links.ts';
import { officerOf, operationShots } from '../store/operation-shots.ts';
import { operationRow } from '../store/operations.ts';
import { captureGrant } from '../store/sessions.ts';
import { currentLists, editionsOf, saveEdition } from '../store/shot-lists.ts';
import { actorOf } from './permit.ts';

const errors = { '4xx': ApiError, '5xx': ApiError };
const OfType = z.object({ type: OperationType });
const OfOperation = z.object({ operationId: Id });
const OfShot = z.object({ operationId: Id, shotId: Id });
const LINK = 'the link of a phone is its right';
/** What a phone without network has gathered comes at once; a list has no more items than this. */
const TICKS_A_MINUTE = 120;

/** The lists of what must be on film, by type, in editions: kept by the legal unit. */
export function shotListRoutes(app: FastifyInstance, context: Context): void {
  const { store, hub } = context;
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.get(
    '/shot-lists',
    {
      schema: { summary: 'Shot lists of all types of operation', response: { 200: z.object({ lists: z.array(ShotList) }), ...errors } },
      ...onHub('shot-list.see'),
    },
    async () => ({ lists: await currentLists(store) }),
  );

  routes.get(
    '/shot-lists/:type',
    {
      schema: { summary: 'A shot list and its editions', params: OfType, response: { 200: ShotListEditions, ...errors } },
      ...onHub('shot-list.see'),
    },
    async (request) => ({
      editions: await editionsOf(store, request.params.type),
      edit: mayAnywhere(actorOf(request), 'shot-list.edit'),
    }),
  );

  routes.put(
    '/shot-lists/:type',
    {
      schema: {
        summary: 'Make a new edition of a shot list',
        params: OfType,
        body: ShotListChange,
        response: { 200: ShotList, ...errors },
      },
      ...onBrigade('shot-list.edit', 'shot-list.changed'),
    },
    (request) => saveEdition(store, request.params.type, request.body, actorOf(request), hub.nowMs()),
  );
}

/** An operation's own list, and its ticks from the console. */
export function operationShotRoutes(app: FastifyInstance, context: Context): void {
  const { store, hub } = context;
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.get(
    '/operations/:operationId/shots',
    {
      schema: { summary: "An operation's shot list and what is ticked", params: OfOperation, response: { 200: OperationShots, ...errors } },
      ...onOperation('shot-list.see'),
    },
    async (request) => {
      const { operationId } = request.params;
      await operationRow(store, operationId);
      return operationShots(store, operationId, hub.nowMs());
    },
  );

  routes.post(
    '/operations/:operationId/shots/:shotId/tick',
    {
      schema: { summary: 'Tick a shot', params: OfShot, body: TickCreate, response: { 200: OperationShots, ...errors } },
      ...onOperation('operation.run', 'shot.ticked'),
    },
    (request) => {
      const { angleId, atMs = null } = request.body;
      return tickShot(context, request.params, { angleId, atMs, by: 'commander', name: actorOf(request).name });
    },
  );

  routes.delete(
    '/operations/:operationId/shots/:shotId/tick',
    {
      schema: { summary: 'Take a tick back', params: OfShot, response: { 200: OperationShots, ...errors } },
      ...onOperation('operation.run', 'shot.unticked'),
    },
    (request) => untickShot(context, request.params),
  );
}

/** The same list on a phone, which ticks on the angle that it films. */
export function captureShotRoutes(app: FastifyInstance, context: Context): void {
  const { store, hub } = context;
  const ticks = new Attempts(TICKS_A_MINUTE);
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.get(
    '/capture/shots',
    { schema: { summary: 'The shot list, for a phone', response: { 200: OperationShots, ...errors } }, ...byLink(LINK) },
    async (request) => {
      const { operationId } = await captureGrant(store, request.cookies[captureCookie(context)]);
      return forPhones(await operationShots(store, operationId, hub.nowMs()));
    },
  );

  routes.post(
    '/capture/shots/:shotId/tick',
    {
      schema: {
        summary: 'Tick a shot, from a phone',
        params: OfShot.pick({ shotId: true }),
        body: PhoneTick,
        response: { 200: OperationShots, ...errors },
      },
      ...byLink(LINK),
    },
    async (request) => {
      const { operationId, angleId, linkHash, sessionHash } = await captureGrant(store, request.cookies[captureCookie(context)]);
      ticks.note(sessionHash, Date.now());
      if (angleId === null) throw new HubError('conflict', 'choose an angle first', { field: 'angleId' });
      const name = await officerOf(store, operationId, angleId, linkHash);
      const { atMs = null } = request.body;
      const { shotId } = request.params;
      const line = { what: 'shot.ticked', who: await linkWho(store, linkHash, request.ip), operationId, angleId } as const;
      const told = (): void => context.custody.note({ ...line, subject: shotId });
      return forPhones(await tickShot(context, { operationId, shotId }, { angleId, atMs, by: 'operator', name }, told));
    },
  );
}
