import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signedIn } from '../../scripts/demo/sign-in.ts';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { filmWithPhone, launchBrowser, startRecording } from '../../scripts/demo/phone.ts';
import { SENDERS } from '../support/clock-phone.ts';
import { metric, type RunningHub, startHub, until } from '../support/hub.ts';
import { phoneOperation, type PhoneAngle, type PhoneOperation } from '../support/phone-operation.ts';
import { holdToStop, inState, openPhone } from '../support/phones.ts';
import { complaints, journalsOf } from '../support/playback.ts';
import { slowWay } from '../support/slow-way.ts';

/** Chromium without its H.264 encoder, as on devices that have none. */
const NO_H264 = '--disable-features=OpenH264SoftwareEncoder';
/** The screen's locks that the page has asked for, real ones. */
const LOCKS = `
  window.locks = [];
  const request = navigator.wakeLock.request.bind(navigator.wakeLock);
  navigator.wakeLock.request = async (type) => {
    const lock = await request(type);
    locks.push(lock);
    return lock;
  };
`;
/** The page's connections, by which it sends and receives, newest last. */
const KNOWN_PEERS = SENDERS.replace('const peers = [];', 'const peers = (window.peers = []);');
/** The button that stops is touched, and the page is busy for longer than it has to be held: until the hand lets go, or long after that. */
const touched = (then: string): string => `(() => {
  const button = document.querySelector('[data-testid="capture-stop"]');
  const lift = () => new PointerEvent('pointerup', { bubbles: true });
  const busy = () => { for (const begin = performance.now(); performance.now() - begin < 1200; ); };
  let up;
  button.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true }));
  ${then};
  button.dispatchEvent(up);
})()`;
const MIRROR = `document.querySelector('[data-testid="mirror"] video')`;
/** What the tile shows, looked at in every frame of the screen: on the canvas or the video, and how bright its brightest spot is. */
const WATCH = (angleId: string): string => `(() => {
  const tile = document.querySelector('[data-testid="tile-${angleId}"]');
  const [video, canvas] = [tile.querySelector('video'), tile.querySelector('canvas')];
  const context = new OffscreenCanvas(16, 9).getContext('2d', { willReadFrequently: true });
  window.looks = [];
  const look = () => {
    const covered = getComputedStyle(canvas).display !== 'none';
    context.clearRect(0, 0, 16, 9);
    context.drawImage(covered ? canvas : video, 0, 0, 16, 9);
    looks.push({ covered, brightest: Math.max(...context.getImageData(0, 0, 16, 9).data.filter((_, i) => i % 4 !== 3)) });
    requestAnimationFrame(look);
  };
  look();
})()`;

let root = '';
let hub: RunningHub;
let browser: Browser;
let operation: PhoneOperation;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-details-'));
  [hub, browser] = await Promise.all([startHub(join(root, 'data'), { SEGMENT_SECONDS: '2' }), launchBrowser()]);
  operation = await phoneOperation(hub, ['回看', '醒着', '换网', '无编码器', '换人']);
});
afterAll(async () => {
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

const angleOf = (index: number): PhoneAngle => operation.angles[index] as PhoneAngle;
const transports = (): Promise<number> => metric(hub, 'webrtc_transports');
/** Of the connection that sends: the name of its path at one end, which is new with each ICE restart (RFC 8445, 2.4). */
const SENDING = 'peers.findLast((peer) => peer.getSenders().some(({ track }) => track))';
const ufrag = (page: Page, end: 'local' | 'remote'): Promise<string> =>
  page.evaluate(`/ice-ufrag:(.*)/.exec(${SENDING}.${end}Description.sdp)[1].trim()`);

/**
 * No picture is missing but those whose packets were lost on their way, as may be on a busy machine; what was lost the page is
 * told by receiver reports (RFC 3550, 6.4.1).
 */
const expectWhole = async (page: Page, angleId: string): Promise<void> => {
  const lost = `${SENDING}.getStats().then((stats) => [...stats.values()]
    .filter(({ type, kind }) => type === 'remote-inbound-rtp' && kind === 'video').reduce((sum, { packetsLost }) => sum + packetsLost, 0))`;
  const unexplained = async (): Promise<number> => (await operation.angle(angleId)).missingFrames - (await page.evaluate<number>(lost));
  await expect.poll(unexplained).toBeLessThanOrEqual(0);
};

describe('a phone that films', () => {
  it('shows on demand what the commander sees of it, for a while, and films on', async () => {
    const { angleId, url } = angleOf(0);
    const { page, errors } = await openPhone(browser, url, { scripts: [KNOWN_PEERS] });
    await startRecording(page);
    await page.getByTestId('mirror-open').click();
    await until(
      'the hub’s picture moves',
      async () => (await page.evaluate<number>(`${MIRROR}.getVideoPlaybackQuality().totalVideoFrames`)) > 10,
    );
    const [width = 0, height = 1] = await page.evaluate<number[]>(`[${MIRROR}.videoWidth, ${MIRROR}.videoHeight]`);
    expect(width / height).toBeCloseTo(16 / 9, 1);
    expect(await transports()).toBe(2);
    await page.getByTestId('mirror-close').click();
    await until('the hub has let its way go', async () => (await transports()) === 1);
    await page.getByTestId('mirror-open').click();
    await page.getByTestId('mirror').getByText('秒后自动关闭').waitFor();
    await page.evaluate('peers.at(-1).close()'); // nothing comes back any more
    await page.getByTestId('mirror').getByText('指挥台画面停住').waitFor();
    await page.getByTestId('mirror-open').waitFor({ timeout: 25_000 }); // it closes by itself
    await until('that way is gone too', async () => (await transports()) === 1);
    await operation.moreSegments(angleId, 1);
    expect(await operation.angle(angleId)).toMatchObject({ status: 'recording', takes: 1, interruption: null });
    await expectWhole(page, angleId);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  it('keeps its screen awake, and lets it sleep when it has stopped', async () => {
    const { angleId, url } = angleOf(1);
    const permissions = ['camera', 'microphone', 'screen-wake-lock'];
    const { page } = await openPhone(browser, url, { permissions, scripts: [LOCKS] });
    await startRecording(page);
    await until('the screen is kept awake', () => page.evaluate('locks.some(({ type, released }) => type === "screen" && !released)'));
    await operation.moreSegments(angleId, 1);
    await holdToStop(page);
    await until('it may sleep again', () => page.evaluate('locks.every(({ released }) => released)'));
    await page.context().close();
  });

  it('stops by a hold that its page was too busy to count, and not by a touch whose end it hears late', async () => {
    const { angleId, url } = angleOf(1);
    const page = await filmWithPhone(browser, url);
    await page.evaluate(touched('up = lift(); busy()'));
    await operation.moreSegments(angleId, 2); // longer than it would have to be held
    expect(await inState(page, 'recording').count()).toBe(1);
    await page.evaluate(touched('busy(); up = lift()'));
    await inState(page, 'stopped').waitFor();
    await page.context().close();
  });

  it('looks for a new way when its network changes, and its take goes on', async () => {
    const { angleId, url } = angleOf(2);
    const page = await filmWithPhone(browser, url, 30_000, [KNOWN_PEERS]);
    await operation.moreSegments(angleId, 1);
    const [mine, hubs] = [await ufrag(page, 'local'), await ufrag(page, 'remote')];
    await page.evaluate('window.dispatchEvent(new Event("online"))'); // what Chromium tells a page whose network has changed
    await until('ICE has begun anew', async () => (await ufrag(page, 'local')) !== mine && (await ufrag(page, 'remote')) !== hubs);
    await until('it is connected', () =>
      page.evaluate<boolean>(`${SENDING}.signalingState === 'stable' && ${SENDING}.connectionState === 'connected'`),
    );
    await operation.moreSegments(angleId, 2);
    expect(await operation.angle(angleId)).toMatchObject({ takes: 1 });
    await expectWhole(page, angleId);
    await page.context().close();
  });

  it('sends VP8 where it has no H.264, which is recorded', async () => {
    const { angleId, url } = angleOf(3);
    const other = await launchBrowser({}, [NO_H264]);
    try {
      await filmWithPhone(other, url);
      await operation.moreSegments(angleId, 2);
      expect((await operation.angle(angleId)).source?.video).toBe('VP8');
    } finally {
      await other.close();
    }
  });
});

describe('the tile of an angle whose phone begins anew', () => {
  it('shows its last picture until the first of the new ones: at no moment is it black', async () => {
    const { angleId, url } = angleOf(4);
    const page = await filmWithPhone(browser, url);
    const desk = await (await browser.newContext({ storageState: signedIn(hub.url), viewport: { width: 1280, height: 800 } })).newPage();
    const [fromPhone, toDesk] = await Promise.all([slowWay(page), slowWay(desk)]);
    await desk.goto(`${hub.url}/console/${operation.operationId}`);
    const frames = (): Promise<number> =>
      desk.evaluate(`document.querySelector('[data-testid="tile-${angleId}"] video').getVideoPlaybackQuality().totalVideoFrames`);
    await desk.locator(`[data-testid="tile-${angleId}"] video`).waitFor();
    await until('it is watched', async () => (await frames()) > 10);
    await desk.evaluate(WATCH(angleId));
    await page.reload();
    await until('the old picture covers the tile', () => desk.evaluate('looks.some(({ covered }) => covered)'));
    // the desk asks for what sends sound alone so far, is sent pictures too, and hears only then that there are any
    const pictures = fromPhone('up', /"produce",.*"kind":"video"/);
    const asked = toDesk('up', /"consume"/);
    const both = toDesk('down', /"angle",.*"producers":\[\{[^\]]*\},\{/);
    const started = startRecording(page);
    await until('the desk asks', () => asked.count() > 0);
    pictures.release();
    await started;
    asked.release();
    await until('new pictures show', () => desk.evaluate('!looks.at(-1).covered'));
    await until('the desk is told', () => both.count() > 0);
    both.release();
    await until('they go on', async () => !(await desk.evaluate('looks.at(-1).covered')) && (await frames()) > 20);
    const looks = (await desk.evaluate('looks')) as { covered: boolean; brightest: number }[];
    expect(Math.min(...looks.map(({ brightest }) => brightest))).toBeGreaterThan(60);
    await operation.moreSegments(angleId, 1);
    await Promise.all([page.context().close(), desk.context().close()]);
  });
});

describe('all of it', () => {
  it('verifies and plays', async () => {
    await operation.end();
    expect((await verifyOperation(operation.dir)).problems).toEqual([]);
    for (const { angleId } of operation.angles) {
      expect(journalsOf(operation.dir, angleId).length).toBeGreaterThan(0);
      expect(complaints(operation.dir, angleId)).toEqual([]);
    }
  });
});
