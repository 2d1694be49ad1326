import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { HubError } from '../errors.ts';
import type { Cause, SourceKind } from '../protocol/ids.ts';
import type { Preflight } from '../protocol/preflight.ts';
import { TALK_ANGLE } from '../protocol/talk.ts';
import { Journal, syncDir } from '../recordings/journal.ts';
import type { OperationLine } from '../recordings/lines.ts';
import { everyPunctual } from '../punctual.ts';
import { operationJournal } from '../recordings/paths.ts';
import { angleOwner } from './angle-owner.ts';
import { AnglePlans } from './angle-plans.ts';
import { Angle, type RecorderAngle } from './angle.ts';
import type { AngleOwner, TakeFailure } from './angle-needs.ts';
import { Marks } from './marks.ts';
import { Messages } from './messages.ts';
import type { MoveSide } from './move-side.ts';
import { OperationLog } from './operation-log.ts';
import type { RecorderOptions } from './recorder-options.ts';
import { repairOperation } from './repair.ts';
import { salvageTake } from './salvage.ts';
import { Stills } from './stills.ts';
import { Take } from './take.ts';
import { Troubles } from './troubles.ts';

const WATCH_MS = 250;
/** How often the operation's journal is offered to a disk that does not take it. */
const JOURNAL_RETRY_MS = 500;

/** Records one operation: its journal, its angles, their takes. */
export class OperationRecorder {
  readonly operationId: string;
  readonly name: string;
  readonly segmentMs: number;
  readonly openedMs: number;
  readonly marks: Marks;
  readonly stills: Stills;
  readonly messages: Messages;
  readonly plans: AnglePlans;
  readonly #options: RecorderOptions;
  readonly #journal: OperationLog;
  readonly #angles = new Map<string, Angle>();
  readonly #hidden = new Set<string>();
  readonly #takes = new Set<Take>();
  readonly #timer: NodeJS.Timeout;
  readonly #troubles: Troubles;
  readonly #salvages = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  #endedMs: number | null = null;
  #closing: Promise<void> | null = null;

  private constructor(
    options: RecorderOptions,
    facts: { name: string; openedMs: number; segmentMs: number; lines: OperationLine[] },
    journal: Journal<OperationLine>,
  ) {
    this.#options = options;
    this.operationId = options.operationId;
    this.name = facts.name;
    this.openedMs = facts.openedMs;
    this.segmentMs = facts.segmentMs;
    this.#troubles = new Troubles(options.operationId, options.alarms);
    this.#journal = new OperationLog(journal, options.signer, (error) => this.#troubles.failed(null, error));
    for (const line of facts.lines) if (line.type === 'source.hidden') this.#hidden.add(hiddenKey(line));
    const { operationId, openedMs } = this;
    const { emit, operationDir, refuse } = options;
    const nowMs = (): number => options.clock.nowMs();
    const owner = { operationId, openedMs, emit, journal: this.#journal, nowMs, assertLive: () => this.#assertLive() };
    this.marks = new Marks(owner, facts.lines);
    this.messages = new Messages(owner, facts.lines);
    this.plans = new AnglePlans({ ...owner, operationDir, refuse }, this.#angles);
    this.stills = new Stills({ ...owner, operationDir, refuse }, facts.lines);
    this.#timer = everyPunctual(WATCH_MS, () => {
      const nowMs = options.clock.nowMs();
      for (const angle of this.#angles.values()) angle.watch(nowMs);
    });
  }

  /** Begin a new operation, or repair and take up the one that lies there. Throws `gone` when that one has ended. */
  static async open(options: RecorderOptions): Promise<OperationRecorder> {
    const { operationDir, operationId, name, segmentMs, clock } = options;
    const troubles = new Troubles(operationId, options.alarms);
    const patience = { waiting: (error: unknown) => troubles.failed(null, error), retryMs: JOURNAL_RETRY_MS };
    const restored = await repairOperation(operationDir, options.signer, clock.nowMs(), patience);
    if (restored) {
      const recorder = new OperationRecorder(options, restored, restored.journal);
      for (const known of restored.angles) {
        const angle = new Angle(known.angleId, known.name, join(operationDir, known.angleId), options.silenceMs, recorder.#angleOwner());
        angle.restore(known);
        recorder.#angles.set(known.angleId, angle);
      }
      for (const interruption of restored.newInterruptions)
        options.emit({ type: 'interruption.opened', operationId, angleId: interruption.angleId, interruption });
      return recorder;
    }
    await mkdir(operationDir, { recursive: true, mode: 0o750 });
    const openedMs = clock.nowMs();
    const journal = await Journal.create<OperationLine>(operationJournal(operationDir), patience);
    await syncDir(join(operationDir, '..'));
    const { hubVersion, signer, clockSynchronised } = options;
    const facts = { segmentMs, hubVersion, publicKey: signer.publicKey, clockSynchronised };
    await journal.append({ type: 'operation.opened', operationId, name, atMs: openedMs, ...facts });
    return new OperationRecorder(options, { name, openedMs, segmentMs, lines: [] }, journal);
  }

  get endedMs(): number | null {
    return this.#endedMs;
  }

  /** Add a viewpoint. Adding it again changes nothing. Throws `gone`; `not_found` while it is being taken out. */
  async addAngle(angleId: string, name: string): Promise<void> {
    this.#assertLive();
    if (this.#angles.has(angleId)) return void this.plans.staying(angleId);
    const { operationDir, silenceMs, clock } = this.#options;
    this.#angles.set(angleId, new Angle(angleId, name, join(operationDir, angleId), silenceMs, this.#angleOwner()));
    await this.#journal.append({ type: 'angle.added', angleId, name, atMs: clock.nowMs() });
  }

  angleDirs(): string[] {
    return [...this.#angles.keys()].map((angleId) => join(this.#options.operationDir, angleId));
  }

  angles(): RecorderAngle[] {
    return [...this.#angles.values()].filter(({ angleId }) => angleId !== TALK_ANGLE).map((angle) => angle.state());
  }

  /** Throws `not_found`. */
  angle(angleId: string): RecorderAngle {
    return this.#angle(angleId).state();
  }

  /** Throws `gone`, `not_found`; `disk_full` or `unavailable` when nothing new can be recorded on this angle now. */
  assertRecordable(angleId: string): void {
    this.#assertLive();
    const angle = this.plans.staying(angleId);
    const refusal = this.#options.refuse(join(this.#options.operationDir, angleId));
    if (refusal) throw refusal;
    if (angle.justFailed(this.#options.clock.nowMs()))
      throw new HubError('unavailable', 'recording has just failed here; it is tried again');
  }

  /** A source fills this angle from now on; one that filled it until now is replaced. Throws as `assertRecordable`. */
  startTake(angleId: string, sourceKind: SourceKind): Take {
    this.assertRecordable(angleId);
    const angle = this.#angle(angleId);
    if (angle.take)
      this.endTake(angle.take, 'replaced').catch((error: unknown) => this.#troubles.failed({ angleId, name: angle.name }, error));
    const { operationId, silenceMs, clock, log, budget } = this.#options;
    const facts = { operationId, angleId, sourceKind, segmentMs: this.segmentMs, silenceMs, budget };
    const take = angle.attach(sourceKind, (owner) => new Take(facts, () => clock.nowMs(), owner, log));
    this.#takes.add(take);
    return take;
  }

  /** A commander speaks: recorded as a take of an angle of its own, which is there from the first time on. */
  async startTalk(): Promise<Take> {
    await this.addAngle(TALK_ANGLE, TALK_ANGLE);
    return this.startTake(TALK_ANGLE, 'commander');
  }

  noteTalk(line: Extract<OperationLine, { type: 'talk.started' | 'talk.ended' }>): void {
    this.#journal.note(line);
  }

  /** The take's source is gone, for this reason. Resolves when its files are closed. */
  async endTake(take: Take, reason: Cause): Promise<void> {
    const done = take.end(reason);
    for (const angle of this.#angles.values()) angle.release(take, reason);
    await done;
    this.#takes.delete(take);
  }

  /** This operation as one that takes are moved from or to. Throws `gone`. */
  moveSide(): MoveSide {
    this.#assertLive();
    return {
      operationId: this.operationId,
      dir: this.#options.operationDir,
      write: async (line) => {
        await this.#journal.append(line);
        this.#journal.signSoon();
      },
      addAngle: (angleId, name) => this.addAngle(angleId, name),
      nextTakeId: (angleId) => this.plans.staying(angleId).nextTakeId(),
      count: (angleId, counts, sign) => this.#angle(angleId).count(counts, sign),
      close: () => Promise.resolve(),
    };
  }

  /** The machine's wall clock was moved; hub time did not follow. Not told of an operation that is ending: nothing follows its last lines. */
  noteClockStep(atMs: number, stepMs: number): void {
    if (!this.#closing) this.#journal.note({ type: 'clock.stepped', atMs, stepMs });
  }

  /** A device was checked before it records. Resolves with its hub time when that is on the disk. Throws `gone`, `not_found`. */
  async notePreflight(preflight: Preflight): Promise<number> {
    this.#assertLive();
    this.#angle(preflight.angleId);
    const atMs = this.#options.clock.nowMs();
    await this.#journal.append({ type: 'preflight', atMs, ...preflight });
    return atMs;
  }

  /** What became of a device's wish to take an angle over. Resolves when that is on the disk. Throws `gone`, `not_found`. */
  async noteTakeover(takeover: Omit<Extract<OperationLine, { type: 'takeover' }>, 'type' | 'atMs'>): Promise<void> {
    this.#assertLive();
    this.#angle(takeover.angleId);
    await this.#journal.append({ type: 'takeover', atMs: this.#options.clock.nowMs(), ...takeover });
    this.#journal.signSoon();
  }

  /** An angle's page was in the background; what was told before is not written twice. Resolves when that is on the disk. Throws `gone`, `not_found`. */
  async noteHidden({ angleId, fromMs, toMs }: { angleId: string; fromMs: number; toMs: number }): Promise<void> {
    this.#assertLive();
    this.#angle(angleId);
    const told = hiddenKey({ angleId, fromMs });
    if (this.#hidden.has(told)) return;
    this.#hidden.add(told);
    await this.#journal.append({ type: 'source.hidden', angleId, fromMs, toMs, atMs: this.#options.clock.nowMs() });
  }

  /** The operation is over: takes are closed, interruptions end, the journal is signed for good. */
  async end(): Promise<void> {
    this.#closing ??= this.#close('operation-ended');
    await this.#closing;
  }

  /** The hub stops; the operation goes on when it is back. */
  async stop(): Promise<void> {
    this.#closing ??= this.#close('hub-stopped');
    await this.#closing;
  }

  async #close(reason: Cause): Promise<void> {
    clearInterval(this.#timer);
    const endMs = this.#options.clock.nowMs();
    if (reason === 'hub-stopped') this.#stopping.abort();
    await Promise.all([...this.#takes].map((take) => this.endTake(take, reason)));
    await Promise.all(this.#salvages);
    if (reason === 'operation-ended') {
      this.#endedMs = endMs;
      for (const angle of this.#angles.values()) {
        angle.end(endMs);
        if (angle.angleId !== TALK_ANGLE) this.#options.changed(angle.angleId);
      }
      await this.#journal.append({ type: 'operation.ended', atMs: endMs });
    }
    await this.#journal.close(reason === 'operation-ended');
    if (reason === 'operation-ended') this.#options.emit({ type: 'operation.ended', operationId: this.operationId, endedMs: endMs });
  }

  #angle(angleId: string): Angle {
    const angle = this.#angles.get(angleId);
    if (!angle) throw new HubError('not_found', `operation ${this.operationId} has no angle ${angleId}`, { field: 'angleId' });
    return angle;
  }

  #assertLive(): void {
    if (this.#closing) throw new HubError('gone', `operation ${this.operationId} has ended`, { field: 'operationId' });
  }

  /** A take broke off: its source is let go, and what it has on the disk is brought to its end. */
  #takeFailed(angleId: string, failure: TakeFailure): void {
    const { take, error } = failure;
    const cause = error.code === 'disk_full' ? 'disk-full' : 'write-failed';
    this.#options.log.error({ err: error, angleId }, 'recording failed');
    this.#troubles.failed(this.#angle(angleId), error);
    const work = this.endTake(take, cause)
      .then(() => this.#salvage(angleId, cause, failure))
      .catch((reason: unknown) =>
        this.#options.log.warn({ err: reason, angleId }, 'what is left of the take is repaired on the next start'),
      )
      .finally(() => this.#salvages.delete(work));
    this.#salvages.add(work);
    this.#options.lost(angleId, cause);
  }

  async #salvage(angleId: string, cause: Cause, { takeId, dir, salvaged }: TakeFailure): Promise<void> {
    const kept = await salvageTake(dir, takeId, cause, this.#stopping.signal);
    if (!kept) return;
    salvaged(kept);
    const totals = { segments: kept.segments.length, ...kept.totals };
    await this.#angleOwner().takeEnded(angleId, takeId, kept.endMs, kept.reason, kept.head, totals);
  }

  #angleOwner(): AngleOwner {
    const { emit, changed } = this.#options;
    return angleOwner({
      operationId: this.operationId,
      journal: this.#journal,
      troubles: this.#troubles,
      emit,
      changed,
      angle: (angleId) => this.#angle(angleId),
      failed: (angleId, failure) => this.#takeFailed(angleId, failure),
    });
  }
}

const hiddenKey = ({ angleId, fromMs }: { angleId: string; fromMs: number }): string => `${angleId} ${fromMs}`;
