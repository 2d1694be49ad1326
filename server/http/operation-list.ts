import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { HubError } from '../../media/errors.ts';
import type { Context } from '../context.ts';
import { operationsCsv } from '../operations/operations-csv.ts';
import { onHub } from '../permission/rules.ts';
import { ApiError, OperationList } from '../protocol/http.ts';
import { OperationExport, OperationQuery } from '../protocol/operations.ts';
import { exportedOperations } from '../store/operation-export.ts';
import { filteredOperations, listOperations } from '../store/operation-list.ts';
import { mayOnFor, reachFor } from './acting.ts';

const errors = { '4xx': ApiError, '5xx': ApiError };
const EXPORTED = 10_000;

/** Operations as lists: searched, filtered, sorted, by pages, and as a table for spreadsheets. */
export function operationListRoutes(app: FastifyInstance, context: Context): void {
  const { store } = context;
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.get(
    '/operations',
    {
      schema: {
        summary: 'Operations, searched, filtered, sorted and in pages',
        querystring: OperationQuery,
        response: { 200: OperationList, ...errors },
      },
      ...onHub('operation.see'),
    },
    (request) => listOperations(store, reachFor(request, 'operation.see'), request.query, mayOnFor(request)),
  );

  routes.get(
    '/operations.csv',
    { schema: { summary: 'The list as a table', querystring: OperationExport }, ...onHub('list.export', 'export') },
    async (request, reply) => {
      const { lang, zone, ...filter } = request.query;
      if (!knownZone(zone)) throw new HubError('bad_request', `zone: there is no time zone ${zone}`, { field: 'zone' });
      const numbers = await filteredOperations(store, reachFor(request, 'list.export'), filter, EXPORTED);
      const day = new Date().toISOString().slice(0, 10);
      return reply
        .type('text/csv; charset=utf-8')
        .header('content-disposition', `attachment; filename="operations-${day}.csv"`)
        .send(operationsCsv(await exportedOperations(store, numbers), lang, zone));
    },
  );
}

function knownZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false; // RangeError: not in the IANA database
  }
}
