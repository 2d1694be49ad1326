import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { operationDir } from '../../media/recordings/paths.ts';
import { type Account, accountOf, playlistComplaints } from './account.ts';
import { percentile, round, sum } from './figures.ts';
import type { RecordArgs } from './options.ts';
import { cpuSeconds, nameOf, pssBytes, udpDrops } from './proc.ts';
import { startProcess, stopProcess, wait } from './processes.ts';
import type { RelayOrder, RelayReport, RelayTarget } from './relay.ts';
import type { SenderOrder, SenderTruth } from './sender-order.ts';
import { startSide, type Side, type Way } from './sides.ts';
import { FULL, SMALL } from './source.ts';
import type { Workspace } from './workspace.ts';

/** Recordings run for hours: what is compiled and allocated at their beginning is over before anything is measured. */
const SETTLE_S = { ingest: 6, hub: 30, ffmpeg: 30 };
/** One way alone is compared with nothing: it need only have begun. */
const SETTLE_ALONE_S = 5;
/** What is on its way, and what is asked for again, arrives. */
const DRAIN_S = 1.5;

/** Of one way in one round. CPU: per cent of one core per stream, over all processes of that way, and by their names. */
export type Measured = {
  way: Way;
  round: number;
  seconds: number;
  cpuPercent: number;
  cpuPercentOf: Record<string, number>;
  pssMiB: number;
  framesSent: number;
  framesRecorded: number;
  framesLost: number;
  packetsSent: number;
  /** Datagrams that the kernel threw away at a full socket of this way. */
  udpDrops: number;
  /** What the sender itself used, per cent of one core in all; not counted above. */
  senderCpuPercent: number;
  /** How late the sender sent a frame after it was due, 99th percentile: how well the machine kept up. */
  senderP99Ms: number;
  eventLoopP99Ms: number | null;
  eventLoopMaxMs: number | null;
  relay: RelayReport[] | null;
  nacked: number;
  resent: number;
  /** What does not verify. */
  problems: string[];
  accounts: Account[];
  playlists: { takes: number; complaints: string[] } | null;
};

/** Record the same synthetic streams with the hub and with one ffmpeg a stream, in turn; every second round the other way about. */
export async function measureAll(args: RecordArgs, space: Workspace, sourcePaths: string[]): Promise<Measured[]> {
  const raw: Measured[] = [];
  for (let n = 1; n <= args.rounds; n += 1) {
    const both: Way[] = n % 2 === 1 ? ['hub', 'ffmpeg'] : ['ffmpeg', 'hub'];
    for (const way of args.only ? [args.only] : (['ingest', ...both] satisfies Way[])) {
      const measured = await measure(way, n, args, space, sourcePaths);
      raw.push(measured);
      const { cpuPercent, pssMiB, framesLost, framesSent, udpDrops: drops } = measured;
      const lost = way === 'ingest' ? '' : `, ${framesLost} of ${framesSent} frames lost, ${drops} datagrams dropped by the kernel`;
      space.say(`round ${n}, ${way}: ${cpuPercent.toFixed(3)} % of a core a stream, ${pssMiB.toFixed(2)} MiB a stream${lost}`);
    }
  }
  return raw;
}

/** The sources a run with these options plays. */
export const sourcesFor = ({ resize }: RecordArgs) => (resize ? [FULL, SMALL] : [FULL]);

async function measure(way: Way, n: number, args: RecordArgs, space: Workspace, sourcePaths: string[]): Promise<Measured> {
  const dir = join(space.root, `${way}-${n}`);
  const side = await startSide(way, dir, args.streams, space.keep);
  const { child: relay, targets, reportPath } = await network(args, side.targets, `${dir}-relay.json`);
  const truthPath = `${dir}-truth.json`;
  const streams = targets.map((target) => ({ ...target, offsetMs: 0, driftPpm: 0 }));
  const nack = relay !== null && args.nack;
  const order: SenderOrder = { sourcePaths, truthPath, ip: '127.0.0.1', anchorMs: space.anchorMs, jitterMs: 0, streams, nack };
  const { child: sender } = await startProcess('./sender.ts', order);
  await wait(args.only ? SETTLE_ALONE_S : SETTLE_S[way]);
  await side.ready();
  const used = await usage(side, args.seconds, sender.pid ?? 0);
  relay?.send('calm');
  if (relay) await wait(DRAIN_S);
  await stopProcess(sender);
  const drops = udpDrops(side.pids());
  await wait(DRAIN_S);
  if (relay) await stopProcess(relay);
  const problems = await side.end();
  const truth = JSON.parse(readFileSync(truthPath, 'utf8')) as SenderTruth[];
  const sent = sum(truth.map(({ frames }) => frames));
  const recorded = way === 'ingest' ? sent : sum(truth.map((_, i) => side.recorded(i)));
  const operation = operationDir(dir, 'bench');
  const accounts = way === 'hub' ? truth.map((each, i) => accountOf(operation, i, each)) : [];
  const playlists = args.checkPlaylists ? await playlistComplaints(operation) : null;
  await side.close();
  return {
    way,
    round: n,
    ...used,
    framesSent: sent,
    framesRecorded: recorded,
    framesLost: sent - recorded,
    packetsSent: sum(truth.map(({ packets }) => packets)),
    udpDrops: drops,
    senderP99Ms: round(
      percentile(
        truth.flatMap(({ delayMs }) => delayMs),
        0.99,
      ),
    ),
    relay: reportPath === null ? null : (JSON.parse(readFileSync(reportPath, 'utf8')) as RelayReport[]),
    nacked: sum(truth.map(({ nacked }) => nacked)),
    resent: sum(truth.map(({ resent }) => resent)),
    problems,
    accounts,
    playlists,
  };
}

/** CPU over a time, memory at its end, and the event loop's delay in between. */
async function usage(side: Side, seconds: number, senderPid: number) {
  const { length: streams } = side.targets;
  const pids = side.pids();
  await side.loopDelay();
  const before = cpuSeconds([...pids, senderPid]);
  const startMs = performance.now();
  await wait(seconds);
  const after = cpuSeconds([...pids, senderPid]);
  const passedS = (performance.now() - startMs) / 1000;
  const loop = await side.loopDelay();
  const cpuPercentOf: Record<string, number> = {};
  const percentOf = (pid: number): number => (((after.get(pid) ?? 0) - (before.get(pid) ?? 0)) / passedS) * 100;
  for (const pid of pids) cpuPercentOf[nameOf(pid)] = round((cpuPercentOf[nameOf(pid)] ?? 0) + percentOf(pid) / streams, 4);
  return {
    seconds: round(passedS),
    cpuPercent: round(sum(Object.values(cpuPercentOf)), 4),
    cpuPercentOf,
    senderCpuPercent: round(percentOf(senderPid), 1),
    pssMiB: round(pssBytes(pids) / 2 ** 20 / streams),
    eventLoopP99Ms: loop ? round(loop.p99Ms) : null,
    eventLoopMaxMs: loop ? round(loop.maxMs) : null,
  };
}

/** A bad network before the recorder, where one was asked for. */
async function network(args: RecordArgs, targets: RelayTarget[], reportPath: string) {
  const { loss, burst, reorder } = args;
  if (loss === 0 && !reorder) return { child: null, targets, reportPath: null };
  const order: RelayOrder = { ip: '127.0.0.1', reportPath, targets, loss, burst, reorder };
  const { child, first } = await startProcess('./relay.ts', order);
  return { child, targets: first as RelayTarget[], reportPath };
}
