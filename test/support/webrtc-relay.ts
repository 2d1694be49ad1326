import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { noise } from './noise.ts';

const LOOPBACK = '127.0.0.1';
const HOLD_SHARE = 0.05;
const SOCKET = { type: 'udp4', recvBufferSize: 1 << 20 } as const;

/** What the browser has sent of one stream (SSRC), as RTP's headers say, which SRTP leaves in clear (RFC 3711, 3.1). */
type Stream = { pictures: number; timestamp: number; marker: boolean; heardMs: number };

/**
 * A network between a browser and the hub. STUN, DTLS and RTCP pass both ways; RTP towards the hub is lost at random and
 * overtakes itself while the network is bad. What is lost is decided by a seed.
 */
export class WebRtcRelay {
  readonly port: number;
  /** Of the RTP packets that came from the browser while the network was bad; those held back have passed. */
  readonly counts = { passed: 0, lost: 0, held: 0 };
  readonly #front: Socket;
  readonly #hubPort: number;
  readonly #random: () => number;
  readonly #backs = new Map<number, Socket>();
  readonly #streams = new Map<number, Stream>();
  #loss = 0;
  #up = true;

  private constructor(front: Socket, hubPort: number, seed: number) {
    this.#front = front;
    this.port = front.address().port;
    this.#hubPort = hubPort;
    this.#random = noise(seed);
    front.on('message', (bytes, from) => this.#toHub(bytes, from));
  }

  /** Stands before the hub's port of WebRTC. */
  static async open(hubPort: number, seed: number): Promise<WebRtcRelay> {
    const front = createSocket(SOCKET);
    front.bind(0, LOOPBACK);
    await once(front, 'listening');
    return new WebRtcRelay(front, hubPort, seed);
  }

  /** To be run in a page before its own scripts: of the ways to the hub it is told, it takes the one through here. */
  get script(): string {
    return `
      const real = RTCPeerConnection.prototype.setRemoteDescription;
      RTCPeerConnection.prototype.setRemoteDescription = function (description) {
        const sdp = description.sdp
          .replace(/^a=candidate:.* tcp .*\\r\\n/gim, '')
          .replace(/^(a=candidate:\\S+ \\d udp \\d+ \\S+) ${this.#hubPort} /gim, '$1 ${this.port} ');
        return real.call(this, { type: description.type, sdp });
      };
    `;
  }

  /** From now on this share of RTP, 0 to 1, does not arrive, and one packet in twenty comes 2 to 40 ms late; 0 ends both. */
  lose(share: number): void {
    this.#loss = share;
  }

  /** Nothing passes any more, in either direction, and nobody is told so. */
  cut(): void {
    this.#up = false;
  }

  mend(): void {
    this.#up = true;
  }

  /** How many pictures of each stream the browser has sent by now: a picture ends with the marker, or with its timestamp. */
  pictures(): Map<number, number> {
    return new Map([...this.#streams].map(([ssrc, { pictures }]) => [ssrc, pictures]));
  }

  /** How long nothing has come of this stream, milliseconds. */
  quietMs(ssrc: number): number {
    return performance.now() - (this.#streams.get(ssrc)?.heardMs ?? -Infinity);
  }

  close(): void {
    this.#front.close();
    for (const back of this.#backs.values()) back.close();
  }

  #toHub(bytes: Buffer, from: RemoteInfo): void {
    if (!this.#up) return;
    const back = this.#back(from);
    const forward = (): void => back.send(bytes, this.#hubPort, LOOPBACK);
    const media = isRtp(bytes);
    if (media) this.#note(bytes);
    if (!media || this.#loss === 0) {
      forward();
      return;
    }
    if (this.#random() < this.#loss) {
      this.counts.lost += 1;
      return;
    }
    this.counts.passed += 1;
    if (this.#random() < HOLD_SHARE) {
      this.counts.held += 1;
      setTimeout(forward, 2 + this.#random() * 38);
    } else forward();
  }

  #note(bytes: Buffer): void {
    const ssrc = bytes.readUInt32BE(8);
    const timestamp = bytes.readUInt32BE(4);
    const last = this.#streams.get(ssrc);
    const begins = !last || last.marker || last.timestamp !== timestamp;
    const pictures = (last?.pictures ?? 0) + (begins ? 1 : 0);
    this.#streams.set(ssrc, { pictures, timestamp, marker: ((bytes[1] ?? 0) & 0x80) !== 0, heardMs: performance.now() });
  }

  /** The hub tells ways apart by where they come from: each of the browser's sockets has its own here. */
  #back({ address, port }: RemoteInfo): Socket {
    const known = this.#backs.get(port);
    if (known) return known;
    const back = createSocket(SOCKET);
    back.on('message', (bytes) => {
      if (this.#up) this.#front.send(bytes, port, address);
    });
    this.#backs.set(port, back);
    return back;
  }
}

/** RTP and RTCP begin with 128 to 191 (RFC 7983, 7); RTCP has a packet type of 192 to 223 (RFC 5761, 4). */
function isRtp(bytes: Buffer): boolean {
  const [first = 0, second = 0] = bytes;
  return first >= 128 && first < 192 && bytes.length >= 12 && !(second >= 192 && second < 224);
}
