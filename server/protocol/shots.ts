import { z } from 'zod';
import { HubTimeMs, Id } from '../../media/protocol/ids.ts';
import { ClientId, MarkText, ShortText } from '../../media/protocol/marks.ts';
import { OperationType } from './cases.ts';

/** Something that must be on film (R10). A tick is a mark with its Chinese words, which are therefore no longer than a mark's may be. */
export const ShotItem = z.object({ zh: MarkText, en: ShortText(120) });
export type ShotItem = z.infer<typeof ShotItem>;
export const SHOTS_MOST = 40;

/** What of one type of operation must be on film, in one edition; `by`: who made it, null for the first that came with the hub. */
export const ShotList = z.object({
  type: OperationType,
  edition: z.int().positive(),
  items: z.array(ShotItem),
  atMs: HubTimeMs,
  by: z.string().nullable(),
});
export type ShotList = z.infer<typeof ShotList>;

/** All editions of a type, the newest first; `edit`: the reader may make another. */
export const ShotListEditions = z.object({ editions: z.array(ShotList), edit: z.boolean() });
export type ShotListEditions = z.infer<typeof ShotListEditions>;

/** The whole list anew. `edition`: the one that it was made from. */
export const ShotListChange = z.object({
  edition: z.int().positive(),
  items: z
    .array(ShotItem)
    .min(1)
    .max(SHOTS_MOST)
    .superRefine((items, context) => {
      for (const [at, { zh }] of items.entries())
        if (items.findIndex((other) => other.zh === zh) < at)
          context.addIssue({ code: 'custom', message: 'is in the list twice', path: [at, 'zh'] });
    }),
});
export type ShotListChange = z.infer<typeof ShotListChange>;

/** Where an item was filmed. `by`: the commander, or the officer of the angle where the hub knows him; null for phones. */
export const ShotTick = z.object({ markId: ClientId, angleId: Id, atMs: HubTimeMs, by: z.string().nullable() });
export type ShotTick = z.infer<typeof ShotTick>;

/** An item of an operation's own copy of the list. */
export const OperationShot = ShotItem.extend({ shotId: Id, edition: z.int().positive(), tick: ShotTick.nullable() });
export type OperationShot = z.infer<typeof OperationShot>;

/** `type`: null while the operation has none. `readMs`: hub time at which this was so; of two answers the later one counts. */
export const OperationShots = z.object({ type: OperationType.nullable(), shots: z.array(OperationShot), readMs: HubTimeMs });
export type OperationShots = z.infer<typeof OperationShots>;

/** `atMs`: when it was filmed; now, where it is not said. Ticked already, nothing changes. */
export const TickCreate = z.object({ angleId: Id, atMs: HubTimeMs.optional() });
/** A phone's, which is of its own angle; sent again until it is answered, also long after. */
export const PhoneTick = TickCreate.omit({ angleId: true });
