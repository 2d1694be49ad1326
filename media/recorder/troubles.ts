import { dirname } from 'node:path';
import { HubError, messageOf } from '../errors.ts';
import type { Alarm } from '../protocol/alarms.ts';
import { isDiskFull } from '../recordings/journal.ts';

/** Where alarms are raised; see `operations/alarms.ts`. */
export type RecorderAlarms = {
  raise: (alarm: Omit<Alarm, 'atMs' | 'facts'> & { facts?: Record<string, string> }) => void;
  clear: (alarmId: string) => void;
};
type AngleName = { angleId: string; name: string };

/** What goes wrong while an operation is recorded, as alarms: one of a kind for an operation, so that sixty angles are no sixty banners. */
export class Troubles {
  readonly #operationId: string;
  readonly #alarms: RecorderAlarms;
  readonly #behind = new Set<string>();

  constructor(operationId: string, alarms: RecorderAlarms) {
    this.#operationId = operationId;
    this.#alarms = alarms;
  }

  /** A take (of this angle) or the operation's journal could not be written. */
  failed(angle: AngleName | null, error: unknown): void {
    const removed = angle && removedPath(error);
    if (removed) return this.fileMissing(angle, removed);
    const code = isDiskFull(error) ? 'disk-full' : 'write-failed';
    const why = messageOf(error);
    const advice = code === 'disk-full' ? 'make room; recording goes on by itself' : 'look after the disk; recording is tried again';
    const message = `${angle ? `${angle.name}: ` : ''}could not be recorded any more (${why}): ${advice}`;
    this.#raise(code, message, { why, angle: angle?.name ?? this.#operationId }, false);
  }

  behind({ angleId, name }: AngleName, behind: boolean): void {
    if (behind) this.#behind.add(angleId);
    else this.#behind.delete(angleId);
    if (this.#behind.size === 0) this.#alarms.clear(`disk-slow:${this.#operationId}`);
    else if (behind)
      this.#raise(
        'disk-slow',
        `the disk does not keep up, pictures are being lost (first on ${name}): find out what else uses it`,
        {},
        true,
      );
  }

  fileMissing({ name }: AngleName, path: string): void {
    const message = `${path} (${name}) was removed while its take was recorded: find out who did that, and restore it`;
    this.#raise('file-missing', message, { path, angle: name }, false, path);
  }

  #raise(code: Alarm['code'], message: string, facts: Record<string, string>, lasting: boolean, part?: string): void {
    const alarmId = [code, this.#operationId, ...(part === undefined ? [] : [part])].join(':');
    this.#alarms.raise({ alarmId, code, message, facts, lasting, operationId: this.#operationId });
  }
}

/** The folder that is gone, when that was why a file in it could not be made. */
function removedPath(error: unknown): string | null {
  const { code, path } = (error instanceof HubError ? error.cause : error) as NodeJS.ErrnoException;
  return code === 'ENOENT' && path !== undefined ? dirname(path) : null;
}
