import { randomInt } from 'node:crypto';
import type { types } from 'mediasoup';
import type { LiveTarget } from './plan.ts';
import { PAYLOAD, plainCodec, RECEIVE_BYTES } from '../plain-track.ts';

type Kind = 'video' | 'audio';
type Track = { transport: types.PlainTransport; producer: types.Producer };

const IP = '127.0.0.1';
const BIND_RETRIES = 30;
/**
 * What commanders watch of a camera whose original is recorded beside the SFU: producers that nothing taps. They may be
 * moved to another worker while the camera goes on sending to the same ports.
 */
export class LiveProducers {
  readonly #cname: string;
  readonly #ssrcs: Record<Kind, number> = { video: randomInt(1, 2 ** 31), audio: randomInt(1, 2 ** 31) };
  readonly #ports: Partial<Record<Kind, { port: number; rtcpPort: number }>> = {};
  #tracks: Track[] = [];
  #state: 'open' | 'closed' = 'open';

  constructor(cname: string) {
    this.#cname = cname;
  }

  get producers(): types.Producer[] {
    return this.#tracks.map(({ producer }) => producer);
  }

  /** Listen for these tracks in this router; before them for none. */
  async open(router: types.Router, kinds: Kind[]): Promise<void> {
    this.#drop();
    for (const kind of kinds) {
      const track = await this.#listen(router, kind);
      if (this.#isClosed()) track.transport.close();
      else this.#tracks.push(track);
    }
  }

  /** Where ffmpeg sends a track; null for one that is not listened for. */
  target(kind: Kind): LiveTarget | null {
    const ports = this.#ports[kind];
    return ports ? { ...ports, ssrc: this.#ssrcs[kind], payloadType: PAYLOAD[kind] } : null;
  }

  close(): void {
    this.#state = 'closed';
    this.#drop();
  }

  #isClosed(): boolean {
    return this.#state === 'closed';
  }

  #drop(): void {
    for (const { transport } of this.#tracks) transport.close();
    this.#tracks = [];
  }

  async #listen(router: types.Router, kind: Kind): Promise<Track> {
    const before = this.#ports[kind];
    const listen = (port: number | undefined): types.TransportListenInfo => ({
      protocol: 'udp',
      ip: IP,
      recvBufferSize: RECEIVE_BYTES,
      ...(port ? { port } : {}),
    });
    const options = { listenInfo: listen(before?.port), rtcpListenInfo: listen(before?.rtcpPort), rtcpMux: false, comedia: true };
    for (let attempt = 1; ; attempt += 1) {
      try {
        const transport = await router.createPlainTransport(options);
        const rtpParameters = { codecs: [plainCodec(kind, [])], encodings: [{ ssrc: this.#ssrcs[kind] }], rtcp: { cname: this.#cname } };
        const producer = await transport.produce({ kind, rtpParameters });
        const port = transport.tuple.localPort;
        this.#ports[kind] = { port, rtcpPort: transport.rtcpTuple?.localPort ?? port };
        return { transport, producer };
      } catch (error) {
        if (!before || attempt >= BIND_RETRIES || router.closed) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100)); // the dead worker's socket is still being closed
      }
    }
  }
}
