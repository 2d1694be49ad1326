import type { types } from 'mediasoup-client';
import type { CaptureRequests } from '../../server/protocol/socket.ts';
import { deviceFor } from './device.ts';
import type { Signalling } from './signalling.ts';
import { WayBack } from './way-back.ts';

/** This phone's own picture as the hub forwards it: what a commander sees of it. Without its sound, which would echo. */
export class Mirror {
  readonly #signalling: Signalling<CaptureRequests>;
  #way: WayBack | null = null;
  #consumer: types.Consumer | null = null;
  #closed = false;

  constructor(signalling: Signalling<CaptureRequests>) {
    this.#signalling = signalling;
  }

  /**
   * `rtpCapabilities`: what the hub can send. `heightPx`: how large it is shown, which chooses the layer as it does on the console.
   * Null where nothing is forwarded now, or it has been closed meanwhile. Throws `ApiFailure`.
   */
  async open(rtpCapabilities: Record<string, unknown>, heightPx: number): Promise<MediaStream | null> {
    const device = await deviceFor(rtpCapabilities);
    const way = await WayBack.open(this.#signalling, device);
    this.#way = way;
    const { wayId, transportId } = way;
    const asked = { wayId, transportId, rtpCapabilities: device.recvRtpCapabilities };
    const { consumers } = this.#closed ? { consumers: [] } : await this.#signalling.request('mirrorConsume', asked);
    const info = consumers.find(({ kind }) => kind === 'video');
    if (this.#closed || !info) {
      this.#letGo();
      return null;
    }
    this.#consumer = await way.consume(info);
    await this.#signalling.request('mirrorShow', { wayId, consumerId: info.consumerId, heightPx });
    return new MediaStream([this.#consumer.track]);
  }

  close(): void {
    this.#closed = true;
    this.#letGo();
  }

  #letGo(): void {
    this.#consumer?.close();
    this.#way?.close();
    // should this be lost, the hub finds out by itself that nobody is there
    if (this.#way) void this.#signalling.request('wayClose', { wayId: this.#way.wayId }).catch(() => undefined);
    this.#way = null;
  }
}
