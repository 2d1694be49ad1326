import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { posterFrame } from '../../media/archive/poster.ts';
import { HubError } from '../../media/errors.ts';
import { mediaPlaylist } from '../../media/hls/playlist.ts';
import { fileOfTrack } from '../../media/hls/track-file.ts';
import { Id, TakeId } from '../../media/protocol/ids.ts';
import { operationDir, takeDir } from '../../media/recordings/paths.ts';
import { hasPictures, readIncidents, readOperation } from '../../media/recordings/read.ts';
import type { Context } from '../context.ts';
import { onOperation, viewing } from '../permission/rules.ts';
import { ApiError, Incidents } from '../protocol/http.ts';
import { Glances } from '../live/glances.ts';
import { operationRow } from '../store/operations.ts';

const OfAngle = z.object({ operationId: Id, angleId: Id });
const OfTrack = z.object({ track: z.enum(['video', 'audio']).optional() });
const OfFile = OfAngle.extend({ takeId: TakeId, file: z.string().regex(/^([0-9]{1,15}-[0-9]{1,4}\.m4s|init-[0-9]{1,6}\.mp4)$/) });

/** Recordings as HLS: playlists are made from the journals on request, files are served as they lie on the disk. */
export function reviewRoutes(app: FastifyInstance, context: Context): void {
  const { dataDir } = context.settings;
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.get(
    '/api/operations/:operationId/incidents',
    {
      schema: {
        summary: 'Pages in the background, and takeovers',
        params: OfAngle.pick({ operationId: true }),
        response: { 200: Incidents, '4xx': ApiError, '5xx': ApiError },
      },
      ...onOperation('operation.see'),
    },
    async (request) => {
      const { operationId } = request.params;
      await operationRow(context.store, operationId);
      return readIncidents(operationDir(dataDir, operationId));
    },
  );

  routes.get(
    '/hls/:operationId/:angleId/index.m3u8',
    { schema: { summary: "An angle's recording as HLS playlist", params: OfAngle, querystring: OfTrack }, ...viewing() },
    async (request, reply) => {
      const { operationId, angleId } = request.params;
      const operation = await readOperation(operationDir(dataDir, operationId));
      const playlist = mediaPlaylist(operation, angleId, request.query.track ?? null);
      return reply.type('application/vnd.apple.mpegurl').send(playlist);
    },
  );

  routes.get(
    '/hls/:operationId/:angleId/:takeId/:file',
    { schema: { summary: 'A segment, or what begins it', params: OfFile, querystring: OfTrack }, ...viewing() },
    async (request, reply) => {
      const { operationId, angleId, takeId, file } = request.params;
      const path = join(takeDir(operationDir(dataDir, operationId), angleId, takeId), file);
      const facts = await stat(path).catch(() => null);
      if (!facts?.isFile()) throw new HubError('not_found', 'there is no such recording', { field: 'file' });
      const { track } = request.query;
      reply.type(track === 'audio' ? 'audio/mp4' : 'video/mp4');
      if (track) return reply.send(fileOfTrack(file, await readFile(path), track));
      reply.header('content-length', facts.size);
      return reply.send(createReadStream(path, { end: Math.max(0, facts.size - 1) }));
    },
  );

  const glances = new Glances(dataDir);
  routes.get(
    '/api/operations/:operationId/glance.jpg',
    {
      schema: { summary: 'What an operation looks like now: a picture of the last seconds', params: OfAngle.pick({ operationId: true }) },
      ...onOperation('live.watch', 'view.live', { how: 'range' }),
    },
    async (request, reply) => {
      const path = await glances.of(request.params.operationId, performance.now());
      return reply.type('image/jpeg').send(await readFile(path));
    },
  );

  routes.get(
    '/api/operations/:operationId/angles/:angleId/poster.jpg',
    { schema: { summary: "An angle's first picture", params: OfAngle }, ...viewing() },
    async (request, reply) => {
      const { operationId, angleId } = request.params;
      const dir = operationDir(dataDir, operationId);
      const operation = await readOperation(dir);
      const takes = operation.angles.find((angle) => angle.angleId === angleId)?.takes ?? [];
      const filmed = takes.flatMap((take) =>
        take.segments.filter((segment) => hasPictures(take, segment)).map((segment) => ({ take, segment })),
      );
      if (!filmed[0]) throw new HubError('not_found', 'this angle has no picture yet', { field: 'angleId' });
      const { take, segment } = filmed[0];
      const folder = takeDir(dir, angleId, take.takeId);
      const path = await posterFrame({
        init: join(folder, segment.init),
        segment: join(folder, segment.file),
        cacheDir: join(dataDir, 'posters'),
        name: `${operationId}-${angleId}-${take.takeId}`, // which take is the first changes when one is moved
      });
      return reply.type('image/jpeg').send(createReadStream(path));
    },
  );
}
