import { z } from 'zod';
import { HubTimeMs } from './ids.ts';

/** Why a camera does not deliver now; screens have a sentence for each, the facts go into it. */
export const GatewayReasonCode = z.enum([
  'password-refused',
  'forbidden',
  'no-such-stream',
  'camera-busy',
  'connection-refused',
  'no-route',
  'name-not-found',
  'timed-out',
  'address-not-allowed',
  'no-camera',
  'redirected',
  'codec-not-recorded',
  'no-media',
  'stalled',
  'connection-lost',
  'not-recordable',
  'reader-killed',
  'reader-missing',
  'key-refused',
  'stream-refused',
  'key-wrong',
  'ports-taken',
  'port-taken',
  'failed',
]);
export type GatewayReasonCode = z.infer<typeof GatewayReasonCode>;

const Facts = z.record(z.string(), z.union([z.string(), z.number()]));
/** `message` says it in English; screens translate by `code` and `facts`. Neither ever holds a secret. */
export const GatewayReason = z.object({ code: GatewayReasonCode, facts: Facts, message: z.string() });
export type GatewayReason = z.infer<typeof GatewayReason>;

/** What is worth knowing while it runs. */
export const GatewayNote = z.object({ code: z.enum(['transcoding-live', 'sound-not-recorded']), facts: Facts, message: z.string() });
export type GatewayNote = z.infer<typeof GatewayNote>;

/** A camera as it is asked for and kept: it holds secrets, and is told to nobody. User and password stand in the address, or beside it. */
export const PullSpec = z.object({
  url: z.string().min(1).max(2000),
  user: z.string().max(200).optional(),
  password: z.string().max(200).optional(),
});
export type PullSpec = z.infer<typeof PullSpec>;
/** How encoders come by themselves. */
export const PushProtocol = z.enum(['rtmp', 'srt']);
export type PushProtocol = z.infer<typeof PushProtocol>;
/** An encoder that comes by itself, known by its key. */
export const PushSpec = z.object({
  listen: PushProtocol,
  key: z.string().regex(/^[\w-]{16,79}$/),
  /** The port that it had before, where each has its own. */
  port: z.int().optional(),
});
export type PushSpec = z.infer<typeof PushSpec>;
export const GatewaySpec = z.union([PushSpec, PullSpec]);
export type GatewaySpec = z.infer<typeof GatewaySpec>;

/** `waiting`: for an encoder to come. `retrying`: the next attempt is at `retryMs`. */
export const GatewayPhase = z.enum(['waiting', 'connecting', 'running', 'retrying', 'closed']);
export type GatewayPhase = z.infer<typeof GatewayPhase>;

export const GatewayState = z.object({
  protocol: z.enum(['rtsp', 'rtsps', 'rtmp', 'rtmps', 'srt']),
  /** `pull`: the hub fetches it. `push`: it comes to the hub. */
  mode: z.enum(['pull', 'push']).default('pull'),
  /** Where it is fetched from, or comes to: host and port; no path, no user, no key. */
  address: z.string(),
  /** Of an encoder that pushes. */
  port: z.int().nullable().default(null),
  phase: GatewayPhase,
  /** Of the last attempt; null while all is well. */
  reason: GatewayReason.nullable(),
  notes: z.array(GatewayNote),
  sinceMs: HubTimeMs,
  retryMs: HubTimeMs.nullable(),
  attempts: z.int(),
  /** As the camera calls itself; null where it has not said. */
  model: z.string().nullable(),
  video: z
    .object({
      codec: z.string(),
      profile: z.string().nullable(),
      width: z.int(),
      height: z.int(),
      fps: z.number().nullable(),
      bFrames: z.boolean(),
      live: z.enum(['copied', 'transcoded']),
    })
    .nullable(),
  audio: z
    .object({ codec: z.string(), sampleRate: z.int(), channels: z.int(), recorded: z.boolean(), live: z.enum(['copied', 'transcoded']) })
    .nullable(),
});
export type GatewayState = z.infer<typeof GatewayState>;
