import { HubError, messageOf } from '../../errors.ts';
import type { GatewayReason, GatewayReasonCode } from '../../protocol/gateway.ts';

type Facts = GatewayReason['facts'];

const SENTENCES: Record<GatewayReasonCode, (facts: Facts) => string> = {
  'password-refused': () => 'the camera refused the user name or password',
  forbidden: () => 'the camera forbids this stream to this user',
  'no-such-stream': () => 'the camera has no stream at this path',
  'camera-busy': () => 'the camera takes no more viewers now',
  'connection-refused': () => 'nothing listens at this address and port',
  'no-route': () => 'there is no route to this address',
  'name-not-found': () => 'the name of the host is not known',
  'timed-out': () => 'the camera does not answer',
  'address-not-allowed': ({ address }) => `${String(address)} is not in CAMERA_NETWORKS`,
  'no-camera': () => 'what answers there does not speak the language of cameras',
  redirected: () => 'the camera sends elsewhere; redirects are not followed',
  'codec-not-recorded': ({ codec }) => `${String(codec)} cannot be recorded`,
  'no-media': () => 'the stream has neither picture nor sound',
  stalled: ({ seconds }) => `no packet came for ${String(seconds)} s`,
  'connection-lost': () => 'the stream was ended, or the connection was lost',
  'not-recordable': ({ why }) => `nothing can be recorded now: ${String(why)}`,
  'reader-killed': () => 'ffmpeg, which reads the stream, was killed',
  'reader-missing': () => 'ffmpeg is not installed',
  'key-refused': () => 'the passphrase is wrong, or the stream is not encrypted as it says',
  'stream-refused': () => 'the server refuses this application or stream key',
  'key-wrong': () => 'an encoder came with a wrong passphrase, or without one',
  'ports-taken': () => 'all ports of SRT_PORTS are given out',
  'port-taken': ({ port }) => `port ${String(port)} is taken by another program on the hub`,
  failed: ({ why }) => `the stream cannot be read: ${String(why)}`,
};

/** The reason with its English sentence. Facts must be free of secrets. */
export function reasonOf(code: GatewayReasonCode, facts: Facts = {}): GatewayReason {
  return { code, facts, message: SENTENCES[code](facts) };
}

/** An attempt to get a camera's stream failed, for a reason that can be told. */
export class SourceRefusal extends HubError {
  readonly reason: GatewayReason;

  constructor(why: GatewayReasonCode | GatewayReason, facts: Facts = {}) {
    const reason = typeof why === 'string' ? reasonOf(why, facts) : why;
    super('unavailable', reason.message);
    this.reason = reason;
  }
}

/** Why an attempt failed: as it was refused, else in the words of the error. */
export function reasonOfError(error: unknown): GatewayReason {
  return error instanceof SourceRefusal ? error.reason : reasonOf('failed', { why: messageOf(error).slice(0, 200) });
}

/** What the operating system says of a name or a connection. */
export function refusalOfConnect(error: NodeJS.ErrnoException): SourceRefusal {
  const { code = '' } = error;
  if (code === 'ECONNREFUSED') return new SourceRefusal('connection-refused');
  if (['EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'EHOSTDOWN', 'EADDRNOTAVAIL'].includes(code)) return new SourceRefusal('no-route');
  if (['ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA', 'EAI_NONAME'].includes(code)) return new SourceRefusal('name-not-found');
  if (code === 'ETIMEDOUT') return new SourceRefusal('timed-out');
  if (code === 'ECONNRESET' || code === 'EPIPE') return new SourceRefusal('connection-lost');
  return new SourceRefusal('failed', { why: /^[A-Z0-9_]{2,40}$/.test(code) ? code : 'the connection failed' });
}

/** An RTSP status (RFC 2326, 7.1.1) other than success. */
export function refusalOfStatus(status: number): SourceRefusal {
  if (status >= 300 && status < 400) return new SourceRefusal('redirected');
  if (status === 401 || status === 407) return new SourceRefusal('password-refused');
  if (status === 403) return new SourceRefusal('forbidden');
  if (status === 404 || status === 410) return new SourceRefusal('no-such-stream');
  if (status === 453 || status === 503) return new SourceRefusal('camera-busy');
  return new SourceRefusal('failed', { why: `status ${status}` });
}

/**
 * Why ffmpeg or ffprobe has ended. Its words may hold addresses and keys, so that nothing of them is ever passed on: they
 * are only looked through for what is known. `code`: null when it was killed, or is not there.
 */
export function reasonOfExit(code: number | null, words: string): GatewayReason {
  if (code === 127 || /ENOENT/.test(words)) return reasonOf('reader-missing');
  if (code === null) return reasonOf('reader-killed');
  if (/timed out|timer expired/i.test(words)) return reasonOf('timed-out');
  return reasonOf('connection-lost');
}
