import { Device, type types } from 'mediasoup-client';
import { type ConsoleRequests } from '../../server/protocol/socket.ts';
import type { AngleState } from '../../server/protocol/http.ts';
import { type Signalling } from './signalling.ts';

type Watched = { producers: string; consumers: types.Consumer[] };

/** A tile that has not said how large it is yet. */
const USUAL_HEIGHT_PX = 360;

/** Receives the live pictures of one operation's angles: one transport, consumers made anew whenever an angle's producers change. */
export class Viewer {
  readonly #signalling: Signalling<ConsoleRequests>;
  readonly #stream: (angleId: string, stream: MediaStream) => void;
  readonly #watched = new Map<string, Watched>();
  readonly #wanted = new Map<string, AngleState>();
  readonly #shown = new Map<string, number>();
  #heard: string | null = null;
  #device: Device | null = null;
  #transport: types.Transport | null = null;
  #work: Promise<void> = Promise.resolve();

  constructor(signalling: Signalling<ConsoleRequests>, stream: (angleId: string, stream: MediaStream) => void) {
    this.#signalling = signalling;
    this.#stream = stream;
  }

  get transportIds(): string[] {
    return this.#transport ? [this.#transport.id] : [];
  }

  /** Start with an empty hand: whatever was received before is over. */
  async reset(rtpCapabilities: Record<string, unknown>): Promise<void> {
    this.#transport?.close();
    this.#watched.clear();
    const device = await Device.factory();
    await device.load({ routerRtpCapabilities: rtpCapabilities });
    this.#device = device;
    const info = await this.#signalling.request('createTransport', { direction: 'recv' });
    const transport = device.createRecvTransport(info as unknown as types.TransportOptions);
    transport.on('connect', ({ dtlsParameters }, done, failed) => {
      this.#signalling.request('connectTransport', { transportId: transport.id, dtlsParameters: dtlsParameters }).then(done, failed);
    });
    transport.on('connectionstatechange', (state) => {
      if (state === 'failed' || state === 'disconnected') void this.#restartIce(transport);
    });
    this.#transport = transport;
    for (const angle of this.#wanted.values()) this.watch(angle);
  }

  /** Show this angle as it is now; called on every change of its state. */
  watch(angle: AngleState): void {
    this.#wanted.set(angle.angleId, angle);
    this.#work = this.#work
      .then(() => this.#watch(angle))
      .catch((error: unknown) => console.warn('angle not received', angle.angleId, error));
  }

  /** How large this angle's picture is shown, in pixels; 0 while it cannot be seen. */
  show(angleId: string, heightPx: number): void {
    if (this.#shown.get(angleId) === heightPx) return;
    this.#shown.set(angleId, heightPx);
    const video = this.#watched.get(angleId)?.consumers.find(({ kind }) => kind === 'video');
    if (video) void this.#showConsumer(angleId, video);
  }

  /** The hub sends the sound of this angle, and of no other; null for none. */
  hear(angleId: string | null): void {
    if (this.#heard === angleId) return;
    const before = this.#heard;
    this.#heard = angleId;
    for (const each of [before, angleId]) {
      const sound = this.#watched.get(each ?? '')?.consumers.find(({ kind }) => kind === 'audio');
      if (each !== null && sound) void this.#hearConsumer(each, sound);
    }
  }

  close(): void {
    this.#transport?.close();
  }

  async #watch(angle: AngleState): Promise<void> {
    const transport = this.#transport;
    const producers = angle.producers
      .map((producer) => producer.producerId)
      .toSorted()
      .join();
    const present = this.#watched.get(angle.angleId);
    if (!transport || !this.#device || present?.producers === producers || (!present && producers === '')) return;
    for (const consumer of present?.consumers ?? []) {
      consumer.close();
      await this.#signalling.request('closeConsumer', { consumerId: consumer.id }).catch(() => undefined); // it may have ended by itself
    }
    this.#watched.set(angle.angleId, { producers, consumers: [] });
    if (producers === '') return; // the tile keeps its last picture
    const { consumers: infos } = await this.#signalling.request('consume', {
      transportId: transport.id,
      angleId: angle.angleId,
      rtpCapabilities: this.#device.recvRtpCapabilities,
    });
    const consumers: types.Consumer[] = [];
    for (const info of infos) {
      consumers.push(
        await transport.consume({
          id: info.consumerId,
          producerId: info.producerId,
          kind: info.kind,
          rtpParameters: info.rtpParameters as types.RtpParameters,
        }),
      );
    }
    this.#watched.set(angle.angleId, { producers, consumers });
    this.#stream(angle.angleId, new MediaStream(consumers.map((consumer) => consumer.track)));
    for (const consumer of consumers) {
      if (consumer.kind === 'video') await this.#showConsumer(angle.angleId, consumer);
      else if (angle.angleId === this.#heard) await this.#hearConsumer(angle.angleId, consumer);
    }
  }

  async #showConsumer(angleId: string, { id: consumerId }: types.Consumer): Promise<void> {
    try {
      await this.#signalling.request('showConsumer', { consumerId, heightPx: this.#shown.get(angleId) ?? USUAL_HEIGHT_PX });
    } catch (error) {
      console.warn('layer not chosen', angleId, error); // it shows what came before
    }
  }

  async #hearConsumer(angleId: string, { id: consumerId }: types.Consumer): Promise<void> {
    try {
      await this.#signalling.request(angleId === this.#heard ? 'resumeConsumer' : 'pauseConsumer', { consumerId });
    } catch (error) {
      console.warn('sound not switched', angleId, error);
    }
  }

  async #restartIce(transport: types.Transport): Promise<void> {
    try {
      const { iceParameters, iceServers } = await this.#signalling.request('restartIce', { transportId: transport.id });
      await transport.updateIceServers({ iceServers: iceServers as RTCIceServer[] });
      await transport.restartIce({ iceParameters: iceParameters as types.IceParameters });
    } catch (error) {
      console.warn('path not restored', error);
    }
  }
}
