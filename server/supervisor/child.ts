import { type ChildProcess, spawn } from 'node:child_process';

export type ChildOptions = {
  name: string;
  command: string;
  args: string[];
  /** Asked for at each start: what was learnt in an earlier one may go in. */
  env: () => NodeJS.ProcessEnv;
  /** With an IPC channel the child says when it is ready, and stops when the supervisor is gone. */
  ipc: boolean;
  /** In a process group of its own: Ctrl+C in a terminal reaches the supervisor, which then stops it in its turn. */
  detached?: boolean;
  started?: (pid: number) => void;
  ready?: (message: Record<string, unknown>) => void;
  /** It died though nobody asked it to; it is about to be started again. */
  died?: (why: string) => void;
  /** It cannot start, for a reason that a restart will not mend. */
  fatal?: (message: string) => void;
};

const FIRST_BACKOFF_MS = 200;
const MAX_BACKOFF_MS = 5000;
/** A child that lived for so long starts its back-off anew. */
const STEADY_MS = 10_000;

/** One child process that is started again, ever more slowly, until it is stopped on purpose. */
export class SupervisedChild {
  readonly #options: ChildOptions;
  #process: ChildProcess | null = null;
  #backoffMs = FIRST_BACKOFF_MS;
  #timer: NodeJS.Timeout | null = null;
  #state: 'running' | 'stopped' = 'stopped';
  #exited: Promise<void> = Promise.resolve();

  constructor(options: ChildOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  start(): void {
    this.#state = 'running';
    const { command, args, env, ipc, detached = false, started, ready, died, fatal } = this.#options;
    const child = spawn(command, args, {
      env: env(),
      detached,
      stdio: ipc ? ['ignore', 'inherit', 'inherit', 'ipc'] : ['ignore', 'ignore', 'inherit'],
    });
    const startedMs = performance.now();
    this.#process = child;
    if (child.pid !== undefined) started?.(child.pid);
    child.on('message', (message) => {
      const value = message as Record<string, unknown>;
      if (value['type'] === 'failed' && value['fatal'] === true) fatal?.(String(value['message']));
      else if (value['type'] === 'ready') ready?.(value);
    });
    this.#exited = new Promise((resolve) => {
      const gone = (why: string): void => {
        if (this.#process !== child) return;
        this.#process = null;
        resolve();
        if (this.#state === 'stopped') return;
        died?.(why);
        if (performance.now() - startedMs > STEADY_MS) this.#backoffMs = FIRST_BACKOFF_MS;
        this.#timer = setTimeout(() => this.start(), this.#backoffMs);
        this.#backoffMs = Math.min(MAX_BACKOFF_MS, this.#backoffMs * 2);
      };
      child.once('exit', (code, signal) => gone(signal ?? `exit code ${code}`));
      child.once('error', (error) => gone(error.message));
    });
  }

  /** Ask it to end, insist after `patienceMs`. Resolves when it is gone. */
  async stop(patienceMs: number): Promise<void> {
    this.#state = 'stopped';
    if (this.#timer) clearTimeout(this.#timer);
    const child = this.#process;
    if (!child) return;
    child.kill('SIGTERM');
    const insist = setTimeout(() => child.kill('SIGKILL'), patienceMs);
    await this.#exited;
    clearTimeout(insist);
  }
}
