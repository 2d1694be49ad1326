import type { HubError } from '../errors.ts';
import type { Cause, MediaKind, SourceKind } from '../protocol/ids.ts';
import type { ChainHead } from '../recordings/chain.ts';
import type { SegmentLine } from '../recordings/lines.ts';
import { initFile, segmentFile } from '../recordings/paths.ts';
import { SlabPool } from '../rtp/slabs.ts';
import { SourceClock, type CaptureTime } from '../time/capture-clock.ts';
import { initFor, sizeOf } from './init-for.ts';
import type { TrackInput, TrackSink } from './input.ts';
import { Intake, type Frame } from './intake.ts';
import { KeyFrameAsker } from './key-frames.ts';
import type { Log } from '../log.ts';
import { Muxer, type SegmentTracks } from './muxer.ts';
import { SegmentWriter } from './segment-writer.ts';
import type { WriteBudget } from './write-budget.ts';

/** What a take tells the operation it belongs to. */
export type TakeOwner = {
  /** The first frame that can be recorded has come: number the take and say where its folder shall be. Called once. */
  begin: (startMs: number) => { takeId: string; dir: string };
  /** The take's journal has its first line. */
  begun: (head: ChainHead) => Promise<void>;
  nextPart: (cell: number) => number;
  /** A frame is on its way to the disk; `endMs` is where its picture (or sound) ends. */
  recorded: (kind: MediaKind, startMs: number, endMs: number, sizeBytes: number, arrivalMs: number) => void;
  damage: (withheld: number, missing: number) => void;
  size: (width: number, height: number) => void;
  segment: (line: SegmentLine, head: ChainHead) => Promise<void>;
  /** The disk is behind and did not take these pictures; up to `endMs` it took everything. */
  unwritten: (frames: number, endMs: number) => void;
  /** The disk takes everything again. */
  caughtUp: () => void;
  /** A file that was written is there no more. */
  fileMissing: (path: string) => void;
  ended: (endMs: number, reason: Cause, head: ChainHead, totals: Totals) => Promise<void>;
  failed: (error: HubError) => void;
};
export type Totals = { segments: number; frames: number; withheld: number; missing: number };
export type TakeFacts = {
  operationId: string;
  angleId: string;
  sourceKind: SourceKind;
  segmentMs: number;
  silenceMs: number;
  /** Memory that frames waiting for the disk may hold, shared by all takes. */
  budget: WriteBudget;
};

type Track = { intake: Intake; kind: MediaKind; paused: boolean };
type SegmentCounts = { frames: number; audioFrames: number; withheld: number; missing: number; unwritten: number };
type SegmentEdge = { mediaMs: number; capture: CaptureTime };

const none = (): SegmentCounts => ({ frames: 0, audioFrames: 0, withheld: 0, missing: 0, unwritten: 0 });

/** All takes of the process share it: one's memory is free when another needs some. */
const memory = new SlabPool();
const TICK_MS = 50;
const AUDIO_FRAME_MS = 20;

/** One unbroken connection of a source on an angle, from its first packet to its last byte on the disk. */
export class Take {
  readonly #owner: TakeOwner;
  readonly #facts: TakeFacts;
  readonly #nowMs: () => number;
  readonly #log: Log;
  readonly #clock = new SourceClock();
  readonly #tracks = new Set<Track>();
  readonly #muxer: Muxer;
  readonly #keyFrames: KeyFrameAsker;
  readonly #timer: NodeJS.Timeout;
  readonly #totals: Totals = { segments: 0, frames: 0, withheld: 0, missing: 0 };
  /** Since the last segment was closed. */
  #counts = none();
  #start: SegmentEdge | null = null;
  /** Where what the disk took ends. */
  #end: SegmentEdge | null = null;
  /** Fragments were refused, and are until the disk has caught up. */
  #behind = false;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #takeId: string | null = null;
  #writer: SegmentWriter | null = null;
  #init = { key: '', count: 0 };
  #lastVideo = { endMs: 0, stepMs: 1000 / 30 };
  #sps: Buffer | null = null;
  #ended: Promise<void> | null = null;
  #lastPacketMs: number | null = null;

  constructor(facts: TakeFacts, nowMs: () => number, owner: TakeOwner, log: Log) {
    this.#facts = facts;
    this.#nowMs = nowMs;
    this.#owner = owner;
    this.#log = log;
    this.#muxer = new Muxer(facts.segmentMs, facts.silenceMs, {
      open: (start) => this.#open(start),
      fragment: (chunks, frames, audioFrames, end) => this.#fragment(chunks, frames, audioFrames, end),
      dropped: (frame) => memory.free(frame.data),
      close: (end) => this.#close(end),
      needKey: (now) => this.#video()?.intake.needKey(now),
      wantKey: () => this.#video()?.intake.input.requestKeyFrame(),
    });
    this.#keyFrames = new KeyFrameAsker(facts.segmentMs, nowMs, () => this.#video()?.intake.input.requestKeyFrame());
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  get state(): 'open' | 'closed' {
    return this.#state === 'open' ? 'open' : 'closed';
  }
  /** Null until the first frame that can be recorded. */
  get takeId(): string | null {
    return this.#takeId;
  }
  /** How long no packet has come, milliseconds; null before the first. */
  get idleMs(): number | null {
    return this.#lastPacketMs === null ? null : this.#nowMs() - this.#lastPacketMs;
  }
  /** Whether a missing picture is meant: no video track, or one that the sender paused. */
  get soundOnly(): boolean {
    const video = this.#video();
    return !video || video.paused;
  }
  /** How far the capture times of the present segment may be off. */
  get alignment(): CaptureTime | null {
    return this.#start?.capture ?? null;
  }

  /** A track of the source; its packets go into the sink returned. */
  addTrack(input: TrackInput): TrackSink {
    const intake: Intake = new Intake(input, this.#clock, memory, {
      frame: (frame) => (input.kind === 'video' ? this.#picture(frame) : this.#sound(frame)),
      withheld: () => this.#damage(1, 0),
      missing: (frames) => this.#damage(0, input.kind === 'video' ? frames : 0),
    });
    const track: Track = { intake, kind: input.kind, paused: false };
    this.#tracks.add(track);
    this.#expect();
    if (input.kind === 'video') input.requestKeyFrame();
    return {
      rtp: (packet, arrivalMs) => {
        this.#lastPacketMs = arrivalMs;
        if (this.#state === 'open') intake.rtp(packet, arrivalMs);
      },
      senderReport: (report) => intake.senderReport(report),
      roundTrip: (roundTripMs) => this.#clock.noteRoundTrip(roundTripMs),
      setPaused: (paused) => {
        track.paused = paused;
        this.#expect();
      },
      close: () => {
        if (this.#state === 'open') intake.flush(this.#nowMs());
        this.#tracks.delete(track);
        this.#expect();
      },
    };
  }

  /** Finish and hash what is open, close the journal. Calling it again waits for the same end. */
  end(reason: Cause): Promise<void> {
    this.#ended ??= this.#finish(reason);
    return this.#ended;
  }

  async #finish(reason: Cause): Promise<void> {
    clearInterval(this.#timer);
    this.#keyFrames.close();
    const nowMs = this.#nowMs();
    for (const track of this.#tracks) track.intake.flush(nowMs);
    this.#state = 'closing';
    this.#muxer.flush(nowMs);
    const writer = this.#writer;
    if (writer) {
      const endMs = round3(this.#behind && this.#end ? this.#end.capture.hubMs : this.#lastVideo.endMs);
      writer.end({ type: 'take.ended', atMs: endMs, reason, ...this.#totals }, (head) =>
        this.#owner.ended(endMs, reason, head, this.#totals),
      );
      await writer.finish();
    }
    this.#state = 'closed';
    this.#log.info({ takeId: this.#takeId, reason, ...this.#totals }, 'take ended');
  }

  #video(): Track | undefined {
    for (const track of this.#tracks) if (track.kind === 'video') return track;
    return undefined;
  }

  #expect(): void {
    const flows = (kind: MediaKind): boolean => [...this.#tracks].some((track) => track.kind === kind && !track.paused);
    this.#muxer.expect({ video: flows('video'), audio: flows('audio') });
  }

  #picture(frame: Frame): void {
    const { hubMs } = frame.capture;
    const last = this.#lastVideo;
    const stepMs = hubMs - (last.endMs - last.stepMs);
    if (last.endMs > 0 && stepMs > 0 && stepMs < 500) last.stepMs = stepMs;
    last.endMs = hubMs + last.stepMs;
    if (frame.key) {
      this.#keyFrames.keyFrame(hubMs, frame.arrivalMs);
      this.#noteSize(frame);
    }
    this.#muxer.video(frame);
    this.#owner.recorded('video', hubMs, last.endMs, frame.data.length, frame.arrivalMs);
  }

  #noteSize(frame: Frame): void {
    if (!frame.sets || this.#sps?.equals(frame.sets.sps)) return;
    const size = sizeOf(frame.sets.sps);
    const changed = this.#sps !== null;
    this.#sps = frame.sets.sps;
    if (!size) return;
    this.#owner.size(size.width, size.height);
    if (changed) this.#writer?.note({ type: 'size', hubMs: round3(frame.capture.hubMs), ...size });
  }

  #sound(frame: Frame): void {
    this.#muxer.audio(frame);
    if (!this.#takeId || !this.soundOnly) return;
    this.#lastVideo.endMs = frame.capture.hubMs + AUDIO_FRAME_MS;
    this.#owner.recorded('audio', frame.capture.hubMs, this.#lastVideo.endMs, frame.data.length, frame.arrivalMs);
  }

  #damage(withheld: number, missing: number): void {
    this.#counts.withheld += withheld;
    this.#counts.missing += missing;
    this.#totals.withheld += withheld;
    this.#totals.missing += missing;
    this.#owner.damage(withheld, missing);
  }

  #tick(): void {
    const nowMs = this.#nowMs();
    for (const track of this.#tracks) track.intake.expire(nowMs);
    this.#muxer.advance(nowMs);
    if (this.#behind && this.#writer?.catchUp()) this.#catchUp(nowMs);
  }

  #open(start: { capture: CaptureTime; mediaMs: number; cell: number; tracks: SegmentTracks }): void {
    const writer = this.#writer ?? this.#begin(start.capture.hubMs);
    const made = initFor(start.tracks, this.#init.key);
    if (made) this.#init = { key: made.key, count: this.#init.count + 1 };
    const part = this.#owner.nextPart(start.cell);
    this.#start = start;
    const facts = {
      file: segmentFile(start.cell, part),
      init: initFile(this.#init.count),
      cell: start.cell,
      part,
      startMs: round3(start.capture.hubMs),
      offsetMs: round3(start.capture.hubMs - start.cell * this.#facts.segmentMs),
      mediaMs: round3(start.mediaMs),
      alignmentErrorMs: round3(start.capture.errorMs),
      method: start.capture.method,
    };
    writer.open(facts, made ? { file: facts.init, bytes: made.bytes, tracks: made.tracks } : null);
  }

  #begin(startMs: number): SegmentWriter {
    const { takeId, dir } = this.#owner.begin(startMs);
    const { operationId, angleId, sourceKind, segmentMs } = this.#facts;
    this.#takeId = takeId;
    this.#log.info({ takeId, sourceKind }, 'take started');
    const writer = new SegmentWriter(dir, this.#facts.budget, {
      closed: (line, head) => this.#owner.segment(line, head),
      failed: (error) => this.#owner.failed(error),
      missing: (path) => this.#owner.fileMissing(path),
    });
    writer.begin({ type: 'take.started', operationId, angleId, takeId, sourceKind, atMs: round3(startMs), segmentMs }, (head) =>
      this.#owner.begun(head),
    );
    this.#writer = writer;
    return writer;
  }

  #fragment(chunks: Buffer[], frames: number, audioFrames: number, end: SegmentEdge): void {
    const done = (): void => chunks.forEach((chunk) => memory.free(chunk));
    if (this.#writer?.write(chunks, done)) {
      this.#counts.frames += frames;
      this.#counts.audioFrames += audioFrames;
      this.#end = end;
      return;
    }
    done();
    this.#behind = true;
    this.#unwritten(frames);
  }

  /** The disk is back. What is queued refers to pictures that are lost: go on with a key frame. */
  #catchUp(nowMs: number): void {
    this.#behind = false;
    this.#unwritten(this.#muxer.discard());
    this.#video()?.intake.needKey(nowMs);
    this.#owner.caughtUp();
  }

  #unwritten(frames: number): void {
    this.#counts.unwritten += frames;
    this.#counts.missing += frames;
    this.#totals.missing += frames;
    this.#owner.unwritten(frames, this.#end?.capture.hubMs ?? this.#start?.capture.hubMs ?? 0);
  }

  #close(end: SegmentEdge): void {
    const { unwritten, ...counts } = this.#counts;
    const start = this.#start;
    if (!start || counts.frames + counts.audioFrames === 0) return; // nothing of it was taken: the next segment tells what is lacking
    this.#counts = none();
    const video = this.#video()?.intake ?? [...this.#tracks][0]?.intake;
    this.#totals.segments += 1;
    this.#totals.frames += counts.frames;
    this.#writer?.note({
      type: 'clock',
      atMs: round3(this.#nowMs()),
      method: end.capture.method,
      kind: counts.frames > 0 ? 'video' : 'audio',
      mediaMs: round3(end.mediaMs),
      hubMs: round3(end.capture.hubMs),
      driftPpm: round3(video?.clock.driftPpm ?? 0),
      errorMs: round3(end.capture.errorMs),
    });
    this.#writer?.close({
      durationMs: round3((this.#end ?? end).mediaMs - start.mediaMs),
      ...counts,
      ...(unwritten > 0 ? { unwritten } : {}),
    });
  }
}

/** Microseconds are more than any clock here is worth; journals need not carry the float's tail. */
function round3(value: number): number {
  return Math.round(value * 1000) / 1000;
}
