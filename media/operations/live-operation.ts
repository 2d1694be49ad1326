import type { types } from 'mediasoup';
import { HubError } from '../errors.ts';
import type { MediaEvent } from '../protocol/events.ts';
import type { GatewaySpec, GatewayState } from '../protocol/gateway.ts';
import type { Cause, MediaKind, SourceKind } from '../protocol/ids.ts';
import type { ParamsOf, PlainReuse, PlainSource, ResultOf } from '../protocol/requests.ts';
import type { AngleState, OperationState } from '../protocol/state.ts';
import type { Log } from '../log.ts';
import type { OperationRecorder } from '../recorder/operation-recorder.ts';
import type { Take } from '../recorder/take.ts';
import { clientCapabilities } from '../sfu/codecs.ts';
import { consumeAll } from '../sfu/consume.ts';
import { newRouter, type OperationRouter } from '../sfu/operation-router.ts';
import type { Peer } from '../sfu/peer.ts';
import { Peers } from '../sfu/peers.ts';
import { Playback, trackOf } from '../sfu/playback.ts';
import { tap } from '../sfu/tap.ts';
import type { WorkerPool, WorkerSlot } from '../sfu/workers.ts';
import type { CameraWays } from '../sources/camera-ways.ts';
import type { HubClock } from '../time/hub-clock.ts';
import { AngleSources, type Source } from './angle-sources.ts';
import { Cameras } from './cameras.ts';
import { Gateways } from './gateways.ts';
import { TalkLine } from './talk.ts';

export type OperationContext = {
  workers: WorkerPool;
  clock: HubClock;
  ingestIp: string;
  ways: CameraWays;
  log: Log;
  emit: (event: MediaEvent) => void;
};

type Track = { kind: MediaKind; rtpParameters: types.RtpParameters };

/** One operation while it is live: a router, a recorder, and the sources and viewers between them. */
export class LiveOperation {
  readonly recorder: OperationRecorder;
  readonly talk: TalkLine;
  readonly cameras: Cameras;
  readonly gateways: Gateways;
  readonly sources: AngleSources;
  readonly #context: OperationContext;
  readonly peers: Peers;
  readonly #playback = new Playback();
  #slot: WorkerSlot;
  #router: types.Router;
  #direct: types.DirectTransport;
  #state: 'live' | 'ended' = 'live';

  private constructor(context: OperationContext, recorder: OperationRecorder, { slot, router, direct }: OperationRouter) {
    this.#context = context;
    this.recorder = recorder;
    this.peers = new Peers(recorder.operationId, (peerId, reason) => void this.closePeer(peerId, 'connection-lost', reason));
    this.#slot = slot;
    this.#router = router;
    this.#direct = direct;
    const { clock, emit } = context;
    this.talk = new TalkLine({ recorder, nowMs: () => clock.nowMs(), emit, tap: (producer, take) => this.#tap(producer, take) });
    const changed = (angleId: string): void => this.#changed(angleId);
    this.sources = new AngleSources(recorder, changed);
    const host = { recorder, sources: this.sources, router: () => this.#router };
    this.cameras = new Cameras({ ...host, attach: (angleId, source, producer) => this.#attach(angleId, source, producer) }, context);
    const arrived = (angleId: string, kind: MediaKind): void => this.#playback.arrived(angleId, kind);
    this.gateways = new Gateways({ ...host, changed, arrived, assertFree: (angleId) => this.#assertFree(angleId) }, context);
  }

  static async start(context: OperationContext, recorder: OperationRecorder): Promise<LiveOperation> {
    return new LiveOperation(context, recorder, await newRouter(context.workers));
  }

  get slot(): WorkerSlot {
    return this.#slot;
  }
  get rtpCapabilities(): types.RtpCapabilities {
    return clientCapabilities(this.#router.rtpCapabilities);
  }

  state(): OperationState {
    const { operationId, name, openedMs, endedMs, segmentMs } = this.recorder;
    const angles = this.recorder.angles().map(({ angleId }) => this.angle(angleId));
    return { operationId, name, status: this.#state, openedMs, endedMs, segmentMs, angles };
  }

  /** Throws `not_found`. */
  angle(angleId: string): AngleState {
    const producers = this.#producers(angleId).map(({ id, kind, paused }) => ({ producerId: id, kind, paused }));
    const gateway = this.gateways.state(angleId);
    const source = this.sources.facts(angleId);
    // what is watched of a fetched camera may be transcoded
    const codecs = gateway ? { video: gateway.video?.codec ?? null, audio: gateway.audio?.codec ?? null } : {};
    return { ...this.recorder.angle(angleId), producers, gateway, source: source && { ...source, ...codecs } };
  }

  /** Throws as `AnglePlans.rename`. */
  async renameAngle(angleId: string, name: string): Promise<AngleState> {
    await this.recorder.plans.rename(angleId, name);
    this.#changed(angleId);
    return this.angle(angleId);
  }

  /** Throws `gone`, `not_found`, `conflict` when something was recorded of it, or a source stands ready for it. */
  async removeAngle(angleId: string): Promise<void> {
    if (this.sources.has(angleId) || this.cameras.has(angleId) || this.gateways.state(angleId))
      throw new HubError('conflict', 'angleId: it has a source', { field: 'angleId' });
    await this.recorder.plans.remove(angleId);
    this.#context.emit({ type: 'angle.removed', operationId: this.recorder.operationId, angleId });
  }

  async createTransport(peerId: string, owner: string): Promise<ResultOf<'createTransport'>> {
    return this.peers.have(peerId, owner).createTransport(this.#slot, this.#router);
  }

  /** The peer becomes the angle's source; whoever was it is replaced. Throws `conflict` where somebody else films. */
  async produce(peer: Peer, transportId: string, angleId: string, { kind, rtpParameters }: Track, by: SourceKind): Promise<string> {
    this.recorder.angle(angleId);
    if (peer.angleId !== null && peer.angleId !== angleId)
      throw new HubError('conflict', `this device already films ${peer.angleId}`, { field: 'angleId' });
    const present = this.sources.get(angleId);
    if (present?.peer === peer && [...present.producers.values()].some((each) => each.kind === kind))
      throw new HubError('conflict', `this device already sends ${kind}`, { field: 'kind' });
    const producer = await peer.produce(transportId, kind, rtpParameters);
    const source = await this.#claim(peer, angleId, by).catch((error: unknown) => {
      producer.close();
      throw error;
    });
    await this.#attach(angleId, source, producer);
    return producer.id;
  }

  /** The peer's own measure of its clock against hub time, for the journal of the take that it fills, if any. */
  noteClock(peer: Peer, measured: { offsetMs: number; roundTripMs: number }): void {
    const source = peer.angleId === null ? undefined : this.sources.get(peer.angleId);
    peer.roundTripMs = measured.roundTripMs;
    if (source?.peer === peer) source.take.noteClock(measured);
  }

  /** Consumers of all that the angle sends now, for a client that takes mediasoup's own payload types. */
  consume(
    peer: Peer,
    transportId: string,
    angleId: string,
    rtpCapabilities: types.RtpCapabilities,
  ): Promise<ResultOf<'consume'>['consumers']> {
    this.recorder.angle(angleId);
    return consumeAll(this.#router, peer, transportId, { angleId, producers: this.#producers(angleId), rtpCapabilities }, (consumerId) =>
      this.#context.emit({ type: 'consumer.closed', peerId: peer.peerId, consumerId }),
    );
  }

  /** Throws `not_found`. */
  angleTracks(angleId: string): ResultOf<'angleTracks'>['tracks'] {
    this.recorder.angle(angleId);
    return this.#producers(angleId).map((producer) => trackOf(producer, this.#router));
  }

  /** Send an angle to a player that came with an offer. */
  watch({ angleId, peerId, owner, ...wanted }: ParamsOf<'watch'>): Promise<ResultOf<'watch'>> {
    const viewer = { peer: this.peers.have(peerId, owner), end: () => this.closePeer(peerId, 'source-removed', 'source-changed') };
    const from = { slot: this.#slot, router: this.#router, producers: this.#producers(angleId) };
    return this.#playback.watch(from, viewer, { angleId, ...wanted });
  }

  /** Send this consumer what a picture of so many pixels of height needs; nothing for 0. */
  async show(peer: Peer, consumerId: string, heightPx: number): Promise<void> {
    const angleId = [...this.sources].find(([, source]) => source.producers.has(peer.consumers.get(consumerId)?.producerId ?? ''))?.[0];
    await peer.show(consumerId, heightPx, angleId === undefined ? null : this.recorder.angle(angleId).height);
  }

  /** `told`: what the client is told; null when it knows. */
  async closePeer(peerId: string, cause: Cause, told: string | null): Promise<void> {
    const peer = this.peers.get(peerId);
    if (!peer) return;
    this.peers.delete(peerId);
    await this.talk.end(peer, 'connection-lost');
    const source = this.sources.get(peer.angleId ?? '');
    const take = source?.peer === peer ? source.take : null;
    if (take) this.sources.delete(peer.angleId ?? '');
    peer.close();
    if (take) await this.recorder.endTake(take, cause);
    if (told !== null) this.#context.emit({ type: 'peer.closed', peerId, reason: told });
  }

  /** Another device shall fill this angle: who does is closed. Throws `conflict` for a camera. */
  async replaceSource(angleId: string): Promise<void> {
    const source = this.sources.get(angleId);
    if (source && !source.peer) throw new HubError('conflict', 'a camera films this angle', { field: 'angleId' });
    if (source?.peer) await this.closePeer(source.peer.peerId, 'replaced', 'replaced');
  }

  /** Receive a camera's plain RTP on this angle from now on. Throws as `Cameras.add`, and `not_found`. */
  async addCamera(angleId: string, reuse: PlainReuse | null): Promise<PlainSource> {
    this.recorder.angle(angleId);
    if (this.gateways.has(angleId)) throw new HubError('conflict', 'a camera films this angle', { field: 'angleId' });
    return this.cameras.add(angleId, reuse);
  }

  /** Fill this angle from this camera or encoder from now on. Throws as `Gateways.add`, and `not_found`. */
  async addGateway(angleId: string, spec: GatewaySpec, again: boolean): Promise<GatewayState> {
    this.recorder.angle(angleId);
    return this.gateways.add(angleId, spec, again);
  }

  /** What fills this angle cannot be recorded any more: let go of it. Phones are told and come again, cameras are awaited on their ports. */
  async sourceLost(angleId: string, cause: Cause): Promise<void> {
    const source = this.sources.get(angleId);
    if (!source) return;
    if (source.peer) await this.closePeer(source.peer.peerId, cause, cause);
    else if (this.gateways.has(angleId)) await this.gateways.lost(angleId, cause);
    else await this.cameras.lost(angleId, cause);
  }

  /** The disk is nearly full: close what is recorded while there is room to do it cleanly. */
  async closeTakes(): Promise<void> {
    await Promise.all([...this.sources.keys()].map((angleId) => this.sourceLost(angleId, 'disk-full')));
  }

  /** The worker this operation lived on is gone: go on with another. Clients are told to come back, cameras are awaited on their ports. */
  async workerDied(): Promise<void> {
    const peers = [...this.peers.keys()];
    const hit = [...this.sources.keys()].filter((angleId) => !this.gateways.has(angleId));
    await Promise.all(hit.map((angleId) => this.sources.end(angleId, 'worker-died')));
    const { slot, router, direct } = await newRouter(this.#context.workers);
    this.#slot = slot;
    this.#router = router;
    this.#direct = direct;
    for (const peerId of peers) await this.closePeer(peerId, 'worker-died', 'worker-died');
    await Promise.all([this.cameras.rehome(router), this.gateways.rehome(router)]);
  }

  /** `end`: the operation is over. Otherwise the hub stops and it goes on later. */
  async close(end: boolean): Promise<void> {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    await this.talk.close(end ? 'operation-ended' : 'hub-stopped');
    await (end ? this.recorder.end() : this.recorder.stop());
    this.cameras.close();
    await this.gateways.close();
    for (const peer of this.peers.values()) {
      peer.close();
      this.#context.emit({ type: 'peer.closed', peerId: peer.peerId, reason: end ? 'operation-ended' : 'hub-stopped' });
    }
    this.sources.clear();
    this.peers.clear();
    this.#slot.routers -= 1;
    this.#router.close();
  }

  #producers(angleId: string): types.Producer[] {
    return [...(this.sources.get(angleId)?.producers.values() ?? [])];
  }

  async #claim(peer: Peer, angleId: string, kind: SourceKind): Promise<Source> {
    const present = this.sources.get(angleId);
    if (present?.peer === peer) return present;
    if (this.cameras.has(angleId) || this.gateways.has(angleId))
      throw new HubError('conflict', 'a camera films this angle', { field: 'angleId' });
    if (present && this.recorder.angle(angleId).status === 'recording') {
      if (present.peer?.owner !== peer.owner) throw new HubError('conflict', 'another device films this angle', { field: 'angleId' });
      // encoders come again by themselves: two with one token would take the angle from each other for ever
      if (kind === 'whip') throw new HubError('conflict', 'a device with this token films this angle', { field: 'angleId' });
    }
    const take = this.recorder.startTake(angleId, kind);
    peer.angleId = angleId;
    const source: Source = { kind, peer, take, producers: new Map() };
    this.sources.set(angleId, source);
    if (present?.peer) await this.closePeer(present.peer.peerId, 'replaced', 'replaced');
    return source;
  }

  async #attach(angleId: string, source: Source, producer: types.Producer): Promise<void> {
    this.sources.show(angleId, source, producer);
    await this.#tap(producer, source.take);
    this.#playback.arrived(angleId, producer.kind);
    this.#changed(angleId);
  }

  #tap(producer: types.Producer, take: Take): Promise<void> {
    return tap(this.#direct, this.#router, producer, this.#context.clock, (input) => take.addTrack(input));
  }

  /** For a camera that is fetched, or an encoder that pushes. */
  #assertFree(angleId: string): void {
    const other = this.cameras.has(angleId) ? 'a camera' : this.sources.get(angleId)?.peer ? 'a phone' : null;
    if (other) throw new HubError('conflict', `${other} films this angle`, { field: 'angleId' });
  }

  #changed(angleId: string): void {
    if (this.#state === 'live')
      this.#context.emit({ type: 'angle.changed', operationId: this.recorder.operationId, state: this.angle(angleId) });
  }
}
