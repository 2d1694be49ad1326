import { z } from 'zod';
import { Alarm, type AlarmCode } from '../../media/protocol/alarms.ts';
import { GatewayState, PullSpec, PushProtocol } from '../../media/protocol/gateway.ts';
import { HubTimeMs, Id, Name, TakeId } from '../../media/protocol/ids.ts';
import { Mark, ShortText } from '../../media/protocol/marks.ts';
import { PlainSource } from '../../media/protocol/requests.ts';
import { Message } from '../../media/protocol/messages.ts';
import { MoveReason, TakeMove, TakePlace } from '../../media/protocol/moves.ts';
import { Talk } from '../../media/protocol/talk.ts';
import { Incidents } from '../../media/protocol/incidents.ts';
import { Takeover } from '../../media/protocol/takeover.ts';
import { Still } from '../../media/protocol/stills.ts';
import { Confidentiality, OperationStage, OperationType } from './cases.ts';
import { May } from './operations.ts';
import { AngleState, Interruption, OperationState, SourceFacts } from '../../media/protocol/state.ts';

/** Every refusal of the HTTP API and of the sockets. `field` names what was wrong, where there is one. */
export const ApiError = z.object({ code: z.string(), message: z.string(), field: z.string().optional() });
export type ApiError = z.infer<typeof ApiError>;

/** Why an angle or a source is added to an operation that has begun (R11). */
const AdditionReason = ShortText(500).optional();
export const AngleCreate = z.object({ name: Name, reason: AdditionReason });
export type AngleCreate = z.infer<typeof AngleCreate>;

export const PackageStatus = z.object({
  /** `none` until the operation has ended. */
  state: z.enum(['none', 'waiting', 'running', 'verified', 'failed']),
  /** What it does now, 0…1 of the bytes; said with `step`. */
  step: z.enum(['copying', 'verifying']).nullable(),
  progress: z.number().nullable(),
  path: z.string().nullable(),
  sizeBytes: z.int().nullable(),
  files: z.int().nullable(),
  verifiedMs: HubTimeMs.nullable(),
  error: z.string().nullable(),
});
export type PackageStatus = z.infer<typeof PackageStatus>;

export const TakeSummary = z.object({
  angleId: Id,
  takeId: TakeId,
  startMs: HubTimeMs,
  endMs: HubTimeMs.nullable(),
  reason: z.string().nullable(),
  segments: z.int(),
  frames: z.int(),
});
export type TakeSummary = z.infer<typeof TakeSummary>;

/** Where a take belongs: an angle that is there, or a new one of this name. */
export const TakeMoveRequest = z
  .object({ toOperationId: Id, toAngleId: Id.optional(), toAngleName: Name.optional(), reason: MoveReason })
  .refine(({ toAngleId, toAngleName }) => (toAngleId === undefined) !== (toAngleName === undefined), {
    path: ['toAngleId'],
    message: 'either an angle that is there, or the name of a new one',
  });
export const TakeMoved = z.object({ to: TakePlace });

/** Why an angle, or a source of one, was added, and by whom. */
export const Addition = z.object({
  angleId: Id,
  atMs: HubTimeMs,
  what: z.enum(['angle', 'source']),
  personName: z.string(),
  reason: z.string(),
});
export type Addition = z.infer<typeof Addition>;

/** One operation as console and review see it. `angles` of an ended operation carry status `ended`. */
export const OperationView = OperationState.extend({
  /** So many angles must record at the same time (R12). */
  requiredAngles: z.int(),
  takes: z.array(TakeSummary),
  interruptions: z.array(Interruption),
  /** Marked moments, calls for help among them. */
  marks: z.array(Mark),
  /** Pictures that operators took. */
  stills: z.array(Still),
  /** What commanders wrote to operators. */
  messages: z.array(Message),
  /** Takes that were moved from here or to here. */
  moves: z.array(TakeMove),
  /** Angles and sources that were added with a reason. */
  additions: z.array(Addition),
  package: PackageStatus,
  /** Devices that ask for an angle which another one films. */
  takeovers: z.array(Takeover),
  /** False while the media process is away: states are the last known. */
  mediaUp: z.boolean(),
  /** False while Redis is away: all goes on, but packages are made only when it is back. */
  queueUp: z.boolean(),
  /** What is wrong now: with this operation, or with the hub as a whole. */
  alarms: z.array(Alarm),
});
export type OperationView = z.infer<typeof OperationView>;

/** As one reader sees it. `others`: names of the operations that takes came from or went to, of those that the reader may know of. */
export const SeenOperation = OperationView.extend({ may: May, others: z.record(Id, Name) });
export type SeenOperation = z.infer<typeof SeenOperation>;

export const OperationListItem = z.object({
  operationId: Id,
  name: Name,
  status: z.enum(['live', 'ended']),
  openedMs: HubTimeMs,
  endedMs: HubTimeMs.nullable(),
  angles: z.int(),
  /** Calls for help that nobody has answered. */
  calls: z.int(),
  package: PackageStatus,
  state: OperationStage,
  type: OperationType.nullable(),
  place: z.string().nullable(),
  plannedMs: HubTimeMs.nullable(),
  /** When it began; null while it is planned. */
  startedMs: HubTimeMs.nullable(),
  confidentiality: Confidentiality,
  /** It is over, had to be recorded, and was not. */
  unrecorded: z.boolean(),
  case: z.object({ caseId: Id, number: Name, cause: Name }).nullable(),
  /** Their names. */
  squads: z.array(z.string()),
  may: May,
});
export type OperationListItem = z.infer<typeof OperationListItem>;
/** `total` is exact up to 1,000; with `more` there are more than these. */
export const OperationList = z.object({ operations: z.array(OperationListItem), total: z.int(), more: z.boolean() });
export type OperationList = z.infer<typeof OperationList>;

/**
 * A camera to be fetched (user and password stand in the address, or beside it; no answer repeats them, nor the path), or an
 * encoder that comes to the hub by itself, for which the answer holds address and key.
 */
export const SourceCreate = z.union([
  z.object({ listen: PushProtocol, reason: AdditionReason }),
  PullSpec.extend({ reason: AdditionReason }),
]);
export type SourceCreate = z.infer<typeof SourceCreate>;
/** What is known of it; never its user, password or path. `clock`: how its pictures are placed in time, and how far that may be off. */
export const SourceView = GatewayState.extend({
  bitrateBps: z.number(),
  missingFrames: z.int(),
  ...SourceFacts.pick({ loss: true, roundTripMs: true }).shape,
  clock: z.object({ method: z.string().nullable(), errorMs: z.number().nullable() }),
});
export type SourceView = z.infer<typeof SourceView>;
/** `key`: what an encoder must know to push to `address`. It is told here, once, to whoever asked for it. */
export const SourceMade = SourceView.extend({ key: z.string().nullable() });
export type SourceMade = z.infer<typeof SourceMade>;
export { CaptureLink, CaptureSession } from './capture.ts';
export {
  Alarm,
  type AlarmCode,
  AngleState,
  type GatewayState,
  Interruption,
  Mark,
  Message,
  OperationState,
  PlainSource,
  Still,
  Incidents,
  TakeMove,
  TakePlace,
  Takeover,
  Talk,
};

/**
 * The routes, all JSON, errors as `ApiError`:
 *
 * POST   /api/session                                SignIn → Me   (cookie)
 * GET    /api/session                                → Me | 401; DELETE signs out; /password, /all, /totp, /tokens: see people.ts
 * GET    /api/squads, /api/people, /api/custody      … the documentation of the API has them all
 * GET    /api/operations?q&state&type&squad&case&confidentiality&missing&from&to&sort&order&page&size → OperationList   (OperationQuery)
 * GET    /api/operations.csv?…&lang&zone             → text/csv, every row   (OperationExport)
 * POST   /api/operations                             OperationCreate → 201 OperationView
 * GET    /api/operations/:operationId/facts          → OperationFacts
 * PUT    /api/operations/:operationId/facts          FactsChange → OperationFacts | 409 when somebody else changed it first
 * POST   /api/operations/:operationId/start          → OperationFacts   (planned → live)
 * POST   /api/operations/:operationId/seal           → OperationFacts   (ended → sealed; 409 names what is missing)
 * PUT    /api/operations/:operationId/angles/:angleId/plan   AnglePlan → OperationFacts
 * PUT    /api/operations/:operationId/angles/:angleId/name   AngleCreate → OperationFacts   (planned, and filmed by nobody yet)
 * DELETE /api/operations/:operationId/angles/:angleId        → OperationFacts   (likewise)
 * GET    /api/cases?q&stage&confidentiality&sort&order&page&size → CaseList
 * GET    /api/cases.csv?…&lang&zone                  → text/csv, every row   (CaseExport)
 * POST   /api/cases                                  CaseCreate → 201 EnforcementCase
 * GET    /api/cases/:caseId                          → EnforcementCase
 * PUT    /api/cases/:caseId                          CaseChange → EnforcementCase
 * GET    /api/operations/:operationId                → SeenOperation
 * POST   /api/operations/:operationId/end            → OperationView
 * POST   /api/operations/:operationId/package        → PackageStatus (start again after a failure)
 * POST   /api/operations/:operationId/angles         AngleCreate → 201 AngleState
 * POST   /api/operations/:operationId/angles/:angleId/takes/:takeId/move   TakeMoveRequest → TakeMoved   (409 says what stands against it)
 * GET    /api/operations/:operationId/links          → { links: CaptureLinkItem[] }
 * POST   /api/operations/:operationId/links          LinkCreate? → 201 CaptureLink (the phone chooses its angle)
 * DELETE /api/operations/:operationId/links/:linkId  → 204 (revokes the link and the sessions it made)
 * DELETE /api/operations/:operationId/links/:linkId/devices/:deviceId → 204 (shuts out one device; the link's others go on)
 * POST   /api/operations/:operationId/angles/:angleId/links    LinkCreate? → 201 CaptureLink
 * DELETE /api/operations/:operationId/angles/:angleId/links    → 204 (revokes all links and sessions of the angle)
 * POST   /api/operations/:operationId/angles/:angleId/camera   → 201 PlainSource
 * DELETE /api/operations/:operationId/angles/:angleId/camera   → 204
 * POST   /api/operations/:operationId/angles/:angleId/source   SourceCreate → 201 SourceMade (a camera by its address, or an encoder that pushes)
 * GET    /api/operations/:operationId/angles/:angleId/source   → SourceView
 * DELETE /api/operations/:operationId/angles/:angleId/source   → 204
 * GET    /api/operations/:operationId/angles/:angleId/poster.jpg → image of the angle's first frame (a labelled copy)
 * GET    /api/operations/:operationId/angles/:angleId/stills/:stillId[?size=small] → image as it was taken, or a small copy
 * POST   /api/capture/stills?stillId&atMs&sha256      image/jpeg or image/png → 201 Still   (cookie of a capture link)
 * GET    /hls/:operationId/:angleId/index.m3u8, /hls/:operationId/:angleId/:takeId/:file
 * POST   /api/capture/session                        CaptureExchange → CaptureSession   (cookie)
 * GET    /api/capture/session                        → CaptureSession | 401 | 410 when the operation has ended
 * POST   /whip/:operationId/:angleId                 application/sdp → 201 application/sdp (Bearer: the capture link's secret; RFC 9725)
 * POST   /whep/:operationId/:angleId                 application/sdp → 201 application/sdp (as the console, or Bearer: an access token)
 * PATCH  /whip|whep/:operationId/:angleId/:sessionId application/trickle-ice-sdpfrag → 204 | 200 after an ICE restart
 * DELETE /whip|whep/:operationId/:angleId/:sessionId → 200
 * POST   /api/capture/angle                          AngleChoice → CaptureSession   (with a link of the whole operation; `beside` with any)
 * GET    /api/capture/clock                          → ClockReading
 * POST   /api/capture/probe                          up to 512 KiB of anything → ProbeResult
 * POST   /api/capture/preflight                      PreflightReport → { checks }   (kept in the operation's journal)
 * GET    /api/operations/:operationId/preflights     → { preflights: KeptPreflight[] }
 * GET    /api/operations/:operationId/incidents       → Incidents   (pages in the background, takeovers)
 * GET    /api/shot-lists                             → { lists: ShotList[] }   (of each type the edition of now)
 * GET    /api/shot-lists/:type                       → ShotListEditions (the newest first)
 * PUT    /api/shot-lists/:type                       ShotListChange → ShotList (a new edition)
 * GET    /api/operations/:operationId/shots          → OperationShots
 * POST   /api/operations/:operationId/shots/:shotId/tick   TickCreate → OperationShots (a mark on that angle)
 * DELETE /api/operations/:operationId/shots/:shotId/tick   → OperationShots (the mark stays)
 * GET    /api/capture/shots                          → OperationShots   (cookie of a capture link)
 * POST   /api/capture/shots/:shotId/tick             PhoneTick → OperationShots
 * GET    /api/devices?q&squad&state&type&page        → DeviceList
 * GET    /api/devices/choices                        → DeviceChoices (what the forms offer)
 * POST   /api/devices                                DeviceCreate → 201 DeviceView
 * GET    /api/devices/:deviceId                      → DeviceView
 * GET    /api/devices/:deviceId/checks?page          → DeviceCheckList (checks before duty, the newest first)
 * PUT    /api/devices/:deviceId                      DeviceChange → DeviceView
 * POST   /api/devices/:deviceId/notes                DeviceNoteCreate → DeviceView
 * POST   /api/devices/:deviceId/uses                 DeviceUseCreate → DeviceView (handed out)
 * POST   /api/devices/:deviceId/uses/:useId/end      → DeviceView (it is back)
 * GET    /api/openapi.json, /healthz, /readyz, /metrics, /ca.crt
 */
