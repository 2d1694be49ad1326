import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { HubError } from '../../media/errors.ts';
import { Id, TakeId } from '../../media/protocol/ids.ts';
import type { MoveOrder, TakePlace } from '../../media/protocol/moves.ts';
import type { Context } from '../context.ts';
import { newId } from '../live/new-angle.ts';
import { onOperation } from '../permission/rules.ts';
import { ApiError, TakeMoved, TakeMoveRequest } from '../protocol/http.ts';
import { operationBounds } from '../store/operation-bounds.ts';
import { beginMove, dropMove } from '../store/take-moves.ts';
import { lowersFor, whoAsks } from './acting.ts';
import { requirePermission, whoIs } from './permit.ts';

const OfTake = z.object({ operationId: Id, angleId: Id, takeId: TakeId });
/** The media plane reads and writes two operations' journals. */
const MOVE_MS = 60_000;
/** It may have been moved nevertheless: what the journals say is looked up. */
const UNKNOWN = ['timeout', 'unavailable'];

/** A take that came in under the wrong angle or operation goes where it belongs. */
export function takeMoveRoutes(app: FastifyInstance, context: Context): void {
  const { store, hub, custody } = context;
  app.withTypeProvider<ZodTypeProvider>().post(
    '/operations/:operationId/angles/:angleId/takes/:takeId/move',
    {
      schema: {
        summary: 'Move a take to another angle or operation',
        params: OfTake,
        body: TakeMoveRequest,
        response: { 200: TakeMoved, '4xx': ApiError, '5xx': ApiError },
      },
      ...onOperation('operation.label', 'take.moved'),
    },
    async (request) => {
      const { toOperationId, toAngleId, toAngleName = null, reason } = request.body;
      const actor = await requirePermission(context, request, 'operation.label', toOperationId).catch((error: unknown) => {
        if (error instanceof HubError && error.field === 'operationId')
          throw new HubError('conflict', 'toOperationId: there is no such operation, or it is not one of your squads', {
            field: 'toOperationId',
          });
        throw error;
      });
      const from = request.params;
      await checkClasses(request, from.operationId, toOperationId);
      const to = { operationId: toOperationId, angleId: toAngleId ?? newId('an') };
      const order = { moveId: newId('mv'), from, to, toAngleName, reason, by: whoAsks(request) };
      const place = await move(order);
      const { operationId, angleId, takeId } = place;
      if (operationId !== from.operationId) {
        const where = { operationId, angleId, subject: takeId };
        custody.note({ what: 'take.moved', who: whoIs(actor, request.ip), ...where, detail: { from, reason } });
      }
      return { to: place };
    },
  );

  /** What is shown to few is not moved to where more see it by somebody who may not show it to them. */
  async function checkClasses(request: FastifyRequest, fromId: string, toId: string): Promise<void> {
    const [before, after] = [await operationBounds(store, fromId), await operationBounds(store, toId)];
    if (before && after) lowersFor(request)(before.confidentiality, after.confidentiality, before.squadIds);
  }

  async function move(order: MoveOrder): Promise<TakePlace> {
    const { moveId, from, to } = order;
    return hub.moves.ask(moveId, async () => {
      await beginMove(store, { moveId, operationId: from.operationId, toOperationId: to.operationId });
      try {
        const { to: place } = await hub.media.request('moveTake', order, MOVE_MS);
        await hub.settled();
        return place;
      } catch (error) {
        // it is certain: looked up, it would stay open where the reason is a journal that is missing or broken
        if (error instanceof HubError && !UNKNOWN.includes(error.code)) await dropMove(store, moveId);
        throw error;
      }
    });
  }
}
