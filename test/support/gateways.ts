import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { hubFetch } from '../../scripts/demo/sign-in.ts';
import { call } from '../../scripts/demo/hub.ts';
import { AngleState, OperationView, SourceMade, SourceView } from '../../server/protocol/http.ts';
import { type RunningHub, until } from './hub.ts';
import { journalsOf } from './playback.ts';

export type GatewayOperation = {
  operationId: string;
  dir: string;
  add: (name: string, source: object) => Promise<{ angleId: string; created: SourceMade }>;
  source: (angleId: string) => Promise<SourceView>;
  angle: (angleId: string) => Promise<AngleState>;
  phase: (angleId: string) => Promise<string>;
  /** Wait until it runs and records. */
  recording: (angleId: string) => Promise<void>;
  /** Wait until it has so many closed segments. */
  segments: (angleId: string, count: number) => Promise<void>;
  /** Wait until nothing comes from it. */
  interrupted: (angleId: string) => Promise<void>;
  /** Wait until this take runs and records. */
  take: (angleId: string, takeId: string, timeoutMs?: number) => Promise<void>;
  /** How its takes have ended, in order. */
  endings: (angleId: string) => unknown[];
  /** Wait until it has failed; why. */
  failed: (angleId: string) => Promise<NonNullable<SourceView['reason']>>;
  remove: (angleId: string) => Promise<void>;
  end: () => Promise<OperationView>;
};

/** An operation whose angles are cameras that the hub fetches, and encoders that push. */
export async function gatewayOperation(hub: RunningHub): Promise<GatewayOperation> {
  const { operationId } = await call(hub, OperationView, 'POST', '/operations', { name: '摄像机 测试' });
  return takeUp(hub, operationId);
}

/** The same operation, in another run of the hub. */
export function takeUp(hub: RunningHub, operationId: string): GatewayOperation {
  const base = `/operations/${operationId}`;
  const source = (angleId: string): Promise<SourceView> => call(hub, SourceView, 'GET', `${base}/angles/${angleId}/source`);
  const angle = async (angleId: string): Promise<AngleState> => {
    const { angles } = await call(hub, OperationView, 'GET', base);
    return angles.find((each) => each.angleId === angleId) as AngleState;
  };
  const dir = join(hub.dataDir, 'recordings', operationId);
  const recording = (angleId: string): Promise<void> =>
    until(
      'the camera is recorded',
      async () => (await source(angleId)).phase === 'running' && (await angle(angleId)).status === 'recording',
      45_000,
    );
  return {
    operationId,
    dir,
    add: async (name, asked) => {
      const { angleId } = await call(hub, AngleState, 'POST', `${base}/angles`, { name });
      return { angleId, created: await call(hub, SourceMade, 'POST', `${base}/angles/${angleId}/source`, asked) };
    },
    source,
    angle,
    phase: async (angleId) => (await source(angleId)).phase,
    recording,
    segments: (angleId, count) => until(`${count} segments`, async () => (await angle(angleId)).segments >= count),
    interrupted: (angleId) => until('the interruption', async () => (await angle(angleId)).interruption !== null),
    take: async (angleId, takeId, timeoutMs) => {
      await until(`take ${takeId}`, async () => (await angle(angleId)).takeId === takeId, timeoutMs);
      await recording(angleId);
    },
    endings: (angleId) => journalsOf(dir, angleId).map(({ lines }) => lines.at(-1)?.['reason']),
    failed: async (angleId) => {
      let reason: SourceView['reason'] = null;
      await until('the camera has failed', async () => (reason = (await source(angleId)).reason) !== null, 45_000);
      if (reason === null) throw new Error('no reason');
      return reason;
    },
    remove: async (angleId) => {
      const response = await hubFetch(`${hub.url}/api${base}/angles/${angleId}/source`, { method: 'DELETE' });
      if (response.status !== 204) throw new Error(await response.text());
    },
    end: () => call(hub, OperationView, 'POST', `${base}/end`),
  };
}

export type Descendant = { pid: number; command: string };

/** Every process under this one now, with its command line. */
export function descendantsOf(pid: number): Descendant[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((each) => /^\d+$/.test(each))) {
    const parent = /^\d+ \(.*\) \S (\d+)/s.exec(text(`/proc/${name}/stat`))?.[1];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const under = (each: number | undefined): boolean => each !== undefined && (each === pid || under(parents.get(each)));
  return [...parents.keys()]
    .filter((each) => each !== pid && under(parents.get(each)))
    .map((each) => ({ pid: each, command: text(`/proc/${each}/cmdline`).replaceAll('\0', ' ') }));
}

export const ffmpegsOf = (pid: number): Descendant[] => descendantsOf(pid).filter(({ command }) => /ff(mpeg|probe) /.test(command));

/** Sockets that these processes listen on or have bound, as `tcp:port` and `udp:port`. */
export function portsOf(pids: number[]): string[] {
  const inodes = new Set(pids.flatMap(socketsOf));
  return ['tcp', 'udp', 'tcp6', 'udp6'].flatMap((table) =>
    text(`/proc/net/${table}`)
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode = '']) => (table.startsWith('udp') || state === '0A') && inodes.has(inode))
      .map(([, local = '']) => `${table.slice(0, 3)}:${Number.parseInt(local.split(':')[1] ?? '', 16)}`),
  );
}

/** The sockets that a process has open. */
export function socketsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => /^socket:\[(\d+)\]$/.exec(link(`/proc/${pid}/fd/${fd}`))?.[1] ?? []);
  } catch {
    return []; // it has ended
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it has ended
  }
}

/** What the media process and its children hold: ports listened on, processes, connections. */
export function holdingsOf(hub: RunningHub): { ports: string[]; processes: number; sockets: number } {
  const { media } = hub.state();
  const pids = [media, ...descendantsOf(media).map(({ pid }) => pid)];
  return { ports: portsOf(pids).toSorted(), processes: pids.length, sockets: socketsOf(media).length };
}

/** Files under a folder that hold one of these texts. */
export function filesWith(dir: string, secrets: string[]): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => secrets.some((secret) => readFileSync(path).includes(secret)));
}
