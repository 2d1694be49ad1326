import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const TIMEOUT_MS = 2000;

/**
 * Whether the kernel holds the machine's clock to be synchronised (STA_UNSYNC of adjtimex(2), as `timedatectl` reads it).
 * Null where nobody says so: no systemd, as in a container.
 */
export async function machineSynchronised(): Promise<boolean | null> {
  try {
    const { stdout } = await promisify(execFile)('timedatectl', ['show', '-p', 'NTPSynchronized', '--value'], { timeout: TIMEOUT_MS });
    return readSynchronised(stdout);
  } catch {
    return null;
  }
}

export function readSynchronised(stdout: string): boolean | null {
  const said = stdout.trim();
  return said === 'yes' ? true : said === 'no' ? false : null;
}
