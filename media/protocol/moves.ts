import { z } from 'zod';
import { HubTimeMs, Id, Name, TakeId } from './ids.ts';
import { ShortText } from './marks.ts';

/** Where a take lies. */
export const TakePlace = z.object({ operationId: Id, angleId: Id, takeId: TakeId });
export type TakePlace = z.infer<typeof TakePlace>;

/** Names a move in both journals. */
export const MoveId = z.string().regex(/^[A-Za-z0-9_-]{8,64}$/);
export const MoveReason = ShortText(200);
/** Who moved it: their name as it was then. */
export const MovedBy = z.object({ personId: z.string().min(1).max(80), name: z.string().min(1).max(120) });

/** A take that came in under the wrong angle or operation, and where it was moved. */
export const TakeMove = z.object({
  moveId: MoveId,
  from: TakePlace,
  to: TakePlace,
  /** When it was moved. */
  atMs: HubTimeMs,
  by: MovedBy,
  reason: MoveReason,
});
export type TakeMove = z.infer<typeof TakeMove>;

/** Move a take. `toAngleName`: the angle is a new one, made for it; else it must be there. */
export const MoveOrder = z.object({
  ...TakeMove.pick({ moveId: true, by: true, reason: true }).shape,
  from: TakePlace,
  to: TakePlace.omit({ takeId: true }),
  toAngleName: Name.nullable(),
});
export type MoveOrder = z.infer<typeof MoveOrder>;

export const moveRequests = {
  /**
   * Move a take that has ended to another angle, of any operation, live or ended: resolves when both journals and the disk have it.
   * A `conflict` names what stands against it. When this throws nothing was moved, but for `timeout` and `unavailable`: then an event says so, or nothing.
   */
  moveTake: { params: MoveOrder, result: z.object({ to: TakePlace }) },
  /** Moves that wait or run now: of any other it is known for good whether the journals have it. */
  movesUnderWay: { params: z.object({}), result: z.object({ moveIds: z.array(MoveId) }) },
} as const;
