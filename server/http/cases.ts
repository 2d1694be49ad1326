import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { HubError } from '../../media/errors.ts';
import { Id } from '../../media/protocol/ids.ts';
import type { Context } from '../context.ts';
import { newId } from '../live/new-angle.ts';
import { onHub } from '../permission/rules.ts';
import { CaseChange, CaseCreate, CaseList, CaseQuery, EnforcementCase } from '../protocol/cases.ts';
import { ApiError } from '../protocol/http.ts';
import { changeCase, insertCase, type KnownCase, listCases, readCase } from '../store/cases.ts';
import { reachFor, whoAsks } from './acting.ts';

const OfCase = z.object({ caseId: Id });
const errors = { '4xx': ApiError, '5xx': ApiError };

/** Cases: what operations are about. A squad's own people see and change its cases; the brigade's own are seen by all. */
export function caseRoutes(app: FastifyInstance, context: Context): void {
  const { store, hub } = context;
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.get(
    '/cases',
    {
      schema: { summary: 'Cases, searched and in pages', querystring: CaseQuery, response: { 200: CaseList, ...errors } },
      ...onHub('operation.see'),
    },
    async (request) => {
      const { cases, total } = await listCases(store, reachFor(request, 'operation.see'), request.query);
      return { cases: cases.map((one) => shownTo(request, one)), total };
    },
  );

  routes.post(
    '/cases',
    {
      schema: { summary: 'Enter a case', body: CaseCreate, response: { 201: EnforcementCase, ...errors } },
      ...onHub('operation.plan', 'case.made'),
    },
    async (request, reply) => {
      checkSquad(request, request.body.squadId);
      const caseId = newId('cs');
      await insertCase(store, caseId, request.body, { personId: whoAsks(request).personId, nowMs: hub.nowMs() });
      return reply.status(201).send(shownTo(request, await readCase(store, reachFor(request, 'operation.see'), caseId)));
    },
  );

  routes.get(
    '/cases/:caseId',
    { schema: { summary: 'One case', params: OfCase, response: { 200: EnforcementCase, ...errors } }, ...onHub('operation.see') },
    async (request) => shownTo(request, await readCase(store, reachFor(request, 'operation.see'), request.params.caseId)),
  );

  routes.put(
    '/cases/:caseId',
    {
      schema: { summary: 'Change a case', params: OfCase, body: CaseChange, response: { 200: EnforcementCase, ...errors } },
      ...onHub('operation.plan', 'case.changed'),
    },
    async (request) => {
      const { caseId } = request.params;
      const see = reachFor(request, 'operation.see');
      checkSquad(request, (await readCase(store, see, caseId)).squadId);
      if (request.body.squadId !== undefined) checkSquad(request, request.body.squadId);
      await changeCase(store, caseId, request.body);
      return shownTo(request, await readCase(store, see, caseId));
    },
  );
}

const shownTo = (request: FastifyRequest, one: KnownCase): EnforcementCase => ({ ...one, edit: plansFor(request, one.squadId) });

/** Who plans for some squads only has no hand in the cases of others, nor in the brigade's own. */
function plansFor(request: FastifyRequest, squadId: string | null): boolean {
  const { squads } = reachFor(request, 'operation.plan');
  return squads === 'all' || (squadId !== null && squads.includes(squadId));
}

/** Throws `forbidden`. */
function checkSquad(request: FastifyRequest, squadId: string | null): void {
  if (plansFor(request, squadId)) return;
  throw new HubError('forbidden', 'squadId: you plan for other squads', { field: 'squadId' });
}
