import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A network between a browser and the hub's pages and signalling, which can be taken away. Media has its own way. */
export class TcpRelay {
  readonly url: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #waiting: (() => void)[] = [];
  #state: 'up' | 'cut' | 'silent' = 'up';

  private constructor(server: Server, hubUrl: string) {
    this.#server = server;
    const { port } = server.address() as AddressInfo;
    this.url = `http://127.0.0.1:${port}`;
    const hub = new URL(hubUrl);
    server.on('connection', (near) => {
      near.on('error', () => near.destroy());
      if (this.#state === 'cut') near.destroy();
      else if (this.#state === 'silent') this.#waiting.push(() => this.#join(near, hub));
      else this.#join(near, hub);
    });
  }

  static async open(hubUrl: string): Promise<TcpRelay> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TcpRelay(server, hubUrl);
  }

  /** Every connection breaks, and none comes about. */
  cut(): void {
    this.#state = 'cut';
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Nothing arrives any more, and nobody is told so: what is sent waits. */
  silence(): void {
    this.#state = 'silent';
    for (const socket of this.#sockets) socket.pause();
  }

  mend(): void {
    this.#state = 'up';
    for (const socket of this.#sockets) socket.resume();
    for (const begin of this.#waiting.splice(0)) begin();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #join(near: Socket, hub: URL): void {
    if (near.destroyed) return;
    const far = connect(Number(hub.port), hub.hostname);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
      if (this.#state === 'silent') socket.pause();
    }
  }
}
