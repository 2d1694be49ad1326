import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { processIs } from './lock.ts';
import { SupervisedChild } from './child.ts';

/**
 * The hub's own Redis: on a Unix socket in a short private folder (a socket's path must stay under 107 bytes), its
 * append-only file in the data folder. One left over by a hub that was killed is stopped first: two of them on one
 * append-only file would spoil it.
 */
export class OwnRedis {
  readonly socketPath: string;
  readonly #runDir: string;
  readonly #dir: string;
  readonly #child: SupervisedChild;

  constructor(dataDir: string, on: { started: () => void; died: (why: string) => void }) {
    this.#dir = join(dataDir, 'redis');
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
    this.#runDir = mkdtempSync('/tmp/fh-');
    this.socketPath = join(this.#runDir, 'redis.sock');
    const args = [
      '--port',
      '0',
      '--unixsocket',
      this.socketPath,
      '--unixsocketperm',
      '700',
      '--dir',
      this.#dir,
      '--appendonly',
      'yes',
      '--save',
      '',
      '--maxmemory-policy',
      'noeviction',
      '--loglevel',
      'warning',
      '--daemonize',
      'no',
    ];
    const started = (pid: number): void => {
      writeFileSync(this.#pidFile, String(pid));
      on.started();
    };
    const env = (): NodeJS.ProcessEnv => process.env;
    this.#child = new SupervisedChild({
      name: 'redis',
      command: 'redis-server',
      args,
      env,
      ipc: false,
      detached: true,
      started,
      died: on.died,
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }
  /** A private folder for sockets, with a path short enough. */
  get runDir(): string {
    return this.#runDir;
  }

  async start(): Promise<void> {
    await this.#stopOrphan();
    this.#child.start();
    await waitForSocket(this.socketPath, 10_000);
  }

  async stop(): Promise<void> {
    await this.#child.stop(1500);
    rmSync(this.#pidFile, { force: true });
    rmSync(this.#runDir, { recursive: true, force: true });
  }

  get #pidFile(): string {
    return join(this.#dir, 'redis.pid');
  }

  async #stopOrphan(): Promise<void> {
    let pid = 0;
    try {
      pid = Number(readFileSync(this.#pidFile, 'utf8'));
    } catch {
      return; // none was left
    }
    if (!pid || !processIs(pid, 'redis-server')) return;
    process.kill(pid, 'SIGTERM');
    for (let waitedMs = 0; processIs(pid, 'redis-server') && waitedMs < 5000; waitedMs += 50)
      await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Resolves when something listens there. */
export async function waitForSocket(path: string, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(path, () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (open) return;
    if (performance.now() > deadline) throw new Error(`nothing listens on ${path}; is redis-server installed?`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
