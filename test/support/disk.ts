import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdirSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const MIB = 2 ** 20;

/** Run a program that needs root; what it said is in the error. */
function must(command: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status === 0) return;
  throw new Error(`${command} ${args.join(' ')} failed (these tests mount small disks and so need root with CAP_SYS_ADMIN): ${stderr}`);
}

/** A small disk of its own, in memory, mounted on `path`. */
export class SmallDisk {
  readonly path: string;
  readonly #ballast: string;

  private constructor(path: string) {
    this.path = path;
    this.#ballast = join(path, 'ballast');
  }

  static mount(path: string, sizeMib: number): SmallDisk {
    mkdirSync(path, { recursive: true });
    must('mount', '-t', 'tmpfs', '-o', `size=${sizeMib}m`, 'fieldhub-test', path);
    return new SmallDisk(path);
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.path);
    return bavail * bsize;
  }

  /** Fill up, or make room, until so much is free. */
  leave(freeMib: number): void {
    const file = openSync(this.#ballast, 'a');
    try {
      const more = this.freeBytes - freeMib * MIB;
      if (more < 0) ftruncateSync(file, Math.max(0, statSync(this.#ballast).size + more));
      for (let left = more; left > 0; left -= MIB) writeSync(file, Buffer.alloc(Math.min(MIB, left)));
    } finally {
      closeSync(file);
    }
  }

  /** Another program takes all there is, in one go. */
  flood(): void {
    const file = openSync(this.#ballast, 'a');
    try {
      for (;;) writeSync(file, Buffer.alloc(MIB));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      closeSync(file);
    }
  }

  clear(): void {
    rmSync(this.#ballast, { force: true });
  }

  unmount(): void {
    must('umount', '--lazy', this.path);
  }
}

/** Nobody can write under `path` any more, root neither; files that are open go on. Returns what undoes it. */
export function makeReadOnly(path: string): () => void {
  must('mount', '--bind', path, path);
  must('mount', '-o', 'remount,bind,ro', path);
  return () => must('umount', '--lazy', path); // who looks at it just now does not hold it up
}
