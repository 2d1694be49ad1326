import { z } from 'zod';
import { ShortText } from '../../media/protocol/marks.ts';
import { HubTimeMs, Id, Name } from '../../media/protocol/ids.ts';
import { Sha256Hex } from '../../media/recordings/lines.ts';

export const HAND_OVER_STATES = ['given', 'taken', 'declined', 'replaced'] as const;
const Note = ShortText(200);

/**
 * 移交记录 (R17): what was filmed is given to a custodian by name, who takes it or not. `files` and `sizeBytes` of the package's
 * payload, whose list of hashes has the SHA-256 `manifestSha256`: it is this that was handed over, and nothing else. `replaced`:
 * given to another one before it was answered.
 */
export const HandOver = z.object({
  handOverId: Id,
  givenMs: HubTimeMs,
  giverName: Name,
  takerId: Id,
  takerName: Name,
  note: z.string().nullable(),
  files: z.int(),
  sizeBytes: z.int(),
  manifestSha256: Sha256Hex,
  state: z.enum(HAND_OVER_STATES),
  answeredMs: HubTimeMs.nullable(),
  answer: z.string().nullable(),
});
export type HandOver = z.infer<typeof HandOver>;

export const HandOverCreate = z.object({ takerId: Id, note: Note.nullable().default(null) });
export type HandOverCreate = z.infer<typeof HandOverCreate>;
/** `note`: why not; what was found. Needed to decline. */
export const HandOverAnswer = z.object({ taken: z.boolean(), note: Note.nullable().default(null) });
export type HandOverAnswer = z.infer<typeof HandOverAnswer>;

/** Who may take an operation's material over. */
export const Custodians = z.object({ people: z.array(z.object({ personId: Id, name: Name, badge: z.string().nullable() })) });

/** What waits for the answer of whoever asks, the oldest first. */
export const WaitingHandOvers = z.object({
  handOvers: z.array(z.object({ operationId: Id, operationName: Name, handOverId: Id, givenMs: HubTimeMs, giverName: Name })),
});
export type WaitingHandOvers = z.infer<typeof WaitingHandOvers>;
