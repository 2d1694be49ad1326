import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { picturesIn } from './files.ts';
import { angleName, HubSide } from './hub-side.ts';
import { cpuSeconds, familyOf, percentile, pssBytes, startProcess, stopProcess, until, wait } from './processes.ts';
import type { RivalOrder } from './rival.ts';
import type { SenderOrder, SenderTrack, SenderTruth } from './sender.ts';
import { recordSource } from './source.ts';

export type RecordOptions = { streams: number; seconds: number; rounds: number; keep: string | null; say: (text: string) => void };
type Way = 'ingest' | 'hub' | 'ffmpeg';
/** Of one way in one round. CPU: per cent of one core per stream, over all processes of that way. */
type Measured = { way: Way; cpuPercent: number; pssMiB: number; framesSent: number; framesLost: number; eventLoopP99Ms: number | null };
export type RecordFigures = {
  streams: number;
  rounds: number;
  seconds: number;
  hub: { cpuPercent: number; pssMiB: number; framesSent: number; framesLost: number; eventLoopP99Ms: number };
  ffmpeg: { cpuPercent: number; pssMiB: number; framesSent: number; framesLost: number };
  ingestCpuPercent: number;
  ratio: { cpu: number; memory: number };
  raw: Measured[];
};

const SEGMENT_MS = 4000;
const SETTLE_S = 4;
type Target = { video: SenderTrack; audio: SenderTrack };
type Side = {
  pids: () => number[];
  targets: Target[];
  ready: () => Promise<void>;
  p99: () => Promise<number | null>;
  end: () => Promise<void>;
  recorded: (i: number) => Promise<number>;
  close: () => Promise<void>;
};

/** Record the same synthetic streams with the hub and with one ffmpeg a stream, in turn, several times. */
export async function benchRecord(options: RecordOptions): Promise<RecordFigures> {
  const { streams, seconds, rounds, keep, say } = options;
  const root = keep ?? mkdtempSync(join(tmpdir(), 'fieldhub-bench-'));
  mkdirSync(root, { recursive: true });
  const sourcePath = join(root, 'source.json');
  say('recording the source …');
  writeFileSync(sourcePath, JSON.stringify(await recordSource()));
  const raw: Measured[] = [];
  try {
    for (let round = 1; round <= rounds; round += 1) {
      for (const way of ['ingest', 'hub', 'ffmpeg'] as const) {
        const measured = await measure(way, join(root, `${way}-${round}`), sourcePath, options);
        raw.push(measured);
        say(
          `round ${round}, ${way}: ${measured.cpuPercent.toFixed(3)} % of a core a stream, ${measured.pssMiB.toFixed(2)} MiB a stream, ${measured.framesLost} of ${measured.framesSent} frames lost`,
        );
      }
    }
  } finally {
    if (keep === null) rmSync(root, { recursive: true, force: true });
  }
  return summary(raw, streams, rounds, seconds);
}

async function measure(way: Way, dir: string, sourcePath: string, { streams, seconds, keep }: RecordOptions): Promise<Measured> {
  const side = way === 'hub' ? await hubSide(dir, streams, keep !== null) : await rivalSide(dir, streams, way === 'ffmpeg', keep !== null);
  const truthPath = `${dir}-truth.json`;
  const order: SenderOrder = {
    sourcePath,
    truthPath,
    ip: '127.0.0.1',
    jitterMs: 0,
    streams: side.targets.map((target) => ({ ...target, offsetMs: 0, driftPpm: 0 })),
  };
  const sender = await startProcess('./sender.ts', order);
  await wait(SETTLE_S);
  await side.ready();
  await side.p99();
  const pids = side.pids();
  const before = cpuSeconds(pids);
  const startMs = performance.now();
  await wait(seconds);
  const used = cpuSeconds(pids) - before;
  const passedS = (performance.now() - startMs) / 1000;
  const pss = pssBytes(pids);
  const eventLoopP99Ms = await side.p99();
  await stopProcess(sender.child);
  await wait(1.5); // what is on its way arrives
  await side.end();
  const truth = JSON.parse(readFileSync(truthPath, 'utf8')) as SenderTruth[];
  let framesSent = 0;
  let framesLost = 0;
  if (way !== 'ingest')
    for (const [i, { frames }] of truth.entries()) {
      framesSent += frames;
      framesLost += frames - (await side.recorded(i));
    }
  await side.close();
  return { way, cpuPercent: ((used / passedS) * 100) / streams, pssMiB: pss / 2 ** 20 / streams, framesSent, framesLost, eventLoopP99Ms };
}

async function hubSide(dir: string, streams: number, keep: boolean): Promise<Side> {
  const { side, targets } = await HubSide.start(dir, streams, SEGMENT_MS, 43_100);
  let frames: Map<string, number> | null = null;
  return {
    targets,
    pids: () => side.pids,
    ready: () => until('every stream is recorded', async () => (await side.recording()) === streams),
    p99: () => side.eventLoopP99Ms(),
    end: async () => {
      await side.endOperation();
      const { problems, angles } = await verifyOperation(side.operationDir);
      if (problems[0]) throw new Error(`the recordings do not verify: ${problems[0].path}: ${problems[0].message}`);
      frames = new Map(angles.map((angle) => [angle.angleId, angle.frames]));
    },
    recorded: async (i) => frames?.get(angleName(i)) ?? 0,
    close: () => side.close(keep),
  };
}

async function rivalSide(dir: string, streams: number, ffmpeg: boolean, keep: boolean): Promise<Side> {
  const order: RivalOrder = { streams, dir, segmentS: SEGMENT_MS / 1000, ffmpeg };
  const { child, first } = await startProcess('./rival.ts', order);
  const targets = first as Target[];
  return {
    targets,
    pids: () => familyOf(child.pid ?? 0),
    ready: () =>
      ffmpeg ? until('every ffmpeg records', () => targets.every((_, i) => picturesIn(join(dir, String(i))) > 0)) : Promise.resolve(),
    p99: () => Promise.resolve(null),
    end: () => stopProcess(child),
    recorded: (i) => Promise.resolve(picturesIn(join(dir, String(i)))),
    close: async () => {
      await stopProcess(child);
      if (!keep) rmSync(dir, { recursive: true, force: true });
    },
  };
}

function summary(raw: Measured[], streams: number, rounds: number, seconds: number): RecordFigures {
  const of = (way: Way): Measured[] => raw.filter((each) => each.way === way);
  const median = (way: Way, key: 'cpuPercent' | 'pssMiB'): number =>
    percentile(
      of(way).map((each) => each[key]),
      0.5,
    );
  const total = (way: Way, key: 'framesSent' | 'framesLost'): number => of(way).reduce((sum, each) => sum + each[key], 0);
  const ingest = { cpu: median('ingest', 'cpuPercent'), pss: median('ingest', 'pssMiB') };
  const figures = (way: 'hub' | 'ffmpeg') => ({
    cpuPercent: median(way, 'cpuPercent') - ingest.cpu,
    pssMiB: median(way, 'pssMiB'),
    framesSent: total(way, 'framesSent'),
    framesLost: total(way, 'framesLost'),
  });
  const hub = { ...figures('hub'), eventLoopP99Ms: Math.max(...of('hub').map((each) => each.eventLoopP99Ms ?? 0)) };
  const ffmpeg = figures('ffmpeg');
  const ratio = { cpu: hub.cpuPercent / ffmpeg.cpuPercent, memory: hub.pssMiB / ffmpeg.pssMiB };
  return { streams, rounds, seconds, hub, ffmpeg, ingestCpuPercent: ingest.cpu, ratio, raw };
}
