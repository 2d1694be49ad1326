import { z } from 'zod';
import { HubTimeMs, Id, SourceKind } from './ids.ts';

/** A device asks for an angle that another one films. */
export const Takeover = z.object({
  requestId: z.string().regex(/^[0-9a-f]{16}$/),
  angleId: Id,
  /** In words, what asks and what films; empty where it has not said what it is. */
  device: z.string().max(120),
  from: z.string().max(120),
  askedMs: HubTimeMs,
  /** Unanswered by then, it is over. */
  untilMs: HubTimeMs,
});
export type Takeover = z.infer<typeof Takeover>;

/** `withdrawn`: who asked has gone, or films elsewhere. */
export const TakeoverDecision = z.enum(['agreed', 'refused', 'unanswered', 'withdrawn']);
export type TakeoverDecision = z.infer<typeof TakeoverDecision>;

const Empty = z.object({});

/** What the control plane asks of the media plane for it. */
export const takeoverRequests = {
  /** Who fills each angle that is filmed now; `owner` null for a camera. */
  sourceOwners: {
    params: z.object({ operationId: Id }),
    result: z.object({
      owners: z.record(
        Id,
        z.object({ owner: z.string().nullable(), device: z.string().nullable(), kind: SourceKind, sinceMs: HubTimeMs.nullable() }),
      ),
    }),
  },
  /** A commander has given this angle to another device: who fills it is closed as replaced. A `conflict` for a camera. */
  replaceSource: { params: z.object({ operationId: Id, angleId: Id }), result: Empty },
  /** What became of a device's wish to take an angle over: kept in the operation's journal. */
  noteTakeover: {
    params: z.object({ operationId: Id, decision: TakeoverDecision, ...Takeover.omit({ untilMs: true }).shape }),
    result: Empty,
  },
} as const;
