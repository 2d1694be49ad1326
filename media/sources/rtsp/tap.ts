import type { TrackSink } from '../../recorder/input.ts';
import type { HubClock } from '../../time/hub-clock.ts';
import { ntpMs } from '../../time/ntp.ts';
import type { CameraMeter } from '../gateway/camera-meter.ts';
import type { DescribedTrack } from '../gateway/recording.ts';
import { tracksOfSdp } from './sdp.ts';

const SENDER_REPORT = 200;

type Channel = { track: DescribedTrack; rtcp: boolean };

/**
 * Hands the packets of a camera to the recorder where they pass: as the camera sent them, with its own timestamps and
 * sender reports, and before any other program has held them back.
 */
export class RtspTap {
  readonly #clock: HubClock;
  /** Takes a track; null for one that is not recorded. */
  readonly #addTrack: (track: DescribedTrack) => TrackSink | null;
  readonly meter: CameraMeter;
  readonly #channels = new Map<number, Channel>();
  readonly #sinks = new Map<DescribedTrack, TrackSink | null>();
  #described: DescribedTrack[] = [];
  #setUp = 0;
  #state: 'waiting' | 'open' | 'closed' = 'waiting';

  constructor(clock: HubClock, meter: CameraMeter, addTrack: (track: DescribedTrack) => TrackSink | null) {
    this.#clock = clock;
    this.meter = meter;
    meter.begin();
    this.#addTrack = addTrack;
  }

  /** The answer to DESCRIBE. */
  described(sdp: string): void {
    this.#described = tracksOfSdp(sdp);
    this.meter.session(sdp);
  }

  /** The `Transport` header of the answer to a SETUP (RFC 2326, 12.39). Tracks are set up in the order of the SDP; of each kind the first is recorded. */
  setUp(transport: string): void {
    const track = this.#described[this.#setUp];
    this.#setUp += 1;
    const [, rtp, rtcp] = /interleaved=(\d+)(?:-(\d+))?/.exec(transport) ?? [];
    if (!track || rtp === undefined || this.#has(track.kind)) return;
    this.#channels.set(Number(rtp), { track, rtcp: false });
    if (rtcp !== undefined) this.#channels.set(Number(rtcp), { track, rtcp: true });
  }

  /** An RTP or RTCP packet. */
  packet(channel: number, bytes: Buffer): void {
    const known = this.#channels.get(channel);
    if (!known || this.#state === 'closed') return;
    if (this.#state === 'waiting') this.#open();
    const sink = this.#sinks.get(known.track);
    if (!known.rtcp) {
      this.meter.packet(channel, bytes);
      sink?.rtp(bytes, this.#clock.nowMs());
    } else if (sink) this.#report(sink, bytes);
  }

  close(): void {
    this.#state = 'closed';
    for (const sink of this.#sinks.values()) sink?.close();
    this.#sinks.clear();
  }

  #has(kind: DescribedTrack['kind']): boolean {
    return [...this.#channels.values()].some(({ track }) => track.kind === kind);
  }

  #open(): void {
    this.#state = 'open';
    for (const { track } of this.#channels.values()) if (!this.#sinks.has(track)) this.#sinks.set(track, this.#addTrack(track));
  }

  /** A sender report (RFC 3550, 6.4.1) stands first in its packet. */
  #report(sink: TrackSink, bytes: Buffer): void {
    if (bytes.length < 20 || bytes[1] !== SENDER_REPORT) return;
    const seconds = bytes.readUInt32BE(8);
    if (seconds === 0) return; // this camera has no wall clock
    const senderMs = ntpMs(seconds, bytes.readUInt32BE(12));
    sink.senderReport({ ssrc: bytes.readUInt32BE(4), senderMs, rtpTimestamp: bytes.readUInt32BE(16) }, this.#clock.nowMs());
  }
}
