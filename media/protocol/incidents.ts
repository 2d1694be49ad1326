import { z } from 'zod';
import { HubTimeMs, Id } from './ids.ts';
import { Takeover, TakeoverDecision } from './takeover.ts';

/** A capture page was in the background, as it says itself. */
export const HiddenPage = z.object({ angleId: Id, fromMs: HubTimeMs, toMs: HubTimeMs });
/** A device asked for an angle that another one filmed; `atMs` is when that was decided. */
export const DecidedTakeover = Takeover.pick({ angleId: true, device: true, from: true, askedMs: true }).extend({
  atMs: HubTimeMs,
  decision: TakeoverDecision,
});
/** What an operation's journal knows of its devices besides interruptions, in order. */
export const Incidents = z.object({ hidden: z.array(HiddenPage), takeovers: z.array(DecidedTakeover) });
export type Incidents = z.infer<typeof Incidents>;
