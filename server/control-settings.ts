import { z } from 'zod';

/** What the supervisor hands to the control process, as JSON in `FIELDHUB_CONTROL_SETTINGS`. */
export const ControlSettings = z.object({
  dataDir: z.string(),
  archiveDir: z.string(),
  mediaSocket: z.string(),
  /** Where Redis is: a Unix socket of the hub's own, or a URL. */
  redis: z.union([z.object({ socketPath: z.string() }), z.object({ url: z.string() })]),
  listen: z.string(),
  port: z.int(),
  publicUrl: z.string().nullable(),
  announcedAddress: z.string(),
  tls: z.object({ certPath: z.string(), keyPath: z.string() }).nullable(),
  beyondLoopback: z.boolean(),
  /** STUN and TURN servers that clients are told of; the secret makes their credentials. */
  turn: z.object({ urls: z.array(z.string()), secret: z.string().nullable() }),
  linkHours: z.int(),
  /** All settings of the hub as they are told in the custody log; of secrets their hash. */
  told: z.record(z.string(), z.json()).default({}),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']),
});
export type ControlSettings = z.infer<typeof ControlSettings>;
