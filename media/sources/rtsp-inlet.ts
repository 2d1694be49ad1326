import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { TrackInput, TrackSink } from '../recorder/input.ts';
import type { HubClock } from '../time/hub-clock.ts';
import { Burst } from './burst.ts';
import { headerOf, type RtspMessage, RtspReader, rtspBytes } from './rtsp-messages.ts';
import { trackOfSdp } from './sdp.ts';

/** Seconds between 1900 (NTP, RFC 5905) and 1970. */
const NTP_UNIX_S = 2_208_988_800;
const SENDER_REPORT = 200;

/** Takes a track of the stream. A HubError refuses it. */
export type AddTrack = (input: TrackInput) => TrackSink;

/**
 * Where ffmpeg hands over the original: RTP within RTSP (RFC 2326, 10.12) on loopback, one connection a track. Over TCP,
 * so that nothing is lost when this process is held up, and so that ffmpeg ends when this process does.
 *
 * ffmpeg's sender reports say nothing of the camera's clock: they count from the moment its output began, in which the
 * stream's own time was 0. Less that moment they are the stream's own time, the same for picture and sound.
 */
export class RtspInlet {
  readonly #server: Server;
  readonly #token = randomBytes(9).toString('base64url');
  readonly #sockets = new Set<Socket>();
  readonly #clock: HubClock;
  readonly #addTrack: AddTrack;
  readonly #originMs: number;
  #error: unknown = null;

  private constructor(server: Server, clock: HubClock, addTrack: AddTrack) {
    this.#server = server;
    this.#clock = clock;
    this.#addTrack = addTrack;
    this.#originMs = clock.nowMs();
    server.on('connection', (socket) => this.#accept(socket));
  }

  static async open(clock: HubClock, addTrack: AddTrack): Promise<RtspInlet> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new RtspInlet(server, clock, addTrack);
  }

  /** Where a track is announced; of any kind, since its SDP names it. */
  url(kind: string): string {
    return `rtsp://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${this.#token}/${kind}`;
  }

  /** What `addTrack` has thrown. */
  get error(): unknown {
    return this.#error;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    let sink: TrackSink | null = null;
    let burst: Burst | null = null;
    let input: ReturnType<typeof trackOfSdp> = null;
    let announcedMs = 0;
    let nowMs = 0;
    const answer = (request: RtspMessage, status: string, ...headers: RtspMessage['headers']): void => {
      const cseq = headerOf(request.headers, 'cseq') ?? '0';
      socket.write(rtspBytes({ first: `RTSP/1.0 ${status}`, headers: [['CSeq', cseq], ...headers], body: Buffer.alloc(0) }));
    };
    const message = (request: RtspMessage): void => {
      const [method, uri = ''] = request.first.split(' ');
      if (!uri.includes(`/${this.#token}/`)) return void socket.destroy();
      if (method === 'ANNOUNCE') {
        announcedMs = Date.now();
        input = trackOfSdp(request.body.toString('latin1'));
        return answer(request, input ? '200 OK' : '415 Unsupported Media Type');
      }
      if (method === 'SETUP') {
        const transport = 'RTP/AVP/TCP;unicast;interleaved=0-1;mode=record';
        return answer(request, '200 OK', ['Transport', transport], ['Session', '1;timeout=3600']);
      }
      if (method === 'RECORD' && input) {
        try {
          const added = this.#addTrack({ ...input, reports: 'gateway', requestKeyFrame: () => undefined });
          sink = added;
          burst = new Burst(input.clockRate, (bytes, arrivalMs) => added.rtp(bytes, arrivalMs));
        } catch (error) {
          this.#error = error;
          return answer(request, '503 Service Unavailable');
        }
      }
      answer(request, '200 OK', ['Session', '1;timeout=3600']);
    };
    const packet = (channel: number, frame: Buffer): void => {
      if (channel === 0) burst?.push(frame.subarray(4), nowMs);
      else this.#report(sink, frame.subarray(4), nowMs, announcedMs);
    };
    const reader = new RtspReader({ message, packet });
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      nowMs = this.#clock.nowMs();
      try {
        reader.push(chunk);
      } catch {
        socket.destroy(); // no RTSP
      }
    });
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      this.#sockets.delete(socket);
      burst?.flush();
      sink?.close();
    });
  }

  /** A sender report (RFC 3550, 6.4.1), on the stream's own time line. */
  #report(sink: TrackSink | null, bytes: Buffer, nowMs: number, announcedMs: number): void {
    if (!sink || bytes[1] !== SENDER_REPORT || bytes.length < 20) return;
    const wallMs = (bytes.readUInt32BE(8) - NTP_UNIX_S) * 1000 + (bytes.readUInt32BE(12) / 2 ** 32) * 1000;
    const senderMs = this.#originMs + wallMs - announcedMs;
    sink.senderReport({ ssrc: bytes.readUInt32BE(4), senderMs, rtpTimestamp: bytes.readUInt32BE(16) }, nowMs);
  }
}
