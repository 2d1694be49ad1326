import { createSocket, type Socket } from 'node:dgram';

/** Where a track's packets go: plain RTP, and RTCP beside it. */
export class UdpOutlet {
  readonly #to: { port: number; rtcpPort: number };
  readonly #ip: string;
  readonly #rtp: Socket;
  readonly #rtcp: Socket;

  constructor(ip: string, to: { port: number; rtcpPort: number }) {
    this.#ip = ip;
    this.#to = to;
    this.#rtp = createSocket({ type: 'udp4', sendBufferSize: 4 << 20 });
    this.#rtcp = createSocket('udp4');
    // a recorder that was killed refuses: that is its loss, not ours
    for (const socket of [this.#rtp, this.#rtcp]) socket.on('error', () => undefined);
  }

  /** Connected sockets: a send is one system call, with no look-up before it. */
  async connect(): Promise<void> {
    await connected(this.#rtp, this.#to.port, this.#ip);
    await connected(this.#rtcp, this.#to.rtcpPort, this.#ip);
  }

  /** RTCP that comes back. */
  onFeedback(heard: (packet: Buffer) => void): void {
    this.#rtcp.on('message', heard);
  }

  rtp(packet: Buffer): void {
    this.#rtp.send(packet);
  }

  rtcp(packet: Buffer): void {
    this.#rtcp.send(packet);
  }
}

function connected(socket: Socket, port: number, ip: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.connect(port, ip, () => {
      socket.off('error', reject);
      resolve();
    });
  });
}
