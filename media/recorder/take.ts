import type { Log } from '../log.ts';
import { pictureSize } from '../mp4/sample-entry.ts';
import type { Cause, MediaKind } from '../protocol/ids.ts';
import { everyPunctual } from '../punctual.ts';
import { round3 } from '../recordings/chain.ts';
import type { CodecConfig } from '../rtp/codec.ts';
import { SlabPool } from '../rtp/slabs.ts';
import { type CaptureClock, type CaptureTime, SourceClock } from '../time/capture-clock.ts';
import type { TrackInput, TrackSink } from './input.ts';
import type { Frame } from './frame.ts';
import { KeyFrameAsker } from './key-frames.ts';
import { Layers } from './layers.ts';
import { Muxer } from './muxer.ts';
import type { TakeFacts, TakeOwner } from './take-owner.ts';
import { TakeRecord } from './take-record.ts';
import { Timeline } from './timeline.ts';

type Track = { stream: Layers; kind: MediaKind; paused: boolean };

/** All takes of the process share it: one's memory is free when another needs some. */
const memory = new SlabPool();
const TICK_MS = 100;
const AUDIO_FRAME_MS = 20;

/** One unbroken connection of a source on an angle, from its first packet to its last byte on the disk. */
export class Take {
  readonly #owner: TakeOwner;
  readonly #nowMs: () => number;
  readonly #log: Log;
  readonly #clock = new SourceClock();
  readonly #tracks = new Set<Track>();
  #video: Track | null = null;
  readonly #record: TakeRecord;
  readonly #muxer: Muxer;
  readonly #keyFrames: KeyFrameAsker;
  readonly #timer: NodeJS.Timeout;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #lastVideo = { endMs: 0, stepMs: 1000 / 30 };
  #shown: CodecConfig | null = null;
  #size = { width: 0, height: 0 };
  #ended: Promise<void> | null = null;
  #lastPacketMs: number | null = null;
  #runs = 0;

  constructor(facts: TakeFacts, nowMs: () => number, owner: TakeOwner, log: Log) {
    this.#nowMs = nowMs;
    this.#owner = owner;
    this.#log = log;
    const timeline = new Timeline();
    this.#record = new TakeRecord(facts, owner, memory, timeline, log);
    this.#muxer = new Muxer(facts.segmentMs, facts.silenceMs, timeline, {
      open: (start) => this.#record.open(start, this.#mainClock()),
      fragment: (chunks, frames, audioFrames, end) => this.#record.fragment(chunks, frames, audioFrames, end),
      dropped: (frame) => memory.free(frame.data),
      unheard: (packets) => this.#record.missing('audio', packets),
      close: (end) => this.#record.close(end, this.#mainClock(), this.#nowMs()),
      needKey: (now) => this.#video?.stream.needKey(now),
      wantKey: () => this.#video?.stream.input.requestKeyFrame(),
    });
    this.#keyFrames = new KeyFrameAsker(facts.segmentMs, nowMs, () => this.#video?.stream.input.requestKeyFrame());
    this.#timer = everyPunctual(TICK_MS, () => {
      try {
        this.#tick();
      } catch (error) {
        this.#log.error({ err: error, takeId: this.takeId }, 'a take could not go on'); // the others do
      }
    });
  }

  get state(): 'open' | 'closed' {
    return this.#state === 'open' ? 'open' : 'closed';
  }
  /** Null until the first frame that can be recorded. */
  get takeId(): string | null {
    return this.#record.takeId;
  }
  /** How long no packet has come, milliseconds; null before the first. */
  get idleMs(): number | null {
    return this.#lastPacketMs === null ? null : this.#nowMs() - this.#lastPacketMs;
  }
  /** Whether a missing picture is meant: no video track, or one that the sender paused. */
  get soundOnly(): boolean {
    return !this.#video || this.#video.paused;
  }
  /** How far the capture times of the present segment may be off. */
  get alignment(): CaptureTime | null {
    return this.#record.alignment;
  }

  /** A track of the source; its packets go into the sink returned. Throws `bad_request` for a codec that is not recorded. */
  addTrack(input: TrackInput): TrackSink {
    const { kind } = input;
    const stream = new Layers(input, this.#clock, memory, {
      frame: (frame) => (kind === 'video' ? this.#picture(frame) : this.#sound(frame)),
      withheld: (withheld) => this.#record.withheld(withheld),
      missing: (frames) => this.#record.missing(kind, frames),
      damage: (damage) => this.#record.damage(damage),
      nextRun: () => (this.#runs += 1),
      layer: (hubMs, layer, layers) => this.#record.note({ type: 'layer', hubMs: round3(hubMs), layer, layers }),
    });
    const track: Track = { stream, kind, paused: false };
    this.#tracks.add(track);
    this.#tracksChanged();
    if (kind === 'video') input.requestKeyFrame();
    return {
      rtp: (bytes, arrivalMs, start, end) => {
        this.#lastPacketMs = arrivalMs;
        if (this.#state !== 'open') return;
        try {
          stream.rtp(bytes, arrivalMs, start, end);
        } catch (error) {
          this.#log.error({ err: error, takeId: this.takeId }, 'a packet could not be taken'); // it costs itself, not the hub
        }
      },
      senderReport: (report) => stream.senderReport(report),
      roundTrip: (roundTripMs) => this.#clock.noteRoundTrip(roundTripMs),
      setPaused: (paused) => {
        track.paused = paused;
        this.#expect();
      },
      close: () => {
        if (this.#state === 'open') stream.flush(this.#nowMs());
        this.#tracks.delete(track);
        this.#tracksChanged();
      },
    };
  }

  /**
   * The source's page measured its clock against ours: `offsetMs` is its clock less hub time. Journalled beside what the stream
   * says, unless the take is ending: nothing follows its last line.
   */
  noteClock({ offsetMs, roundTripMs }: { offsetMs: number; roundTripMs: number }): void {
    if (this.#state !== 'open') return;
    const atMs = this.#nowMs();
    const found = this.#mainClock()?.senderOffsetMs(atMs) ?? null;
    const differenceMs = found === null ? null : round3(offsetMs - found);
    this.#record.note({
      type: 'clock.checked',
      atMs: round3(atMs),
      offsetMs: round3(offsetMs),
      roundTripMs: round3(roundTripMs),
      differenceMs,
    });
  }

  /** Finish and hash what is open, close the journal. Calling it again waits for the same end. */
  end(reason: Cause): Promise<void> {
    this.#ended ??= this.#end(reason);
    return this.#ended;
  }

  async #end(reason: Cause): Promise<void> {
    clearInterval(this.#timer);
    this.#keyFrames.close();
    const nowMs = this.#nowMs();
    for (const track of this.#tracks) track.stream.flush(nowMs);
    this.#state = 'closing';
    this.#muxer.flush(nowMs);
    await this.#record.finish(this.#lastVideo.endMs, reason);
    this.#state = 'closed';
    this.#log.info({ takeId: this.takeId, reason, ...this.#record.totals }, 'take ended');
  }

  #tracksChanged(): void {
    this.#video = [...this.#tracks].find(({ kind }) => kind === 'video') ?? null;
    this.#expect();
  }

  /** The clock of what the take's time line runs with: the picture, or sound where there is none. */
  #mainClock(): CaptureClock | null {
    return (this.#video ?? [...this.#tracks][0])?.stream.clock ?? null;
  }

  #expect(): void {
    const flows = (kind: MediaKind): boolean => [...this.#tracks].some((track) => track.kind === kind && !track.paused);
    this.#muxer.expect({ video: flows('video'), audio: flows('audio') });
  }

  #picture(frame: Frame): void {
    const { hubMs } = frame.capture;
    const sizeBytes = frame.data.length; // the muxer may be done with it at once
    const last = this.#lastVideo;
    const stepMs = hubMs - (last.endMs - last.stepMs);
    if (last.endMs > 0 && stepMs > 0 && stepMs < 500) last.stepMs = stepMs;
    last.endMs = Math.max(last.endMs, hubMs + last.stepMs);
    this.#keyFrames.picture(frame.arrivalMs);
    if (frame.key) {
      this.#record.keyFrame(hubMs);
      this.#keyFrames.keyFrame(hubMs, frame.arrivalMs);
      this.#noteSize(frame);
    }
    this.#muxer.video(frame);
    this.#owner.recorded('video', hubMs, hubMs + last.stepMs, sizeBytes, frame.arrivalMs);
  }

  #noteSize({ config, capture }: Frame): void {
    if (!config || config === this.#shown) return;
    const first = this.#shown === null;
    this.#shown = config;
    const size = pictureSize(config);
    if (!size || (size.width === this.#size.width && size.height === this.#size.height)) return;
    this.#size = size;
    this.#owner.size(size.width, size.height);
    if (!first) this.#record.note({ type: 'size', hubMs: round3(capture.hubMs), ...size });
  }

  #sound(frame: Frame): void {
    const { capture, arrivalMs } = frame;
    const sizeBytes = frame.data.length;
    this.#muxer.audio(frame);
    if (!this.takeId || !this.soundOnly) return;
    this.#lastVideo.endMs = Math.max(this.#lastVideo.endMs, capture.hubMs + AUDIO_FRAME_MS);
    this.#owner.recorded('audio', capture.hubMs, capture.hubMs + AUDIO_FRAME_MS, sizeBytes, arrivalMs);
  }

  #tick(): void {
    const nowMs = this.#nowMs();
    for (const track of this.#tracks) track.stream.expire(nowMs);
    this.#muxer.advance(nowMs);
    if (!this.soundOnly) this.#keyFrames.watch(nowMs);
    if (!this.#record.caughtUp()) return;
    // the disk is back; what is queued refers to pictures that are lost: go on with a key frame
    const { lost, keyMs } = this.#muxer.discard();
    this.#record.unwritten(lost);
    if (keyMs === null) this.#video?.stream.needKey(nowMs);
    else this.#record.keyFrame(keyMs);
    this.#owner.caughtUp();
  }
}
