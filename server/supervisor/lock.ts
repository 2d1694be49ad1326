import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HubError } from '../../media/errors.ts';

const WAIT_MS = 5000;
const POLL_MS = 100;

/** Is this process alive, and is it what we think it is? Its command line must contain `mark`. */
export function processIs(pid: number, mark: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(mark);
  } catch {
    return false; // gone
  }
}

/**
 * Claim the data folder for this process. Waits up to 5 s for a hub that is just stopping, then throws `conflict` naming
 * it. The lock of a dead hub is taken over.
 */
export async function lockDataFolder(dataDir: string): Promise<() => void> {
  mkdirSync(dataDir, { recursive: true, mode: 0o750 });
  const path = join(dataDir, 'hub.lock');
  for (let waitedMs = 0; ; waitedMs += POLL_MS) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
        throw new HubError('unavailable', `DATA=${JSON.stringify(dataDir)} cannot be written: ${(error as Error).message}`, {
          field: 'DATA',
          cause: error,
        });
    }
    const pid = Number(readPid(path));
    if (!pid || pid === process.pid || !processIs(pid, 'supervisor/main.ts')) {
      rmSync(path, { force: true });
    } else if (waitedMs >= WAIT_MS) {
      throw new HubError('conflict', `DATA=${JSON.stringify(dataDir)} is in use by the hub with process id ${pid}`, { field: 'DATA' });
    } else {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

function readPid(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it has just been removed
  }
}
