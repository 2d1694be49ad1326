import { fragment, type TrackRun } from '../mp4/fragment.ts';
import { AUDIO_TRACK_ID, VIDEO_TIMESCALE } from '../mp4/init.ts';
import type { AudioConfig, VideoConfig } from '../rtp/codec.ts';
import { cellOf } from '../time/grid.ts';
import { Arrivals } from './arrivals.ts';
import { Configs } from './configs.ts';
import type { SegmentTracks } from './init-for.ts';
import type { Frame } from './frame.ts';
import { audioRun, type Placed, videoRun } from './runs.ts';
import { fits, SoundQueue } from './sound-queue.ts';
import { FRAGMENT_MS, type MuxerOutput, type OpenSegment, shownMs } from './open-segment.ts';
import type { Timeline } from './timeline.ts';

/** How long a fragment waits for sound captured before its end. */
const AUDIO_WAIT_MS = 120;
/** How long a take's first segment waits for the sound announced, and for the picture announced. */
const SETTLE_MS = 700;
const PICTURE_WAIT_MS = 3000;
/** Sound captured so much before the first picture gets a segment of its own. */
const LEAD_IN_MS = 100;
/** Sound captured so little before a picture belongs to it. */
const SAME_MS = 10;
const NOMINAL_VIDEO_TICKS = VIDEO_TIMESCALE / 30;

/**
 * Cuts one take's frames into fragments of at most half a second and into segments on the grid. It owns no clock, no
 * timer and no file: frames and the time come in, bytes go out.
 */
export class Muxer {
  readonly #segmentMs: number;
  readonly #silenceMs: number;
  readonly #output: MuxerOutput;
  readonly #timeline: Timeline;
  readonly #configs = new Configs();
  #expects = { video: false, audio: false };
  #video: Placed[] = [];
  readonly #audio = new SoundQueue();
  readonly #arrivals = new Arrivals();
  #segment: OpenSegment | null = null;
  /** Set by `flush`: nothing more will come, so nothing is waited for. */
  #final = false;
  #videoStepTicks = NOMINAL_VIDEO_TICKS;
  /** So many of the pictures queued are no boundary. */
  #scanned = 0;
  #segments = 0;
  /** Sound that came before the next picture gets a segment of its own. */
  #soundFirst = false;

  constructor(segmentMs: number, silenceMs: number, timeline: Timeline, output: MuxerOutput) {
    this.#segmentMs = segmentMs;
    this.#silenceMs = silenceMs;
    this.#timeline = timeline;
    this.#output = output;
  }

  /** Which tracks the source has announced. */
  expect(tracks: { video: boolean; audio: boolean }): void {
    this.#expects = tracks;
  }

  video(frame: Frame): void {
    const sound = this.#audio.first;
    if (!this.#timeline.started && sound && frame.capture.hubMs - sound.capture.hubMs > LEAD_IN_MS) {
      this.#timeline.start(sound);
      this.#soundFirst = true;
    }
    this.#timeline.start(frame);
    const ticks = this.#timeline.videoTicks(frame);
    const last = this.#video.at(-1);
    if (last) this.#videoStepTicks = Math.min(VIDEO_TIMESCALE, ticks - last.ticks);
    this.#video.push({ frame, ticks });
    this.#arrivals.video(frame.arrivalMs);
    this.advance(frame.arrivalMs);
  }

  audio(frame: Frame): void {
    const dropped = this.#audio.push(frame);
    if (dropped) this.#unheard(dropped);
    this.#arrivals.audio(frame.arrivalMs);
    if (this.#segment && !fits(this.#segment.tracks.audio, frame)) this.#output.wantKey(frame.arrivalMs);
    this.advance(frame.arrivalMs);
  }

  /** Write what is ripe. Called on every frame, and every 100 ms or so for what only time decides. */
  advance(nowMs: number): void {
    while (this.#step(nowMs));
  }

  /** Write everything held and close the segment. */
  flush(nowMs: number): void {
    this.#final = true;
    while (this.#segment === null ? this.#start(nowMs) : this.#cut(nowMs));
    if (this.#segment) {
      this.#emit(this.#video.length, Infinity);
      // what came too late, or of another kind, for the segment's track
      for (const sound of this.#audio.takeEarlier(Infinity)) this.#unheard(sound);
      this.#close();
    }
    this.#final = false;
  }

  /**
   * What came before was lost: let go of the `lost` pictures that refer to it, up to the next key frame (captured at `keyMs`,
   * null where none is queued), and close the segment. What follows begins one of its own, with the sound that is left.
   */
  discard(): { lost: number; keyMs: number | null } {
    const key = this.#video.findIndex(({ frame }) => frame.key);
    const lost = this.#video.splice(0, key < 0 ? this.#video.length : key);
    for (const { frame } of lost) this.#output.dropped(frame);
    this.#scanned = 0;
    this.#close();
    this.#soundFirst = true;
    return { lost: lost.length, keyMs: this.#video[0]?.frame.capture.hubMs ?? null };
  }

  #unheard(sound: Frame): void {
    this.#output.dropped(sound);
    this.#output.unheard(1);
  }

  #step(nowMs: number): boolean {
    if (!this.#segment) return this.#start(nowMs);
    if (this.#cut(nowMs)) return true;
    if (this.#arrivals.idleMs(nowMs) > this.#silenceMs) {
      this.#emit(this.#video.length, Infinity);
      this.#close();
      this.#output.needKey(nowMs); // a picture that its sender has paused, too: it may go on where it stopped
      return false;
    }
    return this.#segment.primary === 'video' ? this.#whileVideoStalls(nowMs) : false;
  }

  /** Open a segment at the first frame there is, once the announced tracks had their chance to appear. */
  #start(nowMs: number): boolean {
    const head = this.#video[0];
    const sound = this.#audio.first;
    if (head) {
      const awaited = this.#expects.audio && !sound && nowMs - head.frame.arrivalMs < SETTLE_MS;
      if (awaited && this.#segments === 0 && !this.#final) return false;
      if (this.#soundFirst && sound && sound.capture.hubMs < head.frame.capture.hubMs - SAME_MS) {
        this.#open(sound, this.#timeline.audioMs(sound), 'audio', nowMs);
        return true;
      }
      this.#open(head.frame, shownMs(head), 'video', nowMs);
      return true;
    }
    const waited =
      this.#soundFirst || (this.#segments === 0 ? nowMs - this.#arrivals.firstMs > PICTURE_WAIT_MS : this.#arrivals.videoStalled(nowMs));
    if (!sound || (this.#expects.video && !this.#final && !waited)) return false;
    this.#timeline.start(sound);
    this.#open(sound, this.#timeline.audioMs(sound), 'audio', nowMs);
    return true;
  }

  #open(frame: Frame, mediaMs: number, primary: 'video' | 'audio', nowMs: number): void {
    // sound from before the first frame belongs to no segment any more
    if (primary === 'video') for (const early of this.#audio.takeEarlier(frame.capture.hubMs - SAME_MS)) this.#output.dropped(early);
    const sound = primary === 'audio' ? frame : this.#arrivals.audioAlive(nowMs) ? this.#audio.format : null;
    const tracks: SegmentTracks = {
      video: primary === 'video' ? (frame.config as VideoConfig) : null,
      audio: sound?.config ? { config: sound.config as AudioConfig, timescale: sound.clockRate } : null,
    };
    this.#segments += 1;
    this.#soundFirst = false;
    const cell = cellOf(frame.capture.hubMs, this.#segmentMs);
    this.#segment = {
      cell,
      tracks,
      profile: this.#configs.key(frame.config),
      sequence: 0,
      primary,
      end: { mediaMs, capture: frame.capture },
      leadTicks: primary === 'video' ? frame.compositionTicks : 0,
    };
    this.#output.open({ capture: frame.capture, mediaMs, cell, tracks });
  }

  /** Find the next boundary in what is queued; write what lies before it; close the segment if it is a cut. */
  #cut(nowMs: number): boolean {
    const segment = this.#segment;
    if (!segment) return false;
    if (segment.primary === 'audio') return this.#cutAudio();
    const first = this.#video[0];
    if (!first) return false;
    for (let i = this.#scanned; i < this.#video.length; i += 1) {
      const { frame, ticks } = this.#video[i] as Placed;
      const isCut = frame.key && (segment.sequence > 0 || i > 0) && this.#startsSegment(frame, nowMs);
      const isFull = i > 0 && ticks - first.ticks + this.#videoStepTicks > (FRAGMENT_MS * VIDEO_TIMESCALE) / 1000;
      if (!isCut && !isFull) {
        this.#scanned = i + 1;
        continue;
      }
      const soundAhead = (this.#audio.last?.capture.hubMs ?? -Infinity) >= frame.capture.hubMs;
      if (this.#expects.audio && this.#arrivals.audioAlive(nowMs) && !soundAhead && !this.#final && nowMs - frame.arrivalMs < AUDIO_WAIT_MS)
        return false;
      this.#emit(i, frame.capture.hubMs);
      if (isCut) this.#close();
      return true;
    }
    return false;
  }

  #startsSegment(frame: Frame, nowMs: number): boolean {
    const segment = this.#segment;
    if (!segment) return true;
    if (cellOf(frame.capture.hubMs, this.#segmentMs) > segment.cell) return true;
    if (this.#configs.key(frame.config) !== segment.profile) return true;
    const sound = this.#audio.first;
    return sound !== undefined && !fits(segment.tracks.audio, sound) && this.#arrivals.audioAlive(nowMs);
  }

  /** Sound alone: every sample is a key frame, so cuts fall exactly on the grid; picture that appears takes over. */
  #cutAudio(): boolean {
    const segment = this.#segment;
    const picture = this.#video[0];
    if (!segment) return false;
    if (picture) {
      this.#emit(0, picture.frame.capture.hubMs);
      this.#close();
      return true;
    }
    const boundary = this.#audio.boundary(segment, this.#segmentMs);
    if (!boundary) return false;
    this.#emit(0, boundary.hubMs, boundary.index);
    if (boundary.isCut) this.#close();
    return true;
  }

  /** The picture stands still: write its last frames, let sound go on by itself, cut it on the grid. */
  #whileVideoStalls(nowMs: number): boolean {
    if (!this.#arrivals.videoStalled(nowMs)) return false;
    const sound = this.#audio.first;
    if (this.#video.length > 0) {
      this.#emit(this.#video.length, -Infinity);
      return true;
    }
    if (!sound) return false;
    const segment = this.#segment;
    if (!segment || !fits(segment.tracks.audio, sound) || cellOf(sound.capture.hubMs, this.#segmentMs) > segment.cell) {
      this.#close();
      this.#output.needKey(nowMs);
      return true;
    }
    const last = this.#audio.last ?? sound;
    if (last.ticks - sound.ticks < (FRAGMENT_MS * sound.clockRate) / 1000 - this.#audio.stepTicks) return false;
    const tick = (segment.cell + 1) * this.#segmentMs;
    this.#emit(0, Math.min(last.capture.hubMs, tick), 1);
    return true;
  }

  /** One fragment: the first `frames` pictures and all sound captured before `untilHubMs`, at least the first `sounds`. */
  #emit(frames: number, untilHubMs: number, sounds = 0): void {
    const segment = this.#segment;
    if (!segment) return;
    const video = this.#videoRun(frames);
    const audio = this.#audioRun(segment, untilHubMs, sounds);
    if (video.samples.length + audio.samples.length === 0) return;
    segment.sequence += 1;
    this.#output.fragment(fragment(segment.sequence, [video, audio]), video.samples.length, audio.samples.length, segment.end);
  }

  #videoRun(count: number): TrackRun {
    const taken = this.#video.splice(0, count);
    this.#scanned = 0;
    const { run, endTicks } = videoRun(taken, this.#video[0]?.ticks ?? null, this.#videoStepTicks);
    const last = taken.at(-1);
    if (last && this.#segment) {
      // where the next segment's picture is shown; while none is there, as late after its decoding as this segment's first
      const next = this.#video[0];
      const leadTicks = next?.frame.key && next.ticks === endTicks ? next.frame.compositionTicks : this.#segment.leadTicks;
      const endMs = (endTicks + leadTicks) / (VIDEO_TIMESCALE / 1000);
      const hubMs = last.frame.capture.hubMs + endMs - shownMs(last);
      this.#segment.end = { mediaMs: endMs, capture: { ...last.frame.capture, hubMs } };
    }
    return run;
  }

  #audioRun(segment: OpenSegment, untilHubMs: number, atLeast: number): TrackRun {
    if (!segment.tracks.audio) return { trackId: AUDIO_TRACK_ID, baseTicks: 0, samples: [] };
    const taken = this.#audio.takeFor(segment.tracks.audio, untilHubMs, atLeast);
    const primary = segment.primary === 'audio';
    const placed = taken.map((frame, i) => ({ frame, ticks: this.#timeline.audioTicks(frame, i === 0, primary) }));
    const { run, endTicks } = audioRun(placed, this.#audio.first ?? null, this.#audio.stepTicks);
    const last = placed.at(-1);
    if (primary && last) {
      const { capture, clockRate } = last.frame;
      const hubMs = capture.hubMs + ((endTicks - last.ticks) * 1000) / clockRate;
      segment.end = { mediaMs: (endTicks * 1000) / clockRate, capture: { ...capture, hubMs } };
    }
    return run;
  }

  #close(): void {
    const segment = this.#segment;
    this.#segment = null;
    if (segment) this.#output.close(segment.end);
  }
}
