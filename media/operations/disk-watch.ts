import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HubError, messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Alarms, NewAlarm } from './alarms.ts';
import { type DiskLevel, diskLevel, lookAgainMs } from './disk-level.ts';

export type DiskWatchOptions = {
  /** The folder of all recordings. */
  recordingsDir: string;
  reserveBytes: number;
  /** Folders of live operations, and of their angles: they may lie on disks of their own. */
  folders: () => { operations: string[]; angles: string[] };
  /** The disk under these operations' folders is nearly full: running takes are to be closed. Told at every look while it is. */
  closeTakes: (operationDirs: string[]) => void;
  alarms: Alarms;
  log: Log;
};

type Disk = { path: string; freeBytes: number; level: DiskLevel };

/** Folders are tried for writing so often; free space is looked at more often than that. */
const WRITABLE_MS = 2000;
const mib = (bytes: number): string => String(Math.floor(bytes / 2 ** 20));

/** Watches what recording depends on: room on the disks that it goes to, and folders that can be written. */
export class DiskWatch {
  readonly #options: DiskWatchOptions;
  readonly #disks = new Map<number, Disk>();
  readonly #diskOf = new Map<string, number>();
  readonly #unwritable = new Map<string, string>();
  #triedMs = -Infinity;
  #timer: NodeJS.Timeout | null = null;
  #state: 'running' | 'closed' = 'running';

  constructor(options: DiskWatchOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    await this.#look();
    this.#schedule();
  }

  close(): void {
    this.#state = 'closed';
    if (this.#timer) clearTimeout(this.#timer);
  }

  /** Why nothing new must be recorded in this folder, or null. It may be so new that only the folder above it is known. */
  refusal(dir: string): HubError | null {
    const known = [dir, dirname(dir), this.#options.recordingsDir];
    const unwritable = known.slice(0, 2).find((path) => this.#unwritable.has(path));
    if (unwritable !== undefined)
      return new HubError('unavailable', notWritable(unwritable, this.#unwritable.get(unwritable) ?? ''), { field: 'DATA' });
    const path = known.find((each) => this.#diskOf.has(each));
    const disk = path === undefined ? undefined : this.#disks.get(this.#diskOf.get(path) ?? -1);
    if (!disk || disk.level === 'ample' || disk.level === 'low') return null;
    const { reserveBytes } = this.#options;
    return new HubError(
      'disk_full',
      `only ${mib(disk.freeBytes)} MiB are free under ${disk.path}, ${mib(reserveBytes)} MiB are kept in reserve: make room`,
      { field: 'DISK_RESERVE_MB' },
    );
  }

  #schedule(): void {
    if (this.#state === 'closed') return;
    const leastBytes = Math.min(...[...this.#disks.values()].map((disk) => disk.freeBytes));
    // the next look follows the last one's end: on a disk that hangs, looks must not pile up
    this.#timer = setTimeout(() => void this.#look().finally(() => this.#schedule()), lookAgainMs(leastBytes, this.#options.reserveBytes));
  }

  async #look(): Promise<void> {
    const { recordingsDir, folders, closeTakes } = this.#options;
    const { operations, angles } = folders();
    const seen = new Set<number>();
    this.#diskOf.clear();
    for (const path of [recordingsDir, ...operations]) await this.#space(path, seen);
    const full = operations.filter((path) => this.#disks.get(this.#diskOf.get(path) ?? -1)?.level === 'closed');
    if (full.length > 0) closeTakes(full);
    if (performance.now() - this.#triedMs < WRITABLE_MS) return;
    this.#triedMs = performance.now();
    const watched = [recordingsDir, ...operations, ...angles];
    for (const path of watched) await this.#tryWriting(path);
    for (const path of this.#unwritable.keys()) if (!watched.includes(path)) this.#writable(path);
  }

  async #space(path: string, seen: Set<number>): Promise<void> {
    try {
      const { dev } = await stat(path);
      this.#diskOf.set(path, dev);
      if (seen.has(dev)) return;
      seen.add(dev);
      const { bavail, bsize } = await statfs(path);
      this.#measured(dev, path, bavail * bsize);
    } catch (error) {
      // a folder that is gone is told by whoever writes there next
      this.#options.log.debug({ err: error, path }, 'free space cannot be read');
    }
  }

  #measured(dev: number, path: string, freeBytes: number): void {
    const { reserveBytes, alarms, log } = this.#options;
    const before = this.#disks.get(dev)?.level ?? 'ample';
    const level = diskLevel(freeBytes, reserveBytes, before);
    this.#disks.set(dev, { path, freeBytes, level });
    if (level === before) return;
    log.warn({ path, level, freeBytes }, 'room on the disk');
    const alarmId = `disk:${dev}`;
    if (level === 'ample') alarms.clear(alarmId);
    else alarms.raise(spaceAlarm(alarmId, level, path, mib(freeBytes), mib(reserveBytes)));
  }

  async #tryWriting(path: string): Promise<void> {
    try {
      await access(path, constants.W_OK | constants.X_OK);
      this.#writable(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return this.#writable(path); // made anew when it is needed
      const why = messageOf(error);
      this.#unwritable.set(path, why);
      const alarm = { alarmId: `not-writable:${path}`, code: 'not-writable', lasting: true } as const;
      this.#options.alarms.raise({ ...alarm, message: notWritable(path, why), facts: { path, why: String(code) } });
    }
  }

  #writable(path: string): void {
    if (this.#unwritable.delete(path)) this.#options.alarms.clear(`not-writable:${path}`);
  }
}

function notWritable(path: string, why: string): string {
  return `${path} cannot be written (${why}): give the hub's user the right to write there, or mount it writable`;
}

function spaceAlarm(alarmId: string, level: Exclude<DiskLevel, 'ample'>, path: string, free: string, reserve: string): NewAlarm {
  const facts = { path, free, reserve };
  const room = `${free} MiB are free under ${path}`;
  if (level === 'low')
    return { alarmId, code: 'disk-low', message: `${room}: below ${reserve} MiB no new take begins. Make room`, facts, lasting: true };
  const what = level === 'refusing' ? 'new takes are refused, running ones go on' : 'all recording has stopped';
  const code = level === 'refusing' ? 'disk-refusing' : 'disk-closed';
  return { alarmId, code, message: `${room}: ${what}. Make room, recording goes on by itself`, facts, lasting: true };
}
