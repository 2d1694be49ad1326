import type { Device, types } from 'mediasoup-client';
import type { z } from 'zod';
import type { CaptureRequests } from '../../server/protocol/socket.ts';
import { newPeerId, type Signalling } from './signalling.ts';

type ConsumerInfo = z.infer<CaptureRequests['earConsume']['result']>['consumers'][number];

/** A way from the hub to this phone, apart from the one by which it films; the hub knows it by its id. */
export class WayBack {
  readonly wayId: string;
  readonly #transport: types.Transport;

  private constructor(wayId: string, transport: types.Transport) {
    this.wayId = wayId;
    this.#transport = transport;
  }

  /** Throws `ApiFailure`. */
  static async open(signalling: Signalling<CaptureRequests>, device: Device): Promise<WayBack> {
    const wayId = newPeerId();
    const info = await signalling.request('wayTransport', { wayId });
    const transport = device.createRecvTransport(info as unknown as types.TransportOptions);
    transport.on('connect', ({ dtlsParameters }, done, failed) => {
      signalling.request('wayConnect', { wayId, transportId: transport.id, dtlsParameters }).then(done, failed);
    });
    return new WayBack(wayId, transport);
  }

  get transportId(): string {
    return this.#transport.id;
  }
  /** It is closed, or its network is gone. */
  get broken(): boolean {
    return this.#transport.closed || ['failed', 'disconnected'].includes(this.#transport.connectionState);
  }

  consume({ consumerId, producerId, kind, rtpParameters }: ConsumerInfo): Promise<types.Consumer> {
    return this.#transport.consume({ id: consumerId, producerId, kind, rtpParameters: rtpParameters as types.RtpParameters });
  }

  close(): void {
    this.#transport.close();
  }
}
