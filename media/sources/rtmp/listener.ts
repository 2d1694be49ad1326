import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Log } from '../../log.ts';
import { FlvItems } from './flv-items.ts';
import { SourceRefusal } from '../gateway/reasons.ts';
import { type Refusal, RtmpSession } from './session.ts';
import type { Connect, StreamSource } from '../stream/way.ts';

/** One angle that is waited for. `changed`: a publisher has come. */
type Slot = { session: RtmpSession | null; changed: (() => void) | null };

const CONNECTIONS = 200;
/** That have not said a valid key yet: one more, and the oldest goes, so that silent ones lock nobody out. */
const STRANGERS = 40;
/** A publisher that is silent for so long is taken for dead when another comes with its key. */
const DEAD_MS = 3000;
/** By its hash, so that the time which a look-up takes tells nothing of keys. */
const nameOf = (key: string): string => createHash('sha256').update(key).digest('hex');

/** Takes what encoders publish by RTMP, each known by its stream key. It listens while an angle is waited for. */
export class RtmpListener {
  readonly #ip: string;
  readonly #port: number;
  readonly #log: Log;
  readonly #slots = new Map<string, Slot>();
  readonly #strangers = new Set<RtmpSession>();
  /** Starting and stopping follow each other. */
  #work: Promise<void> = Promise.resolve();
  #server: Server | null = null;

  constructor({ ip, port, log }: { ip: string; port: number; log: Log }) {
    this.#ip = ip;
    this.#port = port;
    this.#log = log;
  }

  /** Whoever publishes with this key is let in, until `close`, which resolves when nothing of it is left. */
  expect(key: string): { connect: Connect; close: () => Promise<void> } {
    const slot: Slot = { session: null, changed: null };
    const name = nameOf(key);
    this.#slots.set(name, slot);
    return {
      connect: async (signal) => {
        await this.#settle();
        return sourceOf(await nextOf(slot, signal));
      },
      close: async () => {
        if (this.#slots.get(name) === slot) this.#slots.delete(name);
        slot.session?.close();
        await this.#settle().catch(() => undefined); // a port that is taken is told to those who still wait
      },
    };
  }

  /** Listen if somebody is waited for. Throws `SourceRefusal` where the port is taken. */
  #settle(): Promise<void> {
    const work = this.#work.catch(() => undefined).then(() => (this.#slots.size > 0 ? this.#listen() : this.#stop()));
    this.#work = work;
    work.catch(() => undefined);
    return work;
  }

  async #listen(): Promise<void> {
    if (this.#server) return;
    const server = createServer((socket) => this.#accept(socket));
    server.maxConnections = CONNECTIONS;
    try {
      server.listen(this.#port, this.#ip);
      await once(server, 'listening');
    } catch {
      throw new SourceRefusal('port-taken', { port: this.#port });
    }
    server.on('error', (error) => this.#log.error({ err: error }, 'the RTMP port failed'));
    this.#server = server;
    this.#log.info({ port: this.#port }, 'RTMP is listened for');
  }

  async #stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    for (const session of this.#strangers) session.close();
    if (server) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  #accept(socket: Socket): void {
    const session = new RtmpSession(socket, (key, from) => this.#admit(key, from));
    this.#strangers.add(session);
    session.onClose(() => this.#strangers.delete(session));
    const [oldest] = this.#strangers;
    if (this.#strangers.size > STRANGERS) oldest?.close();
  }

  #admit(key: string, session: RtmpSession): Refusal | null {
    const slot = this.#slots.get(nameOf(key));
    if (!slot) {
      this.#log.warn({}, 'an encoder came by RTMP with a stream key that is not valid');
      return 'unknown-key';
    }
    if (slot.session && slot.session.silentMs < DEAD_MS) {
      this.#log.warn({}, 'a second encoder came by RTMP with the stream key of another');
      return 'taken';
    }
    slot.session?.close();
    this.#strangers.delete(session);
    slot.session = session;
    session.onClose(() => {
      if (slot.session === session) slot.session = null;
    });
    slot.changed?.();
    return null;
  }
}

function sourceOf(session: RtmpSession): StreamSource {
  return {
    open: ({ item, ended, nowMs }) => {
      const reader = new FlvItems((each) => item(each, nowMs()));
      session.onClose(() => ended(null));
      session.read((message) => reader.message(message));
    },
    close: () => session.close(),
  };
}

/** The publisher that has come, or the next one. Throws `SourceRefusal` when none is waited for any more. */
async function nextOf(slot: Slot, signal: AbortSignal): Promise<RtmpSession> {
  while (!signal.aborted) {
    if (slot.session) return slot.session;
    await new Promise<void>((resolve) => {
      slot.changed = resolve;
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
  throw new SourceRefusal('connection-lost');
}
