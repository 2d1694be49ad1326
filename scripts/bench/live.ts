import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AngleState, CaptureLink, OperationView, PlainSource } from '../../server/protocol/http.ts';
import { filmClock } from '../../test/support/clock-phone.ts';
import { call, type DemoHub, startHub } from '../demo/hub.ts';
import { signedIn } from '../demo/sign-in.ts';
import { launchBrowser } from '../demo/phone.ts';
import { percentile, round, sum, table } from './figures.ts';
import { picturesOfTake, takesIn } from './hub-recording.ts';
import type { PhonesOrder } from './live/phones.ts';
import type { ViewersOrder, ViewersReport } from './live/viewers.ts';
import { buildReplay } from './live/srtp-replay.ts';
import { WatchedConsole } from './live/watch.ts';
import type { LiveArgs } from './options.ts';
import { cpuSeconds, familyOf, udpDrops } from './proc.ts';
import { freePort, ours, startProcess, stopProcess, until, wait } from './processes.ts';
import type { SenderOrder, SenderTruth } from './sender-order.ts';
import { FULL, type Picture } from './source.ts';
import { recordSources, type Workspace } from './workspace.ts';

const LAYERS: Picture[] = [{ size: '320x180', kbps: 150 }, { size: '640x360', kbps: 600 }, FULL];
const GRID = 9;
/** What a tile of nine is high on a screen of 1080 lines. */
const TILE_PX = 250;
const ENTRIES = 40;
const PICTURES = 300;
const SETTLE_S = 5;
const ALONE_S = 10;
/** Until what was sent last is on the disk. */
const SILENCE_S = 1.5;

type Spread = { p50Ms: number; p95Ms: number; maxMs: number; count: number };
type Recorded = { name: string; takes: number; sent: number; recorded: number; lost: number };
export type LiveFigures = {
  bench: 'live';
  phones: number;
  cameras: number;
  viewers: number;
  seconds: number;
  /** Click on the operation to the first picture, in a real browser; with all that is sent, and before anybody else watches. */
  firstFrame: Spread;
  /** From the picture before the camera's encoder to the screen. */
  glassToGlass: Spread;
  focus: { fps: number; worstFps: number; height: number };
  cpu: { hubCores: number; aloneCores: number; perViewerPercent: number };
  sinks: ViewersReport;
  /** Datagrams that the kernel threw away because a socket of the hub was full. */
  udpDrops: number;
  framesLost: number;
  raw: { firstFrameMs: number[]; recorded: Recorded[] };
};

type Angle = { angleId: string; name: string };

/** Phones, cameras, commanders, all at once: what reaches the disk, and how soon a commander sees it. */
export async function benchLive(args: LiveArgs, space: Workspace): Promise<LiveFigures> {
  const sourcePaths = await recordSources(space, LAYERS);
  const rtcPort = String(await freePort());
  const env = { PORT: '0', RTC_PORT: rtcPort, DISK_RESERVE_MB: '100', ARCHIVE: '' };
  const hub = await startHub(join(space.root, 'data'), env, { apart: true });
  ours(hub.process);
  const browser = await launchBrowser();
  try {
    const { operationId } = await call(hub, OperationView, 'POST', '/operations', { name: 'bench' });
    const bench = new LiveBench(hub, operationId, args, space, sourcePaths);
    const clock = await bench.angle('clock');
    const phone = await filmClock(browser, await bench.link(clock), { fps: 30 });
    const context = await browser.newContext({ storageState: signedIn(hub.url), viewport: { width: 1440, height: 900 } });
    const watched = await WatchedConsole.open(await context.newPage(), hub.url);
    return await bench.run(watched, clock, () => phone.close());
  } finally {
    await browser.close();
    await hub.stop();
  }
}

class LiveBench {
  readonly #hub: DemoHub;
  readonly #operationId: string;
  readonly #args: LiveArgs;
  readonly #space: Workspace;
  readonly #sourcePaths: string[];

  constructor(hub: DemoHub, operationId: string, args: LiveArgs, space: Workspace, sourcePaths: string[]) {
    this.#hub = hub;
    this.#operationId = operationId;
    this.#args = args;
    this.#space = space;
    this.#sourcePaths = sourcePaths;
  }

  angle(name: string): Promise<Angle> {
    return call(this.#hub, AngleState, 'POST', `/operations/${this.#operationId}/angles`, { name });
  }

  async link({ angleId }: Angle): Promise<string> {
    return (await call(this.#hub, CaptureLink, 'POST', `/operations/${this.#operationId}/angles/${angleId}/links`)).url;
  }

  async run(watched: WatchedConsole, clock: Angle, stopClock: () => Promise<void>): Promise<LiveFigures> {
    const { phones, cameras, viewers, seconds } = this.#args;
    const say = (text: string): void => this.#space.say(text);
    say(`starting ${phones} phones and ${cameras} cameras …`);
    const phoneAngles = await this.#angles('phone', phones);
    const cameraAngles = await this.#angles('camera', cameras);
    const stopPhones = await this.#startPhones(phoneAngles);
    const stopCameras = await this.#startCameras(cameraAngles);
    await until('every angle is recorded', async () => (await this.#recording()) === 1 + phones + cameras);
    await wait(SETTLE_S);
    const alone = await this.#cores(ALONE_S);
    say(`${viewers - 1} viewers of ${Math.min(GRID, 1 + phones + cameras)} angles, and one browser …`);
    const sight = [...phoneAngles, ...cameraAngles, clock].slice(0, GRID);
    const order: ViewersOrder = {
      hubUrl: this.#hub.url,
      operationId: this.#operationId,
      angleIds: sight.map(({ angleId }) => angleId),
      viewers: viewers - 1,
      heightPx: TILE_PX,
    };
    const { child: sinks } = await startProcess('./live/viewers.ts', order);
    await watched.enter(this.#operationId, clock.angleId);
    const ages = await watched.ages(clock.angleId, PICTURES);
    await stopClock(); // a browser that films takes more of the processors than twenty phones are to
    const focused = phoneAngles[0] ?? clock;
    const firstFrameMs: number[] = [];
    for (let i = 0; i < ENTRIES; i += 1) {
      await watched.leave();
      firstFrameMs.push(await watched.enter(this.#operationId, focused.angleId));
    }
    await watched.focus(focused.angleId);
    await wait(SETTLE_S);
    say(`measuring for ${seconds} s …`);
    const began = await watched.shown(focused.angleId);
    const fps: number[] = [];
    let last = began;
    const watching = this.#cores(seconds);
    for (let passed = 0; passed < seconds; passed += 5) {
      await wait(Math.min(5, seconds - passed));
      const shown = await watched.shown(focused.angleId);
      fps.push(((shown.frames - last.frames) * 1000) / (shown.atMs - last.atMs));
      last = shown;
    }
    const hubCores = await watching;
    const drops = udpDrops(familyOf(this.#hub.process.pid ?? 0));
    const sinkReport = await new Promise<ViewersReport>((resolve) => {
      sinks.once('message', (report) => resolve(report as ViewersReport));
      sinks.send('report');
    });
    await stopProcess(sinks);
    const truths = [...(await stopPhones()), ...(await stopCameras())];
    await wait(SILENCE_S);
    await call(this.#hub, OperationView, 'POST', `/operations/${this.#operationId}/end`);
    const recorded = [...phoneAngles, ...cameraAngles].map((angle, i) => this.#recorded(angle, truths[i] as SenderTruth));
    return {
      bench: 'live',
      phones,
      cameras,
      viewers,
      seconds,
      firstFrame: spread(firstFrameMs),
      glassToGlass: spread(ages),
      focus: {
        fps: round(((last.frames - began.frames) * 1000) / (last.atMs - began.atMs), 1),
        worstFps: round(Math.min(...fps), 1),
        height: last.height,
      },
      cpu: { hubCores: round(hubCores), aloneCores: round(alone), perViewerPercent: round((100 * (hubCores - alone)) / viewers, 2) },
      sinks: sinkReport,
      udpDrops: drops,
      framesLost: sum(recorded.map(({ lost }) => lost)),
      raw: { firstFrameMs: firstFrameMs.map((ms) => round(ms, 1)), recorded },
    };
  }

  async #angles(kind: string, count: number): Promise<Angle[]> {
    const angles: Angle[] = [];
    for (let i = 1; i <= count; i += 1) angles.push(await this.angle(`${kind} ${i}`));
    return angles;
  }

  async #recording(): Promise<number> {
    const { angles } = await call(this.#hub, OperationView, 'GET', `/operations/${this.#operationId}`);
    return angles.filter(({ status }) => status === 'recording').length;
  }

  /** How many cores the hub, all of it, keeps busy over so many seconds from now. */
  async #cores(seconds: number): Promise<number> {
    const used = (): number => sum([...cpuSeconds(familyOf(this.#hub.process.pid ?? 0)).values()]);
    const [before, atMs] = [used(), performance.now()];
    await wait(seconds);
    return ((used() - before) * 1000) / (performance.now() - atMs);
  }

  async #startPhones(angles: Angle[]): Promise<() => Promise<SenderTruth[]>> {
    const tokens: string[] = [];
    for (const angle of angles) tokens.push(new URL(await this.link(angle)).hash.slice(1));
    const { root: dir, anchorMs } = this.#space;
    const truthPath = join(dir, 'phones.json');
    const program = buildReplay(dir);
    const order: PhonesOrder = { hubUrl: this.#hub.url, tokens, sourcePaths: this.#sourcePaths, program, dir, truthPath, anchorMs };
    return this.#stopper('./live/phones.ts', order, truthPath);
  }

  async #startCameras(angles: Angle[]): Promise<() => Promise<SenderTruth[]>> {
    const streams: SenderOrder['streams'] = [];
    for (const { angleId } of angles) {
      const target = await call(this.#hub, PlainSource, 'POST', `/operations/${this.#operationId}/angles/${angleId}/camera`);
      streams.push({ ...target, offsetMs: 0, driftPpm: 0 });
    }
    const truthPath = join(this.#space.root, 'cameras.json');
    const order: SenderOrder = {
      sourcePaths: this.#sourcePaths.slice(-1),
      truthPath,
      ip: '127.0.0.1',
      anchorMs: this.#space.anchorMs,
      streams,
      jitterMs: 0,
      nack: false,
    };
    return this.#stopper('./sender.ts', order, truthPath);
  }

  #recorded({ angleId, name }: Angle, truth: SenderTruth): Recorded {
    const takes = takesIn(join(this.#space.root, 'data', 'recordings', this.#operationId, angleId));
    const recorded = sum(takes.map((take) => picturesOfTake(take).length));
    return { name, takes: takes.length, sent: truth.frames, recorded, lost: truth.frames - recorded };
  }

  async #stopper(file: string, order: object, truthPath: string): Promise<() => Promise<SenderTruth[]>> {
    const { child } = await startProcess(file, order);
    return async () => {
      await stopProcess(child);
      return JSON.parse(readFileSync(truthPath, 'utf8')) as SenderTruth[];
    };
  }
}

function spread(values: number[]): Spread {
  const at = (part: number): number => round(percentile(values, part), 1);
  return { p50Ms: at(0.5), p95Ms: at(0.95), maxMs: round(Math.max(...values), 1), count: values.length };
}

/** For people. */
export function liveLines(figures: LiveFigures): string[] {
  const { firstFrame, glassToGlass, focus, cpu, sinks } = figures;
  const row = (name: string, { p50Ms, p95Ms, maxMs, count }: Spread): (string | number)[] => [name, p50Ms, p95Ms, maxMs, count];
  const frames = sum(figures.raw.recorded.map(({ sent }) => sent));
  return [
    `${figures.phones} phones (three layers up to 1280x720, DTLS-SRTP), ${figures.cameras} cameras (plain RTP, 1280x720), ${figures.viewers} viewers of ${GRID} angles, one of them a browser; ${figures.seconds} s`,
    '',
    ...table([
      ['milliseconds', 'p50', 'p95', 'max', 'count'],
      row('click to first picture', firstFrame),
      row('glass to glass', glassToGlass),
    ]),
    '',
    `frames sent ${frames}, lost ${figures.framesLost}; datagrams that found the hub's sockets full: ${figures.udpDrops}`,
    `in focus: ${focus.fps} pictures a second, ${focus.worstFps} in the worst 5 s, ${focus.height} lines`,
    `the hub keeps ${cpu.hubCores} cores busy, ${cpu.aloneCores} before anybody watches: ${cpu.perViewerPercent} % of a core a viewer`,
    `sinks: ${sinks.packets} packets of ${sinks.streams} streams, ${sinks.lost} lost`,
  ];
}
