import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { type Payload, payloadOf } from '../../media/archive/handed.ts';
import { HubError } from '../../media/errors.ts';
import { Id } from '../../media/protocol/ids.ts';
import type { Context } from '../context.ts';
import { custodiansOf } from '../operations/custodians.ts';
import { onHub, onOperation, OVER } from '../permission/rules.ts';
import { Custodians, HandOverAnswer, HandOverCreate, WaitingHandOvers } from '../protocol/hand-overs.ts';
import { ApiError } from '../protocol/http.ts';
import { OperationFacts } from '../protocol/operations.ts';
import { packageStatus } from '../store/archive-jobs.ts';
import { readFacts } from '../store/facts-view.ts';
import { answerHandOver, handOversWaiting, insertHandOver, waitingHandOver } from '../store/hand-overs.ts';
import { factsFor, reachFor, whoAsks } from './acting.ts';
import { madeId, record } from './permit.ts';

const errors = { '4xx': ApiError, '5xx': ApiError };
const OfOperation = z.object({ operationId: Id });
const facts = { 200: OperationFacts, ...errors };

/** 移交: what was filmed is handed to a custodian, who answers for it from then on (R17). */
export function handOverRoutes(app: FastifyInstance, context: Context): void {
  const { store, hub } = context;
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.get(
    '/hand-overs',
    {
      schema: { summary: 'What was handed to whoever asks, and is not answered', response: { 200: WaitingHandOvers, ...errors } },
      ...onHub('operation.keep'),
    },
    (request) => handOversWaiting(store, reachFor(request, 'operation.keep'), whoAsks(request).personId),
  );

  routes.get(
    '/operations/:operationId/custodians',
    {
      schema: { summary: 'Who may take it over', params: OfOperation, response: { 200: Custodians, ...errors } },
      ...onOperation('operation.hand-over'),
    },
    async (request) => ({ people: await custodiansOf(store, request.params.operationId) }),
  );

  routes.post(
    '/operations/:operationId/hand-overs',
    {
      schema: { summary: 'Hand what was filmed to a custodian', params: OfOperation, body: HandOverCreate, response: facts },
      ...onOperation('operation.hand-over', 'handover.given', { ...OVER, makes: 'ho', how: 'route' }),
    },
    async (request) => {
      const { operationId } = request.params;
      const { takerId, note } = request.body;
      const giver = whoAsks(request);
      if (takerId === giver.personId) throw new HubError('bad_request', 'takerId: nobody hands over to himself', { field: 'takerId' });
      const taker = (await custodiansOf(store, operationId)).find(({ personId }) => personId === takerId);
      if (!taker) throw new HubError('bad_request', 'takerId: no custodian of this operation', { field: 'takerId' });
      const payload = await payloadNow(context, operationId);
      await record(context, request, { detail: { takerId, note, ...payload } });
      await insertHandOver(store, { handOverId: madeId(request), operationId, giver, taker, note, ...payload }, hub.nowMs());
      return factsFor(request, await readFacts(store, operationId));
    },
  );

  routes.post(
    '/operations/:operationId/hand-overs/:handOverId/answer',
    {
      schema: {
        summary: 'Take what was handed over, or decline it',
        params: OfOperation.extend({ handOverId: Id }),
        body: HandOverAnswer,
        response: facts,
      },
      ...onOperation('operation.keep', 'handover.answered', { ...OVER, how: 'route' }),
    },
    async (request) => {
      const { operationId, handOverId } = request.params;
      const { taken, note } = request.body;
      if (!taken && note === null) throw new HubError('bad_request', 'note: why it is not taken', { field: 'note' });
      const given = await waitingHandOver(store, operationId, handOverId, whoAsks(request).personId);
      if (taken && (await payloadNow(context, operationId)).manifestSha256 !== given.manifestSha256)
        throw new HubError('conflict', 'manifestSha256: the package is another one by now', { field: 'manifestSha256' });
      await record(context, request, { detail: { taken, note, manifestSha256: given.manifestSha256 } });
      await answerHandOver(store, handOverId, request.body, hub.nowMs());
      return factsFor(request, await readFacts(store, operationId));
    },
  );
}

/** What the operation's package holds now. Throws `conflict` (`package`) until it is verified. */
async function payloadNow({ store }: Context, operationId: string): Promise<Payload> {
  const { state, path } = await packageStatus(store, operationId, null);
  if (state !== 'verified' || path === null) throw new HubError('conflict', 'package: it is not verified yet', { field: 'package' });
  return payloadOf(path);
}
