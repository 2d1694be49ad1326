import { randomBytes } from 'node:crypto';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { HubError } from '../../media/errors.ts';
import { Id } from '../../media/protocol/ids.ts';
import type { Context } from '../context.ts';
import { ONGOING, onOperation } from '../permission/rules.ts';
import { ApiError, SourceCreate, SourceMade, SourceView } from '../protocol/http.ts';
import { removeGateway, saveGateway } from '../store/gateways.ts';
import { angleName } from '../store/operations.ts';
import { noteAddition } from './acting.ts';
import { record } from './permit.ts';

const OfAngle = z.object({ operationId: Id, angleId: Id });
const errors = { '4xx': ApiError, '5xx': ApiError };

const KEY_BYTES = 24;
/** 192 bits, in letters that an address and any encoder's settings take. */
const newKey = (): string => randomBytes(KEY_BYTES).toString('base64url');

/** What the custody log has of a source: neither its user, password or path nor its key. */
function shownOf(source: SourceCreate): Record<string, string> {
  if ('listen' in source) return { source: source.listen };
  if (!URL.canParse(source.url)) return {}; // the media plane refuses it
  const { protocol, host } = new URL(source.url);
  return { source: protocol.slice(0, -1), address: host };
}

/** Cameras that the hub fetches by their address, and encoders that push to it. */
export function sourceRoutes(app: FastifyInstance, context: Context): void {
  const { store, hub } = context;
  const routes = app.withTypeProvider<ZodTypeProvider>();

  /** As the media plane has it now. Throws `not_found`. */
  const view = async (operationId: string, angleId: string): Promise<SourceView> => {
    const { operations } = await hub.media.request('getState', {});
    const angle = operations.find((each) => each.operationId === operationId)?.angles.find((each) => each.angleId === angleId);
    if (!angle?.gateway) throw new HubError('not_found', 'no camera is fetched for this angle', { field: 'angleId' });
    const { gateway, source, bitrateBps, missingFrames, alignmentMethod: method, alignmentErrorMs: errorMs } = angle;
    const { loss = null, roundTripMs = null } = source ?? {};
    return { ...gateway, bitrateBps, missingFrames, loss, roundTripMs, clock: { method, errorMs } };
  };

  routes.post(
    '/operations/:operationId/angles/:angleId/source',
    {
      schema: {
        summary: 'Fetch a camera, or wait for an encoder that pushes',
        params: OfAngle,
        body: SourceCreate,
        response: { 201: SourceMade, ...errors },
      },
      ...onOperation('operation.run', 'source.added', { how: 'route', ...ONGOING }),
    },
    async (request, reply) => {
      const { operationId, angleId } = request.params;
      await angleName(store, operationId, angleId);
      const { reason, ...source } = request.body;
      await record(context, request, { detail: { ...shownOf(source), ...(reason === undefined ? {} : { reason }) } });
      const spec = 'listen' in source ? { ...source, key: newKey() } : source;
      await hub.media.request('addGateway', { operationId, angleId, spec, again: false });
      const made = await view(operationId, angleId);
      // after a restart an encoder finds its port again
      await saveGateway(store, operationId, angleId, 'listen' in spec ? { ...spec, port: made.port ?? undefined } : spec);
      await noteAddition(context, request, { operationId, angleId, what: 'source', reason });
      return reply.status(201).send({ ...made, key: 'key' in spec ? spec.key : null });
    },
  );

  routes.get(
    '/operations/:operationId/angles/:angleId/source',
    {
      schema: { summary: 'How the source does', params: OfAngle, response: { 200: SourceView, ...errors } },
      ...onOperation('operation.see'),
    },
    async (request) => {
      const { operationId, angleId } = request.params;
      await angleName(store, operationId, angleId);
      return view(operationId, angleId);
    },
  );

  routes.delete(
    '/operations/:operationId/angles/:angleId/source',
    {
      schema: { summary: 'Remove the source', params: OfAngle, response: { 204: z.null(), ...errors } },
      ...onOperation('operation.run', 'source.removed'),
    },
    async (request, reply) => {
      const { operationId, angleId } = request.params;
      await angleName(store, operationId, angleId);
      await removeGateway(store, operationId, angleId);
      await hub.media.request('removeGateway', { operationId, angleId });
      return reply.status(204).send(null);
    },
  );
}
