import { z } from 'zod';
import { Alarm } from './alarms.ts';
import { GatewaySpec, GatewayState } from './gateway.ts';
import { HubTimeMs, Id, MediaKind, Name } from './ids.ts';
import { Preflight } from './preflight.ts';
import { AnswerText, ClientId, Mark, MarkText, Role } from './marks.ts';
import { Message } from './messages.ts';
import { Owner, PeerId, peerRequests } from './peers.ts';
import { moveRequests } from './moves.ts';
import { planRequests } from './plans.ts';
import { takeoverRequests } from './takeover.ts';
import { Talk, TalkEnd } from './talk.ts';
import { Still } from './stills.ts';
import { AngleState, OperationState } from './state.ts';

/**
 * WebRTC parameters are checked for shape and size here and again by mediasoup; an empty fingerprint list once killed
 * its worker (mediasoup #537).
 */
export const DtlsParameters = z.object({
  role: z.enum(['auto', 'client', 'server']).optional(),
  fingerprints: z
    .array(
      z.object({
        algorithm: z.enum(['sha-1', 'sha-224', 'sha-256', 'sha-384', 'sha-512']),
        value: z.string().regex(/^([0-9A-Fa-f]{2}:){19,63}[0-9A-Fa-f]{2}$/),
      }),
    )
    .min(1)
    .max(8),
});
export type DtlsParameters = z.infer<typeof DtlsParameters>;
/** RTP parameters and capabilities pass through as mediasoup-client made them; mediasoup validates every member. */
export const RtpParameters = z.looseObject({
  mid: z.string().max(64).optional(),
  codecs: z
    .array(z.looseObject({ mimeType: z.string().max(64) }))
    .min(1)
    .max(16),
  headerExtensions: z.array(z.looseObject({})).max(32).optional(),
  encodings: z.array(z.looseObject({})).max(8).optional(),
  rtcp: z.looseObject({}).optional(),
});
export const RtpCapabilities = z.looseObject({
  codecs: z.array(z.looseObject({})).max(128).optional(),
  headerExtensions: z.array(z.looseObject({})).max(128).optional(),
});
export const TransportInfo = z.object({
  id: z.string(),
  iceParameters: z.looseObject({}),
  iceCandidates: z.array(z.looseObject({})),
  dtlsParameters: z.looseObject({}),
});
export const ConsumerInfo = z.object({
  consumerId: z.string(),
  producerId: z.string(),
  angleId: Id,
  kind: MediaKind,
  rtpParameters: z.looseObject({}),
});
export const PictureHeight = z.int().min(0).max(16_384);
const DeviceName = z.string().min(1).max(120);
const Port = z.int().min(1024).max(65535);

/** One plain-RTP sender's target: where to send RTP and RTCP (senders such as ffmpeg use a socket for each), with which SSRC and payload type. */
export const PlainTrack = z.object({ port: Port, rtcpPort: Port, ssrc: z.int().positive(), payloadType: z.int().min(96).max(127) });
export const PlainSource = z.object({ sourceId: Id, ip: z.string(), video: PlainTrack, audio: PlainTrack });
export type PlainSource = z.infer<typeof PlainSource>;

/** The same target as one that was given out before, so that a camera need not be told anew. */
export const PlainReuse = z.object({ video: PlainTrack.omit({ payloadType: true }), audio: PlainTrack.omit({ payloadType: true }) });
export type PlainReuse = z.infer<typeof PlainReuse>;

const PayloadType = z.int().min(0).max(127);
const Feedback = z.array(z.object({ type: z.string(), parameter: z.string().optional() }));
const WatchedTrack = z.object({
  mid: z.string(),
  producerId: z.string(),
  payloadType: PayloadType,
  rtxPayloadType: PayloadType.nullable(),
  feedback: Feedback,
});
const SentTrack = z.object({
  mid: z.string(),
  kind: MediaKind,
  ssrc: z.int(),
  rtxSsrc: z.int().nullable(),
  cname: z.string(),
  feedback: Feedback,
});
const Empty = z.object({});

/** Every request the control plane can make, with the schema of its parameters and of its answer. */
export const mediaRequests = {
  /** Who answers. `lastSeq` is the number of the newest event. */
  hello: { params: Empty, result: z.object({ bootId: z.string(), pid: z.int(), lastSeq: z.int(), hubTimeMs: HubTimeMs }) },
  /** Start (or restart) the event stream after a number. `replayed: false`: those events are gone, read the state and the journals instead. */
  subscribe: {
    params: z.object({ bootId: z.string().nullable(), afterSeq: z.int().nonnegative() }),
    result: z.object({ bootId: z.string(), lastSeq: z.int(), replayed: z.boolean() }),
  },
  getState: { params: Empty, result: z.object({ hubTimeMs: HubTimeMs, lastSeq: z.int(), operations: z.array(OperationState) }) },

  /** Idempotent: an operation that is already live is returned as it is; an ended one is a `conflict`. */
  openOperation: { params: z.object({ operationId: Id, name: Name }), result: OperationState },
  addAngle: { params: z.object({ operationId: Id, angleId: Id, name: Name }), result: AngleState },
  /** Close every take, finish and hash every segment, sign the journal. Idempotent. */
  endOperation: { params: z.object({ operationId: Id }), result: OperationState },
  ...planRequests,
  ...moveRequests,
  routerCapabilities: { params: z.object({ operationId: Id }), result: z.object({ rtpCapabilities: z.looseObject({}) }) },
  /**
   * `owner`: by what right the peer is here, opaque to the media plane (the hash of a capture session, say). `too_many` where an
   * owner has too many peers.
   */
  createTransport: {
    params: z.object({ operationId: Id, peerId: PeerId, direction: z.enum(['send', 'recv']), owner: Owner }),
    result: TransportInfo,
  },
  /** The client can begin now: a path that does not stand within half a minute is given up. */
  connectTransport: { params: z.object({ peerId: PeerId, transportId: z.string(), dtlsParameters: DtlsParameters }), result: Empty },
  restartIce: {
    params: z.object({ peerId: PeerId, transportId: z.string() }),
    result: TransportInfo.pick({ iceParameters: true, iceCandidates: true }),
  },
  /**
   * The peer becomes the angle's source, and whoever was it is closed as replaced, unless it still films (`conflict`); a phone
   * may take over from a peer of its own owner that films. `sourceKind`: a phone where it is not said.
   */
  produce: {
    params: z.object({
      peerId: PeerId,
      transportId: z.string(),
      angleId: Id,
      kind: MediaKind,
      rtpParameters: RtpParameters,
      sourceKind: z.enum(['phone', 'whip']).optional(),
      /** What kind of device it is, in words. */
      device: DeviceName.optional(),
    }),
    result: z.object({ producerId: z.string() }),
  },
  /**
   * A peer's page has measured its own clock against hub time, for the cross-check in its take's journal. `offsetMs`: the
   * page's clock less hub time. Without a take there is nothing to check.
   */
  noteClock: { params: z.object({ peerId: PeerId, offsetMs: z.number(), roundTripMs: z.number().nonnegative() }), result: Empty },
  /** A device was checked before it records: kept in the operation's journal, with this moment. */
  notePreflight: { params: z.object({ operationId: Id, preflight: Preflight }), result: z.object({ atMs: HubTimeMs }) },
  /** A capture page was in the background: kept in the operation's journal, once for each time. */
  noteHidden: { params: z.object({ operationId: Id, angleId: Id, fromMs: HubTimeMs, toMs: HubTimeMs }), result: Empty },
  setProducerPaused: { params: z.object({ peerId: PeerId, producerId: z.string(), paused: z.boolean() }), result: Empty },
  /**
   * Consumers of every producer the angle has now, paused until resumed. `own`: only for the owner of the device that fills it;
   * `forbidden` to others.
   */
  consume: {
    params: z.object({
      peerId: PeerId,
      transportId: z.string(),
      angleId: Id,
      rtpCapabilities: RtpCapabilities,
      own: z.boolean().optional(),
    }),
    result: z.object({ consumers: z.array(ConsumerInfo) }),
  },
  /** What an angle sends now, with the router's entry for each codec. */
  angleTracks: {
    params: z.object({ operationId: Id, angleId: Id }),
    result: z.object({ tracks: z.array(z.object({ producerId: z.string(), kind: MediaKind, codec: z.looseObject({}) })) }),
  },
  /** A player with an offer of its own: all at once, under the offer's payload types. Nothing is left when it throws. */
  watch: {
    params: z.object({
      operationId: Id,
      angleId: Id,
      peerId: PeerId,
      owner: Owner,
      dtlsParameters: DtlsParameters,
      tracks: z.array(WatchedTrack).min(1).max(2),
    }),
    result: z.object({ transport: TransportInfo, tracks: z.array(SentTrack) }),
  },
  resumeConsumer: { params: z.object({ peerId: PeerId, consumerId: z.string() }), result: Empty },
  pauseConsumer: { params: z.object({ peerId: PeerId, consumerId: z.string() }), result: Empty },
  /** How large a consumer's picture is shown, in pixels: the lowest layer that fills them is sent from the next key frame on; nothing is for 0. */
  showConsumer: { params: z.object({ peerId: PeerId, consumerId: z.string(), heightPx: PictureHeight }), result: Empty },
  closeConsumer: { params: z.object({ peerId: PeerId, consumerId: z.string() }), result: Empty },
  ...peerRequests,
  ...takeoverRequests,

  /** Listen for a camera's RTP (H.264, Opus). Ports may be asked for again after a restart; they are re-armed for the next sender whenever one falls silent. */
  addPlainSource: { params: z.object({ operationId: Id, angleId: Id, reuse: PlainReuse.optional() }), result: PlainSource },
  removePlainSource: { params: z.object({ operationId: Id, angleId: Id }), result: Empty },

  /** Fetch from a camera. `again`: it was there before; what stands against it now is no refusal but the reason in its state. */
  addGateway: {
    params: z.object({ operationId: Id, angleId: Id, spec: GatewaySpec, again: z.boolean().default(false) }),
    result: GatewayState,
  },
  /** Resolves when its processes have ended. */
  removeGateway: { params: z.object({ operationId: Id, angleId: Id }), result: Empty },
  /** Mark a moment. `atMs` is when it was touched; resolves when it is on the disk, and changes nothing when it is sent again. */
  addMark: {
    params: z.object({
      operationId: Id,
      ...Mark.pick({ markId: true, kind: true, angleId: true, by: true, atMs: true, text: true }).shape,
    }),
    result: Mark,
  },
  /** `angleId`: only a mark of that angle; null for any. */
  labelMark: { params: z.object({ operationId: Id, markId: ClientId, angleId: Id.nullable(), by: Role, text: MarkText }), result: Mark },
  acknowledgeMark: { params: z.object({ operationId: Id, markId: ClientId, text: AnswerText }), result: Mark },

  /** Take over a picture that was uploaded to `uploads/<upload>`; changes nothing when it is sent again. */
  addStill: {
    params: z.object({
      operationId: Id,
      upload: z.string().regex(/^[0-9a-f]{32}$/),
      ...Still.pick({ stillId: true, angleId: true, atMs: true, sha256: true }).shape,
    }),
    result: Still,
  },

  /** Write to one operator, or (`angleId` null) to all. Sent again it changes nothing. */
  sendMessage: {
    params: z.object({ operationId: Id, ...Message.pick({ messageId: true, kind: true, angleId: true, text: true }).shape }),
    result: Message,
  },
  seeMessage: { params: z.object({ operationId: Id, messageId: ClientId, angleId: Id, atMs: HubTimeMs }), result: Message },

  /** The peer speaks to one operator, or (`angleId` null) to all, until `stopTalk` or half a minute is over. A `conflict` while another does. */
  startTalk: {
    params: z.object({
      peerId: PeerId,
      transportId: z.string(),
      rtpParameters: RtpParameters,
      ...Talk.pick({ talkId: true, angleId: true }).shape,
    }),
    result: z.object({ producerId: z.string() }),
  },
  stopTalk: { params: z.object({ peerId: PeerId, reason: TalkEnd.extract(['released', 'connection-lost']) }), result: Empty },
  /** Who speaks now, for whoever comes in the middle. */
  talkState: { params: z.object({ operationId: Id }), result: z.object({ talk: Talk.nullable() }) },
  /** A consumer of what is said to this angle now, paused; none when nobody speaks to it. */
  consumeTalk: {
    params: z.object({ peerId: PeerId, transportId: z.string(), angleId: Id, rtpCapabilities: RtpCapabilities }),
    result: z.object({ consumers: z.array(ConsumerInfo) }),
  },
  /** This angle's phone plays it from now on. */
  resumeTalk: { params: z.object({ peerId: PeerId, consumerId: z.string(), angleId: Id }), result: Empty },

  /** Alarms that stand now. */
  alarms: { params: Empty, result: z.object({ alarms: z.array(Alarm) }) },
  /** Somebody has seen it. One whose cause lasts stays. */
  dismissAlarm: { params: z.object({ alarmId: z.string() }), result: Empty },

  /** Figures for /metrics. */
  figures: {
    params: Empty,
    result: z.object({
      /** Delay of the event loop since these figures were last asked for. */
      eventLoopP99Ms: z.number(),
      eventLoopMaxMs: z.number(),
      workers: z.array(z.object({ pid: z.int(), cpuSeconds: z.number(), routers: z.int() })),
      recording: z.int(),
      /** Routers and WebRTC transports as the workers count them. */
      routers: z.int(),
      webRtcTransports: z.int(),
      framesTotal: z.number(),
      missingFramesTotal: z.number(),
      withheldFramesTotal: z.number(),
      segmentsTotal: z.number(),
      bytesWrittenTotal: z.number(),
      workerDeathsTotal: z.number(),
      diskFreeBytes: z.number(),
      rssBytes: z.number(),
    }),
  },
} as const;

export type MediaRequests = typeof mediaRequests;
export type MediaMethod = keyof MediaRequests;
export type ParamsOf<M extends MediaMethod> = z.infer<MediaRequests[M]['params']>;
export type ResultOf<M extends MediaMethod> = z.infer<MediaRequests[M]['result']>;
