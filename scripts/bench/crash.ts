import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { median, round, table } from './figures.ts';
import { hubTakes, type HubTake, picturesOfTake } from './hub-recording.ts';
import { HubSide } from './hub-side.ts';
import type { CrashArgs } from './options.ts';
import { familyOf } from './proc.ts';
import { ffmpegComplaints, killAll, startProcess, stopProcess } from './processes.ts';
import { firstFrame, picturesIn, type Sample } from './recorded.ts';
import type { RelayTarget } from './relay.ts';
import type { RivalOrder } from './rival.ts';
import type { SenderOrder, SenderTruth } from './sender-order.ts';
import { SEGMENT_MS } from './sides.ts';
import { FULL } from './source.ts';
import { recordSources, type Workspace } from './workspace.ts';

/**
 * From the sender's start to the kill: so long at least, and evenly over the length of a segment more. ffmpeg looks at its
 * input for five seconds before it writes the first; killed earlier it would have nothing, which would not be fair.
 */
const RUN_UP_MS = 6500;

type Round = {
  round: number;
  runUpMs: number;
  /** From the capture of the last frame on the disk to the kill, of each stream, milliseconds. */
  hubLostMs: number[];
  ffmpegLostMs: number[];
  /** Hub: what does not verify, what ffmpeg says against the last segments. */
  problems: string[];
  repairMs: number;
};
type Lost = { worstLostMs: number; medianLostMs: number };
export type CrashFigures = {
  bench: 'crash';
  streams: number;
  rounds: number;
  hub: Lost & { problems: number };
  ffmpeg: Lost;
  ratio: { worst: number; median: number };
  raw: Round[];
};

/**
 * Hub and ffmpeg record the same kind of streams from one sender, and both die by SIGKILL, every process of them, at the
 * same random moment; the hub comes back on the same data, repairs it and goes on in the next round.
 */
export async function benchCrash({ streams, rounds }: CrashArgs, space: Workspace): Promise<CrashFigures> {
  const sourcePaths = await recordSources(space, [FULL]);
  const { side, targets } = await HubSide.start(join(space.root, 'hub'), streams, SEGMENT_MS);
  const raw: Round[] = [];
  let hubTargets = targets;
  for (let n = 1; n <= rounds; n += 1) {
    const done = await crashOnce(n, side, hubTargets, sourcePaths, space);
    hubTargets = done.targets;
    raw.push(done.round);
    const worst = (lost: number[]): string => `${Math.round(Math.max(...lost))} ms`;
    const { hubLostMs, ffmpegLostMs, problems, runUpMs, repairMs } = done.round;
    space.say(
      `round ${n}, killed after ${Math.round(runUpMs)} ms: hub lost ${worst(hubLostMs)}, ffmpeg ${worst(ffmpegLostMs)}; hub back after ${Math.round(repairMs)} ms${problems.length > 0 ? `, PROBLEMS: ${problems.join('; ')}` : ''}`,
    );
  }
  await side.endOperation();
  await side.close(space.keep);
  const lost = (key: 'hubLostMs' | 'ffmpegLostMs'): Lost => {
    const all = raw.flatMap((each) => each[key]);
    return { worstLostMs: round(Math.max(...all)), medianLostMs: round(median(all)) };
  };
  const [hub, ffmpeg] = [lost('hubLostMs'), lost('ffmpegLostMs')];
  const problems = raw.flatMap((each) => each.problems).length;
  const ratio = { worst: round(hub.worstLostMs / ffmpeg.worstLostMs), median: round(hub.medianLostMs / ffmpeg.medianLostMs) };
  return { bench: 'crash', streams, rounds, hub: { ...hub, problems }, ffmpeg, ratio, raw };
}

async function crashOnce(n: number, side: HubSide, hubTargets: RelayTarget[], sourcePaths: string[], space: Workspace) {
  const { length: streams } = hubTargets;
  const rivalDir = join(space.root, `ffmpeg-${n}`);
  const truthPath = join(space.root, `truth-${n}.json`);
  const { child: rival, first } = await startProcess('./rival.ts', rivalOrder(rivalDir, streams));
  const { child: sender } = await startProcess(
    './sender.ts',
    senderOrder([...hubTargets, ...(first as RelayTarget[])], sourcePaths, truthPath, space),
  );
  const runUpMs = RUN_UP_MS + Math.random() * SEGMENT_MS;
  await new Promise((resolve) => setTimeout(resolve, runUpMs));
  const [hubPids, rivalPids] = [side.pids, familyOf(rival.pid ?? 0)];
  const killedMs = space.now();
  await Promise.all([side.kill(hubPids), killAll(rival, rivalPids)]);
  await stopProcess(sender);
  const truth = JSON.parse(readFileSync(truthPath, 'utf8')) as SenderTruth[];
  const ffmpegLostMs = truth.slice(streams).map((each, i) => lostMs(picturesIn(join(rivalDir, String(i))), each, killedMs));
  const downMs = space.now();
  const targets = await side.restart();
  const repairMs = space.now() - downMs;
  const { problems } = await verifyOperation(side.operationDir);
  const found = problems.map(({ path, message }) => `${path}: ${message}`);
  const hubLostMs: number[] = [];
  const playing: Promise<string[]>[] = [];
  for (let i = 0; i < streams; i += 1) {
    const takes = hubTakes(side.operationDir, i);
    const take = takes.at(-1);
    if (takes.length !== n || !take) found.push(`stream ${i} has ${takes.length} takes after ${n} rounds`);
    else playing.push(lastSegmentsPlay(take));
    hubLostMs.push(lostMs(take && takes.length === n ? picturesOfTake(take) : [], truth[i] as SenderTruth, killedMs));
  }
  found.push(...(await Promise.all(playing)).flat());
  const round: Round = { round: n, runUpMs, hubLostMs, ffmpegLostMs, problems: found, repairMs };
  return { round, targets };
}

const rivalOrder = (dir: string, streams: number): RivalOrder => ({ streams, dir, segmentS: SEGMENT_MS / 1000, ffmpeg: true });

function senderOrder(targets: RelayTarget[], sourcePaths: string[], truthPath: string, { anchorMs }: Workspace): SenderOrder {
  const streams = targets.map((target) => ({ ...target, offsetMs: 0, driftPpm: 0 }));
  return { sourcePaths, truthPath, ip: '127.0.0.1', anchorMs, jitterMs: 0, nack: false, streams };
}

/**
 * From the capture of the last frame that can be played to the kill. Of ffmpeg every frame in a whole fragment on the
 * disk counts, whether its playlist names the file or not. With nothing on the disk, all since the first capture is lost.
 */
function lostMs(pictures: Sample[], truth: SenderTruth, killedMs: number): number {
  const first = pictures.length > 0 ? firstFrame(pictures, truth) : null;
  if (pictures.length > 0 && first === null) throw new Error('the pictures recorded are not the ones that were sent');
  const last = first === null ? 0 : first + pictures.length - 1;
  return round(killedMs - (truth.captureMs[last] as number));
}

/** The last two segments of a take, as `cat init segment | ffmpeg` would play them. */
async function lastSegmentsPlay({ dir, segments }: HubTake): Promise<string[]> {
  const complaints: string[] = [];
  for (const { line } of segments.slice(-2)) {
    const bytes = Buffer.concat([readFileSync(join(dir, line.init)), readFileSync(join(dir, line.file))]);
    const said = await ffmpegComplaints(['-i', 'pipe:0', '-f', 'null', '-'], bytes);
    if (said !== '') complaints.push(`${dir}/${line.file}: ${said}`);
  }
  return complaints;
}

/** The figures as lines of text. */
export function crashLines({ hub, ffmpeg, ratio, rounds, streams }: CrashFigures): string[] {
  const ms = (value: number): string => value.toFixed(0);
  return [
    ...table([
      ['media lost, ms', 'hub', 'one ffmpeg a stream', 'ratio'],
      ['worst', ms(hub.worstLostMs), ms(ffmpeg.worstLostMs), ratio.worst.toFixed(3)],
      ['median', ms(hub.medianLostMs), ms(ffmpeg.medianLostMs), ratio.median.toFixed(3)],
    ]),
    hub.problems === 0
      ? 'After every kill the hub’s recordings verified, and ffmpeg played the last segments without a word.'
      : `${hub.problems} problems: see above.`,
    `${rounds} kills of ${streams} streams each way, segments of 4 s; lost is from the capture of the last frame on the disk to the kill.`,
  ];
}
