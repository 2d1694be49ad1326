import { createClient } from 'redis';
import type { Logger } from 'pino';
import { messageOf } from '../../media/errors.ts';
import type { AngleState } from '../../media/protocol/state.ts';
import type { ControlSettings } from '../control-settings.ts';
import type { Hub } from './hub.ts';

const LIFE_S = 10;
/** So often Redis is asked whether it is there, and so long it may take to answer. */
const CHECK_MS = 2000;
const ANSWER_MS = 1500;

/**
 * What is true now, in Redis for other nodes and tools to read: `fieldhub:angle:<operation>:<angle>`, gone ten seconds
 * after the last word of it. Best effort: without Redis nothing waits and nothing is lost.
 */
export class Presence {
  readonly #client: ReturnType<typeof createClient>;
  readonly #hub: Hub;
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  #up = false;
  #asking = false;

  constructor(redis: ControlSettings['redis'], hub: Hub, log: Logger) {
    this.#hub = hub;
    this.#log = log;
    const reconnectStrategy = (tries: number): number => Math.min(1000, tries * 100);
    const options =
      'socketPath' in redis
        ? { socket: { path: redis.socketPath, tls: false as const, reconnectStrategy } }
        : { url: redis.url, socket: { reconnectStrategy } };
    this.#client = createClient({ ...options, disableOfflineQueue: true });
    this.#client.on('error', (error: Error) => {
      log.debug({ reason: error.message }, 'redis');
      this.#note(false);
    });
    this.#client.on('ready', () => void this.#check());
    this.#timer = setInterval(() => void this.#check(), CHECK_MS);
    this.#client.connect().catch((error: unknown) => log.warn({ err: error }, 'redis not reached'));
    hub.on('media', (event) => {
      if (event.type === 'angle.changed') this.#keep(event.operationId, event.state);
    });
  }

  /** Whether it answered when it was last asked. */
  get up(): boolean {
    return this.#up;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#client.destroy();
  }

  /** One that hangs keeps its connections: it has to be asked. */
  async #check(): Promise<void> {
    if (this.#asking) return; // it has not answered yet, which has been noted
    this.#asking = true;
    const late = setTimeout(() => this.#note(false), ANSWER_MS);
    try {
      if (this.#client.isReady) await this.#client.ping();
      this.#note(this.#client.isReady);
    } catch (error) {
      this.#log.debug({ reason: messageOf(error) }, 'redis');
      this.#note(false);
    }
    clearTimeout(late);
    this.#asking = false;
  }

  #note(up: boolean): void {
    if (this.#up !== up) this.#log.info({ up }, up ? 'redis answers' : 'redis does not answer: packages wait');
    this.#up = up;
    this.#hub.setQueueUp(up).catch((error: unknown) => this.#log.warn({ reason: messageOf(error) }, 'consoles not told of redis'));
  }

  #keep(operationId: string, state: AngleState): void {
    if (!this.#up) return;
    this.#client
      .set(`fieldhub:angle:${operationId}:${state.angleId}`, JSON.stringify(state), { expiration: { type: 'EX', value: LIFE_S } })
      .catch((error: unknown) => this.#log.debug({ err: error }, 'presence not noted'));
  }
}
