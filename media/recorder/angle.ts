import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Cause, MediaKind, SourceKind } from '../protocol/ids.ts';
import type { AngleState, Interruption } from '../protocol/state.ts';
import { TALK_ANGLE } from '../protocol/talk.ts';
import type { AngleOwner } from './angle-needs.ts';
import type { Alignment, KnownAngle } from './known-angle.ts';
import { takeIdOf, type TakeCounts } from './move-side.ts';
import { Rate } from './rate.ts';
import type { RepairedTake } from './repair-take.ts';
import type { Take } from './take.ts';
import type { TakeOwner } from './take-owner.ts';

/** All of an angle's state that the recorder knows; who can be watched is the SFU's knowledge. */
export type RecorderAngle = Omit<AngleState, 'producers' | 'gateway' | 'source'>;

const REMEMBER_CELLS = 64;
/** After a take could not be written, so long before the next may be tried. */
const RETRY_MS = 3000;

/** One viewpoint of an operation: numbers its takes, watches for silence, knows its interruptions. */
export class Angle {
  readonly angleId: string;
  name: string;
  readonly #dir: string;
  readonly #silenceMs: number;
  readonly #owner: AngleOwner;
  #take: Take | null = null;
  #takeReason: Cause = 'no-media';
  #takes = 0;
  #sourceKind: SourceKind | null = null;
  #firstMediaMs: number | null = null;
  #takeStartedMs: number | null = null;
  /** Where the last recorded picture ends, and when it was handed in: hub time both. */
  #lastMediaMs: number | null = null;
  #lastArrivalMs = 0;
  /** The last part of each cell of late. A clock that is still being learnt may go back a cell. */
  readonly #parts = new Map<number, number>();
  #counts = { segments: 0, frames: 0, missing: 0, withheld: 0 };
  #size: { width: number; height: number } | null = null;
  /** Of the last segment of the takes before. */
  #alignment: Alignment | null = null;
  #interruption: Interruption | null = null;
  /** The last that is over. */
  #closed: Interruption | null = null;
  #interruptions = 0;
  readonly #rate = new Rate();
  #ended = false;
  /** Pictures are lost because the disk is behind; what is handed in says nothing of what is recorded. */
  #behind = false;
  #failedMs = -Infinity;

  constructor(angleId: string, name: string, dir: string, silenceMs: number, owner: AngleOwner) {
    this.angleId = angleId;
    this.name = name;
    this.#dir = dir;
    this.#silenceMs = silenceMs;
    this.#owner = owner;
    mkdirSync(dir, { recursive: true, mode: 0o750 });
  }

  get take(): Take | null {
    return this.#take;
  }

  /** What the journals say of this angle, when an operation is taken up again. */
  restore(known: KnownAngle): void {
    this.#takes = known.takes;
    this.#firstMediaMs = known.firstMediaMs;
    this.#lastMediaMs = known.lastMediaMs;
    for (const { cell, part } of known.parts.slice(-REMEMBER_CELLS)) this.#parts.set(cell, Math.max(part, this.#parts.get(cell) ?? 0));
    this.#counts = { segments: known.segments, frames: known.frames, missing: known.missing, withheld: known.withheld };
    this.#interruptions = known.interruptions;
    this.#interruption = known.open;
    this.#sourceKind = known.sourceKind;
    this.#alignment = known.alignment;
  }

  /** Whether a take has just failed here: the next would too. */
  justFailed(nowMs: number): boolean {
    return nowMs - this.#failedMs < RETRY_MS;
  }

  /** Make `take` the one that fills this angle. */
  attach(sourceKind: SourceKind, make: (owner: TakeOwner) => Take): Take {
    const take: Take = make(this.#takeOwner(sourceKind, () => take));
    this.#take = take;
    this.#takeReason = 'no-media';
    return take;
  }

  /** The take's source is gone: what is missing from here on has this cause. */
  release(take: Take, reason: Cause): void {
    if (this.#take !== take) return;
    this.#take = null;
    this.#alignment = take.alignment ?? this.#alignment;
    this.#caughtUp();
    this.#takeReason = reason;
    this.#rate.reset();
    if (reason !== 'operation-ended') this.interrupt(reason);
    this.#owner.changed(this.angleId);
  }

  /** Watch for silence; called a few times a second. */
  watch(nowMs: number): void {
    if (this.#ended || this.#firstMediaMs === null) return;
    this.#rate.watch(nowMs);
    if (!this.#interruption && nowMs - this.#lastArrivalMs > this.#silenceMs) this.interrupt(this.#take ? 'no-media' : this.#takeReason);
  }

  /** Media that should come does not, from the end of the last frame on; a better cause replaces a vaguer one. */
  interrupt(cause: Cause): void {
    // nobody expects a commander to speak all the time
    if (this.#firstMediaMs === null || this.#ended || this.angleId === TALK_ANGLE) return;
    if (this.#interruption) {
      this.#interruption = { ...this.#interruption, cause };
      return;
    }
    this.#interruptions += 1;
    this.#interruption = {
      id: `${this.angleId}-${this.#interruptions}`,
      angleId: this.angleId,
      startMs: this.#lastMediaMs ?? this.#firstMediaMs,
      endMs: null,
      cause,
    };
    this.#owner.interruption(this.#interruption);
    this.#owner.changed(this.angleId);
  }

  /** The number of the next take, which is given to no other. */
  nextTakeId(): string {
    this.#takes += 1;
    return takeIdOf(this.#takes);
  }

  /** A take with so much in it was moved here (1), or away (-1). What should have been filmed here and was not stays as it was. */
  count(counts: TakeCounts, sign: 1 | -1): void {
    for (const key of ['segments', 'frames', 'withheld', 'missing'] as const) this.#counts[key] += sign * counts[key];
    this.#owner.changed(this.angleId);
  }

  /** Nothing should be recorded any more. An open interruption lasts until then. */
  end(endMs: number): void {
    this.#closeInterruption(endMs);
    this.#ended = true;
  }

  state(): RecorderAngle {
    const recording = typeof this.#take?.takeId === 'string' && !this.#interruption;
    const alignment = this.#take?.alignment ?? this.#alignment;
    return {
      angleId: this.angleId,
      name: this.name,
      status: this.#ended ? 'ended' : this.#interruption ? 'interrupted' : recording ? 'recording' : 'idle',
      sourceKind: this.#sourceKind,
      takeId: this.#take?.takeId ?? null,
      takes: this.#takes,
      firstMediaMs: this.#firstMediaMs,
      takeStartedMs: this.#take ? this.#takeStartedMs : null,
      lastFrameMs: this.#lastMediaMs,
      width: this.#size?.width ?? null,
      height: this.#size?.height ?? null,
      segments: this.#counts.segments,
      frames: this.#counts.frames,
      missingFrames: this.#counts.missing,
      withheldFrames: this.#counts.withheld,
      bitrateBps: this.#rate.bps,
      fps: this.#rate.fps,
      alignmentErrorMs: alignment?.errorMs ?? null,
      alignmentMethod: alignment?.method ?? null,
      interruption: this.#interruption,
    };
  }

  #recorded(kind: MediaKind, startMs: number, endMs: number, sizeBytes: number, arrivalMs: number): void {
    const first = this.#firstMediaMs === null;
    this.#firstMediaMs ??= startMs;
    this.#lastArrivalMs = arrivalMs;
    if (kind === 'video') this.#counts.frames += 1;
    this.#rate.note(kind, sizeBytes);
    if (this.#behind) return;
    const resumed = this.#interruption !== null;
    this.#closeInterruption(startMs);
    this.#lastMediaMs = Math.max(this.#lastMediaMs ?? 0, endMs);
    if (first || resumed) this.#owner.changed(this.angleId);
  }

  /** The disk did not take these pictures, which were counted when they were handed in. */
  #unwritten(frames: number, endMs: number): void {
    this.#counts.frames -= frames;
    this.#counts.missing += frames;
    if (this.#behind) return;
    this.#behind = true;
    this.#lastMediaMs = endMs;
    this.interrupt('disk-slow');
    this.#owner.behind(this.angleId, true);
  }

  #caughtUp(): void {
    if (!this.#behind) return;
    this.#behind = false;
    this.#owner.behind(this.angleId, false);
  }

  #closeInterruption(endMs: number): void {
    if (!this.#interruption) return;
    this.#closed = { ...this.#interruption, endMs: Math.max(endMs, this.#interruption.startMs) };
    this.#interruption = null;
    this.#owner.interruption(this.#closed);
  }

  #takeOwner(sourceKind: SourceKind, self: () => Take): TakeOwner {
    const { angleId } = this;
    let takeId = '';
    let startedMs = 0;
    let dir = '';
    /** Handed in, and told as closed. */
    const told = { frames: 0, segments: 0 };
    return {
      begin: (startMs) => {
        takeId = this.nextTakeId();
        startedMs = startMs;
        this.#sourceKind = sourceKind;
        this.#takeStartedMs = startMs;
        dir = join(this.#dir, takeId);
        return { takeId, dir };
      },
      begun: (head) => this.#owner.takeBegun(angleId, takeId, sourceKind, startedMs, head),
      nextPart: (cell) => {
        const part = (this.#parts.get(cell) ?? -1) + 1;
        this.#parts.set(cell, part);
        if (this.#parts.size > REMEMBER_CELLS) this.#parts.delete([...this.#parts.keys()][0] ?? cell);
        return part;
      },
      recorded: (kind, startMs, endMs, sizeBytes, arrivalMs) => {
        if (this.#take !== self()) return; // failed: what still comes is not recorded
        if (kind === 'video') told.frames += 1;
        this.#recorded(kind, startMs, endMs, sizeBytes, arrivalMs);
      },
      unwritten: (frames, endMs) => {
        told.frames -= frames;
        this.#unwritten(frames, endMs);
      },
      caughtUp: () => this.#caughtUp(),
      fileMissing: (path) => this.#owner.fileMissing(angleId, path),
      damage: (withheld, missing) => {
        this.#counts.withheld += withheld;
        this.#counts.missing += missing;
      },
      size: (width, height) => {
        this.#size = { width, height };
        this.#owner.changed(angleId);
      },
      segment: (line, head) => {
        this.#counts.segments += 1;
        told.segments += 1;
        return this.#owner.segment(angleId, takeId, line, head);
      },
      ended: (endMs, reason, head, totals) => this.#owner.takeEnded(angleId, takeId, endMs, reason, head, totals),
      failed: (error) => {
        const take = self();
        this.release(take, error.code === 'disk_full' ? 'disk-full' : 'write-failed');
        this.#failedMs = this.#lastArrivalMs;
        const interruptionId = this.#interruption?.id;
        const salvaged = (kept: RepairedTake): void => this.#salvaged(kept, told, interruptionId);
        this.#owner.failed(angleId, { take, takeId, dir, error, salvaged });
      },
    };
  }

  /** Not all that was handed in of a failed take has reached the disk: what is missing begins where that ends. */
  #salvaged(kept: RepairedTake, told: { frames: number; segments: number }, interruptionId: string | undefined): void {
    const lost = told.frames - kept.totals.frames;
    this.#counts.frames -= lost;
    this.#counts.missing += lost;
    this.#counts.segments += kept.segments.length - told.segments;
    const [open, closed] = [this.#interruption, this.#closed];
    if (open && open.id === interruptionId) {
      this.#interruption = { ...open, startMs: kept.endMs };
      this.#lastMediaMs = kept.endMs;
    } else if (closed && closed.id === interruptionId) {
      this.#closed = { ...closed, startMs: kept.endMs };
      this.#owner.interruption(this.#closed); // told again: the next take began first
    }
    this.#owner.changed(this.angleId);
  }
}
