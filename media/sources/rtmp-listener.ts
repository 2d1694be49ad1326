import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import type { Connector } from './gateway-feed.ts';
import { ANALYSE } from './gateway-feed.ts';
import { SourceRefusal } from './gateway-reasons.ts';
import { RtmpPublisher } from './rtmp-publisher.ts';

/** One camera that is waited for. */
type Slot = { publisher: RtmpPublisher | null; arrived: (() => void) | null };

const CONNECTIONS = 200;
const digest = (key: string): string => createHash('sha256').update(key).digest('hex');

/** Takes what encoders publish by RTMP, each known by its stream key. It listens while a camera is waited for. */
export class RtmpListener {
  readonly #ip: string;
  readonly #port: number;
  /** By the key's hash, so that the time a look-up takes tells nothing of keys. */
  readonly #slots = new Map<string, Slot>();
  #server: Promise<Server> | null = null;

  constructor(ip: string, port: number) {
    this.#ip = ip;
    this.#port = port;
  }

  connector(key: string): Connector {
    const slot: Slot = { publisher: null, arrived: null };
    const name = digest(key);
    this.#slots.set(name, slot);
    return {
      protocol: 'rtmp',
      address: `rtmp://${this.#ip.includes(':') ? `[${this.#ip}]` : this.#ip}:${this.#port}`,
      phase: 'waiting',
      connect: async (signal) => {
        await this.#listen();
        const publisher = await nextOf(slot, signal);
        return {
          feed: async (purpose) => ({
            args: [...ANALYSE, '-f', 'flv', '-protocol_whitelist', 'pipe', '-i', 'pipe:0'],
            stdin: publisher.tape.read(purpose === 'run'),
            list: null,
            refusal: () => null,
            close: () => undefined,
          }),
          close: () => publisher.close(),
        };
      },
      close: async () => {
        if (this.#slots.get(name) === slot) this.#slots.delete(name);
        slot.publisher?.close();
        if (this.#slots.size === 0) await this.#close();
      },
    };
  }

  /** Throws `SourceRefusal`. */
  async #listen(): Promise<void> {
    this.#server ??= this.#start();
    try {
      await this.#server;
    } catch {
      this.#server = null;
      throw new SourceRefusal('port-taken', { port: this.#port });
    }
  }

  async #start(): Promise<Server> {
    const server = createServer((socket) => void new RtmpPublisher(socket, (key, publisher) => this.#admit(key, publisher)));
    server.maxConnections = CONNECTIONS;
    server.listen(this.#port, this.#ip);
    await once(server, 'listening');
    return server;
  }

  async #close(): Promise<void> {
    const server = await this.#server?.catch(() => null);
    this.#server = null;
    if (server) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  /** The same key once more is the same encoder, whose first connection is half open. */
  #admit(key: string, publisher: RtmpPublisher): boolean {
    const slot = this.#slots.get(digest(key));
    if (!slot) return false;
    slot.publisher?.close();
    slot.publisher = publisher;
    slot.arrived?.();
    return true;
  }
}

/** The publisher that has come, or the next one. Each is taken once. Throws `SourceRefusal` when it is no longer waited for. */
async function nextOf(slot: Slot, signal: AbortSignal): Promise<RtmpPublisher> {
  while (!signal.aborted) {
    const { publisher } = slot;
    if (publisher) {
      publisher.onClose(() => {
        if (slot.publisher === publisher) slot.publisher = null;
      });
      return publisher;
    }
    await new Promise<void>((resolve) => {
      slot.arrived = resolve;
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
  throw new SourceRefusal('connection-lost');
}
