import { type ClockLine, hubTimeAt } from '../../media/recordings/time-map.ts';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { percentile, round, table } from './figures.ts';
import { hubTakes, type HubTake } from './hub-recording.ts';
import { HubSide } from './hub-side.ts';
import type { AlignArgs } from './options.ts';
import { startProcess, stopProcess, until, wait } from './processes.ts';
import { firstFrame } from './recorded.ts';
import type { SenderOrder, SenderTruth } from './sender-order.ts';
import { SEGMENT_MS } from './sides.ts';
import { FULL } from './source.ts';
import { recordSources, type Workspace } from './workspace.ts';

const OFFSET_MS = 5000;
/** Of Opus, as the source has it. */
const SOUND_MS = 20;
const DRIFT_PPM = 50;

/** Of |stamped − true capture time| over all frames of all sources, milliseconds. */
export type Errors = { p50Ms: number; p95Ms: number; maxMs: number };
type SourceFigures = {
  stream: number;
  offsetMs: number;
  driftPpm: number;
  frames: number;
  hub: Errors;
  firstStamp: Errors;
  arrival: Errors;
};
export type AlignFigures = {
  bench: 'align';
  streams: number;
  seconds: number;
  jitterMs: number;
  /** By the journals' clock lines, which is what the recording says in the end; `firstStamp` by each segment's own begin. */
  hub: Errors & {
    firstStampP50Ms: number;
    firstStampP95Ms: number;
    firstStampMaxMs: number;
    /** How far sound strays from where it lies against its picture in the middle: 99th percentile of all packets, and the worst. */
    soundP99Ms: number;
    soundMaxMs: number;
  };
  arrival: Errors;
  ratio: { p95: number };
  /** Hub time less the bench's time, which was taken off every stamp, and how far that may be wrong. */
  hubClock: { offsetMs: number; errorMs: number };
  frames: number;
  raw: SourceFigures[];
};

/** Sources with wrong, drifting clocks and jitter: how far the recorded capture times are from the true ones. */
export async function benchAlign({ streams, seconds, jitterMs }: AlignArgs, space: Workspace): Promise<AlignFigures> {
  const sourcePaths = await recordSources(space, [FULL]);
  const dir = join(space.root, 'hub');
  const truthPath = join(space.root, 'truth.json');
  const { side, targets } = await HubSide.start(dir, streams, SEGMENT_MS);
  const clocks = targets.map((_, i) => ({ offsetMs: i % 2 === 0 ? OFFSET_MS : -OFFSET_MS, driftPpm: i % 4 < 2 ? DRIFT_PPM : -DRIFT_PPM }));
  const order: SenderOrder = {
    sourcePaths,
    truthPath,
    ip: '127.0.0.1',
    anchorMs: space.anchorMs,
    jitterMs,
    nack: false,
    streams: targets.map((target, i) => ({ ...target, ...(clocks[i] as (typeof clocks)[number]) })),
  };
  const { child: sender } = await startProcess('./sender.ts', order);
  await until('every stream is recorded', async () => (await side.recording()) === streams);
  space.say(`recording ${streams} sources for ${seconds} s …`);
  await wait(seconds);
  const hubClock = await side.clockOffset(() => space.now());
  await stopProcess(sender);
  await wait(1.5);
  await side.endOperation();
  const truth = JSON.parse(readFileSync(truthPath, 'utf8')) as SenderTruth[];
  const measured = truth.map((each, i) => errorsOf(hubTakes(side.operationDir, i), each, hubClock.offsetMs));
  await side.close(true);
  if (!space.keep) rmSync(dir, { recursive: true, force: true });
  const all = (key: keyof FrameErrors): number[] => measured.flatMap((each) => each[key]);
  const first = figuresOf(all('firstStamp'));
  const stray = all('sound').map(Math.abs);
  const hub = {
    ...figuresOf(all('hub')),
    firstStampP50Ms: first.p50Ms,
    firstStampP95Ms: first.p95Ms,
    firstStampMaxMs: first.maxMs,
    soundP99Ms: round(percentile(stray, 0.99)),
    soundMaxMs: round(Math.max(...stray)),
  };
  const arrival = figuresOf(all('arrival'));
  const raw = measured.map((each, stream) => ({
    stream,
    ...(clocks[stream] as (typeof clocks)[number]),
    frames: each.hub.length,
    hub: figuresOf(each.hub),
    firstStamp: figuresOf(each.firstStamp),
    arrival: figuresOf(each.arrival),
  }));
  const ratio = { p95: round(hub.p95Ms / arrival.p95Ms) };
  const clock = { offsetMs: round(hubClock.offsetMs), errorMs: round(hubClock.errorMs) };
  return { bench: 'align', streams, seconds, jitterMs, hub, arrival, ratio, hubClock: clock, frames: all('hub').length, raw };
}

/** Signed, of each frame in its order. */
type FrameErrors = { hub: number[]; firstStamp: number[]; arrival: number[]; sound: number[] };

/** Throws when the frames recorded are not those that were sent: then nothing can be compared. */
function errorsOf(takes: HubTake[], truth: SenderTruth, hubOffsetMs: number): FrameErrors {
  const [take] = takes;
  if (!take || takes.length !== 1) throw new Error(`a source was recorded in ${takes.length} takes, not in one`);
  const pictures = take.segments.flatMap(({ pictures }) => pictures);
  const first = firstFrame(pictures, truth, take.segments[0]?.line.startMs);
  if (first !== 0 || pictures.length !== truth.frames)
    throw new Error(
      `${truth.frames} frames were sent, ${pictures.length} recorded from the ${String(first)}th on: lost frames make this no measurement`,
    );
  const errors: FrameErrors = { hub: [], firstStamp: [], arrival: truth.delayMs, sound: soundStray(take) };
  let n = 0;
  for (const { line, pictures: own } of take.segments) {
    for (const { ms } of own) {
      const trueMs = (truth.captureMs[n] as number) + hubOffsetMs;
      errors.firstStamp.push(line.startMs + ms - line.mediaMs - trueMs);
      errors.hub.push(byClock(take.clocks, ms) - trueMs);
      n += 1;
    }
  }
  return errors;
}

/**
 * Sound against picture on the take's time line: pictures lie there by the sender's clock, 20 ms of sound must lie 20 ms
 * of it apart. Of each packet, how far it is from where the middle one says it should be.
 */
function soundStray(take: HubTake): number[] {
  const off = take.segments.flatMap(({ sounds }) => sounds).map(({ ms }, i) => ms - i * SOUND_MS);
  const middle = percentile(off, 0.5);
  return off.map((each) => each - middle);
}

/** Hub time of a media time by the rule that the product reads recordings by (docs/recordings.md). */
function byClock(clocks: ClockLine[], mediaMs: number): number {
  const hubMs = hubTimeAt(clocks, mediaMs);
  if (hubMs === null) throw new Error('the take has no clock line');
  return hubMs;
}

function figuresOf(errors: number[]): Errors {
  const off = errors.map(Math.abs);
  return { p50Ms: round(percentile(off, 0.5)), p95Ms: round(percentile(off, 0.95)), maxMs: round(Math.max(...off)) };
}

/** The figures as lines of text. */
export function alignLines({ hub, arrival, ratio, hubClock, streams, seconds, jitterMs, frames, raw }: AlignFigures): string[] {
  const ms = (value: number): string => value.toFixed(2);
  const row = (name: string, { p50Ms, p95Ms, maxMs }: Errors): string[] => [name, ms(p50Ms), ms(p95Ms), ms(maxMs)];
  const first = { p50Ms: hub.firstStampP50Ms, p95Ms: hub.firstStampP95Ms, maxMs: hub.firstStampMaxMs };
  return [
    ...table([
      ['|stamped − true capture time|, ms', 'p50', 'p95', 'max'],
      row('hub, by the clock lines', hub),
      row('hub, as first stamped', first),
      row('by arrival of the first packet', arrival),
      ...raw.map((each) => row(`  source ${each.stream}: ${each.offsetMs / 1000} s, ${each.driftPpm} ppm`, each.hub)),
    ]),
    `p95, hub to arrival: ${ratio.p95}`,
    `Sound against picture over the whole time: within ${ms(hub.soundP99Ms)} ms (p99), ${ms(hub.soundMaxMs)} ms at worst.`,
    `${streams} sources, ${seconds} s, ${frames} frames, jitter 0 to ${jitterMs} ms, reports every 1 s (video) and 5 s (audio).`,
    `Hub time was ${ms(hubClock.offsetMs)} ms (±${ms(hubClock.errorMs)}) from the bench's time, both from the same monotonic clock; that is taken off.`,
    'Arrival is the moment at which the sender sent the frame’s first packet: a recorder can only see it later.',
  ];
}
