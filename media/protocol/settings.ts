import { z } from 'zod';

/**
 * How the media process is started. Its garbage is many small things that die at once (packets, messages): collecting
 * them takes well under a millisecond, and V8's helper threads cost more than they save (30 streams on two cores: 0.62 % of
 * a core a stream with them, 0.56 % without, as measured by `npm run bench -- record`).
 */
export const MEDIA_NODE_FLAGS = ['--single-threaded-gc', '--max-semi-space-size=8'];

/** What the supervisor hands to the media process, as JSON in `FIELDHUB_MEDIA_SETTINGS`. */
export const MediaSettings = z.object({
  dataDir: z.string(),
  /** Unix socket on which the control plane is served. */
  socketPath: z.string(),
  segmentMs: z.int().min(1000).max(10_000),
  workers: z.int().min(1),
  /** Address the WebRtcServer binds, and the one it announces to clients. Worker n listens on `rtcPort + n`, UDP and TCP. */
  rtcListenIp: z.string(),
  rtcPort: z.int(),
  rtcAnnouncedAddress: z.string(),
  /** Address on which plain RTP from cameras is received, and encoders are listened for. */
  ingestIp: z.string(),
  /** Where encoders are listened for by RTMP; 0 for not at all. */
  rtmpPort: z.int().min(0).max(65_535).default(0),
  /** UDP ports for encoders that push by SRT, one each; 0 for none. */
  srtPorts: z.object({ first: z.int(), last: z.int() }).default({ first: 0, last: 0 }),
  /** Networks that cameras are fetched from. */
  cameraNetworks: z.array(z.string()).default([]),
  /** No media for so long opens an interruption. */
  silenceMs: z.int(),
  /** New takes are refused when less is free; running ones are closed at a quarter of it. */
  diskReserveBytes: z.int(),
  /** Memory that frames waiting for a slow disk may hold, all takes together. */
  writeBufferBytes: z
    .int()
    .min(2 ** 20)
    .default(128 * 2 ** 20),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']),
});
export type MediaSettings = z.infer<typeof MediaSettings>;
