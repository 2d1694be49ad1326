import { z } from 'zod';
import { HubTimeMs, Id } from './ids.ts';

/** `moment`: something to be found again. `blocked`: the operator is hindered or attacked and asks for help. */
export const MarkKind = z.enum(['moment', 'blocked']);
export type MarkKind = z.infer<typeof MarkKind>;

/** Who did something: whoever holds the angle's phone, or whoever sits at a console. */
export const Role = z.enum(['operator', 'commander']);
export type Role = z.infer<typeof Role>;

/** Made by the client, so that one that is sent again is not entered twice. */
export const ClientId = z.string().regex(/^[A-Za-z0-9_-]{8,64}$/, 'letters, digits, hyphen and underscore, 8 to 64');

/** What people write to each other or about something: any script, no control characters. */
export const ShortText = (max: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    // eslint-disable-next-line no-control-regex
    .regex(/^[^\u0000-\u001f\u007f]*$/, 'no control characters');
export const MarkText = ShortText(60);
/** What was done about an alarm. */
export const AnswerText = ShortText(200);

/** A moment that somebody marked, as a whole. */
export const Mark = z.object({
  markId: ClientId,
  kind: MarkKind,
  /** The viewpoint it belongs to; null for the operation as a whole. */
  angleId: Id.nullable(),
  by: Role,
  /** When it was touched, and when it reached the hub: a phone without network sends it later. */
  atMs: HubTimeMs,
  receivedMs: HubTimeMs,
  /** A label, chosen then or afterwards. */
  text: MarkText.nullable(),
  /** A `blocked` one is an alarm until somebody has said what is done about it. */
  acknowledged: z.object({ atMs: HubTimeMs, text: AnswerText }).nullable(),
  /** Grows with every change, so that what arrives late replaces nothing newer. */
  version: z.int().positive(),
});
export type Mark = z.infer<typeof Mark>;
