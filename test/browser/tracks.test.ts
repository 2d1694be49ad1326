import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signedIn } from '../../scripts/demo/sign-in.ts';
import { launchBrowser } from '../../scripts/demo/phone.ts';
import { readTake } from '../support/clock-picture.ts';
import { type ClockCamera, filmClock, SENDERS } from '../support/clock-phone.ts';
import { type RunningHub, startHub, until } from '../support/hub.ts';
import { noteTouches } from '../support/phones.ts';
import { phoneOperation, type PhoneOperation } from '../support/phone-operation.ts';
import { packetTimes, playTake, type SegmentFacts, segmentsOf, takesOf } from '../support/playback.ts';

const SMALL: ClockCamera = { width: 320, height: 180, fps: 15 };
/** Pictures come every 67 ms; a busy machine may be late with some. A stalled track would stand still for longer. */
const STILL_S = 0.5;
/** Five browsers on two cores: a fake microphone may stand still for a moment, and the recorder keeps what follows with the picture. No packet is missing for it. */
const HICCUP_S = 1;
const NAMES = ['soundOnly', 'pictureOnly', 'muted', 'dark', 'robbed'] as const;
type Name = (typeof NAMES)[number];

let root = '';
let hub: RunningHub;
let browser: Browser;
let operation: PhoneOperation;
/** So long all three lacked what was taken from them. */
const cut = { fromMs: 0, toMs: 0 };
/** From one touch of the button to the other. */
const mute = { fromMs: 0, toMs: 0 };

/** Five phones at once: two lack a track, three lose one in mid-take and have it back, the last by the page's own doing. */
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-tracks-'));
  [hub, browser] = await Promise.all([startHub(join(root, 'data'), { SEGMENT_SECONDS: '2' }), launchBrowser()]);
  operation = await phoneOperation(hub, [...NAMES]);
  const film = (name: Name, more: ClockCamera = {}): Promise<Page> =>
    filmClock(browser, angleOf(name).url, { ...SMALL, ...more }, [SENDERS]);
  await film('soundOnly', { kinds: ['audio'] });
  await film('pictureOnly', { kinds: ['video'] });
  const muted = await film('muted');
  const dark = await film('dark');
  const robbed = await film('robbed');
  await operation.moreSegments(angleOf('robbed').angleId, 2);
  const touches = await noteTouches(muted);
  await muted.getByRole('button', { name: '静音' }).click();
  await dark.evaluate('videoSender().track.enabled = false');
  await robbed.evaluate('fieldhubClock.lose()');
  cut.fromMs = Date.now();
  await operation.moreSegments(angleOf('muted').angleId, 3);
  cut.toMs = Date.now();
  await muted.getByRole('button', { name: '取消静音' }).click();
  await dark.evaluate('videoSender().track.enabled = true');
  [mute.fromMs = 0, mute.toMs = 0] = await touches();
  await operation.moreSegments(angleOf('muted').angleId, 3);
  await operation.end();
});
afterAll(async () => {
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

function angleOf(name: Name): PhoneOperation['angles'][number] {
  const angle = operation.angles[NAMES.indexOf(name)];
  if (!angle) throw new Error(`no angle ${name}`);
  return angle;
}
const takeOf = (name: Name): string => join(angleOf(name).dir, '0001');
const sum = (segments: SegmentFacts[], key: 'frames' | 'audioFrames' | 'audioMissing'): number =>
  segments.reduce((total, segment) => total + segment[key], 0);
/** Segments that lie wholly between losing a track and having it back. */
const during = (segments: SegmentFacts[]): SegmentFacts[] =>
  segments.filter(({ startMs, durationMs }) => startMs > cut.fromMs + 700 && startMs + durationMs < cut.toMs);

describe('a phone without a camera', () => {
  it('is recorded as sound, on the grid, without a hole', () => {
    const segments = segmentsOf(takeOf('soundOnly'));
    expect(takesOf(angleOf('soundOnly').dir)).toEqual(['0001']);
    expect(segments.length).toBeGreaterThan(5);
    expect(sum(segments, 'frames')).toBe(0);
    for (const segment of segments) expect(segment.audioFrames).toBeCloseTo(segment.durationMs / 20, -0.5);
    expectSteps(packetTimes(takeOf('soundOnly'), 'audio'), 0.021);
  });
});

describe('a phone without a microphone', () => {
  it('is recorded as pictures, without a hole', () => {
    const segments = segmentsOf(takeOf('pictureOnly'));
    expect(takesOf(angleOf('pictureOnly').dir)).toEqual(['0001']);
    expect(sum(segments, 'audioFrames')).toBe(0);
    for (const segment of segments) expect(segment.frames).toBeGreaterThan(0);
    expectSteps(packetTimes(takeOf('pictureOnly'), 'video'), STILL_S);
  });
});

describe('a phone that is muted for a while', () => {
  it('goes on filming: its segments close as ever', () => {
    const segments = segmentsOf(takeOf('muted'));
    expect(takesOf(angleOf('muted').dir)).toEqual(['0001']);
    expect(during(segments).length).toBeGreaterThan(0);
    for (const segment of during(segments)) {
      expect(segment.audioFrames).toBe(0);
      expect(segment.durationMs).toBeLessThan(4500);
    }
    expectSteps(packetTimes(takeOf('muted'), 'video'), STILL_S);
    expectSteps(pictureTimes('muted'), STILL_S);
  });

  it('has its sound back where it belongs', () => {
    const sound = packetTimes(takeOf('muted'), 'audio');
    const picture = packetTimes(takeOf('muted'), 'video');
    const [hole = 0, next = 0] = stepsOf(sound).toSorted((a, b) => b - a);
    expect(Math.abs(hole - (mute.toMs - mute.fromMs) / 1000)).toBeLessThan(1);
    expect(next).toBeLessThan(HICCUP_S);
    expect(sum(segmentsOf(takeOf('muted')), 'audioMissing')).toBe(0);
    expect(Math.abs((sound.at(-1) ?? 0) - (picture.at(-1) ?? 0))).toBeLessThan(0.3);
  });
});

describe('a phone whose camera is off for a while', () => {
  it('is recorded as the black pictures that it sends, with its sound', () => {
    const segments = segmentsOf(takeOf('dark'));
    expect(takesOf(angleOf('dark').dir)).toEqual(['0001']);
    const black = readTake(join(takeOf('dark'), 'journal.ndjson')).filter(({ codedMs }) => codedMs === null);
    expect(black.length).toBeGreaterThan(0);
    expect(sum(during(segments), 'frames')).toBeGreaterThan(0);
    expectSteps(packetTimes(takeOf('dark'), 'audio'), HICCUP_S);
    expect(sum(segments, 'audioMissing')).toBe(0);
  });

  it('is recorded as sound where another app took the camera, and as both once the page has it back', () => {
    const segments = segmentsOf(takeOf('robbed'));
    expect(takesOf(angleOf('robbed').dir)).toEqual(['0001']);
    expect(segments.some(({ frames, audioFrames }) => frames === 0 && audioFrames > 50)).toBe(true);
    expect(segments.at(-1)?.frames).toBeGreaterThan(0);
    expectSteps(packetTimes(takeOf('robbed'), 'audio'), HICCUP_S);
    expect(sum(segments, 'audioMissing')).toBe(0);
    const [hole = 0, next = 0] = stepsOf(pictureTimes('robbed')).toSorted((a, b) => b - a);
    expect(hole).toBeGreaterThan(2);
    expect(hole).toBeLessThan(9);
    expect(next).toBeLessThan(STILL_S);
  });
});

it.each(NAMES)('%s plays without a word from ffmpeg', async (name) => {
  const { status, said, playlist } = await playTake(operation.dir, angleOf(name).angleId, '0001');
  expect(said, playlist).toBe('');
  expect(status).toBe(0);
});

describe('the review page', () => {
  let page: Page;
  const tile = (name: Name) => page.getByTestId(`review-${angleOf(name).angleId}`);
  /** Of an angle's picture, or (null) of the sound that is heard. */
  const player = (name: Name | null): Promise<{ atS: number; frames: number; failed: boolean }> =>
    (name ? tile(name).locator('video') : page.getByTestId('review-sound')).evaluate((element) => {
      const video = element as unknown as {
        currentTime: number;
        error: unknown;
        getVideoPlaybackQuality: () => { totalVideoFrames: number };
      };
      return { atS: video.currentTime, frames: video.getVideoPlaybackQuality().totalVideoFrames, failed: video.error !== null };
    });

  beforeAll(async () => {
    const context = await browser.newContext({ storageState: signedIn(hub.url), viewport: { width: 1440, height: 900 }, locale: 'zh-CN' });
    page = await context.newPage();
    await page.goto(`${hub.url}/review/${operation.operationId}`);
    await until('the pictures are there', async () => (await player('muted')).frames > 0);
  });

  it('plays every picture through, also where its sound is muted', async () => {
    await tile('muted').getByRole('button').click();
    await page.getByTestId('review-play').click();
    await until('the sound is heard', async () => (await player(null)).atS > 2);
    const endMs = Math.max(...NAMES.flatMap((name) => segmentsOf(takeOf(name))).map(({ startMs, durationMs }) => startMs + durationMs));
    await until(
      'all is played',
      async () => Number(await page.getByTestId('review-clock').getAttribute('data-hub-ms')) > endMs - 1500,
      90_000,
    );
    for (const name of ['pictureOnly', 'muted', 'dark', 'robbed'] as const) {
      const { frames, failed } = await player(name);
      expect(failed).toBe(false);
      expect(frames, name).toBeGreaterThan(0.5 * sum(segmentsOf(takeOf(name)), 'frames'));
    }
    expect((await player(null)).failed).toBe(false);
    expect((await player(null)).atS).toBeGreaterThan(
      segmentsOf(takeOf('muted')).reduce((end, each) => Math.max(end, each.mediaMs), 0) / 1000 - 2,
    );
  });
});

/** True times that stand on the pictures, seconds. */
const pictureTimes = (name: Name): number[] =>
  readTake(join(takeOf(name), 'journal.ndjson')).flatMap(({ codedMs }) => (codedMs === null ? [] : [codedMs / 1000]));
const stepsOf = (times: number[]): number[] => times.slice(1).map((time, i) => time - (times[i] ?? 0));

/** They go on and on, by no more than `mostS` at a time. */
function expectSteps(times: number[], mostS: number): void {
  expect(times.length).toBeGreaterThan(50);
  const steps = stepsOf(times);
  expect(Math.min(...steps)).toBeGreaterThan(0);
  expect(Math.max(...steps)).toBeLessThan(mostS);
}
