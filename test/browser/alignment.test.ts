import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { mediaPlaylist } from '../../media/hls/playlist.ts';
import { readOperation } from '../../media/recordings/read.ts';
import { launchBrowser } from '../../scripts/demo/phone.ts';
import { apart, byClockLines, byPlaylist, bySegments, percentile, stamp, type Stamped } from '../support/alignment.ts';
import { readTake } from '../support/clock-picture.ts';
import { filmClock, WrongClock } from '../support/clock-phone.ts';
import { type RunningHub, startHub } from '../support/hub.ts';
import { journalLines } from '../support/operation.ts';
import { phoneOperation, type PhoneAngle } from '../support/phone-operation.ts';

/** The same instant in two angles' recordings lies within so much, p95. */
const LIMIT_MS = 33;
const SEGMENT_MS = 2000;
const WRONG_MS = 5000;
/** How far a page's own measure of its clock may be off, and what the stream says from it. */
const CHECK_MS = 20;

let root = '';
let hub: RunningHub;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-alignment-'));
  hub = await startHub(join(root, 'data'), { SEGMENT_SECONDS: String(SEGMENT_MS / 1000) });
});
afterAll(async () => {
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

type Filmed = { dir: string; angles: PhoneAngle[]; offMs: number[]; halfwayMs: number };

/** Two browsers, each a process of its own, film one clock for so many segments; between them `halfway` happens. */
async function film(clock: WrongClock, wrongByMs: number, segments: number[], halfway: () => void): Promise<Filmed> {
  const operation = await phoneOperation(hub, ['东侧', '西侧']);
  const [east, west] = operation.angles;
  if (!east || !west) throw new Error('two angles were asked for');
  const browsers = await Promise.all([launchBrowser(), clock.launch()]);
  try {
    const [right, wrong] = browsers;
    const pages = await Promise.all([filmClock(right, east.url), filmClock(wrong, west.url, { wrongByMs })]);
    await operation.moreSegments(west.angleId, segments[0] ?? 0);
    const halfwayMs = Date.now();
    halfway();
    await operation.moreSegments(west.angleId, segments[1] ?? 0);
    const offMs = await Promise.all(pages.map(async (page) => Number(await page.evaluate('Date.now()')) - Date.now()));
    await operation.end();
    return { dir: operation.dir, angles: operation.angles, offMs, halfwayMs };
  } finally {
    await Promise.all(browsers.map((browser) => browser.close()));
  }
}

/**
 * Every picture that both takes have up to `untilMs`, from the first on, is compared; none is left out. Hub time is
 * read from the journal's `clock` lines and from the playlist; what the starts of the segments say is told beside them.
 */
async function compare(context: TestContext, { angles, dir }: Filmed, untilMs = Infinity): Promise<void> {
  const recorded = await readOperation(dir);
  const told: string[] = [];
  const p95Ms = new Map<string, number>();
  const takes = angles.map(({ dir, angleId }) => {
    const path = join(dir, '0001/journal.ndjson');
    const frames = readTake(path).filter(({ codedMs }) => codedMs === null || codedMs < untilMs);
    expect(frames.length).toBeGreaterThan(200);
    expect(frames.filter(({ codedMs }) => codedMs === null)).toEqual([]);
    return { frames, lines: journalLines(path), playlist: mediaPlaylist(recorded, angleId) };
  });
  for (const [name, method] of [
    ['segment starts', bySegments],
    ['clock lines', byClockLines],
    ['playlist', byPlaylist],
  ] as const) {
    const [one = [], other = []] = takes.map(({ frames, lines, playlist }) => stamp(frames, method(lines, playlist)));
    const differences = apart(one, other);
    p95Ms.set(name, percentile(differences, 95));
    const [p50, p95, most] = [50, 95, 100].map((per) => percentile(differences, per).toFixed(1));
    const errors = [one, other].map((all) => [5, 50, 95].map((per) => percentile(errorsOf(all), per).toFixed(1)).join(' … '));
    told.push(
      `by ${name}: apart p50 ${p50}, p95 ${p95}, most ${most} ms over ${differences.length} pictures; ` +
        `stamped less true time, p5 … p50 … p95: ${errors.join(' and ')} ms`,
    );
    expect(differences.length).toBeGreaterThan(200);
  }
  await context.annotate(told.join('\n'));
  for (const name of ['clock lines', 'playlist']) expect(p95Ms.get(name), `${name}\n${told.join('\n')}`).toBeLessThanOrEqual(LIMIT_MS);
}

const errorsOf = (all: Stamped[]): number[] => all.map(({ errorMs }) => errorMs);

/**
 * What the pages measured of their clocks, as the journals of their takes have it: each clock less hub time is what it is
 * known to be wrong by, and once the stream has said so too, it says the same.
 */
function expectChecked({ angles }: Filmed, wrongByMs: number[]): void {
  for (const [i, { dir }] of angles.entries()) {
    const lines = journalLines(join(dir, '0001/journal.ndjson')).filter(({ type }) => type === 'clock.checked');
    for (const line of lines) expect(Math.abs(Number(line['offsetMs']) - (wrongByMs[i] ?? 0)), JSON.stringify(line)).toBeLessThan(CHECK_MS);
    const differenceMs = lines.at(-1)?.['differenceMs'];
    expect(typeof differenceMs === 'number' && Math.abs(differenceMs) < CHECK_MS, JSON.stringify(lines)).toBe(true);
  }
}

describe('one clock filmed from two sides', () => {
  let filmed: Filmed;
  beforeAll(async () => {
    const clock = new WrongClock(join(root, 'jumps'), 0);
    filmed = await film(clock, 0, [8, 6], () => clock.set(WRONG_MS / 1000));
  });

  it('lies at the same moment in both recordings', (context) => compare(context, filmed, filmed.halfwayMs));

  // Chromium itself reads its wall clock once a process for its sender reports (webrtc, NtpOffsetUsCalledOnce)
  it('stays there when a browser’s clock jumps by five seconds in mid-take', async (context) => {
    const [right, jumped] = filmed.offMs;
    expect(Math.abs(right ?? Infinity)).toBeLessThan(1000);
    expect(Math.abs((jumped ?? Infinity) - WRONG_MS)).toBeLessThan(1000);
    await compare(context, filmed);
    expectChecked(filmed, [0, 0]);
  });
});

it('a browser whose clock is five seconds ahead moves no picture', async (context) => {
  const filmed = await film(new WrongClock(join(root, 'ahead'), WRONG_MS / 1000), WRONG_MS, [10, 0], () => undefined);
  expect(Math.abs((filmed.offMs[1] ?? Infinity) - WRONG_MS)).toBeLessThan(1000);
  await compare(context, filmed);
  expectChecked(filmed, [0, WRONG_MS]);
});
