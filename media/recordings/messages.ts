import type { Message } from '../protocol/messages.ts';
import type { OperationLine } from './lines.ts';

type MessageLine = Extract<OperationLine, { type: 'message' | 'message.seen' }>;

export const isMessageLine = (line: OperationLine): line is MessageLine => line.type === 'message' || line.type === 'message.seen';

/** What a line makes of the messages so far; null when it speaks of one that no line before it has sent, or sends one twice. */
export function afterMessageLine(messages: ReadonlyMap<string, Message>, line: MessageLine): Message | null {
  const present = messages.get(line.messageId);
  if (line.type === 'message') {
    if (present) return null;
    const { messageId, kind, angleId, text, atMs } = line;
    return { messageId, kind, angleId, text, atMs, seen: [], version: 1 };
  }
  if (!present) return null;
  const { angleId, atMs } = line;
  return { ...present, seen: [...present.seen, { angleId, atMs }], version: present.version + 1 };
}

/** The messages of an operation's journal, in the order in which they were sent. */
export function messagesOf(lines: OperationLine[]): Message[] {
  const messages = new Map<string, Message>();
  for (const line of lines) {
    const message = isMessageLine(line) ? afterMessageLine(messages, line) : null;
    if (message) messages.set(message.messageId, message);
  }
  return [...messages.values()];
}

/** What is wrong with the messages of a journal, in words. */
export function checkMessages(lines: OperationLine[]): string[] {
  const wrong: string[] = [];
  const messages = new Map<string, Message>();
  const angles = new Set<string>();
  for (const line of lines) {
    if (line.type === 'angle.added') angles.add(line.angleId);
    if (!isMessageLine(line)) continue;
    const message = afterMessageLine(messages, line);
    if (!message) {
      wrong.push(`${line.type} ${line.messageId}: ${line.type === 'message' ? 'is there twice' : 'there is no such message before it'}`);
      continue;
    }
    messages.set(message.messageId, message);
    if (line.angleId !== null && !angles.has(line.angleId))
      wrong.push(`${line.type} ${line.messageId}: is of an angle that was never added`);
    if (line.type === 'message.seen' && message.angleId !== null && message.angleId !== line.angleId)
      wrong.push(`message.seen ${line.messageId}: was seen by an angle that it was not for`);
  }
  return wrong;
}
