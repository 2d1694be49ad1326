import { randomInt } from 'node:crypto';
import type { TrackSink } from '../../recorder/input.ts';
import { parseAudioSpecificConfig } from '../../rtp/aac-config.ts';
import { Unwrapper } from '../../rtp/unwrap.ts';
import type { DescribedTrack } from '../gateway/recording.ts';
import { type StreamItem, TICKS, TICKS_PER_MS, trackOf } from './items.ts';

/** A container's whole milliseconds are this much off at most; a step by more is meant. */
const ROUNDING_MS = 2;
const REPORT_EVERY_MS = 1000;
/** AU header (RFC 3640, 3.2.1): 13 bits of size, 3 of index. */
const MOST_AAC_BYTES = 0x1fff;

type Track = {
  sink: TrackSink | null;
  payloadType: number;
  ssrc: number;
  sequence: number;
  clockRate: number;
  reportedMs: number;
  /** Of sound: where the next frame belongs if none is lacking, and its length. */
  nextTicks: number | null;
  frameTicks: number;
  config: Buffer | null;
};

/**
 * Hands a pushed stream to the recorder, which takes RTP: NAL units and AAC frames as they came, in packets of any size, since
 * they cross no network. The container's timestamps are kept, and tracks share its clock: that is told by sender reports.
 */
export class StreamTap {
  readonly #addTrack: (track: DescribedTrack) => TrackSink | null;
  readonly #tracks: { video: Track | null; audio: Track | null } = { video: null, audio: null };
  readonly #unwrap = new Unwrapper(32);
  /** A moment of the stream's clock that all tracks share, ticks without wrap, and roughly when that was. */
  #base: { ticks: number; hubMs: number } | null = null;
  #codec: string | null = null;
  #state: 'open' | 'closed' = 'open';

  constructor(addTrack: (track: DescribedTrack) => TrackSink | null) {
    this.#addTrack = addTrack;
  }

  /** Its tracks, before the first part of any: a file that has begun with one of them would be followed by another. */
  open(items: StreamItem[]): void {
    const picture = items.find((item) => item.kind === 'video');
    const sound = items.find((item) => item.kind === 'audio');
    if (picture?.kind === 'video') this.#openPicture(picture);
    if (sound?.kind === 'audio') this.#openSound(sound);
  }

  item(item: StreamItem, arrivalMs: number): void {
    if (this.#state === 'closed') return;
    if (item.kind === 'video') this.#picture(item, arrivalMs);
    else if (item.kind === 'audio') this.#sound(item, arrivalMs);
  }

  close(): void {
    this.#state = 'closed';
    this.#tracks.video?.sink?.close();
    this.#tracks.audio?.sink?.close();
  }

  #picture(item: Extract<StreamItem, { kind: 'video' }>, arrivalMs: number): void {
    if (item.codec !== this.#codec) this.#openPicture(item);
    const track = this.#tracks.video;
    if (!track?.sink) return;
    const { sink } = track;
    this.#report(track, item.ticks, this.#unwrap.next(item.ticks), arrivalMs);
    item.nals.forEach((nal, i) => sink.rtp(packet(track, item.ticks, i === item.nals.length - 1, nal), arrivalMs));
  }

  #sound(item: Extract<StreamItem, { kind: 'audio' }>, arrivalMs: number): void {
    if (item.frame.length > MOST_AAC_BYTES) return;
    const known = this.#tracks.audio;
    if (!known?.config?.equals(item.config)) this.#openSound(item);
    const track = this.#tracks.audio;
    if (!track?.sink) return;
    const shared = this.#unwrap.next(item.ticks);
    const ticks = this.#soundTicks(track, shared);
    this.#report(track, ticks, shared, arrivalMs);
    const head = Buffer.from([0, 16, item.frame.length >> 5, (item.frame.length & 0x1f) << 3]);
    track.sink.rtp(packet(track, ticks, true, head, item.frame), arrivalMs);
  }

  #openPicture(item: Extract<StreamItem, { kind: 'video' }>): void {
    this.#tracks.video?.sink?.close();
    this.#codec = item.codec;
    this.#tracks.video = this.#add(item, 90_000);
  }

  #openSound(item: Extract<StreamItem, { kind: 'audio' }>): void {
    this.#tracks.audio?.sink?.close();
    try {
      const { sampleRate, coreRate, frameSamples } = parseAudioSpecificConfig(item.config);
      this.#tracks.audio = this.#add(item, sampleRate);
      this.#tracks.audio.frameTicks = Math.round((frameSamples * sampleRate) / coreRate);
    } catch {
      this.#tracks.audio = blankTrack(97, 0); // a configuration that cannot be read: there is no sound
    }
    this.#tracks.audio.config = item.config;
  }

  /** Sound has no gaps: a frame belongs behind the one before, unless its time says more than rounding can. */
  #soundTicks(track: Track, shared: number): number {
    const perMs = track.clockRate / 1000;
    const said = Math.round((shared / TICKS_PER_MS) * perMs) % TICKS;
    const next = track.nextTicks;
    const placed = next !== null && Math.abs((said - next) | 0) <= ROUNDING_MS * perMs ? next : said;
    track.nextTicks = (placed + track.frameTicks) % TICKS;
    return placed;
  }

  #add(item: Exclude<StreamItem, { kind: 'unknown' }>, clockRate: number): Track {
    const described = trackOf(item, clockRate);
    return { ...blankTrack(described.payloadType, clockRate), sink: this.#addTrack(described) };
  }

  /** `shared`: the same moment on the clock that the tracks share. */
  #report(track: Track, ticks: number, shared: number, arrivalMs: number): void {
    if (arrivalMs - track.reportedMs < REPORT_EVERY_MS) return;
    track.reportedMs = arrivalMs;
    this.#base ??= { ticks: shared, hubMs: arrivalMs };
    const senderMs = this.#base.hubMs + (shared - this.#base.ticks) / TICKS_PER_MS;
    track.sink?.senderReport({ ssrc: track.ssrc, senderMs, rtpTimestamp: ticks }, arrivalMs);
  }
}

const blankTrack = (payloadType: number, clockRate: number): Track => ({
  sink: null,
  payloadType,
  ssrc: randomInt(1, 2 ** 31),
  sequence: randomInt(0, 2 ** 15),
  clockRate,
  reportedMs: -Infinity,
  nextTicks: null,
  frameTicks: 1024,
  config: null,
});

/** RTP's fixed header (RFC 3550, 5.1) and a payload. */
function packet(track: Track, ticks: number, marker: boolean, ...payload: Buffer[]): Buffer {
  const head = Buffer.allocUnsafe(12);
  head[0] = 0x80;
  head[1] = track.payloadType | (marker ? 0x80 : 0);
  head.writeUInt16BE(track.sequence, 2);
  head.writeUInt32BE(ticks, 4);
  head.writeUInt32BE(track.ssrc, 8);
  track.sequence = (track.sequence + 1) & 0xffff;
  return Buffer.concat([head, ...payload]);
}
