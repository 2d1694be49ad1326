import { randomInt } from 'node:crypto';
import type { types } from 'mediasoup';
import type { LiveTarget, LiveTargets } from './plan.ts';
import { listenPlain, PAYLOAD, type PlainKind, type PlainPorts, type PlainTrack, portsOf } from '../plain-track.ts';

const IP = '127.0.0.1';
const BIND_RETRIES = 30;

/**
 * What commanders watch of a camera whose original is recorded beside the SFU: producers that nothing taps. They may be
 * moved to another worker while the camera goes on sending to the same ports.
 */
export class LiveProducers {
  readonly #cname: string;
  readonly #ssrcs: Record<PlainKind, number> = { video: randomInt(1, 2 ** 31), audio: randomInt(1, 2 ** 31) };
  readonly #ports: Partial<Record<PlainKind, PlainPorts>> = {};
  #tracks: PlainTrack[] = [];
  #state: 'open' | 'closed' = 'open';

  constructor(cname: string) {
    this.#cname = cname;
  }

  get producers(): types.Producer[] {
    return this.#tracks.map(({ producer }) => producer);
  }

  /** Listen for these tracks in this router; before them for none. */
  async open(router: types.Router, kinds: PlainKind[]): Promise<void> {
    this.#drop();
    for (const kind of kinds) {
      const track = await this.#listen(router, kind);
      if (this.#isClosed()) track.transport.close();
      else this.#tracks.push(track);
    }
  }

  /** Where ffmpeg sends each track; null for one that is not listened for. */
  get targets(): LiveTargets {
    const target = (kind: PlainKind): LiveTarget | null => {
      const ports = this.#ports[kind];
      return ports ? { ...ports, ssrc: this.#ssrcs[kind], payloadType: PAYLOAD[kind] } : null;
    };
    return { video: target('video'), audio: target('audio') };
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

  async #listen(router: types.Router, kind: PlainKind): Promise<PlainTrack> {
    const before = this.#ports[kind];
    const wanted = { ip: IP, ports: before, ssrc: this.#ssrcs[kind], cname: this.#cname, rtcpFeedback: [] };
    for (let attempt = 1; ; attempt += 1) {
      try {
        const track = await listenPlain(router, kind, wanted);
        this.#ports[kind] = portsOf(track);
        return track;
      } catch (error) {
        if (!before || attempt >= BIND_RETRIES || router.closed) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100)); // the dead worker's socket is still being closed
      }
    }
  }
}
