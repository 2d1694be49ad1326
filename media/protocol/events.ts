import { z } from 'zod';
import { Alarm } from './alarms.ts';
import { Cause, HubTimeMs, Id, SourceKind, TakeId } from './ids.ts';
import { Mark } from './marks.ts';
import { Message } from './messages.ts';
import { MoveId, TakePlace } from './moves.ts';
import { Talk } from './talk.ts';
import { Still } from './stills.ts';
import { AngleState, Interruption } from './state.ts';

const angle = { operationId: Id, angleId: Id };

/** What the media plane tells the control plane, in order, numbered, replayed until acknowledged. */
export const MediaEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('take.started'), ...angle, takeId: TakeId, sourceKind: SourceKind, atMs: HubTimeMs }),
  z.object({ type: z.literal('take.ended'), ...angle, takeId: TakeId, atMs: HubTimeMs, reason: Cause, segments: z.int(), frames: z.int() }),
  /** Both journals have it, and its folder is there. The operations may have ended. */
  z.object({ type: z.literal('take.moved'), moveId: MoveId, from: TakePlace, to: TakePlace }),
  z.object({
    type: z.literal('segment.written'),
    ...angle,
    takeId: TakeId,
    file: z.string(),
    cell: z.int(),
    part: z.int(),
    startMs: HubTimeMs,
    durationMs: z.number(),
    frames: z.int(),
    sizeBytes: z.int(),
    sha256: z.string(),
    alignmentErrorMs: z.number(),
  }),
  z.object({ type: z.literal('interruption.opened'), ...angle, interruption: Interruption }),
  z.object({ type: z.literal('interruption.closed'), ...angle, interruption: Interruption }),
  /** The angle's state as a whole, after any change a viewer can see and at most once a second while it records. */
  z.object({ type: z.literal('angle.changed'), operationId: Id, state: AngleState }),
  /** It was taken out of a plan: the journal has that, whether or not anybody still waited for the answer. */
  z.object({ type: z.literal('angle.removed'), ...angle }),
  /** A moment was marked, or what is known of a mark has changed. */
  z.object({ type: z.literal('mark'), operationId: Id, mark: Mark }),
  /** A picture that an operator took is on the disk. */
  z.object({ type: z.literal('still'), operationId: Id, still: Still }),
  /** A commander wrote to operators, or one of them has seen it. */
  z.object({ type: z.literal('message'), operationId: Id, message: Message }),
  /** A commander speaks to operators, or (null) none does any more. */
  z.object({ type: z.literal('talk'), operationId: Id, talk: Talk.nullable() }),
  z.object({ type: z.literal('operation.ended'), operationId: Id, endedMs: HubTimeMs }),
  /** The peer's transports are gone (ICE failed for good, worker died, closed): it must start anew. */
  z.object({ type: z.literal('peer.closed'), peerId: z.string(), reason: z.string() }),
  /** A consumer ended because its producer did; the viewer keeps its tile and waits for `angle.changed`. */
  z.object({ type: z.literal('consumer.closed'), peerId: z.string(), consumerId: z.string() }),
  z.object({ type: z.literal('worker.died'), pid: z.int(), reason: z.string() }),
  /** Raised, or raised anew with other facts. */
  z.object({ type: z.literal('alarm'), alarm: Alarm }),
  /** Its cause is gone, or somebody has dismissed it. */
  z.object({ type: z.literal('alarm.cleared'), alarmId: z.string() }),
]);
export type MediaEvent = z.infer<typeof MediaEvent>;

/** Numbers start at 1 with every start of the media process, which `bootId` names. */
export const NumberedEvent = z.object({ bootId: z.string(), seq: z.int().positive(), event: MediaEvent });
export type NumberedEvent = z.infer<typeof NumberedEvent>;
