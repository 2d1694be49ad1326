import { z } from 'zod';
import { Cause, HubTimeMs, Id, Name, SourceKind, TakeId } from '../protocol/ids.ts';
import { Preflight } from '../protocol/preflight.ts';
import { AnswerText, ClientId, Mark, MarkText, Role } from '../protocol/marks.ts';
import { Message } from '../protocol/messages.ts';
import { MovedBy, MoveId, MoveReason } from '../protocol/moves.ts';
import { Takeover, TakeoverDecision } from '../protocol/takeover.ts';
import { TalkEnd } from '../protocol/talk.ts';
import { Still, StillType } from '../protocol/stills.ts';

/**
 * The lines of both journals. Every line also carries `v` (format version), `seq` (0, 1, …), `prev` (hash of the line
 * before, 64 zeros at first) and `hash` (its own): see `journal.ts`.
 */
export const JOURNAL_VERSION = 1;
export const Sha256Hex = z.string().regex(/^[0-9a-f]{64}$/);

const head = { headSeq: z.int().nonnegative(), headHash: Sha256Hex };

/** What both journals say of a move. `angleId` and `takeId` are the take's own in the journal that the line is in. */
const move = { moveId: MoveId, angleId: Id, takeId: TakeId, ...head, by: MovedBy, reason: MoveReason, atMs: HubTimeMs };

/** `operation.ndjson`: what happened on the operation, and the heads of its takes' journals. */
export const OperationLine = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('operation.opened'),
    operationId: Id,
    name: Name,
    atMs: HubTimeMs,
    segmentMs: z.int(),
    hubVersion: z.string(),
    /** Ed25519 public key, SPKI DER in base64: checks every `signature` below. */
    publicKey: z.string(),
    /** Whether the machine's clock was synchronised (adjtimex), as the kernel said. */
    clockSynchronised: z.boolean().nullable(),
  }),
  /** After the end: made for a take that is moved here. */
  z.object({ type: z.literal('angle.added'), angleId: Id, name: Name, atMs: HubTimeMs }),
  /** Before anything was recorded of it: it has another name, or is there no more. */
  z.object({ type: z.literal('angle.renamed'), angleId: Id, name: Name, atMs: HubTimeMs }),
  z.object({ type: z.literal('angle.removed'), angleId: Id, atMs: HubTimeMs }),
  z.object({ type: z.literal('take.started'), angleId: Id, takeId: TakeId, sourceKind: SourceKind, atMs: HubTimeMs, headHash: Sha256Hex }),
  /** The take's journal reached this line when a segment was closed. */
  z.object({ type: z.literal('take.head'), angleId: Id, takeId: TakeId, ...head }),
  z.object({ type: z.literal('take.ended'), angleId: Id, takeId: TakeId, atMs: HubTimeMs, reason: Cause, ...head }),
  z.object({ type: z.literal('interruption.opened'), interruptionId: z.string(), angleId: Id, startMs: HubTimeMs, cause: Cause }),
  z.object({
    type: z.literal('interruption.closed'),
    interruptionId: z.string(),
    angleId: Id,
    startMs: HubTimeMs,
    endMs: HubTimeMs,
    cause: Cause,
  }),
  /** The machine's wall clock was moved against the monotonic clock; hub time did not follow. */
  z.object({ type: z.literal('clock.stepped'), atMs: HubTimeMs, stepMs: z.number() }),
  /** The hub came back after it had not been stopped cleanly. */
  z.object({ type: z.literal('hub.restarted'), atMs: HubTimeMs, clean: z.boolean() }),
  /** A device was checked before it recorded (R14). */
  z.object({ type: z.literal('preflight'), atMs: HubTimeMs, ...Preflight.shape }),
  /**
   * The capture page was in the background (another app, a call, the screen off), as it says itself; `atMs` is when the hub heard
   * of it. The phone may have sent nothing then, or the same picture.
   */
  z.object({ type: z.literal('source.hidden'), angleId: Id, fromMs: HubTimeMs, toMs: HubTimeMs, atMs: HubTimeMs }),
  /** Somebody marked a moment: when it was touched, and when that reached the hub. */
  z.object({ type: z.literal('mark'), ...Mark.omit({ acknowledged: true, version: true }).shape }),
  z.object({ type: z.literal('mark.labelled'), markId: ClientId, text: MarkText, by: Role, atMs: HubTimeMs }),
  /** A commander has said what is done about a call for help. */
  z.object({ type: z.literal('mark.acknowledged'), markId: ClientId, text: AnswerText, atMs: HubTimeMs }),
  /** A picture that an operator took lies in its angle's folder. */
  z.object({ type: z.literal('still'), image: StillType, ...Still.omit({ type: true }).shape }),
  /** A commander wrote to one operator, or (`angleId` null) to all; and one of them has seen it. */
  z.object({ type: z.literal('message'), ...Message.omit({ seen: true, version: true }).shape }),
  z.object({ type: z.literal('message.seen'), messageId: ClientId, angleId: Id, atMs: HubTimeMs }),
  /** A commander spoke to one operator, or (`angleId` null) to all: recorded as this take of the angle `talk`, played on the phones of `heard`. */
  z.object({ type: z.literal('talk.started'), talkId: ClientId, angleId: Id.nullable(), atMs: HubTimeMs }),
  z.object({
    type: z.literal('talk.ended'),
    talkId: ClientId,
    atMs: HubTimeMs,
    takeId: TakeId.nullable(),
    heard: z.array(Id),
    reason: TalkEnd,
  }),
  /** A device asked for an angle that another one filmed, and what a commander said: decided at `atMs`. */
  z.object({ type: z.literal('takeover'), atMs: HubTimeMs, decision: TakeoverDecision, ...Takeover.omit({ untilMs: true }).shape }),
  z.object({ type: z.literal('operation.ended'), atMs: HubTimeMs }),
  /** A take that had ended was moved elsewhere, its folder as it was; `head`: the last line of its journal. May follow the end. */
  z.object({
    type: z.literal('take.moved-out'),
    ...move,
    toOperationId: Id,
    toAngleId: Id,
    toTakeId: TakeId,
  }),
  /** It came here: what the operation that it was recorded in knew of it. `firstHash`: of the first line of its journal. */
  z.object({
    type: z.literal('take.moved-in'),
    ...move,
    fromOperationId: Id,
    fromAngleId: Id,
    fromTakeId: TakeId,
    sourceKind: SourceKind,
    startMs: HubTimeMs,
    firstHash: Sha256Hex,
  }),
  /** This move came to nothing (the hub died in the act, say): the take is where it was. */
  z.object({ type: z.literal('take.move-undone'), moveId: MoveId, atMs: HubTimeMs }),
  /** Ed25519 over the ASCII hex of `headHash`, which is the hash of the line before this one. The last line of an ended operation is one with `final: true`; behind the first of those there are only moves of takes, each signed anew. */
  z.object({ type: z.literal('signature'), ...head, signature: z.string(), final: z.boolean() }),
]);
export type OperationLine = z.infer<typeof OperationLine>;

export const TrackInfo = z.object({
  trackId: z.int().positive(),
  kind: z.enum(['video', 'audio']),
  /** RFC 6381 codec string. */
  codec: z.string(),
  timescale: z.int().positive(),
  width: z.int().optional(),
  height: z.int().optional(),
});

export type TrackInfo = z.infer<typeof TrackInfo>;

/** How capture times were found: from the sender's reports, or (before any came) from the least arrival delay. */
export const ClockMethod = z.enum(['sender-report', 'arrival']);
export type ClockMethod = z.infer<typeof ClockMethod>;

export const SegmentFacts = z.object({
  /** `<cell>-<part>.m4s` */
  file: z.string(),
  /** The initialisation segment it plays with: `init-<n>.mp4`. */
  init: z.string(),
  cell: z.int().nonnegative(),
  part: z.int().nonnegative(),
  /** Hub time of the first frame's capture, and how far into its cell that lies. */
  startMs: HubTimeMs,
  offsetMs: z.number(),
  /** Media time of the first frame within the take, milliseconds. */
  mediaMs: z.number(),
  /** How far `startMs` may be off, and how it was found. */
  alignmentErrorMs: z.number(),
  method: ClockMethod,
  /** The sender's clock less hub time; null where it has told none. */
  clockOffsetMs: z.number().nullable(),
  /** Rate of hub time against the sender's media clock, parts per million. */
  driftPpm: z.number(),
});

/** A stretch of hub time without good pictures, between the last one before and the first one after it. */
export const Damage = z.object({
  fromMs: HubTimeMs,
  toMs: HubTimeMs,
  /** Arrived, but could not be decoded: kept in a side file. */
  withheld: z.int().nonnegative(),
  /** Never arrived. */
  missing: z.int().nonnegative(),
});
export type Damage = z.infer<typeof Damage>;

/** `<angle>/<take>/journal.ndjson` */
export const TakeLine = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('take.started'),
    operationId: Id,
    angleId: Id,
    takeId: TakeId,
    sourceKind: SourceKind,
    atMs: HubTimeMs,
    segmentMs: z.int(),
  }),
  z.object({ type: z.literal('init'), file: z.string(), sha256: Sha256Hex, sizeBytes: z.int(), tracks: z.array(TrackInfo).min(1) }),
  /** A file was begun; without a `segment` line after it, the hub died in between. */
  z.object({ type: z.literal('segment.opened'), ...SegmentFacts.shape }),
  z.object({
    type: z.literal('segment'),
    ...SegmentFacts.shape,
    durationMs: z.number(),
    /** Pictures in the file; what arrived but could not be decoded; what never arrived. */
    frames: z.int(),
    withheld: z.int(),
    missing: z.int(),
    /** Of the missing ones: those that the disk did not take in time. */
    unwritten: z.int().positive().optional(),
    audioFrames: z.int(),
    /** Packets of sound that never arrived. */
    audioMissing: z.int().nonnegative(),
    /** Where in it pictures are lacking, in order; empty for a sound segment. */
    damage: z.array(Damage),
    /** How far it ran on beyond its cell because no key frame came in time; the cells under it stay empty. */
    overrunMs: z.number().nonnegative(),
    fragments: z.int(),
    sizeBytes: z.int(),
    sha256: Sha256Hex,
    /** Cut after its last whole fragment when the hub came back from a crash. */
    recovered: z.boolean().optional(),
  }),
  z.object({
    type: z.literal('clock'),
    atMs: HubTimeMs,
    method: ClockMethod,
    kind: z.enum(['video', 'audio']),
    /** hub time = hubMs + (mediaMs' − mediaMs) × (1 + driftPpm / 1e6) */
    mediaMs: z.number(),
    hubMs: HubTimeMs,
    driftPpm: z.number(),
    errorMs: z.number(),
  }),
  /**
   * A side file `withheld-<cell>-<n>.m4s`: pictures that arrived and could not be decoded, as fragments that `init`
   * describes (null: no decoder configuration was known yet). Never played; kept because they were sent.
   */
  z.object({
    type: z.literal('withheld'),
    file: z.string(),
    init: z.string().nullable(),
    cell: z.int().nonnegative(),
    fromMs: HubTimeMs,
    toMs: HubTimeMs,
    frames: z.int().positive(),
    sizeBytes: z.int(),
    sha256: Sha256Hex,
  }),
  /** From the key frame captured then on, another simulcast layer is recorded: 0 is the lowest of `layers`. */
  z.object({ type: z.literal('layer'), hubMs: HubTimeMs, layer: z.int().nonnegative(), layers: z.int().positive() }),
  /**
   * The capture page measured its clock against the hub's (NTP's four timestamps): `offsetMs` is the page's clock less
   * hub time, and `differenceMs` what that differs by from the offset found in the stream; null before there is one.
   */
  z.object({
    type: z.literal('clock.checked'),
    atMs: HubTimeMs,
    offsetMs: z.number(),
    roundTripMs: z.number(),
    differenceMs: z.number().nullable(),
  }),
  /** The sender's own clock jumped, as its reports say; the pictures' times did not follow. */
  z.object({ type: z.literal('sender.stepped'), atMs: HubTimeMs, stepMs: z.number() }),
  /** A file that was written whole is there no more: somebody removed it while the take was recorded. */
  z.object({ type: z.literal('file.missing'), file: z.string() }),
  /** The picture's size changed with the key frame captured then; it needs no new file. */
  z.object({ type: z.literal('size'), hubMs: HubTimeMs, width: z.int(), height: z.int() }),
  z.object({
    type: z.literal('take.ended'),
    atMs: HubTimeMs,
    reason: Cause,
    segments: z.int(),
    /** Of the whole take, which may be more than its segments say: what was lacking while no segment was open. */
    frames: z.int(),
    withheld: z.int(),
    missing: z.int(),
    /** What no segment's line could tell any more. */
    damage: z.array(Damage),
  }),
]);
export type TakeLine = z.infer<typeof TakeLine>;
export type SegmentLine = Extract<TakeLine, { type: 'segment' }>;
