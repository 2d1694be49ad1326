import type { FastifyInstance } from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { z } from 'zod';
import { messageOf } from '../../media/errors.ts';
import type { Context } from '../context.ts';
import { anyone, onBrigade } from '../permission/rules.ts';

const Ready = z.object({ ready: z.boolean(), media: z.boolean(), store: z.boolean(), redis: z.boolean(), custodyLog: z.boolean() });

/** /healthz: the process answers. /readyz: it can do its work. /metrics: for Prometheus, both planes' figures. */
export function healthRoutes(app: FastifyInstance, context: Context & { redisUp?: () => boolean }): void {
  const { hub, store } = context;
  app.get(
    '/healthz',
    {
      schema: { summary: 'The process answers', response: { 200: z.object({ ok: z.literal(true) }) } },
      ...anyone('load balancers and supervisors ask; it says nothing else'),
    },
    async () => ({ ok: true as const }),
  );

  app.get(
    '/readyz',
    {
      schema: { summary: 'The hub can do its work', response: { 200: Ready, 503: Ready } },
      ...anyone('load balancers and supervisors ask; it says nothing else'),
    },
    async (_, reply) => {
      const storeUp = await store
        .selectFrom('secret')
        .select('name')
        .limit(1)
        .execute()
        .then(
          () => true,
          () => false,
        );
      // without Redis the hub records, shows and alarms as before; without the custody log it records
      const custodyLog = context.custody.refusal === null;
      const state = { ready: hub.synced && storeUp, media: hub.synced, store: storeUp, redis: context.redisUp?.() ?? false, custodyLog };
      return reply.status(state.ready ? 200 : 503).send(state);
    },
  );

  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const gauges = mediaGauges(registry);
  const custodyLog = custodyGauges(registry);
  const events = new Counter({
    name: 'fieldhub_media_events_total',
    help: 'Events received from the media plane',
    labelNames: ['type'],
    registers: [registry],
  });
  hub.on('media', (event) => events.inc({ type: event.type }));
  app.get('/metrics', { schema: { hide: true }, ...onBrigade('metrics.read') }, async (_, reply) => {
    gauges.up.set(hub.synced ? 1 : 0);
    custodyLog(context.custody);
    try {
      gauges.set(await hub.media.request('figures', {}, 2000));
    } catch (error) {
      context.log.debug({ reason: messageOf(error) }, 'no figures from the media plane');
    }
    return reply.type(registry.contentType).send(await registry.metrics());
  });
}

function custodyGauges(registry: Registry): (custody: Context['custody']) => void {
  const gauge = (name: string, help: string): Gauge => new Gauge({ name: `fieldhub_custody_log_${name}`, help, registers: [registry] });
  const writable = gauge('writable', '1 while the custody log can be written');
  const problems = gauge('problems', 'What was wrong with the custody log as it was found');
  const waiting = gauge('waiting', 'Entries of the custody log that wait for the disk');
  return (custody) => {
    writable.set(custody.refusal === null ? 1 : 0);
    problems.set(custody.problems.length);
    waiting.set(custody.figures.waiting);
  };
}

function mediaGauges(registry: Registry): { up: Gauge; set: (figures: object) => void } {
  const gauge = (name: string, help: string): Gauge => new Gauge({ name: `fieldhub_${name}`, help, registers: [registry] });
  const byKey = {
    eventLoopP99Ms: gauge('media_event_loop_p99_ms', 'Event loop delay of the media process since the last reading, p99'),
    recording: gauge('angles_recording', 'Angles being recorded'),
    routers: gauge('routers', 'Routers: one an operation, and one for each set of payload types that players ask for'),
    webRtcTransports: gauge('webrtc_transports', 'WebRTC transports of phones, encoders, consoles and players'),
    framesTotal: gauge('frames', 'Frames recorded of live operations'),
    missingFramesTotal: gauge('frames_missing', 'Frames of live operations that never arrived'),
    withheldFramesTotal: gauge('frames_withheld', 'Frames of live operations that could not be decoded'),
    segmentsTotal: gauge('segments_written', 'Segments written by this media process'),
    bytesWrittenTotal: gauge('bytes_written', 'Bytes of segments written by this media process'),
    workerDeathsTotal: gauge('worker_deaths', 'mediasoup workers that died under this media process'),
    diskFreeBytes: gauge('disk_free_bytes', 'Free space under the data folder'),
    rssBytes: gauge('media_rss_bytes', 'Resident memory of the media process'),
  };
  const set = (figures: object): void => {
    for (const [key, value] of Object.entries(figures)) if (key in byKey) byKey[key as keyof typeof byKey].set(Number(value));
  };
  return { up: gauge('media_up', '1 while the media plane is followed'), set };
}
