import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { HubError, messageOf } from '../../media/errors.ts';
import { operationDir } from '../../media/recordings/paths.ts';
import { readPreflights } from '../../media/recordings/read.ts';
import { Id } from '../../media/protocol/ids.ts';
import { deviceOf } from '../auth/device-name.ts';
import { Attempts } from '../auth/attempts.ts';
import { captureCookie } from '../auth/gate.ts';
import { ProbeBudget } from '../auth/probe-budget.ts';
import type { Context } from '../context.ts';
import { byLink, onOperation } from '../permission/rules.ts';
import { ApiError } from '../protocol/http.ts';
import {
  ClockReading,
  judge,
  KeptPreflight,
  PreflightCheck,
  PreflightReport,
  PROBE_BYTES_MOST,
  ProbeResult,
} from '../protocol/preflight.ts';
import { deviceOnDuty, saveDeviceCheck } from '../store/device-checks.ts';
import { operationRow } from '../store/operations.ts';
import { captureGrant } from '../store/sessions.ts';

const errors = { '4xx': ApiError, '5xx': ApiError };
/** A check uploads less than a megabyte. */
const BUDGET = { bytesPerMinute: 6 * 1024 * 1024, atOnce: 4 };
const PROBE_MS = 10_000;
const SESSION = 'the session of a capture link';

/** The check before duty (R14): what the page needs to measure its network, and where the result is kept. */
export function preflightRoutes(app: FastifyInstance, context: Context): void {
  const { store, hub } = context;
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const attempts = new Attempts();
  const grantOf = (request: FastifyRequest) => captureGrant(store, request.cookies[captureCookie(context)]);

  routes.get(
    '/capture/clock',
    { schema: { summary: 'Hub time, to compare a clock with', response: { 200: ClockReading, ...errors } }, ...byLink(SESSION) },
    async (request) => {
      const t1 = hub.nowMs();
      await grantOf(request);
      return { t1, t2: hub.nowMs() };
    },
  );

  routes.post(
    '/capture/preflight',
    {
      schema: {
        summary: 'Judge and keep the check before duty',
        body: PreflightReport,
        response: { 200: z.object({ checks: z.array(PreflightCheck) }), ...errors },
      },
      ...byLink(SESSION),
    },
    async (request) => {
      const { operationId, angleId, sessionHash, linkHash } = await grantOf(request);
      if (angleId === null) throw new HubError('conflict', 'choose an angle first', { field: 'angleId' });
      attempts.note(sessionHash, Date.now());
      const checks = judge(request.body.facts);
      const reason = request.body.reason ?? null;
      if (reason === null && checks.some(({ result }) => result === 'fail'))
        throw new HubError('bad_request', 'a check has failed: going on needs a reason', { field: 'reason' });
      const device = deviceOf(request.headers);
      const preflight = { angleId, device, checks, reason };
      const deviceId = await deviceOnDuty(store, { operationId, angleId, linkHash });
      const { atMs } = await hub.media.request('notePreflight', { operationId, preflight });
      if (deviceId !== null)
        await saveDeviceCheck(store, deviceId, operationId, { ...preflight, atMs }).catch((error: unknown) =>
          // sent once more, the journal would have it twice
          context.log.warn({ operationId, deviceId, reason: messageOf(error) }, 'a check is missing from its device'),
        );
      return { checks };
    },
  );

  routes.get(
    '/operations/:operationId/preflights',
    {
      schema: {
        summary: 'Checks before duty that were kept',
        params: z.object({ operationId: Id }),
        response: { 200: z.object({ preflights: z.array(KeptPreflight) }), ...errors },
      },
      ...onOperation('operation.see'),
    },
    async (request) => {
      const { operationId } = request.params;
      await operationRow(store, operationId);
      return { preflights: await readPreflights(operationDir(context.settings.dataDir, operationId)) };
    },
  );

  void app.register(async (scope) => probeRoute(scope, context));
}

/** Bytes that are counted and thrown away as they come. Nothing of a body is read before it is known whose it is. */
function probeRoute(app: FastifyInstance, context: Context): void {
  const budget = new ProbeBudget(BUDGET);
  const routes = app.withTypeProvider<ZodTypeProvider>();
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/octet-stream', (_, payload, done) => {
    let bytes = 0;
    let first: { atMs: number; bytes: number } | null = null;
    let lastMs = 0;
    payload.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      lastMs = performance.now();
      first ??= { atMs: lastMs, bytes: chunk.length };
      if (bytes > PROBE_BYTES_MOST) payload.destroy(new HubError('bad_request', 'too many bytes', { field: 'probe' }));
    });
    payload.once('end', () => done(null, { bytes, laterBytes: bytes - (first?.bytes ?? 0), ms: lastMs - (first?.atMs ?? lastMs) }));
    payload.once('error', (error) => done(error));
  });

  routes.post(
    '/capture/probe',
    {
      schema: { summary: 'Upload bytes to measure the uplink', response: { 200: ProbeResult, ...errors } },
      ...byLink(SESSION),
      bodyLimit: PROBE_BYTES_MOST,
      onRequest: async (request, reply) => {
        const { sessionHash } = await captureGrant(context.store, request.cookies[captureCookie(context)]);
        const bytes = Number(request.headers['content-length']);
        if (!(bytes > 0 && bytes <= PROBE_BYTES_MOST))
          throw new HubError('bad_request', `an upload of 1 to ${PROBE_BYTES_MOST} bytes is measured`, { field: 'probe' });
        const done = budget.take(sessionHash, bytes, Date.now());
        const late = setTimeout(() => request.raw.destroy(), PROBE_MS);
        reply.raw.once('close', () => {
          clearTimeout(late);
          done();
        });
      },
    },
    async (request) => ProbeResult.parse(request.body),
  );
}
