import type { Device, types } from 'mediasoup-client';
import { type ConsoleRequests } from '../../server/protocol/socket.ts';
import type { AngleState } from '../../server/protocol/http.ts';
import { deviceFor } from './device.ts';
import { PathKeeper } from './path-keeper.ts';
import { type Signalling } from './signalling.ts';

type Watched = { transport: types.Transport; producers: string; consumers: types.Consumer[] };

/** No list of producers: what is received is not what it should be. */
const LOST = '?';
/** An angle that could not be received is tried again so much later. */
const AGAIN_MS = 2000;

/** Receives the live pictures of one operation's angles: one transport, consumers made anew whenever an angle's producers change. */
export class Viewer {
  readonly #signalling: Signalling<ConsoleRequests>;
  readonly #stream: (angleId: string, stream: MediaStream | null) => void;
  readonly #watched = new Map<string, Watched>();
  readonly #wanted = new Map<string, AngleState>();
  readonly #shown = new Map<string, number>();
  #heard: string | null = null;
  readonly #again = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #showAgain = new Map<string, ReturnType<typeof setTimeout>>();
  #device: Device | null = null;
  #transport: types.Transport | null = null;
  #path: PathKeeper | null = null;
  #work: Promise<void> = Promise.resolve();

  /** `stream`: what an angle sends from now on; null when that has ended and nothing has taken its place yet. */
  constructor(signalling: Signalling<ConsoleRequests>, stream: (angleId: string, stream: MediaStream | null) => void) {
    this.#signalling = signalling;
    this.#stream = stream;
  }

  get transportIds(): string[] {
    return this.#transport ? [this.#transport.id] : [];
  }

  /** Start with an empty hand: whatever was received before is over. Show the angles then. */
  async reset(rtpCapabilities: Record<string, unknown>): Promise<void> {
    this.#transport?.close();
    this.#transport = null;
    for (const angleId of this.#watched.keys()) this.#stream(angleId, null);
    this.#watched.clear();
    const device = await deviceFor(rtpCapabilities);
    const info = await this.#signalling.request('createTransport', { direction: 'recv' });
    const transport = device.createRecvTransport(info as unknown as types.TransportOptions);
    transport.on('connect', ({ dtlsParameters }, done, failed) => {
      this.#signalling.request('connectTransport', { transportId: transport.id, dtlsParameters: dtlsParameters }).then(done, failed);
    });
    this.#path = new PathKeeper(transport, (transportId) => this.#signalling.request('restartIce', { transportId }));
    this.#device = device;
    this.#transport = transport;
  }

  /** Show all of these, as they are now: the largest first, then as they stand on the screen. */
  watchAll(angles: AngleState[]): void {
    for (const angle of angles.toSorted((a, b) => this.#height(b.angleId) - this.#height(a.angleId))) this.watch(angle);
  }

  /** The hub still has what we receive by; `consumers` are those it knew when it was asked. */
  carryOn(consumers: string[]): void {
    this.#path?.check();
    // of some the hub's answer was lost on its way, and nobody will ever show them; others are being made at this moment
    this.#work = this.#work.then(() => {
      const mine = new Set([...this.#watched.values()].flatMap((watched) => watched.consumers.map(({ id }) => id)));
      for (const consumerId of consumers)
        if (!mine.has(consumerId)) void this.#signalling.request('closeConsumer', { consumerId }).catch(() => undefined);
    });
  }

  /** Show this angle as it is now; called on every change of its state. */
  watch(angle: AngleState): void {
    this.#wanted.set(angle.angleId, angle);
    this.#work = this.#work.then(() => this.#tryToWatch(angle.angleId));
  }

  /** How large this angle's picture is shown, in pixels; 0 while it cannot be seen. */
  show(angleId: string, heightPx: number): void {
    if (this.#shown.get(angleId) === heightPx) return;
    this.#shown.set(angleId, heightPx);
    const watched = this.#watched.get(angleId);
    const video = watched?.consumers.find(({ kind }) => kind === 'video');
    if (video) void this.#showConsumer(angleId, video);
    else if (heightPx > 0 && !watched) this.#work = this.#work.then(() => this.#tryToWatch(angleId));
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
    if (angleId !== null && !this.#watched.has(angleId)) this.#work = this.#work.then(() => this.#tryToWatch(angleId));
  }

  close(): void {
    this.#transport?.close();
  }

  #height(angleId: string): number {
    return this.#shown.get(angleId) ?? 0;
  }

  /** A request that broke off with the network must not leave a tile without its picture for good. */
  async #tryToWatch(angleId: string): Promise<void> {
    const transport = this.#transport;
    const angle = this.#wanted.get(angleId);
    if (!transport || !angle) return;
    // of thirty angles a screen shows nine: what has never been in sight is not asked for
    if (this.#height(angleId) === 0 && this.#heard !== angleId && !this.#watched.has(angleId)) return;
    try {
      await this.#watch(transport, angle);
    } catch (error) {
      if (transport !== this.#transport || transport.closed) return; // all is begun anew
      console.warn('angle not received', angleId, error);
      const watched = this.#watched.get(angleId);
      if (watched) this.#watched.set(angleId, { ...watched, producers: LOST });
      clearTimeout(this.#again.get(angleId));
      const timer = setTimeout(() => (this.#work = this.#work.then(() => this.#tryToWatch(angleId))), AGAIN_MS);
      this.#again.set(angleId, timer);
    }
  }

  async #watch(transport: types.Transport, angle: AngleState): Promise<void> {
    const ids = angle.producers.map(({ producerId }) => producerId);
    const producers = keyOf(ids);
    const known = this.#watched.get(angle.angleId);
    const present = known?.transport === transport ? known : undefined; // what came by another way has ended with it
    if (!this.#device || present?.producers === producers || (!present && producers === '')) return;
    if (present) this.#stream(angle.angleId, null); // what shows them turns black as they end
    for (const consumer of present?.consumers ?? []) {
      consumer.close();
      await this.#signalling.request('closeConsumer', { consumerId: consumer.id }).catch(() => undefined); // it may have ended by itself
    }
    this.#watched.set(angle.angleId, { transport, producers, consumers: [] });
    if (producers === '') return; // the tile keeps its last picture
    const { consumers: infos } = await this.#signalling.request('consume', {
      transportId: transport.id,
      angleId: angle.angleId,
      rtpCapabilities: this.#device.recvRtpCapabilities,
    });
    const consumers: types.Consumer[] = [];
    // there may be more than this page has been told of yet: when it is, nothing has to be made anew
    const received = keyOf([...ids, ...infos.map(({ producerId }) => producerId)]);
    this.#watched.set(angle.angleId, { transport, producers: received, consumers });
    // at once: one negotiation with the browser instead of one a track
    const made = infos.map(async ({ consumerId: id, producerId, kind, rtpParameters }) => {
      consumers.push(await transport.consume({ id, producerId, kind, rtpParameters: rtpParameters as types.RtpParameters }));
    });
    await Promise.all(made);
    this.#stream(angle.angleId, new MediaStream(consumers.map((consumer) => consumer.track)));
    for (const consumer of consumers) {
      if (consumer.kind === 'video') await this.#showConsumer(angle.angleId, consumer);
      else if (angle.angleId === this.#heard) await this.#hearConsumer(angle.angleId, consumer);
    }
  }

  async #showConsumer(angleId: string, consumer: types.Consumer): Promise<void> {
    const { id: consumerId } = consumer;
    try {
      await this.#signalling.request('showConsumer', { consumerId, heightPx: this.#height(angleId) });
    } catch (error) {
      if (consumer.closed) return;
      console.warn('layer not chosen', angleId, error); // it shows what came before, or nothing yet
      clearTimeout(this.#showAgain.get(angleId));
      this.#showAgain.set(
        angleId,
        setTimeout(() => void (consumer.closed || this.#showConsumer(angleId, consumer)), AGAIN_MS),
      );
    }
  }

  async #hearConsumer(angleId: string, { id: consumerId }: types.Consumer): Promise<void> {
    try {
      await this.#signalling.request(angleId === this.#heard ? 'resumeConsumer' : 'pauseConsumer', { consumerId });
    } catch (error) {
      console.warn('sound not switched', angleId, error);
    }
  }
}

function keyOf(producerIds: string[]): string {
  return [...new Set(producerIds)].toSorted().join();
}
