import { parseScalabilityMode, type types } from 'mediasoup';
import { HubError, messageOf } from '../errors.ts';
import type { ResultOf } from '../protocol/requests.ts';
import { layerFor, priorityFor } from './layer-choice.ts';
import type { WorkerSlot } from './workers.ts';

type TransportInfo = ResultOf<'createTransport'>;

/** A dead path is told after so long: ICE consent (RFC 7675) runs out, and the client had time to restart. */
const ICE_CONSENT_S = 20;
/** A client that was told all it needs and has no path after so long will have none. */
const CONNECT_MS = 30_000;
const MAX_TRANSPORTS = 4;
/**
 * Chromium's sender ignores a request for a key frame within 300 ms of the one before (EncoderRtcpFeedback); the SFU would
 * repeat it after a second only. So the second waits until it is heard: a viewer who came right after another waited 1.1 s for
 * a first picture, and waits 0.3 s now.
 */
const DEAF_MS = 310;
const MAX_CONSUMERS = 64;

type PeerState = 'open' | 'closed';

/** One client's WebRTC side: its transports, what it sends, what it watches. */
export class Peer {
  readonly peerId: string;
  readonly operationId: string;
  /** By what right it is here: equal for the devices that may replace one another. */
  readonly owner: string;
  /** The angle it fills, once it produces. */
  angleId: string | null = null;
  /** What kind of device it is, in words, and its own measure of the round trip; null where it has not told. */
  device: string | null = null;
  roundTripMs: number | null = null;
  readonly #transports = new Map<string, types.WebRtcTransport>();
  readonly producers = new Map<string, types.Producer>();
  readonly consumers = new Map<string, types.Consumer>();
  readonly #lost: (reason: string) => void;
  #state: PeerState = 'open';

  constructor(peerId: string, operationId: string, owner: string, lost: (reason: string) => void) {
    this.peerId = peerId;
    this.operationId = operationId;
    this.owner = owner;
    this.#lost = lost;
  }

  get transportIds(): string[] {
    return [...this.#transports.keys()];
  }
  get iceUfrags(): string[] {
    return [...this.#transports.values()].map((transport) => transport.iceParameters.usernameFragment);
  }

  /** Throws `too_many`, and `gone` where the peer is closed meanwhile. */
  async createTransport(slot: WorkerSlot, router: types.Router): Promise<TransportInfo> {
    if (this.#transports.size >= MAX_TRANSPORTS)
      throw new HubError('too_many', `peer ${this.peerId} has ${MAX_TRANSPORTS} transports already`);
    const transport = await router.createWebRtcTransport({
      webRtcServer: slot.server,
      enableUdp: true,
      enableTcp: true,
      preferUdp: true,
      iceConsentTimeout: ICE_CONSENT_S,
      initialAvailableOutgoingBitrate: 3_000_000,
    });
    if (this.#state === 'closed') {
      transport.close(); // its right went while the worker made this: nobody else knows of it
      throw new HubError('gone', `peer ${this.peerId} is closed`, { field: 'peerId' });
    }
    this.#transports.set(transport.id, transport);
    transport.on('dtlsstatechange', (state) => {
      if (state === 'closed' || state === 'failed') this.#transportLost(transport, `dtls ${state}`);
    });
    transport.on('icestatechange', (state) => {
      if (state === 'disconnected') this.#transportLost(transport, 'ice disconnected');
    });
    transport.observer.once('close', () => this.#transports.delete(transport.id));
    const { id, iceParameters, iceCandidates, dtlsParameters } = transport;
    return { id, iceParameters, iceCandidates, dtlsParameters };
  }

  /** Throws `not_found`. */
  transport(transportId: string): types.WebRtcTransport {
    const transport = this.#transports.get(transportId);
    if (!transport) throw new HubError('not_found', `no transport ${transportId}`, { field: 'transportId' });
    return transport;
  }

  /** Throws `not_found`, `bad_request`. */
  async connect(transportId: string, dtlsParameters: types.DtlsParameters): Promise<void> {
    const transport = this.transport(transportId);
    await refusals(() => transport.connect({ dtlsParameters }), 'dtlsParameters');
    const timer = setTimeout(() => {
      if (transport.dtlsState !== 'connected') this.#transportLost(transport, 'no connection came about');
    }, CONNECT_MS);
    transport.observer.once('close', () => clearTimeout(timer));
  }

  async produce(transportId: string, kind: types.MediaKind, rtpParameters: types.RtpParameters): Promise<types.Producer> {
    const producer = await refusals(
      () => this.transport(transportId).produce({ kind, rtpParameters, keyFrameRequestDelay: DEAF_MS }),
      'rtpParameters',
    );
    this.producers.set(producer.id, producer);
    producer.observer.once('close', () => this.producers.delete(producer.id));
    return producer;
  }

  async consume(
    transportId: string,
    producer: types.Producer,
    rtpCapabilities: types.RtpCapabilities,
    closed: (consumerId: string) => void,
    enableRtx = producer.kind === 'video',
  ): Promise<types.Consumer> {
    if (this.consumers.size >= MAX_CONSUMERS) throw new HubError('too_many', `peer ${this.peerId} has ${MAX_CONSUMERS} consumers already`);
    const consumer = await refusals(
      () => this.transport(transportId).consume({ producerId: producer.id, rtpCapabilities, enableRtx, paused: true }),
      'rtpCapabilities',
    );
    this.consumers.set(consumer.id, consumer);
    consumer.observer.once('close', () => this.consumers.delete(consumer.id));
    consumer.once('producerclose', () => closed(consumer.id));
    return consumer;
  }

  /** Send a consumer the lowest layer that fills `heightPx` of a picture whose top layer has `topHeightPx`; nothing for 0. One that is gone is left alone. */
  async show(consumerId: string, heightPx: number, topHeightPx: number | null): Promise<void> {
    const consumer = this.consumers.get(consumerId);
    if (!consumer) return;
    const { spatialLayers } = parseScalabilityMode(consumer.rtpParameters.encodings?.[0]?.scalabilityMode);
    try {
      if (heightPx === 0) return await consumer.pause();
      await consumer.setPriority(priorityFor(heightPx, spatialLayers));
      if (spatialLayers > 1) await consumer.setPreferredLayers({ spatialLayer: layerFor(heightPx, topHeightPx, spatialLayers) });
      await consumer.resume();
    } catch (error) {
      if (!consumer.closed) throw error; // it is gone meanwhile
    }
  }

  close(): void {
    this.#state = 'closed';
    for (const transport of this.#transports.values()) transport.close();
  }

  #transportLost(transport: types.WebRtcTransport, reason: string): void {
    if (this.#state === 'closed' || transport.closed) return;
    this.#lost(reason);
  }
}

/** mediasoup answers parameters it cannot accept with a TypeError or its own error: the client's fault, not ours. */
async function refusals<T>(work: () => Promise<T>, field: string): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof HubError) throw error;
    throw new HubError('bad_request', messageOf(error), { field, cause: error });
  }
}
