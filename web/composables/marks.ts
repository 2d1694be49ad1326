import type { Mark, Message } from '../../server/protocol/http.ts';

/** What reached the hub so long after it was touched is said to be late. */
const LATE_MS = 3000;

/** How late a mark reached the hub, milliseconds; null when that was at once. */
export function lateMs({ atMs, receivedMs }: Pick<Mark, 'atMs' | 'receivedMs'>): number | null {
  return receivedMs - atMs > LATE_MS ? receivedMs - atMs : null;
}

/** What is known of marks, by id: of each the newest, whichever way and in whichever order it was told. */
export function mergeMarks(known: Map<string, Mark>, told: Mark[]): void {
  for (const mark of told) if ((known.get(mark.markId)?.version ?? 0) < mark.version) known.set(mark.markId, mark);
}

/** The same for messages. */
export function mergeMessages(known: Map<string, Message>, told: Message[]): void {
  for (const message of told) if ((known.get(message.messageId)?.version ?? 0) < message.version) known.set(message.messageId, message);
}

/**
 * What of the messages an operator should see: the oldest that this angle has not seen, how many come after it, and what is
 * to be filmed next, which is the last shot seen unless `filmed` has it.
 */
export function messagesFor(messages: Iterable<Message>, isSeen: (message: Message) => boolean, filmed: ReadonlySet<string>) {
  const ordered = [...messages].toSorted((a, b) => a.atMs - b.atMs);
  const fresh = ordered.filter((message) => !isSeen(message));
  const shot = ordered.findLast((message) => message.kind === 'shot' && isSeen(message));
  return { fresh: fresh[0] ?? null, more: Math.max(0, fresh.length - 1), shot: shot && !filmed.has(shot.messageId) ? shot : null };
}

/** Calls for help that nobody has answered, the oldest first. */
export function standingCalls(marks: Iterable<Mark>): Mark[] {
  return [...marks].filter(({ kind, acknowledged }) => kind === 'blocked' && !acknowledged).toSorted((a, b) => a.atMs - b.atMs);
}
