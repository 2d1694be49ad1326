import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Context } from '../context.ts';
import { OPERATION_COLUMNS } from '../operations/operations-csv.ts';
import { onHub } from '../permission/rules.ts';
import { ApiError, OperationList } from '../protocol/http.ts';
import { OperationExport, OperationQuery } from '../protocol/operations.ts';
import { exportedOperations } from '../store/operation-export.ts';
import { filteredOperations, listOperations } from '../store/operation-list.ts';
import { mayOnFor, reachFor } from './acting.ts';
import { sendTable } from './tables.ts';

const errors = { '4xx': ApiError, '5xx': ApiError };

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
    {
      schema: { summary: 'The list as a table', querystring: OperationExport },
      ...onHub('list.export', 'export', { detail: { exported: 'operations' } }),
    },
    async (request, reply) => {
      const { lang, zone, ...filter } = request.query;
      const numbers = await filteredOperations(store, reachFor(request, 'list.export'), filter);
      return sendTable(reply, { name: 'operations', columns: OPERATION_COLUMNS, rows: exportedOperations(store, numbers), lang, zone });
    },
  );
}
