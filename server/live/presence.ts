import { createClient } from 'redis';
import type { Logger } from 'pino';
import type { AngleState } from '../../media/protocol/state.ts';
import type { ControlSettings } from '../control-settings.ts';
import type { Hub } from './hub.ts';

const LIFE_S = 10;

/**
 * What is true now, in Redis for other nodes and tools to read: `fieldhub:angle:<operation>:<angle>`, gone ten seconds
 * after the last word of it. Best effort: without Redis nothing waits and nothing is lost.
 */
export class Presence {
  readonly #client: ReturnType<typeof createClient>;
  readonly #log: Logger;

  constructor(redis: ControlSettings['redis'], hub: Hub, log: Logger) {
    this.#log = log;
    const reconnectStrategy = (tries: number): number => Math.min(1000, tries * 100);
    const options =
      'socketPath' in redis
        ? { socket: { path: redis.socketPath, tls: false as const, reconnectStrategy } }
        : { url: redis.url, socket: { reconnectStrategy } };
    this.#client = createClient({ ...options, disableOfflineQueue: true });
    this.#client.on('error', (error: Error) => log.debug({ reason: error.message }, 'redis'));
    this.#client.connect().catch((error: unknown) => log.warn({ err: error }, 'redis not reached'));
    hub.on('media', (event) => {
      if (event.type === 'angle.changed') this.#note(event.operationId, event.state);
    });
  }

  get up(): boolean {
    return this.#client.isReady;
  }

  close(): void {
    this.#client.destroy();
  }

  #note(operationId: string, state: AngleState): void {
    if (!this.#client.isReady) return;
    this.#client
      .set(`fieldhub:angle:${operationId}:${state.angleId}`, JSON.stringify(state), { expiration: { type: 'EX', value: LIFE_S } })
      .catch((error: unknown) => this.#log.debug({ err: error }, 'presence not noted'));
  }
}
