import { z } from 'zod';
import { HubTimeMs, Id } from './ids.ts';
import { ClientId, ShortText } from './marks.ts';

/** `text`: to be read. `shot`: what to film next. */
export const MessageKind = z.enum(['text', 'shot']);
export type MessageKind = z.infer<typeof MessageKind>;
export const MESSAGE_MAX = 200;
export const MessageText = ShortText(MESSAGE_MAX);

/** What a commander wrote to one operator or to all, and who has seen it. */
export const Message = z.object({
  messageId: ClientId,
  kind: MessageKind,
  /** The angle it is for; null for all. */
  angleId: Id.nullable(),
  text: MessageText,
  atMs: HubTimeMs,
  /** The angles whose operators have said that they saw it, and when. */
  seen: z.array(z.object({ angleId: Id, atMs: HubTimeMs })),
  /** Grows with every change, so that what arrives late replaces nothing newer. */
  version: z.int().positive(),
});
export type Message = z.infer<typeof Message>;
