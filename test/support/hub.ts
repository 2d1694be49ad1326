import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { firstAdministratorIn, hubFetch, type HubSession, keepSession, takeCharge } from '../../scripts/demo/sign-in.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

export type HubState = {
  url: string;
  pid: number;
  media: number;
  control: number;
  redis: number | null;
  dataDir: string;
  archiveDir: string;
};
export type RunningHub = {
  process: ChildProcess;
  dataDir: string;
  /** Where it serves; the same for as long as it runs. */
  url: string;
  rtcPort: string;
  /** What `hub.json` says now. */
  state: () => HubState;
  /** What the hub has written to standard output and standard error. */
  output: () => string;
  /** SIGTERM; resolves with the exit code. */
  stop: () => Promise<number | null>;
  /** SIGKILL to every process of the hub. */
  killAll: () => Promise<void>;
};

/**
 * Start a real hub, supervisor and all, and wait until it answers. Throws with its output when it ends instead. `untouched`: its
 * first administrator has not signed in.
 */
export async function startHub(dataDir: string, env: Record<string, string> = {}, { untouched = false } = {}): Promise<RunningHub> {
  const settings = { DATA: dataDir, PORT: '0', RTC_PORT: String(await freePort()), DISK_RESERVE_MB: '100', LOG_LEVEL: 'info', ...env };
  const child = spawn(process.execPath, [join(root, 'server/supervisor/main.ts')], {
    env: { ...process.env, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const take = (chunk: Buffer): void => void (output = (output + String(chunk)).slice(-200_000));
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const state = (): HubState => JSON.parse(readFileSync(join(dataDir, 'hub.json'), 'utf8')) as HubState;
  let code: number | null | undefined;
  void exited.then((value) => (code = value ?? -1));
  const isReady = (): boolean => {
    if (code !== undefined) throw new Error(`the hub ended with code ${code}:\n${output}`);
    return /fieldhub is ready/.test(output) && readable(state);
  };
  await until('the hub is ready', isReady, 90_000).catch((error: unknown) => {
    child.kill('SIGTERM');
    throw error;
  });
  const { url } = state();
  if (!untouched) await signInAt(url, dataDir, output);
  return {
    process: child,
    dataDir,
    url,
    rtcPort: settings.RTC_PORT,
    state,
    output: () => output,
    stop: () => {
      child.kill('SIGTERM');
      return exited;
    },
    killAll: async () => {
      const { pid, media, control, redis } = state();
      // the supervisor first, so that it restarts nothing
      for (const each of [pid, media, control, ...workersOf(media), ...(redis === null ? [] : [redis])]) signal(each, 'SIGKILL');
      await exited;
      await until('every process is gone', () => [media, control].every((each) => !alive(each)));
    },
  };
}

/** One person with every role, the same for as long as the data folder is. */
const people = new Map<string, HubSession>();
async function signInAt(url: string, dataDir: string, output: string): Promise<void> {
  const known = people.get(dataDir);
  if (known) keepSession({ ...known, url });
  else if (firstAdministratorIn(output)) people.set(dataDir, await takeCharge(url, output));
}

/** Kill the control process, and wait until another one serves. */
export async function crashControl(hub: RunningHub): Promise<void> {
  const { control } = hub.state();
  signal(control, 'SIGKILL');
  const serves = async (): Promise<boolean> => {
    if (hub.state().control === control) return false;
    return fetch(`${hub.url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  };
  await until('another control process serves', serves, 90_000); // as long as the first one may take
}

/** Ask again and again until it is so. A condition that throws ends the wait. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** So many workers of a hub, each on the next port, have a place before the next one. */
const PORTS_APART = 8;

/**
 * A port that is free for UDP and TCP now: below those that mediasoup and the kernel give out by themselves and a hub's own of SRT,
 * not one of those that browsers refuse, and given to no other test on this machine as long as this process runs.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 2000; attempt += 1) {
    const port = 7000 + PORTS_APART * Math.floor(Math.random() * 250);
    if ((await claims(port)) && (await bindsTcp(port)) && (await bindsUdp(port))) return port;
  }
  throw new Error('no free port was found');
}

/** By a name that only one process can have, which goes with it (unix(7), abstract sockets). */
function claims(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().unref();
    server.once('error', () => resolve(false));
    server.listen(`\0fieldhub-test-port-${port}`, () => resolve(true));
  });
}

function bindsTcp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

function bindsUdp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => resolve(false));
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
  });
}

export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // it has ended by itself
  }
}

/** Process ids of the mediasoup workers under a media process. */
export function workersOf(mediaPid: number): number[] {
  try {
    return readFileSync(`/proc/${mediaPid}/task/${mediaPid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function readable(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch {
    return false;
  }
}

/** A figure of `/metrics` by its name without `fieldhub_`; NaN where there is none. */
export async function metric(hub: Pick<RunningHub, 'url'>, name: string): Promise<number> {
  const text = await (await hubFetch(`${hub.url}/metrics`)).text();
  return Number(new RegExp(`^fieldhub_${name} (\\d+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
}
