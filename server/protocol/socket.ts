import { z } from 'zod';
import { Alarm } from '../../media/protocol/alarms.ts';
import { Id, MediaKind } from '../../media/protocol/ids.ts';
import { AnswerText, ClientId, Mark, MarkText } from '../../media/protocol/marks.ts';
import {
  ConsumerInfo,
  DtlsParameters,
  PictureHeight,
  RtpCapabilities,
  RtpParameters,
  TransportInfo,
} from '../../media/protocol/requests.ts';
import { Message } from '../../media/protocol/messages.ts';
import { Takeover, TakeoverDecision } from '../../media/protocol/takeover.ts';
import { Talk } from '../../media/protocol/talk.ts';
import { Still } from '../../media/protocol/stills.ts';
import { AngleState } from '../../media/protocol/state.ts';
import { ApiError, OperationView } from './http.ts';
import { May } from './operations.ts';
import { OperationShots } from './shots.ts';

/**
 * Signalling over socket.io. Two namespaces, `/capture` and `/console`; each connects with `auth: { token }`, the
 * socket token of its HTTP session. Every request is acknowledged with a `Reply`. Events from the hub carry no answer.
 */
export const Reply = <T extends z.ZodType>(data: T) =>
  z.discriminatedUnion('ok', [z.object({ ok: z.literal(true), data }), z.object({ ok: z.literal(false), error: ApiError })]);
export type ReplyOf<T> = { ok: true; data: T } | { ok: false; error: ApiError };

/** Chosen by the client, kept over reconnects of the socket, new after a reload: names its transports in the media plane. */
export const PeerId = z.string().regex(/^[A-Za-z0-9_-]{8,64}$/);
/** A STUN or TURN server that clients may use, as RTCPeerConnection takes it. */
export const IceServer = z.object({ urls: z.string(), username: z.string().optional(), credential: z.string().optional() });
export type IceServer = z.infer<typeof IceServer>;
/** With credentials that end some hours later: new ones come with each reply. */
const iceServers = z.array(IceServer);
const WayId = z.string().regex(/^[A-Za-z0-9_-]{8,48}$/);
const Empty = z.object({});
const Consume = z.object({ wayId: WayId, transportId: z.string(), rtpCapabilities: RtpCapabilities });
const Consumers = z.object({ consumers: z.array(ConsumerInfo) });
const Media = {
  createTransport: { params: z.object({ direction: z.enum(['send', 'recv']) }), result: TransportInfo.extend({ iceServers }) },
  connectTransport: { params: z.object({ transportId: z.string(), dtlsParameters: DtlsParameters }), result: Empty },
  restartIce: { params: z.object({ transportId: z.string() }), result: z.object({ iceParameters: z.looseObject({}), iceServers }) },
  /** NTP's four timestamps: the client notes t0 and t3; the hub answers t1 (received) and t2 (sent), hub time. */
  clock: { params: z.object({ t0: z.number() }), result: z.object({ t0: z.number(), t1: z.number(), t2: z.number() }) },
};

/** First `join`. `peerExists: true` after a reconnect means that the transports live on: go on, create nothing. */
const Join = { peerId: PeerId };
const Joined = z.object({
  rtpCapabilities: z.looseObject({}),
  peerExists: z.boolean(),
  /** What of this peer still lives in the media plane. */
  transports: z.array(z.string()),
  producers: z.array(z.string()),
  consumers: z.array(z.string()),
});

export const captureRequests = {
  join: {
    params: z.object({ ...Join }),
    result: Joined.extend({ angle: AngleState, marks: z.array(Mark), messages: z.array(Message), talk: Talk.nullable() }),
  },
  ...Media,
  produce: {
    params: z.object({ transportId: z.string(), kind: MediaKind, rtpParameters: RtpParameters }),
    result: z.object({ producerId: z.string() }),
  },
  setPaused: { params: z.object({ producerId: z.string(), paused: z.boolean() }), result: Empty },
  /** Ask the commanders for the angle that another device films; answered by `takeover`. Asked again, nothing changes. */
  askTakeover: { params: Empty, result: Takeover },
  withdrawTakeover: { params: Empty, result: Empty },
  /** The officer pressed stop. */
  stop: { params: Empty, result: Empty },
  /** The page's own measure of its clock, for the cross-check; `offsetMs` is the page's clock less hub time. Again every few minutes. */
  reportClock: { params: z.object({ offsetMs: z.number(), roundTripMs: z.number().nonnegative() }), result: Empty },
  /** The officer marked a moment or calls for help; sent again until it is answered, also long after. */
  mark: { params: Mark.pick({ markId: true, kind: true, atMs: true, text: true }), result: Mark },
  labelMark: { params: z.object({ markId: ClientId, text: MarkText }), result: Mark },
  /** What a phone is sent comes by ways of their own, which the page names (`wayId`): make one, connect it, close it. */
  wayTransport: { params: z.object({ wayId: WayId }), result: TransportInfo.extend({ iceServers }) },
  wayConnect: { params: z.object({ wayId: WayId, transportId: z.string(), dtlsParameters: DtlsParameters }), result: Empty },
  wayClose: { params: z.object({ wayId: WayId }), result: Empty },
  /** Ask for what a commander says now, say that it plays. */
  earConsume: { params: Consume, result: Consumers },
  earResume: { params: z.object({ wayId: WayId, consumerId: z.string() }), result: Empty },
  /** Ask for this phone's own angle as consoles get it, have it sent at the layer that fills so many pixels of height. */
  mirrorConsume: { params: Consume, result: Consumers },
  mirrorShow: { params: z.object({ wayId: WayId, consumerId: z.string(), heightPx: PictureHeight }), result: Empty },
  /** The page was in the background from then to then, hub time; sent again until it is answered. */
  noteHidden: {
    params: z.object({ fromMs: z.number(), toMs: z.number() }).refine(({ fromMs, toMs }) => toMs >= fromMs, { path: ['toMs'] }),
    result: Empty,
  },
  /** The officer has seen what the commander wrote. */
  seeMessage: { params: z.object({ messageId: ClientId, atMs: z.number() }), result: Message },
} as const;

export const consoleRequests = {
  /** `may`: what whoever is at the console may do with the operation. */
  join: {
    params: z.object({ ...Join, operationId: Id }),
    result: Joined.extend({ operation: OperationView, talk: Talk.nullable(), may: May }),
  },
  ...Media,
  consume: {
    params: z.object({ transportId: z.string(), angleId: Id, rtpCapabilities: RtpCapabilities }),
    result: Consumers,
  },
  /** Sound is sent only while it is heard. */
  resumeConsumer: { params: z.object({ consumerId: z.string() }), result: Empty },
  pauseConsumer: { params: z.object({ consumerId: z.string() }), result: Empty },
  /** How large its picture is shown, in pixels of the screen, whenever that changes; 0 while it cannot be seen. */
  showConsumer: { params: z.object({ consumerId: z.string(), heightPx: PictureHeight }), result: Empty },
  closeConsumer: { params: z.object({ consumerId: z.string() }), result: Empty },
  /** A commander decides on a device's wish for an angle. `not_found` when it is over already. */
  answerTakeover: { params: z.object({ requestId: z.string(), agree: z.boolean() }), result: Empty },
  /** Somebody has seen this alarm: it is gone for everybody. One whose cause lasts stays. */
  dismissAlarm: { params: z.object({ alarmId: z.string() }), result: Empty },
  mark: { params: Mark.pick({ markId: true, angleId: true, atMs: true, text: true }), result: Mark },
  labelMark: { params: z.object({ markId: ClientId, text: MarkText }), result: Mark },
  /** Speak to one operator, or (`angleId` null) to all: refused as `conflict` while another speaks, ended by the hub after half a minute. */
  startTalk: {
    params: z.object({ transportId: z.string(), rtpParameters: RtpParameters, ...Talk.pick({ talkId: true, angleId: true }).shape }),
    result: z.object({ producerId: z.string() }),
  },
  stopTalk: { params: Empty, result: Empty },
  sendMessage: { params: Message.pick({ messageId: true, kind: true, angleId: true, text: true }), result: Message },
  /** Somebody has taken up this call for help, and says what is done about it. */
  acknowledgeMark: { params: z.object({ markId: ClientId, text: AnswerText }), result: Mark },
} as const;

/** What a console's request needs, of the operation that it has joined, or that `join` names. A phone's right is its link. */
export const consoleRights = {
  join: 'operation.see',
  createTransport: 'live.watch',
  connectTransport: 'live.watch',
  restartIce: 'live.watch',
  clock: 'operation.see',
  consume: 'live.watch',
  resumeConsumer: 'live.watch',
  pauseConsumer: 'live.watch',
  showConsumer: 'live.watch',
  closeConsumer: 'live.watch',
  answerTakeover: 'operation.run',
  dismissAlarm: 'operation.run',
  mark: 'operation.run',
  labelMark: 'operation.run',
  startTalk: 'operation.run',
  stopTalk: 'operation.run',
  sendMessage: 'operation.run',
  acknowledgeMark: 'operation.run',
} as const satisfies Record<keyof typeof consoleRequests, string>;

export type CaptureRequests = typeof captureRequests;
export type ConsoleRequests = typeof consoleRequests;

/** Hub → client. */
export const hubEvents = {
  /** State of one angle, whole. Capture pages receive their own angle's only. */
  angle: z.object({ operationId: Id, state: AngleState }),
  /** The operation as a whole, after anything else changed (ended, package progress, interruption opened or closed, a wish for an angle, media plane or Redis up or down). */
  operation: z.object({ operation: OperationView }),
  /** This peer's transports are gone: make new ones and carry on. */
  'peer-closed': z.object({ reason: z.string() }),
  'consumer-closed': z.object({ consumerId: z.string() }),
  /** Another device took over this angle, a commander gave it to one (`device`), or the link, or this device, was revoked: stop and say so. */
  dismissed: z.object({
    reason: z.enum(['replaced', 'handed-over', 'revoked', 'device-revoked', 'operation-ended']),
    device: z.string().optional(),
  }),
  /** What has become of this phone's wish for an angle. Agreed: join now. */
  takeover: z.object({ decision: TakeoverDecision }),
  /** Raised, or raised anew with other facts; what stood before is in the operation's view. */
  alarm: Alarm,
  /** A moment was marked, or what is known of a mark has changed. Capture pages hear of their own angle's. */
  mark: z.object({ operationId: Id, mark: Mark }),
  /** A picture that an operator took has arrived. */
  still: z.object({ operationId: Id, still: Still }),
  /** A commander wrote to operators, or one of them has seen it. Capture pages hear of what is for them. */
  message: z.object({ operationId: Id, message: Message }),
  /** A commander speaks to operators, or (null) none does any more. Capture pages hear of what is said to them. */
  talk: z.object({ operationId: Id, talk: Talk.nullable() }),
  /** What of the operation's shot list is filmed, whole. Capture pages hear of it too. */
  shots: z.object({ operationId: Id, list: OperationShots }),
  'alarm-cleared': z.object({ alarmId: z.string() }),
} as const;
export type HubEvents = { [K in keyof typeof hubEvents]: z.infer<(typeof hubEvents)[K]> };
