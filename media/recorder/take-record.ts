import { round3 } from '../recordings/chain.ts';
import type { Log } from '../log.ts';
import type { Cause, MediaKind } from '../protocol/ids.ts';
import type { Damage, TakeLine } from '../recordings/lines.ts';
import { initFile, segmentFile, withheldFile } from '../recordings/paths.ts';
import type { SlabPool } from '../rtp/slabs.ts';
import type { CaptureClock, CaptureTime } from '../time/capture-clock.ts';
import { cellOf } from '../time/grid.ts';
import { initFor, type SegmentTracks } from './init-for.ts';
import type { Withheld } from './frame.ts';
import { SegmentWriter } from './segment-writer.ts';
import type { TakeFacts, TakeOwner, Totals } from './take-owner.ts';
import type { Timeline } from './timeline.ts';
import { WithheldFrames } from './withheld.ts';
import { WriteBuffers } from './write-buffers.ts';

type Counts = Totals & { audioFrames: number; audioMissing: number; unwritten: number; damage: Damage[] };
type Edge = { mediaMs: number; capture: CaptureTime };
type OpenSegment = Edge & { cell: number };

/** All takes of the process share it. */
const writeBuffers = new WriteBuffers();

const none = (): Counts => ({
  segments: 0,
  frames: 0,
  withheld: 0,
  missing: 0,
  audioFrames: 0,
  audioMissing: 0,
  unwritten: 0,
  damage: [],
});

/** What is written of one take: its folder, its files in order, and what its journal says of them. */
export class TakeRecord {
  readonly #facts: TakeFacts;
  readonly #owner: TakeOwner;
  readonly #memory: SlabPool;
  readonly #timeline: Timeline;
  readonly #log: Log;
  readonly #aside: WithheldFrames;
  readonly #totals: Totals = { segments: 0, frames: 0, withheld: 0, missing: 0 };
  /** Since the last segment was closed. */
  #counts = none();
  #segment: OpenSegment | null = null;
  /** Where what the disk took ends. */
  #end: Edge | null = null;
  /** Fragments were refused, and are until the disk has caught up. */
  #behind = false;
  /** What the disk did not take, until a key frame ends it. */
  #lost: { fromMs: number; missing: number } | null = null;
  #alignment: CaptureTime | null = null;
  #takeId: string | null = null;
  #writer: SegmentWriter | null = null;
  #init = { key: '', count: 0 };
  /** The newest initialisation segment that describes a picture. */
  #pictureInit: string | null = null;
  #sideFiles = 0;
  #stepped: { clock: CaptureClock | null; byMs: number } = { clock: null, byMs: 0 };
  /** Lines that came before the journal was there. */
  #early: TakeLine[] = [];

  constructor(facts: TakeFacts, owner: TakeOwner, memory: SlabPool, timeline: Timeline, log: Log) {
    this.#facts = facts;
    this.#owner = owner;
    this.#memory = memory;
    this.#timeline = timeline;
    this.#log = log;
    this.#aside = new WithheldFrames(memory);
  }

  /** Null until the first frame that can be recorded. */
  get takeId(): string | null {
    return this.#takeId;
  }
  get totals(): Totals {
    return this.#totals;
  }
  /** How far the capture times of the newest segment may be off. */
  get alignment(): CaptureTime | null {
    return this.#alignment;
  }

  open(start: { capture: CaptureTime; mediaMs: number; cell: number; tracks: SegmentTracks }, clock: CaptureClock | null): void {
    const { capture, mediaMs, cell, tracks } = start;
    const writer = this.#writer ?? this.#begin(capture.hubMs);
    const made = initFor(tracks, this.#init.key);
    if (made) this.#init = { key: made.key, count: this.#init.count + 1 };
    if (tracks.video) this.#pictureInit = initFile(this.#init.count);
    const part = this.#owner.nextPart(cell);
    this.#segment = { capture, mediaMs, cell };
    this.#alignment = capture;
    const offsetMs = clock?.senderOffsetMs(capture.hubMs) ?? null;
    const facts = {
      file: segmentFile(cell, part),
      init: initFile(this.#init.count),
      cell,
      part,
      startMs: round3(capture.hubMs),
      offsetMs: round3(capture.hubMs - cell * this.#facts.segmentMs),
      mediaMs: round3(mediaMs),
      alignmentErrorMs: round3(capture.errorMs),
      method: capture.method,
      clockOffsetMs: offsetMs === null ? null : round3(offsetMs),
      driftPpm: round3(clock?.driftPpm ?? 0),
    };
    writer.open(facts, made ? { file: facts.init, bytes: made.bytes, tracks: made.tracks } : null);
  }

  fragment(chunks: Buffer[], frames: number, audioFrames: number, end: Edge): void {
    const bytes = writeBuffers.join(chunks);
    for (const chunk of chunks) this.#memory.free(chunk);
    if (this.#writer?.write(bytes, () => writeBuffers.free(bytes))) {
      this.#counts.frames += frames;
      this.#counts.audioFrames += audioFrames;
      this.#end = end;
      return;
    }
    writeBuffers.free(bytes);
    this.#behind = true;
    this.#counts.audioMissing += audioFrames;
    this.unwritten(frames);
  }

  /** After a refusal: whether the disk is back, told once. */
  caughtUp(): boolean {
    if (!this.#behind || !this.#writer?.catchUp()) return false;
    this.#behind = false;
    return true;
  }

  /** Pictures that the disk did not take. */
  unwritten(frames: number): void {
    const endMs = this.#end?.capture.hubMs ?? this.#segment?.capture.hubMs ?? 0;
    this.#lost ??= { fromMs: endMs, missing: 0 };
    this.#lost.missing += frames;
    this.#counts.unwritten += frames;
    this.#counts.missing += frames;
    this.#totals.missing += frames;
    this.#owner.unwritten(frames, endMs);
  }

  /** A key frame is on its way: what the disk did not take ends there. */
  keyFrame(hubMs: number): void {
    if (this.#lost && !this.#behind) this.#endLoss(hubMs);
  }

  close(end: Edge, clock: CaptureClock | null, nowMs: number): void {
    const segment = this.#segment;
    // nothing of it was taken: the next segment tells what is lacking
    if (!segment || this.#counts.frames + this.#counts.audioFrames === 0) return;
    this.#segment = null;
    const { segments: _, unwritten, damage, ...counts } = this.#counts;
    this.#counts = none();
    this.#totals.segments += 1;
    this.#totals.frames += counts.frames;
    this.#sideFile();
    const durationMs = (this.#end ?? end).mediaMs - segment.mediaMs;
    const facts = {
      durationMs: round3(durationMs),
      ...counts,
      ...(unwritten > 0 ? { unwritten } : {}),
      damage: inOrder(damage),
      overrunMs: round3(Math.max(0, segment.capture.hubMs + durationMs - (segment.cell + 1) * this.#facts.segmentMs)),
    };
    this.#writer?.close(facts, this.#clockLines(end, counts.frames > 0 ? 'video' : 'audio', clock, nowMs));
  }

  withheld(withheld: Withheld): void {
    this.#counts.withheld += 1;
    this.#totals.withheld += 1;
    this.#owner.damage(1, 0);
    this.#aside.add(withheld);
    if (this.#aside.full) this.#sideFile();
  }

  missing(kind: MediaKind, frames: number): void {
    if (kind === 'audio') {
      this.#counts.audioMissing += frames;
      return;
    }
    this.#counts.missing += frames;
    this.#totals.missing += frames;
    this.#owner.damage(0, frames);
  }

  damage({ fromMs, toMs, ...lacking }: Damage): void {
    this.#counts.damage.push({ fromMs: round3(fromMs), toMs: round3(toMs), ...lacking });
  }

  /** A line in its turn; before the take has a journal, its lines wait. */
  note(line: TakeLine): void {
    if (this.#writer) this.#writer.note(line);
    else if (this.#early.length < 16) this.#early.push(line);
  }

  /** The last line, once nothing more will come. Resolves when everything is on the disk. */
  async finish(endMs: number, reason: Cause): Promise<void> {
    this.#sideFile();
    this.#aside.discard();
    const writer = this.#writer;
    if (!writer) return;
    const atMs = round3(this.#behind && this.#end ? this.#end.capture.hubMs : endMs);
    this.#endLoss(atMs);
    const damage = inOrder(this.#counts.damage);
    writer.end({ type: 'take.ended', atMs, reason, ...this.#totals, damage }, (head) =>
      this.#owner.ended(atMs, reason, head, this.#totals),
    );
    await writer.finish();
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
    for (const line of this.#early) writer.note(line);
    this.#early = [];
    this.#writer = writer;
    return writer;
  }

  #endLoss(toMs: number): void {
    const lost = this.#lost;
    this.#lost = null;
    if (lost && lost.missing > 0) this.damage({ ...lost, toMs: Math.max(toMs, lost.fromMs), withheld: 0 });
  }

  /** Write what was withheld; before the take has a folder it waits. */
  #sideFile(): void {
    const side = this.#writer ? this.#aside.take((hubMs) => this.#timeline.mediaMsAt(hubMs)) : null;
    if (!side) return;
    const cell = cellOf(side.fromMs, this.#facts.segmentMs);
    this.#sideFiles += 1;
    const facts = {
      file: withheldFile(cell, this.#sideFiles),
      init: this.#pictureInit,
      cell,
      fromMs: round3(side.fromMs),
      toMs: round3(side.toMs),
      frames: side.frames,
    };
    if (!this.#writer?.aside(facts, side.chunks, side.done)) side.done();
  }

  /** What is known of the sender's clock at the end of a segment. */
  #clockLines(end: Edge, kind: MediaKind, clock: CaptureClock | null, nowMs: number): TakeLine[] {
    const atMs = round3(nowMs);
    const steppedMs = clock?.senderSteppedMs ?? 0;
    // another clock (a new track or numbering) begins with what it knows: that is no step
    const stepMs = clock === this.#stepped.clock ? steppedMs - this.#stepped.byMs : 0;
    this.#stepped = { clock, byMs: steppedMs };
    const { method, hubMs, errorMs } = end.capture;
    return [
      ...(stepMs === 0 ? [] : [{ type: 'sender.stepped' as const, atMs, stepMs: round3(stepMs) }]),
      {
        type: 'clock',
        atMs,
        method,
        kind,
        mediaMs: round3(end.mediaMs),
        hubMs: round3(hubMs),
        driftPpm: round3(clock?.driftPpm ?? 0),
        errorMs: round3(errorMs),
      },
    ];
  }
}

const inOrder = (damage: Damage[]): Damage[] => damage.toSorted((a, b) => a.fromMs - b.fromMs);
