import { z } from 'zod';
import { HubTimeMs, Id } from './ids.ts';
import { ClientId } from './marks.ts';

/** The angle under which what commanders say is recorded: it has sound only, and nobody expects it at any time. */
export const TALK_ANGLE = 'talk';
/** Nobody speaks longer at a time. */
export const TALK_MAX_MS = 30_000;

/** A commander who speaks, and to whom. */
export const Talk = z.object({
  talkId: ClientId,
  /** The angle it is for; null for all. */
  angleId: Id.nullable(),
  startedMs: HubTimeMs,
  /** Angles whose phones play it. */
  heard: z.array(Id),
});
export type Talk = z.infer<typeof Talk>;

/** Why somebody spoke no longer. */
export const TalkEnd = z.enum(['released', 'too-long', 'connection-lost', 'operation-ended', 'hub-stopped']);
export type TalkEnd = z.infer<typeof TalkEnd>;
