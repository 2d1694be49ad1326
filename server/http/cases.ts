import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { HubError } from '../../media/errors.ts';
import { Id } from '../../media/protocol/ids.ts';
import type { Context } from '../context.ts';
import { CASE_COLUMNS } from '../operations/cases-csv.ts';
import { onCase, onHub } from '../permission/rules.ts';
import { CaseChange, CaseCreate, CaseExport, CaseList, CaseQuery, EnforcementCase } from '../protocol/cases.ts';
import { ApiError } from '../protocol/http.ts';
import { changeCase, changedCase, exportedCases, insertCase, type KnownCase, listCases, readCase } from '../store/cases.ts';
import { lowersFor, reachFor, whoAsks } from './acting.ts';
import { madeId } from './permit.ts';
import { sendTable } from './tables.ts';

const OfCase = z.object({ caseId: Id });
const errors = { '4xx': ApiError, '5xx': ApiError };

/** Cases: what operations are about. A squad's own people see and change its cases; the brigade's own are seen by all. */
export function caseRoutes(app: FastifyInstance, context: Context): void {
  const { store, hub } = context;
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.get(
    '/cases',
    {
      schema: { summary: 'Cases, searched, filtered, sorted and in pages', querystring: CaseQuery, response: { 200: CaseList, ...errors } },
      ...onHub('operation.see'),
    },
    async (request) => {
      const { cases, total } = await listCases(store, reachFor(request, 'operation.see'), request.query);
      return { cases: cases.map((one) => shownTo(request, one)), total };
    },
  );

  routes.get(
    '/cases.csv',
    {
      schema: { summary: 'The cases as a table', querystring: CaseExport },
      ...onHub('list.export', 'export', { detail: { exported: 'cases' } }),
    },
    async (request, reply) => {
      const { lang, zone, ...filter } = request.query;
      const rows = exportedCases(store, reachFor(request, 'list.export'), filter);
      return sendTable(reply, { name: 'cases', columns: CASE_COLUMNS, rows, lang, zone });
    },
  );

  routes.post(
    '/cases',
    {
      schema: { summary: 'Enter a case', body: CaseCreate, response: { 201: EnforcementCase, ...errors } },
      ...onHub('operation.plan', 'case.made', { makes: 'cs' }),
    },
    async (request, reply) => {
      checkSquad(request, request.body.squadId);
      const caseId = madeId(request);
      await insertCase(store, caseId, request.body, { personId: whoAsks(request).personId, nowMs: hub.nowMs() });
      return reply.status(201).send(shownTo(request, await readCase(store, reachFor(request, 'operation.see'), caseId)));
    },
  );

  routes.get(
    '/cases/:caseId',
    { schema: { summary: 'One case', params: OfCase, response: { 200: EnforcementCase, ...errors } }, ...onCase('operation.see') },
    async (request) => shownTo(request, await readCase(store, reachFor(request, 'operation.see'), request.params.caseId)),
  );

  routes.put(
    '/cases/:caseId',
    {
      schema: { summary: 'Change a case', params: OfCase, body: CaseChange, response: { 200: EnforcementCase, ...errors } },
      ...onCase('operation.plan', 'case.changed'),
    },
    async (request) => {
      const { caseId } = request.params;
      if (request.body.squadId !== undefined) checkSquad(request, request.body.squadId);
      await changeCase(store, caseId, request.body, lowersFor(request));
      hub.emit('rights');
      return shownTo(request, await changedCase(store, reachFor(request, 'operation.see'), caseId));
    },
  );
}

const shownTo = (request: FastifyRequest, { seen, ...one }: KnownCase): EnforcementCase => ({
  ...one,
  edit: seen && plansFor(request, one.squadId),
});

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
