import { UdpOutlet } from './outlet.ts';
import { feedbackIn, senderReport } from './rtcp.ts';
import type { SenderOrder, SenderStream, SenderTruth } from './sender-order.ts';
import { GOP_FRAMES, type RecordedTrack } from './source.ts';

/** Packets kept to be sent again: well over 2 s of video. */
const RING = 1024;
const SWITCH_GOPS = 5;

/** One frame, ready to be sent; all streams share them. */
export type Prepared = { timestamp: number; bytes: number; packets: { marker: boolean; payload: Buffer }[] };

type Media = { pictures: Prepared[][]; sound: Prepared[]; loopMs: number };

export const noTruth = (): SenderTruth => ({ frames: 0, packets: 0, captureMs: [], delayMs: [], bytes: [], nacked: 0, resent: 0 });
export const VIDEO = { clockRate: 90_000, reportEveryMs: 1000 };
export const AUDIO = { clockRate: 48_000, reportEveryMs: 5000 };

/** One synthetic camera: two tracks that hang on one oscillator, and what was truly sent. */
export class Stream {
  readonly truth = noTruth();
  readonly now: () => number;
  readonly order: SenderOrder;
  readonly #clock: SenderStream;
  readonly #startMs: number;
  readonly #outlets: UdpOutlet[];
  readonly #tracks: Track[];

  /** `media`: the pictures of one source or more, and the sound of the first. */
  constructor(clock: SenderStream, order: SenderOrder, media: Media, now: () => number, startMs: number) {
    this.#clock = clock;
    this.order = order;
    this.now = now;
    this.#startMs = startMs;
    const { video, audio } = clock;
    const [pictures, sound] = [new UdpOutlet(order.ip, video), new UdpOutlet(order.ip, audio)];
    this.#outlets = [pictures, sound];
    this.#tracks = [
      new Track(this, video, pictures, media.pictures, { ...VIDEO, loopMs: media.loopMs }, this.truth),
      new Track(this, audio, sound, [media.sound], { ...AUDIO, loopMs: media.loopMs }, null),
    ];
    const [track] = this.#tracks as [Track];
    if (order.nack) pictures.onFeedback((packet) => track.feedback(packet));
  }

  async connect(): Promise<void> {
    await Promise.all(this.#outlets.map((outlet) => outlet.connect()));
  }

  /** True time of a moment on the camera's media clock, which drifts. */
  captureMs(mediaMs: number): number {
    return this.#startMs + mediaMs / (1 + this.#clock.driftPpm / 1e6);
  }

  /** The camera's media clock and wall clock at a true time. Both hang on the same oscillator. */
  at(nowMs: number): { mediaMs: number; senderMs: number } {
    const mediaMs = (nowMs - this.#startMs) * (1 + this.#clock.driftPpm / 1e6);
    return { mediaMs, senderMs: this.#startMs + mediaMs + this.#clock.offsetMs };
  }

  due(nowMs: number): void {
    if (nowMs < this.#startMs) return;
    for (const track of this.#tracks) track.due(nowMs);
  }
}

type TrackFacts = { clockRate: number; loopMs: number; reportEveryMs: number };

/** One RTP stream of one source or more in turn, played over and over. */
class Track {
  readonly #owner: Stream;
  readonly #to: { ssrc: number; payloadType: number };
  readonly #outlet: UdpOutlet;
  readonly #pictures: Prepared[][];
  readonly #facts: TrackFacts;
  readonly #loopTicks: number;
  readonly #truth: SenderTruth | null;
  readonly #ring: (Buffer | undefined)[] | null;
  readonly #firstTimestamp = Math.floor(Math.random() * 2 ** 32);
  #sequence = Math.floor(Math.random() * 65_536);
  #frames = 0;
  #picture = 0;
  #frameDelayMs: number;
  #reportAtMs = 0;
  #sent = { packets: 0, octets: 0 };

  constructor(
    owner: Stream,
    to: { ssrc: number; payloadType: number },
    outlet: UdpOutlet,
    pictures: Prepared[][],
    facts: TrackFacts,
    truth: SenderTruth | null,
  ) {
    this.#owner = owner;
    this.#to = to;
    this.#outlet = outlet;
    this.#pictures = pictures;
    this.#facts = facts;
    this.#loopTicks = (facts.loopMs * facts.clockRate) / 1000;
    this.#truth = truth;
    this.#ring = owner.order.nack && truth ? new Array<Buffer | undefined>(RING) : null;
    this.#frameDelayMs = Math.random() * owner.order.jitterMs;
  }

  /** Send what is due; a frame is due at its capture and its random delay, all of it at once. */
  due(nowMs: number): void {
    const { order } = this.#owner;
    for (;;) {
      const loop = (this.#pictures[0] as Prepared[]).length;
      const at = this.#frames % loop;
      if (at % GOP_FRAMES === 0) this.#picture = Math.floor(this.#frames / (GOP_FRAMES * SWITCH_GOPS)) % this.#pictures.length;
      const frame = (this.#pictures[this.#picture] as Prepared[])[at] as Prepared;
      const ticks = frame.timestamp + Math.floor(this.#frames / loop) * this.#loopTicks;
      const captureMs = this.#owner.captureMs((ticks * 1000) / this.#facts.clockRate);
      if (captureMs + this.#frameDelayMs > nowMs) break;
      this.#note(frame, captureMs);
      for (const { marker, payload } of frame.packets) this.#send(marker, payload, ticks);
      this.#frames += 1;
      this.#frameDelayMs = Math.random() * order.jitterMs;
    }
    if (this.#reportAtMs === 0) this.#reportAtMs = nowMs + 200;
    if (nowMs >= this.#reportAtMs) this.#report();
  }

  #note(frame: Prepared, captureMs: number): void {
    const truth = this.#truth;
    if (!truth) return;
    truth.frames += 1;
    truth.packets += frame.packets.length;
    truth.bytes.push(frame.bytes);
    truth.captureMs.push(round3(captureMs));
    truth.delayMs.push(round3(this.#owner.now() - captureMs));
  }

  #send(marker: boolean, payload: Buffer, ticks: number): void {
    const bytes = Buffer.allocUnsafe(12 + payload.length);
    bytes[0] = 0x80;
    bytes[1] = (marker ? 0x80 : 0) | this.#to.payloadType;
    bytes.writeUInt16BE(this.#sequence, 2);
    bytes.writeUInt32BE((this.#firstTimestamp + ticks) % 2 ** 32, 4);
    bytes.writeUInt32BE(this.#to.ssrc, 8);
    payload.copy(bytes, 12);
    if (this.#ring) this.#ring[this.#sequence % RING] = bytes;
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#sent.packets += 1;
    this.#sent.octets += payload.length;
    this.#outlet.rtp(bytes);
  }

  /** By the stream's own, wrong clock. */
  #report(): void {
    this.#reportAtMs += this.#facts.reportEveryMs;
    const { senderMs, mediaMs } = this.#owner.at(this.#owner.now());
    const rtpTimestamp = this.#firstTimestamp + Math.round((mediaMs * this.#facts.clockRate) / 1000);
    const bytes = senderReport({ ssrc: this.#to.ssrc, senderMs, rtpTimestamp, ...this.#sent });
    this.#outlet.rtcp(bytes);
  }

  /** Answer the NACKs in a compound packet. */
  feedback(compound: Buffer): void {
    for (const { sequence } of feedbackIn(compound).nacked) this.#resend(sequence);
  }

  #resend(sequence: number): void {
    const bytes = this.#ring?.[sequence % RING];
    const truth = this.#truth as SenderTruth;
    truth.nacked += 1;
    if (bytes?.readUInt16BE(2) !== sequence) return;
    truth.resent += 1;
    this.#outlet.rtp(bytes);
  }
}

/** Make a recorded track ready to be sent. */
export function prepared({ frames }: RecordedTrack): Prepared[] {
  return frames.map(({ timestamp, bytes, packets }) => ({
    timestamp,
    bytes,
    packets: packets.map(({ marker, payload }) => ({ marker, payload: Buffer.from(payload, 'base64') })),
  }));
}

const round3 = (value: number): number => Math.round(value * 1000) / 1000;
