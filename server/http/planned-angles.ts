import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { Id } from '../../media/protocol/ids.ts';
import type { Context } from '../context.ts';
import { tellShots } from '../live/shot-ticks.ts';
import { onOperation } from '../permission/rules.ts';
import { AngleCreate, ApiError } from '../protocol/http.ts';
import { AnglePlan, OperationFacts } from '../protocol/operations.ts';
import { linksOfAngle } from '../store/capture-links.ts';
import { readFacts } from '../store/facts-view.ts';
import { planAngle } from '../store/operation-facts.ts';
import { angleName, saveAngleState } from '../store/operations.ts';
import { assertUnused, removeAngle } from '../store/planned-angles.ts';
import { factsFor } from './acting.ts';
import { record } from './permit.ts';

const OfAngle = z.object({ operationId: Id, angleId: Id });
const response = { 200: OperationFacts, '4xx': ApiError, '5xx': ApiError };

/** The angles of a plan: who films each and with what; and, until somebody films it, its name, or that it is not needed. */
export function plannedAngleRoutes(app: FastifyInstance, context: Context): void {
  const { store, hub, log } = context;
  const routes = app.withTypeProvider<ZodTypeProvider>();

  // told by the media plane, for whoever asked may have had no answer
  hub.on('media', (event) => {
    if (event.type === 'angle.removed') removed(event).catch((error: unknown) => log.error({ err: error }, 'a removal was not told'));
  });
  async function removed(angle: { operationId: string; angleId: string }): Promise<void> {
    hub.emit('revoked', await removeAngle(store, angle));
    await tellShots(context, angle.operationId);
  }

  routes.put(
    '/operations/:operationId/angles/:angleId/plan',
    {
      schema: { summary: 'Who films an angle, and with what', params: OfAngle, body: AnglePlan, response },
      ...onOperation('operation.plan', 'operation.changed'),
    },
    async (request) => {
      const { operationId, angleId } = request.params;
      await angleName(store, operationId, angleId);
      await planAngle(store, { operationId, angleId }, request.body);
      return factsFor(request, await readFacts(store, operationId));
    },
  );

  routes.put(
    '/operations/:operationId/angles/:angleId/name',
    {
      schema: { summary: 'Give an angle of a planned operation another name', params: OfAngle, body: AngleCreate, response },
      ...onOperation('operation.plan', 'angle.changed'),
    },
    async (request) => {
      const { operationId } = request.params;
      await assertUnused(store, request.params);
      await saveAngleState(store, operationId, await hub.media.request('renameAngle', { ...request.params, ...request.body }));
      hub.emit('operation', operationId);
      return factsFor(request, await readFacts(store, operationId));
    },
  );

  routes.delete(
    '/operations/:operationId/angles/:angleId',
    {
      schema: { summary: 'Take an angle out of a planned operation', params: OfAngle, response },
      ...onOperation('operation.plan', 'angle.removed', { how: 'route' }),
    },
    async (request) => {
      const { operationId, angleId } = request.params;
      await assertUnused(store, request.params);
      await hub.leaving.during(angleId, async () => {
        await record(context, request, { detail: { links: await linksOfAngle(store, operationId, angleId) } });
        await hub.media.request('removeAngle', request.params);
        await removeAngle(store, request.params);
      });
      return factsFor(request, await readFacts(store, operationId));
    },
  );
}
