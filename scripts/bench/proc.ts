import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const TICKS_PER_S = 100; // sysconf(_SC_CLK_TCK) on Linux

/** A process and everything under it, from /proc. */
export function familyOf(pid: number): number[] {
  const children: number[] = [];
  try {
    for (const task of readdirSync(`/proc/${pid}/task`))
      children.push(...readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number));
  } catch {
    return []; // it has ended
  }
  return [pid, ...children.flatMap(familyOf)];
}

/** CPU seconds used so far, user and system, of each process (proc(5), stat); one that has ended is left out. */
export function cpuSeconds(pids: number[]): Map<number, number> {
  const used = new Map<number, number>();
  for (const pid of pids) {
    const stat = read(`/proc/${pid}/stat`);
    if (stat === '') continue;
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    used.set(pid, (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S);
  }
  return used;
}

/** What a process calls itself, as ps shows it; the main thread of Node renames itself. */
export function nameOf(pid: number): string {
  const name = read(`/proc/${pid}/comm`).trim();
  return name === 'MainThread' ? 'node' : name === 'mediasoup-worke' ? 'mediasoup-worker' : name; // 15 characters are kept
}

/** Proportional set size, bytes: shared pages are divided among those who share them. */
export function pssBytes(pids: number[]): number {
  return pids.reduce((sum, pid) => sum + Number(/^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) * 1024, 0);
}

/** Datagrams that the kernel threw away because a socket of these processes was full (last column of /proc/net/udp). */
export function udpDrops(pids: number[]): number {
  const inodes = new Set(pids.flatMap(socketsOf));
  let drops = 0;
  for (const line of read('/proc/net/udp').split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/);
    if (inodes.has(fields[9] ?? '')) drops += Number(fields[12] ?? 0);
  }
  return drops;
}

/** Whether somebody listens on this UDP port of IPv4. */
export function udpBound(port: number): boolean {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return read('/proc/net/udp')
    .split('\n')
    .some((line) => line.trim().split(/\s+/)[1]?.endsWith(suffix) ?? false);
}

function socketsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`))?.[1] ?? []);
  } catch {
    return []; // it has ended
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // closed meanwhile
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
