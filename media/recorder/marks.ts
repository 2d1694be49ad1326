import { HubError } from '../errors.ts';
import type { MediaEvent } from '../protocol/events.ts';
import type { Mark, Role } from '../protocol/marks.ts';
import type { OperationLine } from '../recordings/lines.ts';
import { afterLine, isMarkLine, marksOf } from '../recordings/marks.ts';
import type { OperationLog } from './operation-log.ts';

export type MarksOwner = {
  operationId: string;
  openedMs: number;
  journal: OperationLog;
  nowMs: () => number;
  emit: (event: MediaEvent) => void;
  /** Throws `gone` once the operation ends: nothing may follow its last line. */
  assertLive: () => void;
};
export type NewMark = Pick<Mark, 'markId' | 'kind' | 'angleId' | 'by' | 'atMs' | 'text'>;

/**
 * The marks of one operation. Everybody is told of one at once, since it may be a call for help; whoever sent it only when
 * it is on the disk, so that it is sent again until then. Sent again it changes nothing.
 */
export class Marks {
  readonly #owner: MarksOwner;
  readonly #marks: Map<string, Mark>;
  /** Lines on their way to the disk. */
  readonly #writing = new Map<string, Promise<unknown>>();

  constructor(owner: MarksOwner, before: OperationLine[]) {
    this.#owner = owner;
    this.#marks = new Map(marksOf(before).map((mark) => [mark.markId, mark]));
  }

  /** Nobody marks the future, nor what came before the operation: a clock that says so is set right. */
  async add({ markId, kind, angleId, by, atMs, text }: NewMark): Promise<Mark> {
    const present = this.#marks.get(markId);
    if (!present) {
      const receivedMs = this.#owner.nowMs();
      const touchedMs = Math.min(receivedMs, Math.max(this.#owner.openedMs, atMs));
      return this.#enter({ type: 'mark', markId, kind, angleId, by, atMs: touchedMs, receivedMs, text });
    }
    await this.#writing.get(markId);
    return present;
  }

  /** Throws `not_found`, or `forbidden` when it belongs to another angle. `angleId` null: whoever asks may label all. */
  async label(markId: string, angleId: string | null, by: Role, text: string): Promise<Mark> {
    const mark = this.#get(markId);
    if (angleId !== null && mark.angleId !== angleId) throw new HubError('forbidden', 'this mark is of another angle', { field: 'markId' });
    if (mark.text === text) return mark;
    return this.#enter({ type: 'mark.labelled', markId, text, by, atMs: this.#owner.nowMs() });
  }

  /** The first answer to a call for help counts; another changes nothing. */
  async acknowledge(markId: string, text: string): Promise<Mark> {
    const mark = this.#get(markId);
    if (mark.kind !== 'blocked') throw new HubError('conflict', 'this mark asks for no answer', { field: 'markId' });
    if (mark.acknowledged) return mark;
    return this.#enter({ type: 'mark.acknowledged', markId, text, atMs: this.#owner.nowMs() });
  }

  async #enter(line: Extract<OperationLine, { markId: string }>): Promise<Mark> {
    const { operationId, journal, emit, assertLive } = this.#owner;
    assertLive();
    const before = this.#marks.get(line.markId);
    const mark = isMarkLine(line) ? afterLine(this.#marks, line) : null;
    if (!mark) throw new HubError('internal', `mark ${line.markId} cannot be entered`);
    this.#marks.set(mark.markId, mark);
    emit({ type: 'mark', operationId, mark });
    const writing = journal.append(line);
    this.#writing.set(mark.markId, writing);
    try {
      await writing;
    } catch (error) {
      // not on the disk: whoever sends it again must be heard
      if (before) this.#marks.set(mark.markId, before);
      else this.#marks.delete(mark.markId);
      throw error;
    } finally {
      if (this.#writing.get(mark.markId) === writing) this.#writing.delete(mark.markId);
    }
    journal.signSoon();
    return mark;
  }

  #get(markId: string): Mark {
    const mark = this.#marks.get(markId);
    if (!mark) throw new HubError('not_found', `there is no mark ${markId}`, { field: 'markId' });
    return mark;
  }
}
