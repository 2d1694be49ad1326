import type { Account } from './account.ts';
import { median, round, sum, table } from './figures.ts';
import type { RecordArgs } from './options.ts';
import { measureAll, type Measured, sourcesFor } from './record.ts';
import type { Way } from './sides.ts';
import { recordSources, type Workspace } from './workspace.ts';

/** Per stream; `cpuPercent` is less ingest where ingest was measured. */
type Figures = { cpuPercent: number; pssMiB: number; framesSent: number; framesLost: number; udpDrops: number };
type HubFigures = Figures & { withheld: number; missing: number; unaccounted: number; misplaced: number; problems: number } & {
  eventLoopP99Ms: number;
  eventLoopMaxMs: number;
};
export type RecordFigures = {
  bench: 'record';
  streams: number;
  rounds: number;
  seconds: number;
  options: RecordArgs;
  hub: HubFigures | null;
  ffmpeg: Figures | null;
  ingest: { cpuPercent: number; pssMiB: number } | null;
  /** Hub to ffmpeg; `memory` counts all processes, `memoryLessIngest` leaves out what taking the streams in needs. */
  ratio: { cpu: number; memory: number; memoryLessIngest: number } | null;
  raw: Measured[];
};

export async function benchRecord(args: RecordArgs, space: Workspace): Promise<RecordFigures> {
  return summary(args, await measureAll(args, space, await recordSources(space, sourcesFor(args))));
}

function summary(options: RecordArgs, raw: Measured[]): RecordFigures {
  const { streams, rounds, seconds } = options;
  const of = (way: Way): Measured[] => raw.filter((each) => each.way === way);
  const usual = (way: Way, key: 'cpuPercent' | 'pssMiB'): number => round(median(of(way).map((each) => each[key])));
  const total = (way: Way, key: 'framesSent' | 'framesLost' | 'udpDrops'): number => sum(of(way).map((each) => each[key]));
  const ingest = of('ingest').length > 0 ? { cpuPercent: usual('ingest', 'cpuPercent'), pssMiB: usual('ingest', 'pssMiB') } : null;
  const figures = (way: Way): Figures => ({
    cpuPercent: round(usual(way, 'cpuPercent') - (ingest?.cpuPercent ?? 0)),
    pssMiB: usual(way, 'pssMiB'),
    framesSent: total(way, 'framesSent'),
    framesLost: total(way, 'framesLost'),
    udpDrops: total(way, 'udpDrops'),
  });
  const accounts = of('hub').flatMap((each) => each.accounts);
  const count = (key: 'withheld' | 'missing' | 'unaccounted' | 'misplaced'): number => sum(accounts.map((each) => Math.abs(each[key])));
  const worst = (key: 'eventLoopP99Ms' | 'eventLoopMaxMs'): number => Math.max(...of('hub').map((each) => each[key] ?? 0));
  const hub: HubFigures | null =
    of('hub').length > 0
      ? {
          ...figures('hub'),
          withheld: count('withheld'),
          missing: count('missing'),
          unaccounted: count('unaccounted'),
          misplaced: count('misplaced'),
          problems: sum(of('hub').map((each) => each.problems.length)),
          eventLoopP99Ms: worst('eventLoopP99Ms'),
          eventLoopMaxMs: worst('eventLoopMaxMs'),
        }
      : null;
  const ffmpeg = of('ffmpeg').length > 0 ? figures('ffmpeg') : null;
  const ratio = hub && ffmpeg && ingest ? ratios(hub, ffmpeg, ingest) : null;
  return { bench: 'record', streams, rounds, seconds, options, hub, ffmpeg, ingest, ratio, raw };
}

function ratios(hub: Figures, ffmpeg: Figures, ingest: { pssMiB: number }): RecordFigures['ratio'] {
  return {
    cpu: round(hub.cpuPercent / ffmpeg.cpuPercent),
    memory: round(hub.pssMiB / ffmpeg.pssMiB),
    memoryLessIngest: round((hub.pssMiB - ingest.pssMiB) / (ffmpeg.pssMiB - ingest.pssMiB)),
  };
}

/** The figures as lines of text. */
export function recordLines({ streams, rounds, seconds, hub, ffmpeg, ingest, ratio, raw }: RecordFigures): string[] {
  const cell = (value: number | undefined | null, digits = 3): string => (typeof value === 'number' ? value.toFixed(digits) : '–');
  const less = (pssMiB: number | undefined): number | null => (pssMiB === undefined || !ingest ? null : pssMiB - ingest.pssMiB);
  const counted = ingest ? ', less ingest' : ', ingest counted';
  const lines = table([
    ['', 'hub', 'one ffmpeg a stream', 'ratio'],
    [`CPU${counted}, % of a core a stream`, cell(hub?.cpuPercent), cell(ffmpeg?.cpuPercent), cell(ratio?.cpu)],
    ['memory, PSS of all processes, MiB a stream', cell(hub?.pssMiB, 2), cell(ffmpeg?.pssMiB, 2), cell(ratio?.memory)],
    ['  the same less ingest', cell(less(hub?.pssMiB), 2), cell(less(ffmpeg?.pssMiB), 2), cell(ratio?.memoryLessIngest)],
    ['frames sent', cell(hub?.framesSent, 0), cell(ffmpeg?.framesSent, 0), ''],
    ['frames lost', cell(hub?.framesLost, 0), cell(ffmpeg?.framesLost, 0), ''],
    ['datagrams dropped by the kernel', cell(hub?.udpDrops, 0), cell(ffmpeg?.udpDrops, 0), ''],
    ['event loop, p99 delay, ms', cell(hub?.eventLoopP99Ms, 1), '', ''],
    ['event loop, longest delay, ms', cell(hub?.eventLoopMaxMs, 1), '', ''],
  ]);
  const taken = ingest ? ` Ingest: ${cell(ingest.cpuPercent)} %, ${cell(ingest.pssMiB, 2)} MiB a stream.` : '';
  lines.push(`${streams} streams, ${rounds} rounds of ${seconds} s, segments of 4 s.${taken}`);
  const late = Math.max(...raw.map((each) => each.senderP99Ms));
  if (late > 50) lines.push(`The sender itself was late (p99 ${late} ms): this machine is too busy, or too small, for so many streams.`);
  if (raw.some(({ relay, accounts }) => relay || accounts.some((each) => each.unaccounted !== 0 || each.misplaced > 0)))
    lines.push(...accountLines(raw));
  for (const { problems } of raw) lines.push(...problems.map((problem) => `does not verify: ${problem}`));
  for (const { playlists } of raw)
    if (playlists) lines.push(`ffmpeg over ${playlists.takes} playlists: ${playlists.complaints.join('\n') || 'silent'}`);
  return lines;
}

function accountLines(raw: Measured[]): string[] {
  const rows = raw.flatMap(({ round: n, accounts, relay }) =>
    accounts.map((account) => row(n, account, relay?.[account.stream]?.dropped ?? 0)),
  );
  const head = [
    'round, stream',
    'packets dropped',
    'frames sent',
    '= recorded',
    '+ withheld',
    '+ missing',
    'adds up',
    'misplaced',
    'takes',
  ];
  return table([head, ...rows]);
}

function row(n: number, account: Account, dropped: number): (string | number)[] {
  const { stream, takes, sent, recorded, withheld, missing, unaccounted, misplaced } = account;
  const verdict = unaccounted === 0 ? 'yes' : `${unaccounted > 0 ? '+' : ''}${unaccounted}`;
  return [`${n}, ${stream}`, dropped, sent, recorded, withheld, missing, verdict, misplaced, takes];
}
