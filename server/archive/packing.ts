import { mkdir } from 'node:fs/promises';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { messageOf } from '../../media/errors.ts';
import { packInChild } from '../../media/archive/pack.ts';
import { operationDir } from '../../media/recordings/paths.ts';
import type { ControlSettings } from '../control-settings.ts';
import type { Hub } from '../live/hub.ts';
import { openPackages, requestPackage, savePackage } from '../store/archive-jobs.ts';
import type { Store } from '../store/database.ts';

export type PackingOptions = { settings: ControlSettings; store: Store; hub: Hub; hubVersion: string; log: Logger };

const QUEUE = 'archive';
/** Intents that a queue lost, or never got because Redis was away, are offered to it again. */
const OFFER_MS = 5000;
const ADD_TIMEOUT_MS = 2000;

/**
 * Packs ended operations, one after the other. The intent is in SQL first; Redis (BullMQ) only says when. Without Redis
 * the intent waits; nothing else does.
 */
export class Packing {
  readonly #options: PackingOptions;
  readonly #queueConnection: Redis;
  readonly #workerConnection: Redis;
  readonly #queue: Queue;
  readonly #worker: Worker;
  readonly #timer: NodeJS.Timeout;

  constructor(options: PackingOptions) {
    this.#options = options;
    // the queue's side fails at once when Redis is away; the worker's side waits for it
    this.#queueConnection = connect(options.settings.redis, { enableOfflineQueue: false, maxRetriesPerRequest: 1 });
    this.#workerConnection = connect(options.settings.redis, { maxRetriesPerRequest: null });
    this.#queue = new Queue(QUEUE, { connection: this.#queueConnection });
    this.#worker = new Worker<{ operationId: string }>(QUEUE, (job) => this.#pack(job.data.operationId), {
      connection: this.#workerConnection,
      concurrency: 1,
      lockDuration: 60_000,
    });
    const quiet = (error: Error): void => options.log.debug({ reason: error.message }, 'redis');
    for (const emitter of [this.#queueConnection, this.#workerConnection]) emitter.on('error', quiet);
    this.#queue.on('error', quiet);
    this.#worker.on('error', quiet);
    this.#timer = setInterval(() => void this.#offerAll(), OFFER_MS);
    void this.#offerAll();
  }

  /** Ask for an ended operation to be packed. The intent is durable when this resolves. */
  async request(operationId: string): Promise<void> {
    await requestPackage(this.#options.store, operationId, this.#options.hub.nowMs());
    this.#options.hub.emit('operation', operationId);
    await this.#offer(operationId);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#queueConnection.disconnect();
    this.#workerConnection.disconnect();
    await Promise.race([
      Promise.allSettled([this.#worker.close(true), this.#queue.close()]),
      new Promise((resolve) => setTimeout(resolve, 500)),
    ]);
  }

  async #offerAll(): Promise<void> {
    for (const operationId of await openPackages(this.#options.store)) await this.#offer(operationId);
  }

  async #offer(operationId: string): Promise<void> {
    if (this.#queueConnection.status !== 'ready') return;
    try {
      const added = this.#queue.add('pack', { operationId }, { jobId: operationId, removeOnComplete: true, removeOnFail: true });
      added.catch(() => undefined); // raced below; may reject long after
      await Promise.race([
        added,
        new Promise((_, reject) => setTimeout(() => reject(new Error('Redis does not answer')), ADD_TIMEOUT_MS).unref()),
      ]);
    } catch (error) {
      this.#options.log.warn({ operationId, reason: messageOf(error) }, 'packing waits for Redis');
    }
  }

  async #pack(operationId: string): Promise<void> {
    const { settings, store, hub, hubVersion, log } = this.#options;
    if (!(await openPackages(store)).includes(operationId)) return;
    await savePackage(store, operationId, { state: 'running' });
    log.info({ operationId }, 'packing');
    try {
      await mkdir(settings.archiveDir, { recursive: true, mode: 0o750 });
      const order = {
        operationDir: operationDir(settings.dataDir, operationId),
        archiveDir: settings.archiveDir,
        hubVersion,
        nowMs: hub.nowMs(),
      };
      const { path, sizeBytes, files } = await packInChild(order, (step, progress) => hub.setProgress(operationId, { step, progress }));
      const counts = await savePackage(store, operationId, { state: 'verified', path, sizeBytes, files, verifiedMs: hub.nowMs() });
      log.info({ operationId, path, sizeBytes, files }, counts ? 'packed and verified' : 'packed, and to be packed anew');
    } catch (error) {
      await savePackage(store, operationId, { state: 'failed', error: messageOf(error) });
      log.error({ operationId, reason: messageOf(error) }, 'packing failed');
    } finally {
      hub.setProgress(operationId, null);
    }
  }
}

type Connection = { enableOfflineQueue?: boolean; maxRetriesPerRequest: number | null };

function connect(redis: ControlSettings['redis'], connection: Connection): Redis {
  const options = { ...connection, retryStrategy: (times: number): number => Math.min(1000, times * 100) };
  return 'socketPath' in redis ? new Redis({ ...options, path: redis.socketPath }) : new Redis(redis.url, options);
}
