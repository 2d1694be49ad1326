import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signedIn } from '../../scripts/demo/sign-in.ts';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { filmWithPhone, launchBrowser } from '../../scripts/demo/phone.ts';
import { freePort, type RunningHub, startHub, until } from '../support/hub.ts';
import { journalLines } from '../support/operation.ts';
import { phoneOperation, type PhoneOperation } from '../support/phone-operation.ts';
import { type Line, segmentLines } from '../support/playback.ts';

/** Keeps the page's connections where the test can ask them what has arrived. */
const PEERS = `
  window.peers = [];
  const Real = RTCPeerConnection;
  window.RTCPeerConnection = class extends Real {
    constructor(...args) {
      super(...args);
      window.peers.push(this);
    }
  };
`;
/** Of all sound that has come to this page: its energy (W3C WebRTC Statistics, totalAudioEnergy), and how much was played. */
const HEARD = `(async () => {
  const heard = { energy: 0, samples: 0 };
  for (const peer of window.peers) {
    if (peer.connectionState === 'closed') continue;
    for (const entry of (await peer.getStats()).values()) {
      if (entry.type !== 'inbound-rtp' || entry.kind !== 'audio') continue;
      heard.energy += entry.totalAudioEnergy ?? 0;
      heard.samples += entry.totalSamplesReceived ?? 0;
    }
  }
  return heard;
})()`;
type Heard = { energy: number; samples: number };
const heardBy = (page: Page): Promise<Heard> => page.evaluate<Heard>(HEARD);

let root = '';
let settings: Record<string, string>;
let hub: RunningHub;
let browser: Browser;
let operation: PhoneOperation;
let east: Page;
let west: Page;
let desk: Page;
/** So long both phones have heard what was said to all. */
let surelyMs = 0;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-talk-'));
  settings = { SEGMENT_SECONDS: '2', PORT: String(await freePort()), RTC_PORT: String(await freePort()) };
  [hub, browser] = await Promise.all([startHub(join(root, 'data'), settings), launchBrowser()]);
  operation = await phoneOperation(hub, ['东侧', '西侧']);
  east = await filmWithPhone(browser, operation.angles[0]?.url ?? '', 30_000, [PEERS]);
  west = await filmWithPhone(browser, operation.angles[1]?.url ?? '', 30_000, [PEERS]);
  desk = await openDesk();
});
afterAll(async () => {
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

async function openDesk(): Promise<Page> {
  const context = await browser.newContext({
    storageState: signedIn(hub.url),
    locale: 'zh-CN',
    viewport: { width: 1440, height: 900 },
    permissions: ['microphone'],
  });
  const page = await context.newPage();
  await page.goto(`${hub.url}/console/${operation.operationId}`);
  await page.getByTestId('talk').waitFor();
  return page;
}
const spoken = (takeId: string): Line[] => {
  const journal = join(operation.dir, 'talk', takeId, 'journal.ndjson');
  return existsSync(journal) ? journalLines(journal) : [];
};
const lines = (type: string): Record<string, unknown>[] =>
  journalLines(join(operation.dir, 'operation.ndjson')).filter((line) => line['type'] === type);
const state = (page: Page, name: string): Promise<void> => page.locator(`[data-testid="talk"][data-state="${name}"]`).waitFor();
async function press(page: Page): Promise<void> {
  await page.getByTestId('talk').hover();
  await page.mouse.down();
}

/** How loud a take is at its loudest, decibels of full scale, by ffmpeg. */
function loudest(takeDir: string, journal: Line[]): number {
  const segments = segmentLines(journal);
  const files = [String(segments[0]?.['init']), ...segments.map(({ file }) => String(file))];
  const input = Buffer.concat(files.map((file) => readFileSync(join(takeDir, file))));
  const { stderr } = spawnSync('ffmpeg', ['-nostdin', '-i', 'pipe:0', '-af', 'volumedetect', '-f', 'null', '-'], { input });
  return Number(/max_volume: (-?[\d.]+) dB/.exec(String(stderr))?.[1] ?? -Infinity);
}

describe('a commander who talks to operators', () => {
  it('to all: is heard on every phone, which says who speaks, and told when they can hear', async () => {
    await press(desk);
    await state(desk, 'speaking');
    for (const phone of [east, west]) await phone.getByTestId('talk-sign').getByText('指挥员正在对全体讲话').waitFor();
    await until('both are said to listen', async () => ((await desk.getByTestId('talk').textContent()) ?? '').includes('2'));
    await until('both hear it', async () => (await heardBy(east)).energy > 0 && (await heardBy(west)).energy > 0);
    const heardMs = Date.now();
    await until('more than one segment is recorded', () => segmentLines(spoken('0001')).length > 1);
    surelyMs = Date.now() - heardMs;
    await desk.mouse.up();
    for (const phone of [east, west]) await phone.getByTestId('talk-sign').waitFor({ state: 'detached' });
    await state(desk, 'idle');
    await until('it is in the journal', () => lines('talk.ended').length === 1);
    expect(lines('talk.started')).toMatchObject([{ angleId: null }]);
    expect(lines('talk.ended')).toMatchObject([{ takeId: '0001', reason: 'released' }]);
    const heard = (lines('talk.ended')[0]?.['heard'] ?? []) as string[];
    expect(heard.toSorted()).toEqual(operation.angles.map(({ angleId }) => angleId).toSorted());
  });

  it('fits a narrow console, with all that stands below the pictures', async () => {
    await east.getByTestId('capture-still').click();
    await desk.getByTestId('stills').waitFor();
    await desk.setViewportSize({ width: 390, height: 844 });
    await expect.poll(() => desk.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await desk.setViewportSize({ width: 1440, height: 900 });
  });

  it('to one: by key, heard on that phone alone', async () => {
    const before = await heardBy(west);
    const eastBefore = await heardBy(east);
    await desk.getByTestId('message-to').selectOption(operation.angles[0]?.angleId ?? '');
    await desk.getByTestId('talk').hover(); // out of the list, so that the key is not the list's
    await desk.evaluate('document.activeElement.blur()');
    await desk.keyboard.down('t');
    await east.getByTestId('talk-sign').getByText('指挥员正在对您讲话').waitFor();
    await state(desk, 'speaking');
    await until('it is heard', async () => (await heardBy(east)).samples > eastBefore.samples + 24_000);
    expect(await west.getByTestId('talk-sign').count()).toBe(0);
    await desk.keyboard.up('t');
    await until('it is in the journal', () => lines('talk.ended').length === 2);
    expect(lines('talk.ended')[1]).toMatchObject({ heard: [operation.angles[0]?.angleId] });
    expect((await heardBy(west)).energy).toBe(before.energy);
  });

  it('is one at a time: another is told that the line is busy', async () => {
    const other = await openDesk();
    await press(desk);
    await state(desk, 'speaking');
    await state(other, 'busy');
    await press(other);
    await other.getByText('另一指挥员正在讲话').first().waitFor();
    await other.mouse.up();
    await state(desk, 'speaking');
    await desk.mouse.up();
    await state(other, 'idle');
    await press(other);
    await state(other, 'speaking');
    await other.mouse.up();
    await until('it is in the journal', () => lines('talk.ended').length === 4);
    await other.context().close();
  });

  it('who goes away in the middle leaves the line free, and what was said recorded', async () => {
    const gone = await openDesk();
    await press(gone);
    await state(gone, 'speaking');
    await gone.context().close();
    await until('it is in the journal', () => lines('talk.ended').length === 5, 10_000);
    expect(lines('talk.ended')[4]).toMatchObject({ reason: 'connection-lost' });
    for (const phone of [east, west]) expect(await phone.locator('[data-testid="capture"]').getAttribute('data-state')).toBe('recording');
  });

  it('makes no interruption and no tile of its own, also after the hub was killed', async () => {
    await hub.killAll();
    hub = await startHub(join(root, 'data'), settings);
    for (const phone of [east, west]) await phone.locator('[data-testid="capture"][data-state="recording"]').waitFor({ timeout: 30_000 });
    await desk.reload();
    await desk.getByTestId(`state-${operation.angles[0]?.angleId ?? ''}`).waitFor();
    expect(await desk.locator('[data-testid^="tile-"]').count()).toBe(2);
    await press(desk);
    await state(desk, 'speaking');
    await until('it is recorded', () => segmentLines(spoken('0006')).length > 0);
    await desk.mouse.up();
    await until('it is in the journal', () => lines('talk.ended').length === 6);
    expect(lines('interruption.opened').filter(({ angleId }) => angleId === 'talk')).toEqual([]);
  });

  it('is in the package as sound that plays, verified with the recording, and heard in the review', async () => {
    await operation.moreSegments(operation.angles[0]?.angleId ?? '', 1);
    await operation.end();
    const packed = join(await operation.packed(), 'data');
    const { problems, angles } = await verifyOperation(operation.dir);
    expect(problems).toEqual([]);
    expect(angles.find(({ angleId }) => angleId === 'talk')).toMatchObject({ takes: 6, frames: 0 });
    const first = journalLines(join(packed, 'talk/0001/journal.ndjson'));
    const ended = lines('talk.ended')[0];
    const spokenMs = Number(ended?.['atMs']) - Number(lines('talk.started')[0]?.['atMs']);
    const recordedMs = first.filter(({ type }) => type === 'segment').reduce((sum, line) => sum + Number(line['durationMs']), 0);
    expect(recordedMs).toBeGreaterThan(surelyMs - 500);
    expect(recordedMs).toBeLessThan(spokenMs + 500);
    expect(loudest(join(packed, 'talk/0001'), first)).toBeGreaterThan(-60); // dB: the fake microphone beeps
    expect(readFileSync(join(packed, 'talk/index.m3u8'), 'utf8')).toContain('0001/');
    await desk.goto(`${hub.url}/review/${operation.operationId}`);
    await desk.getByTestId('timeline').waitFor();
    await desk.getByTestId('talk-list').getByRole('button').first().click();
    const sound = desk.getByTestId('review-sound');
    await until('its sound is loaded', () => sound.evaluate((element: { readyState: number }) => element.readyState >= 2));
  });
});
