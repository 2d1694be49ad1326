import { HubError } from '../errors.ts';
import type { Message } from '../protocol/messages.ts';
import type { OperationLine } from '../recordings/lines.ts';
import { afterMessageLine, isMessageLine, messagesOf } from '../recordings/messages.ts';
import type { MarksOwner } from './marks.ts';

export type NewMessage = Pick<Message, 'messageId' | 'kind' | 'angleId' | 'text'>;

/** What commanders wrote to operators. Everybody is told at once, whoever asked when it is on the disk. Sent again it changes nothing. */
export class Messages {
  readonly #owner: MarksOwner;
  readonly #messages: Map<string, Message>;

  constructor(owner: MarksOwner, before: OperationLine[]) {
    this.#owner = owner;
    this.#messages = new Map(messagesOf(before).map((message) => [message.messageId, message]));
  }

  async send({ messageId, kind, angleId, text }: NewMessage): Promise<Message> {
    const present = this.#messages.get(messageId);
    return present ?? this.#enter({ type: 'message', messageId, kind, angleId, text, atMs: this.#owner.nowMs() });
  }

  /** Its operator has seen it, then. Throws `not_found`, or `forbidden` when it was for another angle. */
  async seen(messageId: string, angleId: string, atMs: number): Promise<Message> {
    const message = this.#messages.get(messageId);
    if (!message) throw new HubError('not_found', `there is no message ${messageId}`, { field: 'messageId' });
    if (message.angleId !== null && message.angleId !== angleId)
      throw new HubError('forbidden', 'this message is for another angle', { field: 'messageId' });
    if (message.seen.some((each) => each.angleId === angleId)) return message;
    const seenMs = Math.min(this.#owner.nowMs(), Math.max(message.atMs, atMs));
    return this.#enter({ type: 'message.seen', messageId, angleId, atMs: seenMs });
  }

  async #enter(line: Extract<OperationLine, { messageId: string }>): Promise<Message> {
    const { operationId, journal, emit, assertLive } = this.#owner;
    assertLive();
    const before = this.#messages.get(line.messageId);
    const message = isMessageLine(line) ? afterMessageLine(this.#messages, line) : null;
    if (!message) throw new HubError('internal', `message ${line.messageId} cannot be entered`);
    this.#messages.set(message.messageId, message);
    emit({ type: 'message', operationId, message });
    try {
      await journal.append(line);
    } catch (error) {
      if (before) this.#messages.set(message.messageId, before);
      else this.#messages.delete(message.messageId);
      throw error;
    }
    journal.signSoon();
    return message;
  }
}
