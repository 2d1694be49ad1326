import { createSocket } from 'node:dgram';
import { readFileSync, writeFileSync } from 'node:fs';
import type { RecordedSource, RecordedTrack } from './source.ts';

/**
 * A process that plays many synthetic cameras from one recording: copies with their own SSRC, sequence numbers and
 * clocks. It keeps a ground truth: when each frame was captured, and when it was sent.
 */
export type SenderTrack = { port: number; rtcpPort: number; ssrc: number; payloadType: number };
export type SenderStream = { video: SenderTrack; audio: SenderTrack; offsetMs: number; driftPpm: number };
export type SenderOrder = { sourcePath: string; truthPath: string; ip: string; streams: SenderStream[]; jitterMs: number };
/** Of one stream: capture of each video frame (UTC, ms) and how much later its first packet left. */
export type SenderTruth = { frames: number; packets: number; captureMs: number[]; delayMs: number[] };

const TICK_MS = 4;
const NTP_UNIX_S = 2_208_988_800;
const nowMs = (): number => performance.timeOrigin + performance.now();

type Prepared = { marker: boolean; timestamp: number; payload: Buffer; firstOfFrame: boolean };

class Track {
  readonly #packets: Prepared[];
  readonly #loopTicks: number;
  readonly #clockRate: number;
  readonly #to: SenderTrack;
  readonly #stream: Stream;
  readonly #reportEveryMs: number;
  #index = 0;
  #loop = 0;
  #sequence = Math.floor(Math.random() * 65_536);
  readonly #firstTimestamp = Math.floor(Math.random() * 2 ** 32);
  #sent = { packets: 0, octets: 0 };
  #reportAtMs = 0;
  #frameDelayMs = 0;

  constructor(stream: Stream, to: SenderTrack, recorded: RecordedTrack, clockRate: number, reportEveryMs: number) {
    this.#stream = stream;
    this.#to = to;
    this.#clockRate = clockRate;
    this.#reportEveryMs = reportEveryMs;
    this.#loopTicks = recorded.loopTicks;
    let last = -1;
    this.#packets = recorded.packets.map(({ marker, timestamp, payload }) => {
      const firstOfFrame = timestamp !== last;
      last = timestamp;
      return { marker, timestamp, payload: Buffer.from(payload, 'base64'), firstOfFrame };
    });
  }

  /** Send what is due; a frame is due at its capture and its random delay. */
  due(now: number, truth: SenderTruth | null): void {
    if (this.#reportAtMs === 0) this.#reportAtMs = now + 200;
    for (;;) {
      const packet = this.#packets[this.#index] as Prepared;
      const ticks = packet.timestamp + this.#loop * this.#loopTicks;
      const captureMs = this.#stream.captureMs((ticks * 1000) / this.#clockRate);
      if (packet.firstOfFrame && this.#frameDelayMs < 0) this.#frameDelayMs = Math.random() * this.#stream.jitterMs;
      if (captureMs + this.#frameDelayMs > now) break;
      if (packet.firstOfFrame && truth) {
        truth.frames += 1;
        truth.captureMs.push(captureMs);
        truth.delayMs.push(nowMs() - captureMs);
      }
      this.#send(packet, ticks, truth);
      this.#index += 1;
      if (this.#index === this.#packets.length) {
        this.#index = 0;
        this.#loop += 1;
      }
      if (this.#packets[this.#index]?.firstOfFrame) this.#frameDelayMs = -1;
    }
    if (now >= this.#reportAtMs) this.#report(now);
  }

  #send(packet: Prepared, ticks: number, truth: SenderTruth | null): void {
    const bytes = Buffer.allocUnsafe(12 + packet.payload.length);
    bytes[0] = 0x80;
    bytes[1] = (packet.marker ? 0x80 : 0) | this.#to.payloadType;
    bytes.writeUInt16BE(this.#sequence, 2);
    bytes.writeUInt32BE((this.#firstTimestamp + ticks) % 2 ** 32, 4);
    bytes.writeUInt32BE(this.#to.ssrc, 8);
    packet.payload.copy(bytes, 12);
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#sent.packets += 1;
    this.#sent.octets += packet.payload.length;
    if (truth) truth.packets += 1;
    this.#stream.socket.send(bytes, this.#to.port, this.#stream.ip);
  }

  /** RTCP sender report (RFC 3550, 6.4.1) by the stream's own, wrong clock. */
  #report(now: number): void {
    this.#reportAtMs += this.#reportEveryMs;
    const { senderMs, mediaMs } = this.#stream.at(now);
    const seconds = Math.floor(senderMs / 1000);
    const bytes = Buffer.alloc(28);
    bytes[0] = 0x80;
    bytes[1] = 200;
    bytes.writeUInt16BE(6, 2);
    bytes.writeUInt32BE(this.#to.ssrc, 4);
    bytes.writeUInt32BE(seconds + NTP_UNIX_S, 8);
    bytes.writeUInt32BE(Math.floor((senderMs / 1000 - seconds) * 2 ** 32), 12);
    bytes.writeUInt32BE((this.#firstTimestamp + Math.round((mediaMs * this.#clockRate) / 1000)) % 2 ** 32, 16);
    bytes.writeUInt32BE(this.#sent.packets, 20);
    bytes.writeUInt32BE(this.#sent.octets, 24);
    this.#stream.socket.send(bytes, this.#to.rtcpPort, this.#stream.ip);
  }
}

class Stream {
  readonly socket = createSocket({ type: 'udp4', sendBufferSize: 4 << 20 });
  readonly truth: SenderTruth = { frames: 0, packets: 0, captureMs: [], delayMs: [] };
  readonly ip: string;
  readonly jitterMs: number;
  readonly #order: SenderStream;
  readonly #startMs: number;
  readonly #tracks: { track: Track; video: boolean }[];

  constructor(order: SenderStream, ip: string, jitterMs: number, source: RecordedSource, startMs: number) {
    this.#order = order;
    this.ip = ip;
    this.jitterMs = jitterMs;
    this.#startMs = startMs;
    this.#tracks = [
      { track: new Track(this, order.video, source.video, 90_000, 1000), video: true },
      { track: new Track(this, order.audio, source.audio, 48_000, 5000), video: false },
    ];
  }

  /** True time of a moment on the camera's media clock, which drifts. */
  captureMs(mediaMs: number): number {
    return this.#startMs + mediaMs / (1 + this.#order.driftPpm / 1e6);
  }

  /** The camera's media clock and wall clock at a true time. Both hang on the same oscillator. */
  at(now: number): { mediaMs: number; senderMs: number } {
    const mediaMs = (now - this.#startMs) * (1 + this.#order.driftPpm / 1e6);
    return { mediaMs, senderMs: this.#startMs + mediaMs + this.#order.offsetMs };
  }

  due(now: number): void {
    if (now < this.#startMs) return;
    for (const { track, video } of this.#tracks) track.due(now, video ? this.truth : null);
  }
}

if (process.send) process.once('message', (value) => run(value as SenderOrder));

function run(order: SenderOrder): void {
  const source = JSON.parse(readFileSync(order.sourcePath, 'utf8')) as RecordedSource;
  const beginMs = nowMs() + 200;
  // starts are spread over a second, so that key frames are
  const streams = order.streams.map(
    (each, i) => new Stream(each, order.ip, order.jitterMs, source, beginMs + (i * 1000) / order.streams.length),
  );
  const timer = setInterval(() => {
    const now = nowMs();
    for (const stream of streams) stream.due(now);
  }, TICK_MS);
  const stop = (): void => {
    clearInterval(timer);
    writeFileSync(order.truthPath, JSON.stringify(streams.map((stream) => stream.truth)));
    process.exit(0);
  };
  process.once('SIGTERM', stop);
  process.once('disconnect', stop);
  process.send?.('started');
}
