import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { thumbnail } from '../../media/archive/poster.ts';
import { HubError } from '../../media/errors.ts';
import { HubTimeMs, Id } from '../../media/protocol/ids.ts';
import { ClientId } from '../../media/protocol/marks.ts';
import { Still, STILL_MAX_BYTES } from '../../media/protocol/stills.ts';
import { operationDir, uploadsDir } from '../../media/recordings/paths.ts';
import { captureCookie } from '../auth/gate.ts';
import type { Context } from '../context.ts';
import { byLink, viewing } from '../permission/rules.ts';
import { ApiError } from '../protocol/http.ts';
import { captureGrant } from '../store/sessions.ts';
import { stillRow } from '../store/stills.ts';

/** One phone sends one picture at a time; two leave room for one that hangs. */
const AT_ONCE = 2;
const OfUpload = z.object({ stillId: ClientId, angleId: Id, atMs: z.coerce.number().pipe(HubTimeMs), sha256: Still.shape.sha256 });
const OfStill = z.object({ operationId: Id, angleId: Id, stillId: ClientId });

/** Pictures that operators take: received from phones with their link's cookie, shown to console and review. */
export async function stillRoutes(app: FastifyInstance, context: Context): Promise<void> {
  const { store, hub, settings } = context;
  const uploads = new Map<string, number>();
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(['image/jpeg', 'image/png'], (_request, payload, done) => done(null, payload));
  const routes = app.withTypeProvider<ZodTypeProvider>();

  routes.post(
    '/api/capture/stills',
    {
      schema: { summary: 'Send a picture', querystring: OfUpload, response: { 201: Still, '4xx': ApiError, '5xx': ApiError } },
      ...byLink('the session of a capture link'),
    },
    async (request, reply) => {
      const { operationId, angleId, sessionHash } = await captureGrant(store, request.cookies[captureCookie(context)]);
      // a phone with a link for the whole operation may have gone to another angle since
      if (angleId === null || angleId !== request.query.angleId)
        throw new HubError('conflict', 'this phone films another angle now', { field: 'angleId' });
      // without a type, and empty, it passes by all that reads bodies
      if (!request.body) throw new HubError('unsupported_type', 'a picture is image/jpeg or image/png', { field: 'content-type' });
      if (Number(request.headers['content-length'] ?? 0) > STILL_MAX_BYTES) throw tooLarge();
      const running = uploads.get(sessionHash) ?? 0;
      if (running >= AT_ONCE) throw new HubError('too_many', 'this phone already sends two pictures');
      uploads.set(sessionHash, running + 1);
      const upload = randomBytes(16).toString('hex');
      const path = join(uploadsDir(settings.dataDir), upload);
      try {
        await mkdir(uploadsDir(settings.dataDir), { recursive: true, mode: 0o750 });
        await receive(request.body as Readable, path, request.query.sha256);
        const { stillId, atMs, sha256 } = request.query;
        const still = await hub.media.request('addStill', { operationId, angleId, stillId, atMs, sha256, upload }, 20_000);
        return await reply.status(201).send(still);
      } finally {
        await rm(path, { force: true });
        if (running === 0) uploads.delete(sessionHash);
        else uploads.set(sessionHash, (uploads.get(sessionHash) ?? 1) - 1);
      }
    },
  );

  routes.get(
    '/api/operations/:operationId/angles/:angleId/stills/:stillId',
    {
      schema: {
        summary: 'A picture as it was taken, or small',
        params: OfStill,
        querystring: z.object({ size: z.enum(['small', 'full']).default('full') }),
      },
      ...viewing(),
    },
    async (request, reply) => {
      const { operationId, angleId, stillId } = request.params;
      const still = await stillRow(store, operationId, stillId);
      if (still?.angleId !== angleId) throw new HubError('not_found', 'there is no such picture', { field: 'stillId' });
      const path = join(operationDir(settings.dataDir, operationId), angleId, still.file);
      if (request.query.size === 'full') return reply.type(still.type).send(createReadStream(path));
      // the phone chooses the id: no name of it may be one of an angle's poster
      const small = await thumbnail(path, join(settings.dataDir, 'posters'), `still-${operationId}-${stillId}`);
      return reply.type('image/jpeg').send(createReadStream(small));
    },
  );
}

const tooLarge = (): HubError => new HubError('bad_request', `a picture has ${STILL_MAX_BYTES} bytes at most`, { field: 'size' });

/** To the disk as it comes, and onto it for good. Throws when it is too large or not what was announced. */
async function receive(body: Readable, path: string, sha256: string): Promise<void> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const file = await open(path, 'wx', 0o640);
  try {
    for await (const chunk of body) {
      const bytes = chunk as Buffer;
      sizeBytes += bytes.length;
      if (sizeBytes > STILL_MAX_BYTES) throw tooLarge();
      hash.update(bytes);
      await file.writeFile(bytes);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  if (hash.digest('hex') !== sha256) throw new HubError('bad_request', 'the picture did not arrive as it was sent', { field: 'sha256' });
}
