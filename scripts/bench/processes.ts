import { type ChildProcess, fork, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const running = new Set<ChildProcess>();

/** From now on a process of ours: it does not outlive the bench, however that ends. */
export function ours(child: ChildProcess): ChildProcess {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** Stop whatever still runs: after a bench has failed, before its folder is removed. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((child) => stopProcess(child)));
}

/** Start one of the bench's own processes and wait for its first message. */
export async function startProcess(file: string, order: object): Promise<{ child: ChildProcess; first: unknown }> {
  const child = ours(fork(fileURLToPath(new URL(file, import.meta.url)), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }));
  const first = await new Promise<unknown>((resolve, reject) => {
    child.once('message', resolve);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${file} ended with code ${code}`)));
    child.send(order);
  });
  return { child, first };
}

export async function stopProcess(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill(signal);
  await gone;
}

/** SIGKILL to all of these processes at once, the first of them ours; resolves when that one is gone. */
export async function killAll(child: ChildProcess, pids: number[]): Promise<void> {
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it has ended by itself
    }
  }
  await gone;
}

/** What `ffmpeg -v error` says, and its exit code where that is not 0: empty when it has nothing to complain of. */
export async function ffmpegComplaints(args: string[], input: Buffer | null = null): Promise<string> {
  const child = spawn('ffmpeg', ['-v', 'error', '-nostdin', ...args], { stdio: [input ? 'pipe' : 'ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said += String(chunk)));
  child.stdin?.on('error', () => undefined); // it may stop reading early: its exit code says so
  child.stdin?.end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return code === 0 ? said.trim() : `${said.trim()} (exit code ${code})`;
}

/** A port that is free for UDP and TCP now, outside the range from which the kernel gives out ports by itself. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    if ((await bindsTcp(port)) && (await bindsUdp(port))) return port;
  }
}

function bindsTcp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Bind for a moment, to see whether that can be done. */
export function bindsUdp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => resolve(false));
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
  });
}

export const wait = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

export async function until(what: string, condition: () => boolean | Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await wait(0.1);
  }
}
