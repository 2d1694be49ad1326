import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { removeLabels, writeLabels } from '../../media/archive/labels.ts';
import { messageOf } from '../../media/errors.ts';
import { Id } from '../../media/protocol/ids.ts';
import type { Context } from '../context.ts';
import { tellShots } from '../live/shot-ticks.ts';
import { packageLabels } from '../operations/labels.ts';
import { checkSeal } from '../operations/stages.ts';
import { onOperation } from '../permission/rules.ts';
import { ApiError } from '../protocol/http.ts';
import { FactsChange, OperationFacts } from '../protocol/operations.ts';
import { packageGrown, packageStatus } from '../store/archive-jobs.ts';
import { checkCase } from '../store/cases.ts';
import { inTransaction, type Store } from '../store/database.ts';
import { readFacts } from '../store/facts-view.ts';
import { changeFacts, takeStep } from '../store/operation-facts.ts';
import { assertNoMove } from '../store/take-moves.ts';
import { checkGiven, factsFor, lowersFor, reachFor, whoAsks } from './acting.ts';

const OfOperation = z.object({ operationId: Id });
const response = { 200: OperationFacts, '4xx': ApiError, '5xx': ApiError };

/** What people know of an operation, and its way from a plan to its seal. */
export function operationFactsRoutes(app: FastifyInstance, context: Context): void {
  const { store, hub } = context;
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.get(
    '/operations/:operationId/facts',
    { schema: { summary: "An operation's facts", params: OfOperation, response }, ...onOperation('operation.see') },
    async (request) => factsFor(request, await readFacts(store, request.params.operationId)),
  );

  routes.put(
    '/operations/:operationId/facts',
    {
      schema: { summary: 'Change the facts', params: OfOperation, body: FactsChange, response },
      ...onOperation('operation.label', 'operation.changed'),
    },
    async (request) => {
      const { operationId } = request.params;
      const { squadIds, caseId } = request.body;
      const before = await readFacts(store, operationId);
      if (typeof caseId === 'string' && caseId !== before.caseId) await checkCase(store, reachFor(request, 'operation.see'), caseId);
      const had = before.squads.map(({ squadId }) => squadId);
      if (squadIds) checkGiven(reachFor(request, 'operation.label').squads, squadIds, had);
      await changeFacts(store, operationId, request.body, lowersFor(request));
      if (request.body.type !== undefined) await tellShots(context, operationId);
      hub.emit('operation', operationId);
      hub.emit('rights');
      return factsFor(request, await readFacts(store, operationId));
    },
  );

  routes.post(
    '/operations/:operationId/start',
    {
      schema: { summary: 'Begin a planned operation', params: OfOperation, response },
      ...onOperation('operation.plan', 'operation.started'),
    },
    async (request) => {
      const { operationId } = request.params;
      await takeStep(store, operationId, 'live', hub.nowMs(), whoAsks(request));
      hub.emit('operation', operationId);
      await tellShots(context, operationId);
      return factsFor(request, await readFacts(store, operationId));
    },
  );

  routes.post(
    '/operations/:operationId/seal',
    {
      schema: { summary: 'Seal an operation that has ended', params: OfOperation, response },
      ...onOperation('operation.seal', 'operation.sealed'),
    },
    async (request) => {
      const { operationId } = request.params;
      let labelled: string | null = null;
      const seal = async (tx: Store): Promise<OperationFacts> => {
        await assertNoMove(tx, operationId);
        const { state, labels } = await readFacts(tx, operationId);
        const { state: packed, path } = await packageStatus(tx, operationId, null);
        checkSeal({ state, labels, packaged: packed === 'verified' });
        await takeStep(tx, operationId, 'sealed', hub.nowMs(), whoAsks(request));
        const sealed = await readFacts(tx, operationId);
        labelled = path ?? '';
        await packageGrown(tx, operationId, await writeLabels(labelled, packageLabels(sealed)));
        return factsFor(request, sealed);
      };
      try {
        return await inTransaction(store, seal);
      } catch (error) {
        if (labelled !== null) await unlabel(context, operationId, labelled);
        throw error;
      }
    },
  );
}

/** The package of an operation that was not sealed after all says so no more; a failure is logged only: the next seal puts that right. */
async function unlabel({ store, log }: Context, operationId: string, path: string): Promise<void> {
  await inTransaction(store, async (tx) => {
    if ((await readFacts(tx, operationId)).state !== 'sealed') await removeLabels(path);
  }).catch((error: unknown) =>
    log.warn({ operationId, reason: messageOf(error) }, 'the labels of an unsealed operation stay in its package'),
  );
}
