import { HubError, messageOf } from '../errors.ts';
import type { MediaEvent } from '../protocol/events.ts';
import type { Alarms } from './alarms.ts';
import type { OperationState } from '../protocol/state.ts';
import { surveyOperations } from '../recorder/repair.ts';
import { settleMoves } from '../recorder/settle-moves.ts';
import { OperationRecorder } from '../recorder/operation-recorder.ts';
import type { RecorderOptions } from '../recorder/recorder-options.ts';
import { operationDir, recordingsDir } from '../recordings/paths.ts';
import type { Peer } from '../sfu/peer.ts';
import type { WorkerSlot } from '../sfu/workers.ts';
import { LiveOperation, type OperationContext } from './live-operation.ts';
import { TakeMoves } from './take-moves.ts';
import { Turns } from './turns.ts';

export type RegistryOptions = OperationContext &
  Omit<RecorderOptions, 'operationDir' | 'operationId' | 'name' | 'changed' | 'lost'> & { dataDir: string; alarms: Alarms };

/** Changes that no viewer waits for are gathered for so long. */
const REPORT_MS = 1000;
/** The counters of all sources are read so often. */
const MEASURE_MS = 2000;

/** Every live operation of this process, and where its peers are. */
export class Registry {
  readonly moves: TakeMoves;
  readonly #options: RegistryOptions;
  readonly #turns = new Turns();
  readonly #live = new Map<string, LiveOperation>();
  readonly #opening = new Map<string, Promise<LiveOperation>>();
  readonly #ended = new Map<string, OperationState>();
  readonly #report: NodeJS.Timeout;
  readonly #measure: NodeJS.Timeout;

  constructor(options: RegistryOptions) {
    this.#options = options;
    const { dataDir, signer, log, clock, emit, refuse } = options;
    const live = (operationId: string): OperationRecorder | null => this.#live.get(operationId)?.recorder ?? null;
    const nowMs = (): number => clock.nowMs();
    this.moves = new TakeMoves({ dataDir, signer, log, emit, refuse, live, nowMs, turns: this.#turns });
    this.#report = setInterval(() => this.#reportAll(), REPORT_MS);
    this.#measure = setInterval(() => this.#measureAll(), MEASURE_MS);
  }

  /** Take up what was live when the hub went away; what cannot be taken up is told and left as it is. */
  async resume(): Promise<void> {
    const { dataDir, signer, clock, log } = this.#options;
    const { live, withMoves } = await surveyOperations(recordingsDir(dataDir));
    await settleMoves(withMoves, { recordingsDir: recordingsDir(dataDir), signer, nowMs: () => clock.nowMs(), log });
    for (const { operationId, name } of live) {
      try {
        await this.open(operationId, name);
        this.#options.log.info({ operationId }, 'operation taken up again');
      } catch (error) {
        if (error instanceof HubError && error.code === 'gone') continue;
        this.#options.log.error({ err: error, operationId }, 'operation could not be taken up');
        this.#notOpened(operationId, error);
      }
    }
  }

  async open(operationId: string, name: string): Promise<LiveOperation> {
    if (this.#ended.has(operationId)) throw new HubError('conflict', `operation ${operationId} has ended`, { field: 'operationId' });
    const present = this.#live.get(operationId) ?? this.#opening.get(operationId);
    if (present) return present;
    const opening = this.#turns.take([operationId], () => this.#start(operationId, name));
    this.#opening.set(operationId, opening);
    try {
      const operation = await opening;
      this.#options.alarms.clear(`recorder-failed:${operationId}`);
      return operation;
    } finally {
      this.#opening.delete(operationId);
    }
  }

  /** Throws `not_found`, or `gone` for one that has ended. */
  get(operationId: string): LiveOperation {
    const operation = this.#live.get(operationId);
    if (operation) return operation;
    throw new HubError(this.#ended.has(operationId) ? 'gone' : 'not_found', `operation ${operationId} is not live`, {
      field: 'operationId',
    });
  }

  /** Throws `not_found`. */
  peer(peerId: string): { operation: LiveOperation; peer: Peer } {
    const found = this.findPeer(peerId);
    if (!found) throw new HubError('not_found', `peer ${peerId} has no transport`, { field: 'peerId' });
    return found;
  }

  findPeer(peerId: string): { operation: LiveOperation; peer: Peer } | null {
    for (const operation of this.#live.values()) {
      const peer = operation.peers.get(peerId);
      if (peer) return { operation, peer };
    }
    return null;
  }

  /** By what rights peers are in which operations. */
  owners(): { operationId: string; owner: string }[] {
    return [...this.#live].flatMap(([operationId, operation]) => operation.peers.owners().map((owner) => ({ operationId, owner })));
  }

  /** Close the peers that are here by this right, in one operation or (null) all; how many. */
  async closeOwned(owner: string, operationId: string | null): Promise<number> {
    const operations = [...this.#live].filter(([id]) => operationId === null || id === operationId);
    const closing = operations.flatMap(([, operation]) =>
      operation.peers.owned(owner).map((peerId) => operation.closePeer(peerId, 'connection-lost', 'revoked')),
    );
    await Promise.all(closing);
    return closing.length;
  }

  end(operationId: string): Promise<OperationState> {
    return this.#turns.take([operationId], () => this.#endNow(operationId));
  }

  states(): OperationState[] {
    return [...this.#live.values()].map((operation) => operation.state());
  }

  /** Folders that recording goes to now. */
  folders(): { operations: string[]; angles: string[] } {
    const live = [...this.#live.keys()].map((operationId) => operationDir(this.#options.dataDir, operationId));
    const angles = [...this.#live.values()].flatMap((operation) => operation.recorder.angleDirs());
    return { operations: live, angles };
  }

  /** The disk under these operations' folders is nearly full. */
  closeTakes(operationDirs: string[]): void {
    for (const [operationId, operation] of this.#live) {
      if (!operationDirs.includes(operationDir(this.#options.dataDir, operationId))) continue;
      operation.closeTakes().catch((error: unknown) => this.#options.log.error({ err: error, operationId }, 'takes could not be closed'));
    }
  }

  noteClockStep(atMs: number, stepMs: number): void {
    for (const operation of this.#live.values()) operation.recorder.noteClockStep(atMs, stepMs);
  }

  async workerDied(slot: WorkerSlot): Promise<void> {
    const homeless = [...this.#live.values()].filter((operation) => operation.slot === slot);
    await Promise.all(homeless.map((operation) => operation.workerDied()));
  }

  async close(): Promise<void> {
    clearInterval(this.#report);
    clearInterval(this.#measure);
    await Promise.all([...this.#live.values()].map((operation) => operation.close(false)));
  }

  async #endNow(operationId: string): Promise<OperationState> {
    const before = this.#ended.get(operationId);
    if (before) return before;
    const operation = this.get(operationId);
    await operation.close(true);
    const state = operation.state();
    this.#ended.set(operationId, state);
    this.#live.delete(operationId);
    return state;
  }

  async #start(operationId: string, name: string): Promise<LiveOperation> {
    const recorder = await OperationRecorder.open({
      ...this.#options,
      operationDir: operationDir(this.#options.dataDir, operationId),
      operationId,
      name,
      changed: (angleId) => this.#changed(operationId, angleId),
      lost: (angleId, cause) => {
        const work = this.#live.get(operationId)?.sourceLost(angleId, cause);
        work?.catch((error: unknown) => this.#options.log.error({ err: error, operationId, angleId }, 'source could not be let go'));
      },
    });
    const operation = await LiveOperation.start(this.#options, recorder);
    this.#live.set(operationId, operation);
    return operation;
  }

  /** Tried again by the control plane, until it can be taken up. */
  #notOpened(operationId: string, error: unknown): void {
    const why = messageOf(error);
    const message = `operation ${operationId} cannot be taken up (${why}): put that right; it is tried again`;
    const alarm = { alarmId: `recorder-failed:${operationId}`, code: 'recorder-failed', lasting: true } as const;
    this.#options.alarms.raise({ ...alarm, message, facts: { why, operation: operationId }, operationId });
  }

  #changed(operationId: string, angleId: string): void {
    const operation = this.#live.get(operationId);
    if (operation) this.#emit({ type: 'angle.changed', operationId, state: operation.angle(angleId) });
  }

  #reportAll(): void {
    for (const operation of this.#live.values()) {
      const { operationId, angles } = operation.state();
      for (const state of angles) if (state.status === 'recording') this.#emit({ type: 'angle.changed', operationId, state });
    }
  }

  #measureAll(): void {
    for (const [operationId, operation] of this.#live)
      operation.sources.measure().catch((error: unknown) => this.#options.log.warn({ err: error, operationId }, 'sources not measured'));
  }

  #emit(event: MediaEvent): void {
    this.#options.emit(event);
  }
}
