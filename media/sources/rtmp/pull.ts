import type { GatewayReason } from '../../protocol/gateway.ts';
import { FlvItems } from './flv-items.ts';
import { hostPort, type SourceAddress } from '../gateway/address.ts';
import { connectTo } from '../gateway/connect.ts';
import type { AllowedNetworks } from '../gateway/networks.ts';
import { reasonOf, SourceRefusal } from '../gateway/reasons.ts';
import { RTMP, type RtmpMessage } from './chunks.ts';
import { type PlayTarget, RtmpPlayer } from './player.ts';
import type { Connect, StreamSink } from '../stream/way.ts';

/** So long it may take from the connection until the server gives the stream. */
const HELLO_MS = 8000;
/** A server may give a stream that nobody publishes. */
const SILENT_MS = 10_000;

/** A way to a stream by RTMP, from the server that has it. The address that is checked is the one that is connected to. */
export function rtmpConnect(address: SourceAddress, networks: Pick<AllowedNetworks, 'resolve'>): Connect {
  return async (signal) => {
    const ip = await networks.resolve(address.host);
    const pull = new Pull();
    const socket = await connectTo(ip, address.port, address.scheme === 'rtmps' ? { servername: address.host } : null, signal);
    const player = new RtmpPlayer(socket, playTarget(address), pull);
    const late = setTimeout(() => pull.ended(reasonOf('timed-out')), HELLO_MS);
    const stop = (): void => pull.ended(reasonOf('connection-lost'));
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    const refused = await pull.began;
    clearTimeout(late);
    signal.removeEventListener('abort', stop);
    if (refused === null) return { open: (sink) => pull.open(sink), close: () => pull.close(player) };
    await player.close();
    throw new SourceRefusal(refused);
  };
}

/** Between the connection and who reads it: what comes before that is handed on then. */
class Pull {
  readonly began: Promise<GatewayReason | null>;
  #begin: (refused: GatewayReason | null) => void = () => undefined;
  readonly #early: RtmpMessage[] = [];
  #sink: StreamSink | null = null;
  #reader: FlvItems | null = null;
  #ended: GatewayReason | null = null;
  #silence: NodeJS.Timeout | undefined;

  constructor() {
    this.began = new Promise((resolve) => (this.#begin = resolve));
  }

  playing(): void {
    this.#begin(null);
  }

  media(message: RtmpMessage): void {
    if (!this.#reader) return void this.#early.push(message);
    clearTimeout(this.#silence);
    if (message.type === RTMP.aggregate) this.#reader.aggregate(message);
    else this.#reader.message(message);
  }

  ended(reason: GatewayReason): void {
    this.#ended ??= reason;
    clearTimeout(this.#silence);
    this.#begin(reason);
    this.#sink?.ended(reason);
  }

  open(sink: StreamSink): void {
    this.#sink = sink;
    this.#reader = new FlvItems((item) => sink.item(item, sink.nowMs()));
    this.#silence = setTimeout(() => this.ended(reasonOf('no-media')), SILENT_MS);
    for (const message of this.#early.splice(0)) this.media(message);
    if (this.#ended) this.ended(this.#ended);
  }

  async close(player: RtmpPlayer): Promise<void> {
    clearTimeout(this.#silence);
    await player.close();
  }
}

/**
 * What a server is asked for: the last part of the path is the stream, with the query; what is before it the application.
 * User and password go into the query, where MediaMTX and others look for them: RTMP itself has none.
 */
export function playTarget({ scheme, host, port, path, user, password }: SourceAddress): PlayTarget {
  const [names = '', ...rest] = path.slice(1).split('?');
  const given = [rest.join('?'), user && `user=${encodeURIComponent(user)}`, password && `pass=${encodeURIComponent(password)}`];
  const query = given.filter(Boolean).join('&');
  const asked = (name: string): string => (query === '' ? name : `${name}?${query}`);
  const last = names.lastIndexOf('/');
  const server = `${scheme}://${hostPort(host, port)}`;
  // a single name is an application whose only stream has none
  if (last < 0) return { app: asked(names), stream: '', tcUrl: `${server}/${asked(names)}` };
  const app = names.slice(0, last);
  return { app, stream: asked(names.slice(last + 1)), tcUrl: `${server}/${app}` };
}
