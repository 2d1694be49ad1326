import { z } from 'zod';
import { HubTimeMs, Id } from '../../media/protocol/ids.ts';

export const CUSTODY_OUTCOMES = ['done', 'refused', 'failed'] as const;

/** One line of the custody log: who did what, to what, and what came of it; also what the log tells of itself (`log.opened`, `log.dropped`). */
export const CustodyLine = z.object({
  seq: z.int(),
  atMs: HubTimeMs,
  /** `noun.deed`, such as `link.made`. */
  what: z.string(),
  who: z.object({ kind: z.string(), id: z.string().nullable(), name: z.string().nullable(), address: z.string().nullable() }),
  /** As written then: what the log has is shown, whatever it is. */
  operationId: z.string().nullable(),
  angleId: z.string().nullable(),
  /** What it was done to, where that is neither an operation nor an angle. */
  subject: z.string().nullable(),
  outcome: z.enum(CUSTODY_OUTCOMES),
  detail: z.record(z.string(), z.unknown()),
  /** Entered after it happened: the log could not be written then. */
  late: z.boolean(),
  /** Of an operation or a case that the reader may not see: what, who and when, and nothing of what it was done to. */
  hidden: z.boolean(),
});
export type CustodyLine = z.infer<typeof CustodyLine>;

/**
 * Newest first; `more`: there are older ones, asked for with `before` the last one's `seq`. `names`: of the ids in them, as things
 * are called now; only of what the reader may know of.
 */
export const CustodyPage = z.object({ lines: z.array(CustodyLine), more: z.boolean(), names: z.record(z.string(), z.string()) });

/** `who`: part of a name, an id or an address; `q`: part of what stands in the details. */
export const CustodyQuery = z.object({
  what: z.string().max(60).optional(),
  who: z.string().max(80).optional(),
  operation: Id.optional(),
  from: z.coerce.number().optional(),
  to: z.coerce.number().optional(),
  q: z.string().max(80).optional(),
  outcome: z.enum(CUSTODY_OUTCOMES).optional(),
  before: z.coerce.number().int().optional(),
  size: z.coerce.number().int().min(1).max(500).default(100),
});
export type CustodyQuery = z.infer<typeof CustodyQuery>;

/** Signed with Ed25519; kept elsewhere, it shows later whether the log was cut at its end. */
export const CustodyHead = z.object({ seq: z.int(), hash: z.string(), atMs: HubTimeMs, publicKey: z.string(), signature: z.string() });
