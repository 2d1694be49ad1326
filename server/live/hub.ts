import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { HubError, messageOf } from '../../media/errors.ts';
import { MediaClient } from '../../media/protocol/channel.ts';
import type { Takeover, TakeoverDecision } from '../../media/protocol/takeover.ts';
import type { Alarm } from '../../media/protocol/alarms.ts';
import type { NumberedEvent } from '../../media/protocol/events.ts';
import type { Logger } from 'pino';
import type { OperationView, PackageStatus } from '../protocol/http.ts';
import { type Store, storeMayRecover } from '../store/database.ts';
import { applyEvent } from '../store/apply-event.ts';
import { liveOperations, markNotRecording, operationView, saveOperationState } from '../store/operations.ts';
import { openPackages } from '../store/archive-jobs.ts';
import { gatewaysOf } from '../store/gateways.ts';
import { LeavingAngles } from './leaving-angles.ts';
import { MovedTakes } from './moved-takes.ts';
import { reindex } from './reindex.ts';
import type { HubEvents } from './hub-events.ts';
import { StandingAlarms } from './standing-alarms.ts';
import { type Asking, Takeovers } from './takeovers.ts';
import { readCursor, saveCursor } from '../store/sessions.ts';

const STORE_RETRY_MS = 1000;
/** An operation that cannot be taken up (its folder is not writable, say) is tried again so often. */
const REOPEN_MS = 5000;

const OFFSET_ROUNDS = 5;

/** Follows the media plane: applies its events to the store in order, once, and tells the rest of the control plane. */
export class Hub extends EventEmitter<HubEvents> {
  readonly media: MediaClient;
  readonly takeovers = new Takeovers({
    nowMs: () => this.nowMs(),
    changed: (operationId) => this.emit('operation', operationId),
    decided: (asking, takeover, decision) => this.#decided(asking, takeover, decision),
  });
  readonly standing = new StandingAlarms({
    raised: (alarm) => this.emit('alarm', alarm),
    cleared: (alarm) => this.emit('alarmCleared', alarm),
  });
  readonly leaving = new LeavingAngles();
  readonly moves: MovedTakes;
  readonly #store: Store;
  readonly #dataDir: string;
  readonly #log: Logger;
  readonly #progress = new Map<string, Pick<PackageStatus, 'step' | 'progress'>>();
  #queue: NumberedEvent[] = [];
  #draining: Promise<void> | null = null;
  #offsetMs = 0;
  readonly #told = new WeakSet<NumberedEvent>();
  #closed = false;
  #synced = false;
  #anew = true;
  #queueUp = true;
  #reopening: NodeJS.Timeout | null = null;

  constructor(options: { store: Store; mediaSocket: string; dataDir: string; log: Logger }) {
    super();
    this.#store = options.store;
    this.#dataDir = options.dataDir;
    this.#log = options.log;
    this.media = new MediaClient(options.mediaSocket, (message) => options.log.warn(message));
    const { store, dataDir, log } = options;
    const changed = (operationId: string): void => void this.emit('operation', operationId);
    this.moves = new MovedTakes({ store, dataDir, log, media: this.media, nowMs: () => this.nowMs(), changed });
    this.media.on('up', () => void this.#follow());
    this.media.on('down', () => void this.#lost());
    this.media.on('event', (event) => this.#receive(event));
  }

  start(): void {
    this.media.start();
  }

  /** True once the media plane is there and the store knows all it had to tell. */
  get synced(): boolean {
    return this.#synced;
  }

  /** Hub time as the media plane keeps it, within a millisecond. */
  nowMs(): number {
    return performance.timeOrigin + performance.now() + this.#offsetMs;
  }

  setProgress(operationId: string, progress: Pick<PackageStatus, 'step' | 'progress'> | null): void {
    if (progress) this.#progress.set(operationId, progress);
    else this.#progress.delete(operationId);
    this.emit('operation', operationId);
  }

  /** Redis has gone away, or is back. */
  async setQueueUp(up: boolean): Promise<void> {
    if (this.#queueUp === up) return;
    this.#queueUp = up;
    await this.#allChanged(await openPackages(this.#store));
  }

  /** Throws `not_found`. */
  view(operationId: string): Promise<OperationView> {
    return operationView(this.#store, operationId, {
      mediaUp: this.media.up,
      queueUp: this.#queueUp,
      progress: this.#progress.get(operationId) ?? null,
      alarms: this.alarms(operationId),
      takeovers: this.takeovers.of(operationId),
    });
  }

  /** Told at once, and kept in the journal. */
  #decided(asking: Asking, takeover: Takeover, decision: TakeoverDecision): void {
    this.emit('takeover', asking, decision);
    const { operationId } = asking;
    this.media
      .request('noteTakeover', { operationId, decision, ...takeover })
      .catch((error: unknown) => this.#log.error({ operationId, decision, reason: messageOf(error) }, 'a takeover was not journalled'));
  }

  /** Alarms that stand: this operation's, and those of the hub as a whole. */
  alarms(operationId: string | null): Alarm[] {
    return this.standing.of(operationId);
  }

  /** Somebody has seen it. One whose cause lasts stays. */
  async dismissAlarm(alarmId: string): Promise<Record<string, never>> {
    return this.standing.dismiss(alarmId) ? {} : this.media.request('dismissAlarm', { alarmId });
  }

  /** Resolves when every event received so far has been applied. */
  async settled(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#draining) await this.#draining;
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#reopening) clearTimeout(this.#reopening);
    this.takeovers.close();
    this.moves.close();
    this.media.close();
    await this.#draining;
  }

  async #lost(): Promise<void> {
    this.#synced = false;
    if (!this.#closed) await this.#allChanged();
  }

  /** Of every operation that goes on, and of these, something changed. */
  async #allChanged(others: string[] = []): Promise<void> {
    const live = (await liveOperations(this.#store)).map(({ operationId }) => operationId);
    for (const operationId of new Set([...live, ...others])) this.emit('operation', operationId);
  }

  /** The media plane is there: take up its events where we left off, or learn its state anew. */
  async #follow(): Promise<void> {
    try {
      await this.#measureOffset();
      const cursor = await readCursor(this.#store);
      const { bootId, lastSeq, replayed } = await this.media.request('subscribe', {
        bootId: cursor?.bootId ?? null,
        afterSeq: cursor?.seq ?? 0,
      });
      if (!replayed) await this.#resync(bootId, lastSeq);
      this.#anew ||= !replayed;
      const { alarms } = await this.media.request('alarms', {});
      this.standing.replace(alarms);
      await this.settled(); // an angle that was removed meanwhile is not to be taken up
      await this.#reopen();
      await this.settled();
      await this.moves.follow();
      this.#synced = true;
      this.emit('synced', this.#anew);
      this.#anew = false;
      await this.#allChanged();
      this.#log.info({ bootId, lastSeq, replayed }, 'following the media plane');
    } catch (error) {
      this.#log.error({ err: error }, 'the media plane cannot be followed');
      setTimeout(() => {
        if (this.media.up) void this.#follow();
      }, 500);
    }
  }

  /** NTP's exchange (RFC 5905, section 8) with one timestamp for the media plane's two; of five the one with the shortest way counts. */
  async #measureOffset(): Promise<void> {
    let leastMs = Infinity;
    for (let round = 0; round < OFFSET_ROUNDS; round += 1) {
      const sentMs = performance.timeOrigin + performance.now();
      const { hubTimeMs } = await this.media.request('hello', {});
      const roundTripMs = performance.timeOrigin + performance.now() - sentMs;
      if (roundTripMs >= leastMs) continue;
      leastMs = roundTripMs;
      this.#offsetMs = hubTimeMs - sentMs - roundTripMs / 2;
    }
  }

  /** Events are lost for good: the journals know what happened, the media plane what is. */
  async #resync(bootId: string, lastSeq: number): Promise<void> {
    this.leaving.forgetUnknown();
    const { operations } = await this.media.request('getState', {});
    for (const { operationId } of await liveOperations(this.#store)) await this.#reindex(operationId);
    for (const state of operations) await saveOperationState(this.#store, state);
    await saveCursor(this.#store, bootId, lastSeq);
  }

  async #reindex(operationId: string): Promise<void> {
    const endedMs = await reindex(this.#store, this.#dataDir, operationId, this.#log);
    if (endedMs !== null) this.emit('media', { type: 'operation.ended', operationId, endedMs });
  }

  /** What the store says is live must be live in the media plane too. */
  async #reopen(): Promise<void> {
    let again = false;
    for (const { operationId, name, angles } of await liveOperations(this.#store)) {
      try {
        await this.media.request('openOperation', { operationId, name });
        const gateways = await gatewaysOf(this.#store, operationId);
        for (const angle of angles) {
          const spec = gateways.get(angle.angleId);
          await this.media.request('addAngle', { operationId, angleId: angle.angleId, name: angle.name });
          if (angle.camera) await this.media.request('addPlainSource', { operationId, angleId: angle.angleId, reuse: angle.camera });
          if (spec) await this.media.request('addGateway', { operationId, angleId: angle.angleId, spec, again: true });
        }
      } catch (error) {
        if (error instanceof HubError && (error.code === 'gone' || error.code === 'conflict')) await this.#reindex(operationId);
        else {
          this.#log.error({ operationId, reason: messageOf(error) }, 'the operation cannot be taken up, it is tried again');
          await markNotRecording(this.#store, operationId);
          this.emit('operation', operationId);
          again = true;
        }
      }
    }
    if (!again || this.#reopening) return;
    this.#reopening = setTimeout(() => {
      this.#reopening = null;
      if (this.media.up) void this.#reopen();
    }, REOPEN_MS);
  }

  #receive(event: NumberedEvent): void {
    this.standing.heard(event.event);
    this.#queue.push(event);
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = null;
    });
  }

  /**
   * Whatever has gathered is applied in one transaction, together with the number of the last of it. A store that has no
   * room for it is offered it again: nothing is skipped, recording does not wait for it, and the consoles are told at once.
   */
  async #drain(): Promise<void> {
    while (this.#queue.length > 0 && !this.#closed) {
      const batch = this.#queue.slice(0, 200);
      const last = batch.at(-1) as NumberedEvent;
      try {
        await this.#store.transaction().execute(async (tx) => {
          for (const { event } of batch) await applyEvent(tx, event);
          await saveCursor(tx, last.bootId, last.seq);
        });
      } catch (error) {
        this.#log.error({ err: error, seq: last.seq }, 'events of the media plane could not be stored');
        if (storeMayRecover(error)) {
          this.#tell(batch.filter(({ event }) => event.type !== 'operation.ended')); // what follows on that is stored too
          await delay(STORE_RETRY_MS);
          continue;
        }
      }
      this.#queue.splice(0, batch.length);
      await this.moves.told(batch.map(({ event }) => event));
      this.#tell(batch);
    }
  }

  #tell(batch: NumberedEvent[]): void {
    for (const numbered of batch) {
      if (this.#told.has(numbered)) continue;
      this.#told.add(numbered);
      this.emit('media', numbered.event);
    }
  }
}
