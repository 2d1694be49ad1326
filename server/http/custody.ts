import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { HubError } from '../../media/errors.ts';
import type { Context } from '../context.ts';
import { logFile } from '../custody/open-log.ts';
import { onBrigade, onHub } from '../permission/rules.ts';
import { CustodyHead, CustodyPage, CustodyQuery } from '../protocol/custody.ts';
import { ApiError } from '../protocol/http.ts';
import { hidesFrom, listCustodyLines } from '../store/custody-lines.ts';
import { reachFor } from './acting.ts';
import { namesOfIds } from './custody-names.ts';
import { actorOf, noteRefused, record } from './permit.ts';

const errors = { '4xx': ApiError, '5xx': ApiError };

/** The custody log to be looked at, taken along and checked elsewhere. Nothing here changes it, and nothing anywhere deletes from it. */
export function custodyRoutes(app: FastifyInstance, context: Context): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.get(
    '/custody',
    {
      schema: { summary: 'Lines of the custody log', querystring: CustodyQuery, response: { 200: CustodyPage, ...errors } },
      ...onHub('log.read'),
    },
    async (request) => {
      await context.custodyIndex.flush();
      const page = await listCustodyLines(context.store, request.query, reachFor(request, 'log.read'));
      return { ...page, names: await namesOfIds(context.store, actorOf(request), page.lines) };
    },
  );

  routes.get(
    '/custody/head',
    { schema: { summary: "The log's last line, signed", response: { 200: CustodyHead, ...errors } }, ...onHub('log.read') },
    async () => context.custody.signedHead(),
  );

  routes.get(
    '/custody/export',
    {
      schema: { summary: 'The log itself, one line of JSON each' },
      ...onBrigade('log.read', 'export', { how: 'route', detail: { exported: 'custody-log' } }),
    },
    async (request, reply) => {
      if (await hidesFrom(context.store, reachFor(request, 'log.read'))) {
        noteRefused(context, request, 'confidential');
        throw new HubError('forbidden', 'the log tells of operations or cases that you may not see', { field: 'confidential' });
      }
      await record(context, request, {});
      const path = logFile(`${context.settings.dataDir}/custody`);
      const { size } = await stat(path); // what is written from now on is not in this copy
      return reply
        .type('application/x-ndjson')
        .header('content-disposition', 'attachment; filename="custody.ndjson"')
        .header('content-length', size)
        .send(createReadStream(path, { end: Math.max(0, size - 1) }));
    },
  );
}
