import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type Readable, Writable } from 'node:stream';

/** util-linux, part of every Debian: the kernel ends what it starts when this process dies, however it dies (prctl(2), PR_SET_PDEATHSIG). */
const SETPRIV = '/usr/bin/setpriv';
const PATIENCE_MS = 2000;
const WORDS = 4000;

/** One run of ffmpeg or ffprobe. Its words may hold secrets: they are for judging, never for passing on. */
export class FfmpegProcess {
  readonly #child: ChildProcess;
  /** Resolves with its exit code, null when it was killed or could not be started. */
  readonly exited: Promise<number | null>;
  #words = '';
  #out = '';
  #listener: ((words: string) => void) | null = null;

  /**
   * `input`: what it reads is written to `stdin`. `script`: what it finds on descriptor 3, where no list of processes shows it.
   * `signal`: it is stopped when that is aborted.
   */
  constructor(
    program: 'ffmpeg' | 'ffprobe',
    args: string[],
    { input = false, script = null, signal }: { input?: boolean; script?: string | null; signal?: AbortSignal } = {},
  ) {
    const command = existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'KILL', program, ...args] : [program, ...args];
    this.#child = spawn(command[0] ?? program, command.slice(1), {
      stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe', ...(script === null ? [] : ['pipe' as const])],
    });
    this.#child.stdin?.on('error', () => undefined); // it has ended, which `exited` tells
    const third = this.#child.stdio[3];
    if (script !== null && third instanceof Writable) third.on('error', () => undefined).end(script);
    this.#child.stderr?.on('data', (text: Buffer) => {
      this.#words = (this.#words + text.toString()).slice(-WORDS);
      this.#listener?.(text.toString());
    });
    this.exited = new Promise((resolve) => {
      this.#child.once('close', (code) => resolve(code));
      this.#child.once('error', (error) => {
        this.#words += error.message;
        resolve(null);
      });
    });
    const stop = (): void => void this.stop();
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop, { once: true });
    void this.exited.then(() => signal?.removeEventListener('abort', stop));
  }

  get stdin(): Writable | null {
    return this.#child.stdin;
  }
  get stdout(): Readable | null {
    return this.#child.stdout;
  }

  /** What it says from now on. */
  onWords(listener: (words: string) => void): void {
    this.#listener = listener;
  }
  get words(): string {
    return this.#words;
  }

  /** All it writes on its standard output, once it has ended. */
  async output(): Promise<string> {
    this.#child.stdout?.on('data', (text: Buffer) => (this.#out += text.toString()));
    await this.exited;
    return this.#out;
  }

  /** Ask it to end (it then says goodbye to the camera), insist after two seconds. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) return;
    this.#child.kill('SIGTERM');
    const insist = setTimeout(() => this.#child.kill('SIGKILL'), PATIENCE_MS);
    await this.exited;
    clearTimeout(insist);
  }
}
