import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { PlainSource } from '../../server/protocol/http.ts';

/** A network between a camera and the hub: hands on RTP and RTCP in both directions, and loses video packets when told to. */
export class Relay {
  /** Where a camera sends to; the hub hears it as if it had sent to the hub itself. */
  readonly source: PlainSource;
  /** Video packets that came from the camera, and those of them that were lost here. */
  packets = 0;
  lost = 0;
  /** When the last of them came, and the longest time in which none did, by the machine's clock. */
  lastMs: number | null = null;
  silence = { fromMs: 0, toMs: 0 };
  #timestamps: { first: number; last: number } | null = null;
  readonly #sockets: Socket[];
  #loseUntil = 0;

  private constructor(source: PlainSource, sockets: Socket[]) {
    this.source = source;
    this.#sockets = sockets;
  }

  static async open(target: PlainSource): Promise<Relay> {
    const sockets: Socket[] = [];
    const ports = { video: { port: 0, rtcpPort: 0 }, audio: { port: 0, rtcpPort: 0 } };
    for (const kind of ['video', 'audio'] as const)
      for (const name of ['port', 'rtcpPort'] as const) {
        const { socket, port } = await bound(target.ip);
        ports[kind][name] = port;
        sockets.push(socket);
      }
    const relay = new Relay({ ...target, video: { ...target.video, ...ports.video }, audio: { ...target.audio, ...ports.audio } }, sockets);
    const ends = [target.video.port, target.video.rtcpPort, target.audio.port, target.audio.rtcpPort];
    for (const [i, port] of ends.entries()) relay.#join(sockets[i] as Socket, target.ip, port, i === 0);
    return relay;
  }

  /** How many pictures the camera has sent, by its RTP timestamps, which run on from one to the next by `stepTicks`. */
  sent(stepTicks: number): number {
    return this.#timestamps ? ((this.#timestamps.last - this.#timestamps.first) >>> 0) / stepTicks + 1 : 0;
  }

  /** So many more video packets do not arrive: the next ones, or those after what is being lost already. */
  lose(packets: number): void {
    this.#loseUntil = Math.max(this.#loseUntil, this.packets) + packets;
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }

  #join(socket: Socket, ip: string, port: number, lossy: boolean): void {
    let camera = 0;
    socket.on('message', (bytes, from) => {
      if (from.port === port) {
        if (camera > 0) socket.send(bytes, camera, ip);
        return;
      }
      camera = from.port;
      if (lossy && this.#loses(bytes)) return;
      socket.send(bytes, port, ip);
    });
  }

  #loses(bytes: Buffer): boolean {
    this.packets += 1;
    const nowMs = Date.now();
    const fromMs = this.lastMs ?? nowMs;
    if (nowMs - fromMs > this.silence.toMs - this.silence.fromMs) this.silence = { fromMs, toMs: nowMs };
    this.lastMs = nowMs;
    const timestamp = bytes.readUInt32BE(4);
    this.#timestamps ??= { first: timestamp, last: timestamp };
    this.#timestamps.last = timestamp;
    if (this.packets > this.#loseUntil) return false;
    this.lost += 1;
    return true;
  }
}

async function bound(ip: string): Promise<{ socket: Socket; port: number }> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 });
  socket.bind(0, ip);
  await once(socket, 'listening');
  return { socket, port: socket.address().port };
}
