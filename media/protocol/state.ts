import { z } from 'zod';
import { GatewayState } from './gateway.ts';
import { Cause, HubTimeMs, Id, MediaKind, Name, SourceKind, TakeId } from './ids.ts';

/** `idle`: never had media. `recording`: media flows to disk. `interrupted`: should record and does not. `ended`: the operation is over. */
export const AngleStatus = z.enum(['idle', 'recording', 'interrupted', 'ended']);
export type AngleStatus = z.infer<typeof AngleStatus>;

export const Interruption = z.object({
  id: z.string(),
  angleId: Id,
  startMs: HubTimeMs,
  endMs: HubTimeMs.nullable(),
  cause: Cause,
});
export type Interruption = z.infer<typeof Interruption>;

/** What is known of the source that fills an angle now; null for what is not known. */
export const SourceFacts = z.object({
  /** In words: the phone and its browser, the encoder, the camera as it calls itself. */
  model: z.string().nullable(),
  video: z.string().nullable(),
  audio: z.string().nullable(),
  /** Packets lost on the way, before any was asked for again: of the last ten seconds, and all since it came. */
  loss: z.object({ percent: z.number().nullable(), packets: z.int() }).nullable(),
  roundTripMs: z.number().nullable(),
});
export type SourceFacts = z.infer<typeof SourceFacts>;

/** What is true of an angle now; the console shows it as it is. */
export const AngleState = z.object({
  angleId: Id,
  name: Name,
  status: AngleStatus,
  sourceKind: SourceKind.nullable(),
  takeId: TakeId.nullable(),
  takes: z.int(),
  /** First media of the angle ever; elapsed time counts from here. */
  firstMediaMs: HubTimeMs.nullable(),
  takeStartedMs: HubTimeMs.nullable(),
  lastFrameMs: HubTimeMs.nullable(),
  /** What viewers can consume now. */
  producers: z.array(z.object({ producerId: z.string(), kind: MediaKind, paused: z.boolean() })),
  width: z.int().nullable(),
  height: z.int().nullable(),
  segments: z.int(),
  frames: z.int(),
  missingFrames: z.int(),
  withheldFrames: z.int(),
  /** Video bits a second over the last seconds. */
  bitrateBps: z.number(),
  /** Pictures a second over the last seconds; null while none come. */
  fps: z.number().nullish(),
  alignmentErrorMs: z.number().nullable(),
  alignmentMethod: z.string().nullable(),
  interruption: Interruption.nullable(),
  /** The camera that is fetched for this angle, or waited for; absent or null where there is none. */
  gateway: GatewayState.nullish(),
  /** Absent or null while nothing fills it. */
  source: SourceFacts.nullish(),
});
export type AngleState = z.infer<typeof AngleState>;

export const OperationState = z.object({
  operationId: Id,
  name: Name,
  status: z.enum(['live', 'ended']),
  openedMs: HubTimeMs,
  endedMs: HubTimeMs.nullable(),
  segmentMs: z.int(),
  angles: z.array(AngleState),
});
export type OperationState = z.infer<typeof OperationState>;
