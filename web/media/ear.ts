import type { Device, types } from 'mediasoup-client';
import type { CaptureRequests } from '../../server/protocol/socket.ts';
import { deviceFor } from './device.ts';
import { newPeerId, type Signalling } from './signalling.ts';

/** A way to this phone's ear, which the hub knows by its name. */
type Way = { earId: string; transport: types.Transport };

/** Plays on a phone what a commander says. Its way to the hub is its own, and is kept from one time to the next. */
export class Ear {
  readonly #signalling: Signalling<CaptureRequests>;
  readonly #audio = new Audio();
  #device: Device | null = null;
  #way: Way | null = null;
  #consumer: types.Consumer | null = null;

  constructor(signalling: Signalling<CaptureRequests>) {
    this.#signalling = signalling;
    this.#audio.autoplay = true;
  }

  /** What the hub can send; told whenever it is joined. */
  async load(rtpCapabilities: Record<string, unknown>): Promise<void> {
    if (this.#device) return;
    const device = await deviceFor(rtpCapabilities);
    this.#device = device;
  }

  /** Play what is said now. The hub is told when it can be heard. */
  async listen(): Promise<void> {
    this.hush();
    const kept = this.#way !== null;
    try {
      await this.#listen();
    } catch (error) {
      this.close();
      if (!kept) throw error;
      await this.#listen(); // the hub may have been started anew: by another way
    }
  }

  hush(): void {
    this.#consumer?.close();
    this.#consumer = null;
    this.#audio.srcObject = null;
  }

  close(): void {
    this.hush();
    this.#way?.transport.close();
    this.#way = null;
  }

  async #listen(): Promise<void> {
    const device = this.#device;
    if (!device) return;
    const { earId, transport } = await this.#openWay(device);
    const { consumers } = await this.#signalling.request('earConsume', {
      earId,
      transportId: transport.id,
      rtpCapabilities: device.recvRtpCapabilities,
    });
    const [info] = consumers;
    if (!info) return; // it is over already
    const consumer = await transport.consume({
      id: info.consumerId,
      producerId: info.producerId,
      kind: info.kind,
      rtpParameters: info.rtpParameters as types.RtpParameters,
    });
    this.#consumer = consumer;
    this.#audio.srcObject = new MediaStream([consumer.track]);
    await this.#audio.play(); // allowed: the page was touched to start, and it holds the microphone
    await this.#signalling.request('earResume', { earId, consumerId: consumer.id });
  }

  async #openWay(device: Device): Promise<Way> {
    const present = this.#way;
    if (present && !present.transport.closed && !['failed', 'disconnected'].includes(present.transport.connectionState)) return present;
    present?.transport.close();
    const earId = newPeerId();
    const info = await this.#signalling.request('earTransport', { earId });
    const transport = device.createRecvTransport(info as unknown as types.TransportOptions);
    transport.on('connect', ({ dtlsParameters }, done, failed) => {
      this.#signalling.request('earConnect', { earId, transportId: transport.id, dtlsParameters }).then(done, failed);
    });
    this.#way = { earId, transport };
    return this.#way;
  }
}
