import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { hostPort, type SourceAddress } from '../gateway/address.ts';
import { connectTo } from '../gateway/connect.ts';
import { Lag } from '../gateway/lag.ts';
import { refusalOfStatus, SourceRefusal } from '../gateway/reasons.ts';
import { Authorizer } from './auth.ts';
import { headerOf, type RtspMessage, RtspReader, rtspBytes, statusOf } from './messages.ts';
import type { RtspTap } from './tap.ts';

/** Methods whose refusal means that there will be no stream; cameras refuse others and play all the same. */
const NEEDED = new Set(['DESCRIBE', 'SETUP', 'PLAY']);

type Asked = { method: string; request: RtspMessage; cseq: string; retried: boolean; atMs: number };
/** Answered at once, and asked for again to keep the session: how long that takes is the round trip. */
const IDLE_TALK = new Set(['OPTIONS', 'GET_PARAMETER']);

/**
 * Stands between ffmpeg and one camera. To ffmpeg it is an address on loopback without a secret: user, password and the
 * true path are put in on the way, so that no list of processes shows them. The connection goes to the address that was
 * checked, is refused when the camera redirects, and ends when either side or this process does. ffmpeg speaks RTSP with
 * the camera; its packets go to the tap and to ffmpeg alike.
 */
export class RtspProxy {
  readonly url: string;
  readonly #server: Server;
  readonly #camera: Socket;
  readonly #target: SourceAddress;
  readonly #tap: RtspTap | null;
  readonly #authorizer: Authorizer | null;
  readonly #asked = new Map<number, Asked>();
  readonly #lag = new Lag();
  #client: Socket | null = null;
  #cseq = 0;
  #trusted = false;
  /** The camera has said something, be it goodbye. */
  #heard = false;
  #refusal: SourceRefusal | null = null;

  private constructor(server: Server, camera: Socket, target: SourceAddress, tap: RtspTap | null) {
    this.#server = server;
    this.#tap = tap;
    this.#camera = camera;
    this.#target = target;
    this.#authorizer = target.user === null ? null : new Authorizer(target.user, target.password ?? '');
    this.url = `rtsp://127.0.0.1:${(server.address() as AddressInfo).port}/${randomBytes(9).toString('base64url')}`;
    server.once('connection', (client) => this.#accept(client));
    camera.once('end', () => (this.#heard ||= this.#client?.destroyed === false));
    camera.once('close', () => this.close());
  }

  /** Connect to the camera at `ip`, then listen for one client. Throws `SourceRefusal`. */
  static async open(target: SourceAddress, ip: string, tap: RtspTap | null, signal: AbortSignal): Promise<RtspProxy> {
    const camera = await connectTo(ip, target.port, target.scheme === 'rtsps' ? { servername: target.host } : null, signal);
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new RtspProxy(server, camera, target, tap);
  }

  /** What the camera has refused, if that is why there is no stream. */
  get refusal(): SourceRefusal | null {
    if (this.#refusal === null && this.#asked.size > 0 && !this.#heard) return new SourceRefusal('timed-out');
    return this.#refusal;
  }

  close(): void {
    this.#server.close();
    this.#client?.destroySoon();
    this.#camera.destroy();
  }

  #accept(client: Socket): void {
    this.#server.close(); // nobody else
    this.#client = client;
    client.setNoDelay(true);
    client.on('error', () => this.close());
    client.once('close', () => this.#camera.end());
    const requests = new RtspReader({
      message: (message) => this.#request(message),
      packet: (_, frame) => this.#camera.write(Buffer.from(frame)),
    });
    const answers = new RtspReader({
      message: (message) => this.#answer(message),
      packet: (channel, frame) => this.#packet(channel, frame),
    });
    client.on('data', (chunk) => this.#guard(() => requests.push(chunk)));
    this.#camera.on('data', (chunk: Buffer) => {
      this.#heard = true;
      client.cork();
      this.#guard(() => answers.push(chunk));
      client.uncork();
    });
  }

  #packet(channel: number, frame: Buffer): void {
    this.#tap?.packet(channel, frame.subarray(4));
    if (this.#lag.keepsUp(this.#client?.writableLength ?? 0)) this.#client?.write(frame);
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch {
      this.#refusal ??= new SourceRefusal('no-camera');
      this.close();
    }
  }

  #request(message: RtspMessage): void {
    const [method = '', uri = ''] = message.first.split(' ');
    const { host, port, path } = this.#target;
    const rest = uri.startsWith(this.url) ? uri.slice(this.url.length) : null;
    if (rest === null && !this.#trusted) return this.close(); // it does not know the address that only ffmpeg was told
    this.#trusted = true;
    const base = `rtsp://${hostPort(host, port)}${path}`;
    const target = rest === null ? uri : rest === '' ? base : base.replace(/\/$/, '') + rest;
    const headers = message.headers.filter(([name]) => name.toLowerCase() !== 'cseq');
    const cseq = headerOf(message.headers, 'cseq') ?? '0';
    this.#send({ method, request: { ...message, first: `${method} ${target} RTSP/1.0`, headers }, cseq, retried: false, atMs: 0 });
  }

  #send(asked: Asked): void {
    const { method, request } = asked;
    const uri = request.first.split(' ')[1] ?? '';
    this.#cseq += 1;
    if (this.#asked.size > 100) this.#asked.clear(); // answers to keep-alives are no longer looked at
    this.#asked.set(this.#cseq, { ...asked, atMs: performance.now() });
    const authorization = this.#authorizer?.header(method, uri) ?? null;
    const headers: RtspMessage['headers'] = [['CSeq', String(this.#cseq)], ...request.headers];
    if (authorization !== null) headers.push(['Authorization', authorization]);
    this.#camera.write(rtspBytes({ ...request, headers }));
  }

  #answer(message: RtspMessage): void {
    const status = statusOf(message);
    const number = Number(headerOf(message.headers, 'cseq'));
    const asked = this.#asked.get(number);
    if (status === null || !asked) return; // a camera's own request
    this.#asked.delete(number);
    if (this.#tap) {
      this.#tap.meter.server(headerOf(message.headers, 'server'));
      if (IDLE_TALK.has(asked.method)) this.#tap.meter.roundTripMs = performance.now() - asked.atMs;
    }
    const challenges = message.headers.filter(([name]) => name.toLowerCase() === 'www-authenticate').map(([, value]) => value);
    if (status === 401 && !asked.retried && this.#authorizer?.take(challenges)) {
      this.#send({ ...asked, retried: true });
      return;
    }
    if (status >= 300 && NEEDED.has(asked.method)) this.#refusal ??= refusalOfStatus(status);
    if (status >= 300 && status < 400) return this.close();
    if (status < 300 && asked.method === 'DESCRIBE') this.#tap?.described(message.body.toString('latin1'));
    if (status < 300 && asked.method === 'SETUP') this.#tap?.setUp(headerOf(message.headers, 'transport') ?? '');
    const headers = message.headers.filter(([name]) => !['cseq', 'www-authenticate'].includes(name.toLowerCase()));
    this.#client?.write(rtspBytes({ ...message, headers: [['CSeq', asked.cseq], ...headers] }));
  }
}
