import type { types } from 'mediasoup';
import { HubError } from '../errors.ts';
import type { ParamsOf, ResultOf } from '../protocol/requests.ts';
import type { Peer } from './peer.ts';
import type { WorkerSlot } from './workers.ts';

type Watch = Pick<ParamsOf<'watch'>, 'angleId' | 'dtlsParameters' | 'tracks'>;
/** The operation's own router, and what the angle sends through it. */
type From = { slot: WorkerSlot; router: types.Router; producers: types.Producer[] };
type Track = Watch['tracks'][number] & { producer: types.Producer; codec: types.RtpCodecCapability };
/** A router that numbers its payloads as some players want them, and what is piped into it. */
type Layout = { router: types.Router; pipes: Map<string, Promise<types.Producer>>; viewers: number };
type Viewer = { angleId: string; kinds: Set<types.MediaKind>; end: () => void };

/** In the order in which mediasoup hands them out to retransmissions (its ortc.ts). */
const DYNAMIC_TYPES = [...range(100, 127), ...range(96, 99)];

/**
 * Angles for players that come with an offer (WHEP). The offer says which payload type stands for which codec, and what is
 * sent must keep to it (RFC 3264, 5.1), but a consumer of mediasoup's has its router's numbers (mediasoup #1126). So each
 * set of numbers has a router of its own beside the operation's, on the same worker, into which the tracks are piped once,
 * however many players share it: browsers of one kind all do. Header extensions have fixed numbers too, and are not sent.
 */
export class Playback {
  readonly #layouts = new Map<string, Promise<Layout>>();
  readonly #viewers = new Set<Viewer>();

  /**
   * `end` is called when what is watched ends, when a track comes that this player could have too (it shall come again), and
   * when this throws: `conflict` when a track is gone meanwhile.
   */
  async watch(from: From, { peer, end }: { peer: Peer; end: () => Promise<void> }, wanted: Watch): Promise<ResultOf<'watch'>> {
    try {
      const tracks = wanted.tracks.map((track): Track => {
        const producer = from.producers.find(({ id }) => id === track.producerId);
        if (!producer) throw new HubError('conflict', 'what this angle sends has just changed', { field: 'angleId' });
        return { ...track, producer, codec: codecOf(producer, from.router) };
      });
      const layout = await this.#layout(from.slot, tracks);
      const transport = await this.#open(layout, from.slot, peer, { angleId: wanted.angleId, tracks, end });
      await peer.connect(transport.id, wanted.dtlsParameters as types.DtlsParameters);
      const sent: ResultOf<'watch'>['tracks'] = [];
      for (const track of tracks) sent.push(await send(layout, from.router, { peer, transportId: transport.id, end }, track));
      return { transport, tracks: sent };
    } catch (error) {
      await end();
      // mediasoup knows a closed producer only as one that it does not have
      if (error instanceof HubError || !from.producers.some(({ closed }) => closed)) throw error;
      throw new HubError('conflict', 'what this angle sends has just ended', { field: 'angleId', cause: error });
    }
  }

  /** A new track of an angle: players that have none of its kind come again and get it. */
  arrived(angleId: string, kind: types.MediaKind): void {
    for (const viewer of this.#viewers) if (viewer.angleId === angleId && !viewer.kinds.has(kind)) viewer.end();
  }

  async #open(
    layout: Layout,
    slot: WorkerSlot,
    peer: Peer,
    { angleId, tracks, end }: { angleId: string; tracks: Track[]; end: () => Promise<void> },
  ): Promise<ResultOf<'createTransport'>> {
    layout.viewers += 1;
    const release = (): void => {
      layout.viewers -= 1;
      if (layout.viewers === 0) layout.router.close();
    };
    const transport = await peer.createTransport(slot, layout.router).catch((error: unknown) => {
      release();
      throw error;
    });
    const viewer: Viewer = { angleId, kinds: new Set(tracks.map(({ producer }) => producer.kind)), end: () => void end() };
    this.#viewers.add(viewer);
    peer.transport(transport.id).observer.once('close', () => {
      this.#viewers.delete(viewer);
      release();
    });
    return transport;
  }

  #layout(slot: WorkerSlot, tracks: Track[]): Promise<Layout> {
    const key = [
      slot.worker.pid,
      ...tracks.map(({ codec, payloadType, rtxPayloadType }) =>
        JSON.stringify([codec.mimeType, codec.parameters, payloadType, rtxPayloadType]),
      ),
    ].join();
    const present = this.#layouts.get(key);
    if (present) return present;
    const made = slot.worker.createRouter({ mediaCodecs: numbered(tracks) }).then((router) => {
      router.observer.once('close', () => this.#layouts.delete(key));
      return { router, pipes: new Map<string, Promise<types.Producer>>(), viewers: 0 };
    });
    this.#layouts.set(key, made);
    made.catch(() => this.#layouts.delete(key));
    return made;
  }
}

async function send(
  layout: Layout,
  from: types.Router,
  { peer, transportId, end }: { peer: Peer; transportId: string; end: () => Promise<void> },
  { mid, feedback, rtxPayloadType, producer }: Track,
): Promise<ResultOf<'watch'>['tracks'][number]> {
  const isRtx = ({ mimeType }: types.RtpCodecCapability): boolean => mimeType.endsWith('/rtx');
  const own = layout.router.rtpCapabilities.codecs ?? [];
  const wanted = feedback.map(({ type, parameter }) => ({ type, ...(parameter === undefined ? {} : { parameter }) }));
  const codecs = own.map((codec) => ({ ...codec, rtcpFeedback: isRtx(codec) ? [] : wanted }));
  const hasRtx = own.some((codec) => isRtx(codec) && codec.preferredPayloadType === rtxPayloadType);
  const piped = await pipe(layout, from, producer);
  const consumer = await peer.consume(transportId, piped, { codecs, headerExtensions: [] }, () => void end(), hasRtx);
  await consumer.resume();
  const { codecs: chosen, encodings, rtcp } = consumer.rtpParameters;
  const [encoding] = encodings ?? [];
  return {
    mid,
    kind: consumer.kind,
    ssrc: encoding?.ssrc ?? 0,
    rtxSsrc: encoding?.rtx?.ssrc ?? null,
    cname: rtcp?.cname ?? producer.id,
    feedback: chosen[0]?.rtcpFeedback ?? [],
  };
}

/** What a producer sends, as the control plane is told. */
export function trackOf(producer: types.Producer, router: types.Router): ResultOf<'angleTracks'>['tracks'][number] {
  return { producerId: producer.id, kind: producer.kind, codec: codecOf(producer, router) };
}

/** The entry of the operation's router for what this producer sends. */
function codecOf(producer: types.Producer, router: types.Router): types.RtpCodecCapability {
  const { payloadType } = producer.consumableRtpParameters.codecs[0] ?? {};
  const codec = router.rtpCapabilities.codecs?.find(({ preferredPayloadType }) => preferredPayloadType === payloadType);
  if (!codec) throw new HubError('internal', 'a producer whose codec its router does not have');
  return codec;
}

/**
 * Codecs of a router that gives these tracks, and the retransmissions of the picture, the numbers wanted. The latter cannot
 * be said: mediasoup takes the first dynamic number that is free, so the ones before it are occupied (by Opus, which is sent
 * under the first number it is listed with). Where that does not come out there are no retransmissions.
 */
function numbered(tracks: Track[]): types.RouterRtpCodecCapability[] {
  const own = tracks.map(({ codec, payloadType }) => ({ ...codec, rtcpFeedback: [], preferredPayloadType: payloadType }));
  const taken = new Set(own.map((codec) => codec.preferredPayloadType));
  const rtx = tracks.find(({ producer }) => producer.kind === 'video')?.rtxPayloadType ?? null;
  const before = rtx === null ? [] : DYNAMIC_TYPES.slice(0, Math.max(0, DYNAMIC_TYPES.indexOf(rtx))).filter((type) => !taken.has(type));
  const filler = before.map((preferredPayloadType) => ({
    kind: 'audio' as const,
    mimeType: 'audio/opus' as const,
    clockRate: 48_000,
    channels: 2,
    preferredPayloadType,
  }));
  const audio = own.filter(({ kind }) => kind === 'audio');
  return [...audio, ...filler, ...own.filter(({ kind }) => kind === 'video')] as types.RouterRtpCodecCapability[];
}

function pipe({ router, pipes }: Layout, from: types.Router, producer: types.Producer): Promise<types.Producer> {
  const present = pipes.get(producer.id);
  if (present) return present;
  const made = from.pipeToRouter({ producerId: producer.id, router, keepId: false }).then(({ pipeProducer }) => {
    if (!pipeProducer || pipeProducer.closed) throw new HubError('conflict', 'what this angle sends has just ended', { field: 'angleId' });
    pipeProducer.observer.once('close', () => pipes.delete(producer.id));
    return pipeProducer;
  });
  pipes.set(producer.id, made);
  made.catch(() => pipes.delete(producer.id));
  return made;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
