import { io, type Socket } from 'socket.io-client';
import type { z } from 'zod';
import type { HubEvents, ReplyOf } from '../../server/protocol/socket.ts';
import { ApiFailure } from '../composables/api.ts';

type Specs = Record<string, { params: z.ZodType; result: z.ZodType }>;
const ANSWER_MS = 8000;
/** The hub closes a socket that has not said who it is after five seconds. */
const TOKEN_MS = 4000;

/** One namespace of the hub's signalling. Reconnects for ever; each attempt fetches a fresh token. */
export class Signalling<S extends Specs> {
  readonly socket: Socket;

  /** `token` is asked for before every attempt to connect; when it throws, the attempt fails and is made again later. */
  constructor(namespace: '/capture' | '/console', token: () => Promise<string>) {
    this.socket = io(namespace, {
      transports: ['websocket'],
      reconnectionDelay: 500,
      reconnectionDelayMax: 4000,
      autoConnect: false,
      auth: (done) => {
        const attempt = (this.#attempt += 1);
        inTime(token()).then(
          // what comes too late must not introduce a later attempt a second time
          (value) => attempt === this.#attempt && done({ token: value }),
          () => attempt === this.#attempt && done({ token: '' }), // refused, and tried again
        );
      },
    });
    // a refusal by middleware is not retried by socket.io itself
    this.socket.on('connect_error', () => {
      if (!this.socket.active && !this.#closed) this.#retry = setTimeout(() => this.socket.connect(), 2000);
    });
    this.socket.on('disconnect', (reason) => {
      if (reason === 'io server disconnect' && !this.#closed) this.#retry = setTimeout(() => this.socket.connect(), 1000);
    });
  }
  #closed = false;
  #attempt = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;

  connect(): void {
    this.socket.connect();
  }

  on<K extends keyof HubEvents>(name: K, listener: (value: HubEvents[K]) => void): void {
    // oxlint-disable-next-line typescript/no-unnecessary-type-assertion -- vue-tsc cannot resolve the listener of a generic name
    this.socket.on(name as string, listener as (...args: unknown[]) => void);
  }

  /** Throws ApiFailure: the hub's refusal, or `timeout` while there is no connection. */
  async request<K extends keyof S & string>(name: K, params: z.input<S[K]['params']>): Promise<z.infer<S[K]['result']>> {
    let reply: ReplyOf<z.infer<S[K]['result']>>;
    try {
      reply = (await this.socket.timeout(ANSWER_MS).emitWithAck(name, params)) as typeof reply;
    } catch {
      throw new ApiFailure('timeout', `${name}: no answer`);
    }
    if (reply.ok) return reply.data;
    throw new ApiFailure(reply.error.code, reply.error.message, reply.error.field);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.socket.close();
  }
}

/** A network that swallows everything lets a request wait for minutes. */
function inTime(token: Promise<string>): Promise<string> {
  return Promise.race([token, new Promise<never>((_, reject) => setTimeout(() => reject(new Error('no token in time')), TOKEN_MS))]);
}

export function newPeerId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
