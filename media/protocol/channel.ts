import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { chmod, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import {
  createMessageConnection,
  type MessageConnection,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node';
import { z } from 'zod';
import { HubError, type HubErrorCode, messageOf } from '../errors.ts';
import type { MediaEvent } from './events.ts';
import { NumberedEvent } from './events.ts';
import { type MediaMethod, mediaRequests, type ParamsOf, type ResultOf } from './requests.ts';

/** JSON-RPC 2.0 over a Unix socket, framed by vscode-jsonrpc; both sides check every message against its schema. */

const KEEP_EVENTS = 20_000;
const FAILED = -32_000;
const ErrorData = z.object({ code: z.string(), field: z.string().optional() });

/** The numbered events of one run of the media process, the last 20,000 kept for those who were away. */
export class EventLog {
  readonly bootId = randomUUID();
  readonly #listeners = new Set<(event: NumberedEvent) => void>();
  #events: NumberedEvent[] = [];
  #seq = 0;

  get lastSeq(): number {
    return this.#seq;
  }

  publish(event: MediaEvent): void {
    this.#seq += 1;
    const numbered = { bootId: this.bootId, seq: this.#seq, event };
    this.#events.push(numbered);
    if (this.#events.length > KEEP_EVENTS * 1.5) this.#events = this.#events.slice(-KEEP_EVENTS);
    for (const listener of this.#listeners) listener(numbered);
  }

  /** The events after a number, or null when some of them are no longer kept. */
  after(seq: number): NumberedEvent[] | null {
    const first = this.#events[0]?.seq ?? this.#seq + 1;
    if (seq + 1 < first || seq > this.#seq) return null;
    return this.#events.slice(seq + 1 - first);
  }

  listen(listener: (event: NumberedEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

type OwnMethods = 'subscribe';
export type MediaHandlers = { [M in Exclude<MediaMethod, OwnMethods>]: (params: ParamsOf<M>) => Promise<ResultOf<M>> };

/** Serve the channel on a Unix socket that only this user may open. Whatever a client sends, the server stays up. */
export async function serveMedia(options: {
  socketPath: string;
  handlers: MediaHandlers;
  events: EventLog;
  warn: (message: string) => void;
}): Promise<{ close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  await rm(options.socketPath, { force: true });
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    serveClient(socket, options);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.socketPath, resolve);
  });
  await chmod(options.socketPath, 0o600);
  return {
    close: async () => {
      for (const socket of sockets) socket.end();
      setTimeout(() => sockets.forEach((socket) => socket.destroy()), 200).unref();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function serveClient(
  socket: Socket,
  { handlers, events, warn }: { handlers: MediaHandlers; events: EventLog; warn: (message: string) => void },
): void {
  const connection = openConnection(socket, warn);
  let stop: (() => void) | null = null;
  socket.once('close', () => stop?.());
  const send = (event: NumberedEvent): void => {
    if (!socket.writable) return; // the log keeps it for whoever comes back
    connection.sendNotification('event', event).catch((error: unknown) => {
      if (socket.writable) warn(`event not sent: ${messageOf(error)}`);
    });
  };
  const subscribe = async ({ bootId, afterSeq }: ParamsOf<'subscribe'>): Promise<ResultOf<'subscribe'>> => {
    stop?.();
    const missed = bootId === events.bootId ? events.after(afterSeq) : null;
    const { lastSeq } = events;
    stop = events.listen(send);
    for (const event of missed ?? []) send(event);
    return { bootId: events.bootId, lastSeq, replayed: missed !== null };
  };
  const all = { ...handlers, subscribe } as Record<string, (params: unknown) => Promise<unknown>>;
  for (const [method, { params: schema }] of Object.entries(mediaRequests)) {
    connection.onRequest(method, async (params: unknown) => {
      try {
        const parsed = schema.safeParse(params ?? {});
        if (!parsed.success) throw invalid(method, parsed.error);
        return await all[method]?.(parsed.data);
      } catch (error) {
        throw toResponseError(error, method, warn);
      }
    });
  }
  connection.listen();
}

export type MediaClientEvents = { up: []; down: []; event: [NumberedEvent] };

/** The control plane's end: connects for as long as it is open, again and again if need be. */
export class MediaClient extends EventEmitter<MediaClientEvents> {
  readonly #socketPath: string;
  readonly #warn: (message: string) => void;
  #connection: MessageConnection | null = null;
  #socket: Socket | null = null;
  #timer: NodeJS.Timeout | null = null;
  #state: 'open' | 'closed' = 'open';
  /** Rejects each request under way when the connection breaks. */
  readonly #waiting = new Set<() => void>();

  constructor(socketPath: string, warn: (message: string) => void) {
    super();
    this.#socketPath = socketPath;
    this.#warn = warn;
  }

  get up(): boolean {
    return this.#connection !== null;
  }

  start(): void {
    if (this.#state === 'closed') return;
    const socket = connect(this.#socketPath);
    this.#socket = socket;
    socket.once('connect', () => {
      const connection = openConnection(socket, this.#warn);
      connection.onNotification('event', (value: unknown) => {
        const parsed = NumberedEvent.safeParse(value);
        if (parsed.success) this.emit('event', parsed.data);
        else this.#warn(`event of the media plane not understood: ${parsed.error.message}`);
      });
      connection.listen();
      this.#connection = connection;
      this.emit('up');
    });
    socket.on('error', () => undefined); // 'close' follows
    socket.once('close', () => {
      const wasUp = this.#connection !== null;
      this.#connection?.dispose();
      this.#connection = null;
      for (const giveUp of this.#waiting) giveUp();
      if (wasUp) this.emit('down');
      if (this.#state === 'open') this.#timer = setTimeout(() => this.start(), 200);
    });
  }

  /** Throws the other side's HubError, or `unavailable` while it is away, or `timeout`. */
  async request<M extends MediaMethod>(method: M, params: ParamsOf<M>, timeoutMs = 10_000): Promise<ResultOf<M>> {
    const connection = this.#connection;
    if (!connection) throw new HubError('unavailable', 'the media plane is not running at the moment');
    let timer: NodeJS.Timeout | undefined;
    let giveUp = (): void => undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new HubError('timeout', `the media plane did not answer ${method} within ${timeoutMs} ms`)),
        timeoutMs,
      );
    });
    const gone = new Promise<never>((_, reject) => {
      giveUp = () => reject(new HubError('unavailable', 'the media plane went away'));
      this.#waiting.add(giveUp);
    });
    try {
      const result: unknown = await Promise.race([connection.sendRequest(method, params), late, gone]);
      return mediaRequests[method].result.parse(result) as ResultOf<M>;
    } catch (error) {
      throw fromResponseError(error, method);
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(giveUp);
    }
  }

  close(): void {
    this.#state = 'closed';
    if (this.#timer) clearTimeout(this.#timer);
    this.#socket?.destroy();
  }
}

function openConnection(socket: Socket, warn: (message: string) => void): MessageConnection {
  const connection = createMessageConnection(new StreamMessageReader(socket), new StreamMessageWriter(socket));
  connection.onError(([error]) => {
    if (socket.writable) warn(`channel: ${error.message}`);
  });
  socket.on('error', () => socket.destroy());
  return connection;
}

function invalid(method: string, error: z.ZodError): HubError {
  const [issue] = error.issues;
  const field = issue?.path.join('.') ?? '';
  return new HubError(
    'bad_request',
    `${method}: ${field ? `${field}: ` : ''}${issue?.message ?? 'not understood'}`,
    field ? { field } : {},
  );
}

function toResponseError(error: unknown, method: string, warn: (message: string) => void): ResponseError<unknown> {
  if (error instanceof HubError)
    return new ResponseError(FAILED, error.message, { code: error.code, ...(error.field === undefined ? {} : { field: error.field }) });
  warn(`${method} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return new ResponseError(FAILED, `${method}: ${messageOf(error)}`, { code: 'internal' });
}

function fromResponseError(error: unknown, method: string): HubError {
  if (error instanceof HubError) return error;
  const data = error instanceof ResponseError ? ErrorData.safeParse(error.data) : null;
  if (data?.success)
    return new HubError(data.data.code as HubErrorCode, messageOf(error), {
      cause: error,
      ...(data.data.field === undefined ? {} : { field: data.data.field }),
    });
  return new HubError('unavailable', `${method}: ${messageOf(error)}`, { cause: error });
}
