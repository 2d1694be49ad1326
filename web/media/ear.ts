import type { Device, types } from 'mediasoup-client';
import type { CaptureRequests } from '../../server/protocol/socket.ts';
import { deviceFor } from './device.ts';
import type { Signalling } from './signalling.ts';
import { WayBack } from './way-back.ts';

/** Plays on a phone what a commander says. Its way to the hub is its own, and is kept from one time to the next. */
export class Ear {
  readonly #signalling: Signalling<CaptureRequests>;
  readonly #audio = new Audio();
  #device: Device | null = null;
  #way: WayBack | null = null;
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
    this.#way?.close();
    this.#way = null;
  }

  async #listen(): Promise<void> {
    const device = this.#device;
    if (!device) return;
    const way = await this.#openWay(device);
    const { wayId, transportId } = way;
    const { consumers } = await this.#signalling.request('earConsume', {
      wayId,
      transportId,
      rtpCapabilities: device.recvRtpCapabilities,
    });
    const [info] = consumers;
    if (!info) return; // it is over already
    const consumer = await way.consume(info);
    this.#consumer = consumer;
    this.#audio.srcObject = new MediaStream([consumer.track]);
    await this.#audio.play(); // allowed: the page was touched to start, and it holds the microphone
    await this.#signalling.request('earResume', { wayId, consumerId: consumer.id });
  }

  async #openWay(device: Device): Promise<WayBack> {
    if (this.#way && !this.#way.broken) return this.#way;
    this.#way?.close();
    this.#way = await WayBack.open(this.#signalling, device);
    return this.#way;
  }
}
