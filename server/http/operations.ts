import { randomBytes } from 'node:crypto';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { HubError } from '../../media/errors.ts';
import { Id } from '../../media/protocol/ids.ts';
import { requireConsole } from '../auth/gate.ts';
import type { Context } from '../context.ts';
import {
  AngleCreate,
  AngleState,
  ApiError,
  CaptureLink,
  OperationCreate,
  OperationListItem,
  OperationView,
  PackageStatus,
  PlainSource,
} from '../protocol/http.ts';
import {
  angleName,
  insertAngle,
  insertOperation,
  listOperations,
  operationRow,
  removeCamera,
  saveAngleState,
  saveCamera,
} from '../store/operations.ts';
import { createLink, revokeLinks } from '../store/sessions.ts';

const OfOperation = z.object({ operationId: Id });
const OfAngle = z.object({ operationId: Id, angleId: Id });
const errors = { '4xx': ApiError, '5xx': ApiError };

/** Lower-case, without look-alikes, unique enough for a brigade's lifetime. */
function newId(prefix: string): string {
  const alphabet = '23456789abcdefghjkmnpqrstuvwxyz';
  return `${prefix}-${[...randomBytes(8)].map((byte) => alphabet[byte % alphabet.length]).join('')}`;
}

/** Operations, their angles, links and cameras. */
export function operationRoutes(app: FastifyInstance, context: Context): void {
  const { store, hub } = context;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  routes.addHook('onRequest', (request) => requireConsole(context, request));

  const live = async (operationId: string): Promise<void> => {
    if ((await operationRow(store, operationId)).status === 'ended')
      throw new HubError('gone', 'the operation has ended', { field: 'operationId' });
  };

  routes.get(
    '/operations',
    { schema: { response: { 200: z.object({ operations: z.array(OperationListItem) }), ...errors } } },
    async () => ({ operations: await listOperations(store) }),
  );

  routes.post('/operations', { schema: { body: OperationCreate, response: { 201: OperationView, ...errors } } }, async (request, reply) => {
    const { name } = request.body;
    const day = new Date(hub.nowMs()).toISOString().slice(0, 10).replaceAll('-', '');
    const operationId = newId(day);
    const state = await hub.media.request('openOperation', { operationId, name });
    await insertOperation(store, { operationId, name, openedMs: state.openedMs, segmentMs: state.segmentMs });
    return reply.status(201).send(await hub.view(operationId));
  });

  routes.get('/operations/:operationId', { schema: { params: OfOperation, response: { 200: OperationView, ...errors } } }, (request) =>
    hub.view(request.params.operationId),
  );

  routes.post(
    '/operations/:operationId/end',
    { schema: { params: OfOperation, response: { 200: OperationView, ...errors } } },
    async (request) => {
      const { operationId } = request.params;
      if ((await operationRow(store, operationId)).status === 'live') {
        await hub.media.request('endOperation', { operationId }, 30_000);
        await hub.settled();
      }
      return hub.view(operationId);
    },
  );

  routes.post(
    '/operations/:operationId/package',
    { schema: { params: OfOperation, response: { 200: PackageStatus, ...errors } } },
    async (request) => {
      const { operationId } = request.params;
      if ((await operationRow(store, operationId)).status === 'live')
        throw new HubError('conflict', 'the operation has not ended yet', { field: 'operationId' });
      await context.requestPackage(operationId);
      return (await hub.view(operationId)).package;
    },
  );

  routes.post(
    '/operations/:operationId/angles',
    { schema: { params: OfOperation, body: AngleCreate, response: { 201: AngleState, ...errors } } },
    async (request, reply) => {
      const { operationId } = request.params;
      await live(operationId);
      const angleId = newId('an');
      const { name } = request.body;
      await insertAngle(store, operationId, angleId, name);
      const state = await hub.media.request('addAngle', { operationId, angleId, name });
      await saveAngleState(store, operationId, state);
      hub.emit('operation', operationId);
      return reply.status(201).send(state);
    },
  );

  routes.post(
    '/operations/:operationId/angles/:angleId/links',
    { schema: { params: OfAngle, response: { 201: CaptureLink, ...errors } } },
    async (request, reply) => {
      const { operationId, angleId } = request.params;
      await live(operationId);
      await angleName(store, operationId, angleId);
      const nowMs = hub.nowMs();
      const expiresMs = nowMs + context.settings.linkHours * 3600_000;
      const token = await createLink(store, operationId, angleId, nowMs, expiresMs);
      return reply.status(201).send({ url: `${context.publicUrl()}/capture#${token}`, operationId, angleId, expiresMs });
    },
  );

  routes.delete(
    '/operations/:operationId/angles/:angleId/links',
    { schema: { params: OfAngle, response: { 204: z.null(), ...errors } } },
    async (request, reply) => {
      const { operationId, angleId } = request.params;
      await angleName(store, operationId, angleId);
      await revokeLinks(store, operationId, angleId);
      hub.emit('revoked', operationId, angleId);
      return reply.status(204).send(null);
    },
  );

  routes.post(
    '/operations/:operationId/angles/:angleId/camera',
    { schema: { params: OfAngle, response: { 201: PlainSource, ...errors } } },
    async (request, reply) => {
      const { operationId, angleId } = request.params;
      await live(operationId);
      await angleName(store, operationId, angleId);
      const target = await hub.media.request('addPlainSource', { operationId, angleId });
      await saveCamera(store, operationId, angleId, target);
      return reply.status(201).send(target);
    },
  );

  routes.delete(
    '/operations/:operationId/angles/:angleId/camera',
    { schema: { params: OfAngle, response: { 204: z.null(), ...errors } } },
    async (request, reply) => {
      const { operationId, angleId } = request.params;
      await angleName(store, operationId, angleId);
      await hub.media.request('removePlainSource', { operationId, angleId });
      await removeCamera(store, operationId, angleId);
      return reply.status(204).send(null);
    },
  );
}
