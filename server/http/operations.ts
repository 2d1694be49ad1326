import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Id } from '../../media/protocol/ids.ts';
import type { Context } from '../context.ts';
import { namesInReach } from '../devices/choices.ts';
import { ONGOING, onHub, onOperation } from '../permission/rules.ts';
import { AngleCreate, AngleState, ApiError, OperationView, PackageStatus, PlainSource, SeenOperation } from '../protocol/http.ts';
import { OperationCreate } from '../protocol/operations.ts';
import { checkCase } from '../store/cases.ts';
import { checkFacts, noteEndedBy } from '../store/operation-facts.ts';
import { operationBounds } from '../store/operation-bounds.ts';
import { angleName, insertOperation, operationRow, removeCamera, saveCamera } from '../store/operations.ts';
import { newAngle, newId } from '../live/new-angle.ts';
import { checkGiven, mayOnFor, noteAddition, reachFor, whoAsks } from './acting.ts';
import { actorOf, madeId, record } from './permit.ts';

const OfOperation = z.object({ operationId: Id });
const OfAngle = z.object({ operationId: Id, angleId: Id });
const errors = { '4xx': ApiError, '5xx': ApiError };

/** Operations, their angles and cameras. */
export function operationRoutes(app: FastifyInstance, context: Context): void {
  const { store, hub } = context;
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.post(
    '/operations',
    {
      schema: { summary: 'Begin an operation', body: OperationCreate, response: { 201: OperationView, ...errors } },
      ...onHub('operation.plan', 'operation.opened', { how: 'route' }),
    },
    async (request, reply) => {
      const { name, angles, ...given } = request.body;
      const { squads: plans } = reachFor(request, 'operation.plan');
      const { squadIds = plans === 'all' ? [] : plans } = given;
      const facts = { ...given, squadIds, who: whoAsks(request) };
      checkGiven(plans, squadIds, []);
      if (typeof given.caseId === 'string') await checkCase(store, reachFor(request, 'operation.see'), given.caseId);
      await checkFacts(store, facts);
      const day = new Date(hub.nowMs()).toISOString().slice(0, 10).replaceAll('-', '');
      const operationId = newId(day);
      const { planned, type = null } = request.body;
      const made = angles.map((angle) => ({ angleId: newId('an'), name: angle }));
      await record(context, request, { operationId, detail: { name, planned, type, squadIds, angles: made } });
      const { openedMs, segmentMs } = await hub.media.request('openOperation', { operationId, name });
      await insertOperation(store, { operationId, name, openedMs, segmentMs }, facts);
      for (const angle of made) await newAngle(context, operationId, angle);
      return reply.status(201).send(await hub.view(operationId));
    },
  );

  routes.get(
    '/operations/:operationId',
    {
      schema: { summary: 'One operation as it is now', params: OfOperation, response: { 200: SeenOperation, ...errors } },
      ...onOperation('operation.see'),
    },
    async (request) => {
      const { operationId } = request.params;
      const view = await hub.view(operationId);
      const bounds = await operationBounds(store, operationId);
      const elsewhere = view.moves.flatMap(({ from, to }) => [from.operationId, to.operationId]).filter((id) => id !== operationId);
      const others = Object.fromEntries(await namesInReach(store, actorOf(request), elsewhere));
      return { ...view, may: bounds ? mayOnFor(request)(bounds) : [], others };
    },
  );

  routes.post(
    '/operations/:operationId/end',
    {
      schema: { summary: 'End an operation', params: OfOperation, response: { 200: OperationView, ...errors } },
      ...onOperation('operation.plan', 'operation.ended', { how: 'route' }),
    },
    async (request) => {
      const { operationId } = request.params;
      if ((await operationRow(store, operationId)).status === 'live') {
        await record(context, request, {});
        await hub.media.request('endOperation', { operationId }, 30_000);
        await hub.settled();
        await noteEndedBy(store, operationId, whoAsks(request));
      }
      return hub.view(operationId);
    },
  );

  routes.post(
    '/operations/:operationId/package',
    {
      schema: { summary: 'Make the package again after a failure', params: OfOperation, response: { 200: PackageStatus, ...errors } },
      ...onOperation('package.make', 'package.asked', { states: ['ended', 'sealed'] }),
    },
    async (request) => {
      const { operationId } = request.params;
      await context.requestPackage(operationId);
      return (await hub.view(operationId)).package;
    },
  );

  routes.post(
    '/operations/:operationId/angles',
    {
      schema: { summary: 'Add an angle', params: OfOperation, body: AngleCreate, response: { 201: AngleState, ...errors } },
      ...onOperation('operation.run', 'angle.made', { makes: 'an', ...ONGOING }),
    },
    async (request, reply) => {
      const { operationId } = request.params;
      const { name, reason } = request.body;
      const angle = await newAngle(context, operationId, { angleId: madeId(request), name });
      await noteAddition(context, request, { operationId, angleId: angle.angleId, what: 'angle', reason });
      return reply.status(201).send(angle);
    },
  );

  routes.post(
    '/operations/:operationId/angles/:angleId/camera',
    {
      schema: { summary: 'Open ports for a camera that sends plain RTP', params: OfAngle, response: { 201: PlainSource, ...errors } },
      ...onOperation('operation.run', 'source.added', { detail: { source: 'rtp' }, ...ONGOING }),
    },
    async (request, reply) => {
      const { operationId, angleId } = request.params;
      await angleName(store, operationId, angleId);
      const target = await hub.media.request('addPlainSource', { operationId, angleId });
      await saveCamera(store, operationId, angleId, target);
      return reply.status(201).send(target);
    },
  );

  routes.delete(
    '/operations/:operationId/angles/:angleId/camera',
    {
      schema: { summary: 'Close the ports of a plain RTP camera', params: OfAngle, response: { 204: z.null(), ...errors } },
      ...onOperation('operation.run', 'source.removed'),
    },
    async (request, reply) => {
      const { operationId, angleId } = request.params;
      await angleName(store, operationId, angleId);
      await hub.media.request('removePlainSource', { operationId, angleId });
      await removeCamera(store, operationId, angleId);
      return reply.status(204).send(null);
    },
  );
}
