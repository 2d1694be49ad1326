import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../../scripts/demo/hub.ts';
import { launchBrowser } from '../../scripts/demo/phone.ts';
import { CustodyPage } from '../../server/protocol/custody.ts';
import { metric, type RunningHub, startHub, until } from '../support/hub.ts';
import { film, type FilmedOperation } from '../support/operation.ts';
import { phoneOperation, type PhoneOperation } from '../support/phone-operation.ts';
import { ask, type Exchange, otherSite, type Patched, type Shown, webRtcPage } from '../support/webrtc-page.ts';

let hub: RunningHub;
let browser: Browser;
let site: { url: string; close: () => void };
beforeAll(async () => {
  browser = await launchBrowser();
  site = await otherSite();
});
afterAll(async () => {
  site.close();
  await browser.close();
});
/** A hub of its own for what counts transports and routers: whatever another test has left says nothing then. */
function withHub(): void {
  const root = mkdtempSync(join(tmpdir(), 'fieldhub-whep-browser-'));
  beforeAll(async () => {
    hub = await startHub(join(root, 'data'), { SEGMENT_SECONDS: '2' });
  });
  afterAll(async () => {
    await hub.stop();
    rmSync(root, { recursive: true, force: true });
  });
}

/** On loopback players are pages of the hub's own site. */
const player = (): Promise<Page> => webRtcPage(browser, `${hub.url}/healthz`);
const shows = async (page: Page, width: number): Promise<void> => {
  await until(`a picture ${width} wide`, async () => (await ask<Shown>(page, 'shown')).width === width);
  const { frames } = await ask<Shown>(page, 'shown');
  await until('the picture moves', async () => (await ask<Shown>(page, 'shown')).frames > frames + 10);
};
const hears = (page: Page): Promise<void> =>
  until(
    'sound comes',
    async () => ((await ask<Record<string, { packetsReceived: number }>>(page, 'received'))['audio']?.packetsReceived ?? 0) > 10,
  );
const transports = (): Promise<number> => metric(hub, 'webrtc_transports');
const routers = (): Promise<number> => metric(hub, 'routers');

describe('a player watches an encoder', () => {
  withHub();
  let operation: PhoneOperation;
  let encoder: Page;
  let watcher: Page;
  let url = '';
  let whip: [string, string, object] = ['', '', {}];

  it('is told to come again while nothing comes, and then sees and hears', async () => {
    operation = await phoneOperation(hub, ['编码器', '多层']);
    const [angle] = operation.angles;
    url = `${hub.url}/whep/${operation.operationId}/${angle?.angleId}`;
    whip = [url.replace('/whep/', '/whip/'), angle?.url.split('#')[1] ?? '', {}];
    watcher = await player();
    expect(await ask<Exchange>(watcher, 'watch', url)).toMatchObject({ status: 409, retryAfter: '2' });
    encoder = await webRtcPage(browser, site.url);
    expect((await ask<Exchange>(encoder, 'publish', ...whip)).status).toBe(201);
    const begun = await ask<Exchange>(watcher, 'watch', url);
    expect(begun.status).toBe(201);
    // what is sent keeps to the offer's payload types, with retransmissions under theirs
    const [, video = ''] = begun.answer.split('m=video 9 UDP/TLS/RTP/SAVPF ');
    const [payload = '', rtx = ''] = video.split('\r\n')[0]?.split(' ') ?? [];
    for (const line of [`a=rtpmap:${payload} H264/90000`, `a=fmtp:${rtx} apt=${payload}`]) expect(begun.offer).toContain(line);
    await shows(watcher, 640);
    await hears(watcher);
  });

  it('restarts its ICE, and shares with a second player what is made for it', async () => {
    expect((await ask<Patched>(watcher, 'restartIce')).status).toBe(200);
    await shows(watcher, 640);
    const second = await player();
    expect((await ask<Exchange>(second, 'watch', url, null, ['video'])).status).toBe(201);
    await shows(second, 640);
    expect([await transports(), await routers()]).toEqual([3, 3]); // the second asked for a picture only
    expect(await ask(second, 'stop')).toBe(200);
    expect([await transports(), await routers()]).toEqual([2, 2]);
    const third = await player();
    expect((await ask<Exchange>(third, 'watch', url)).status).toBe(201);
    await shows(third, 640);
    expect([await transports(), await routers()]).toEqual([3, 2]); // the same payload types: one router for both
    expect(await ask(third, 'stop')).toBe(200);
    await shows(watcher, 640);
  });

  it('is let go when the encoder ends, and sees the next one', async () => {
    expect(await ask(encoder, 'stop')).toBe(200);
    await until('nothing is left', async () => (await transports()) === 0 && (await routers()) === 1);
    await until('the player knows', async () => (await ask<string>(watcher, 'state')) !== 'connected');
    expect((await ask<Exchange>(watcher, 'watch', url)).status).toBe(409);
    expect((await ask<Exchange>(encoder, 'publish', ...whip)).status).toBe(201);
    expect((await ask<Exchange>(watcher, 'watch', url)).status).toBe(201);
    await shows(watcher, 640);
    expect(await ask(encoder, 'stop')).toBe(200);
    await until('nothing is left', async () => (await transports()) === 0 && (await routers()) === 1);
  });

  it('sees the highest layer of an encoder that sends several, and is let go when the operation ends', async () => {
    const [, layers] = operation.angles;
    const from = `${hub.url}/whip/${operation.operationId}/${layers?.angleId}`;
    // the larger first: for pictures of this size Chromium sends the first two at most
    const encodings = [{ rid: 'f' }, { rid: 'h', scaleResolutionDownBy: 2 }];
    expect((await ask<Exchange>(encoder, 'publish', from, layers?.url.split('#')[1], { encodings })).status).toBe(201);
    await until('it is recorded in full', async () => (await operation.angle(layers?.angleId ?? '')).width === 640, 60_000);
    expect((await ask<Exchange>(watcher, 'watch', from.replace('/whip/', '/whep/'))).status).toBe(201);
    await shows(watcher, 640);
    await operation.end();
    await until('no transport is left', async () => (await transports()) === 0);
    expect((await ask<Exchange>(watcher, 'watch', url)).status).toBe(410);
    const lines = async () => (await call(hub, CustodyPage, 'GET', '/custody?what=view.live')).lines.map(({ detail }) => detail);
    // five players were sent something, however it ended; none of the tries in vain has a line
    await until('every look is over', async () => (await lines()).filter(({ begins }) => begins === false).length === 5);
    const all = await lines();
    expect(all.filter(({ begins }) => begins === true)).toHaveLength(5);
    for (const { begins, sinceMs, untilMs } of all) if (begins === false) expect(Number(untilMs)).toBeGreaterThan(Number(sinceMs));
  });
});

describe('a player watches a camera that sends plain RTP', () => {
  withHub();
  let operation: FilmedOperation;
  it('sees and hears', async () => {
    operation = await film(hub, ['摄像头'], undefined, '1280x720');
    const [angle] = operation.angles;
    const watcher = await player();
    expect((await ask<Exchange>(watcher, 'watch', `${hub.url}/whep/${operation.operationId}/${angle?.angleId}`)).status).toBe(201);
    await shows(watcher, 1280);
    await hears(watcher);
    expect(await ask(watcher, 'stop')).toBe(200);
    angle?.camera.cut();
    expect([await transports(), await routers()]).toEqual([0, 1]);
  });
});
