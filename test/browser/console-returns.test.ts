import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signedIn } from '../../scripts/demo/sign-in.ts';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { call } from '../../scripts/demo/hub.ts';
import { launchBrowser } from '../../scripts/demo/phone.ts';
import { AngleState, CaptureLink, OperationView } from '../../server/protocol/http.ts';
import { SmallDisk } from '../support/disk.ts';
import { freePort, type RunningHub, startHub, until } from '../support/hub.ts';
import { film, type FilmedOperation, untilPacked } from '../support/operation.ts';
import { openConsoleSocket, openPhone } from '../support/phone-socket.ts';
import { complaints } from '../support/playback.ts';
import { TcpRelay } from '../support/tcp-relay.ts';
import { countFrames, untilShown } from '../support/watching.ts';
import { WebRtcRelay } from '../support/webrtc-relay.ts';

/** A commander watches two angles, through networks that can be taken away, and touches nothing. */
let root = '';
let disk: SmallDisk;
let settings: Record<string, string>;
let hub: RunningHub;
let redis: ChildProcess;
let browser: Browser;
let operation: FilmedOperation;
let watched: string[];
let pages: TcpRelay;
let media: WebRtcRelay;
let desk: Page;
const errors: string[] = [];
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-returns-'));
  disk = SmallDisk.mount(join(root, 'data'), 520);
  const redisPort = await freePort();
  redis = startRedis(redisPort);
  settings = {
    SEGMENT_SECONDS: '2',
    DISK_RESERVE_MB: '150',
    PORT: String(await freePort()),
    RTC_PORT: String(await freePort()),
    REDIS_URL: `redis://127.0.0.1:${redisPort}`,
  };
  [hub, browser] = await Promise.all([startHub(disk.path, settings), launchBrowser()]);
  operation = await film(hub, ['东侧', '西侧']);
  watched = operation.angles.map(({ angleId }) => angleId);
  pages = await TcpRelay.open(hub.url);
  media = await WebRtcRelay.open(Number(hub.rtcPort), 1);
  desk = await openDesk();
});
afterAll(async () => {
  await browser.close();
  for (const { camera } of operation.angles) camera.cut();
  pages.close();
  media.close();
  await hub.stop();
  redis.kill('SIGKILL');
  disk.unmount();
  rmSync(root, { recursive: true, force: true });
});

function startRedis(port: number): ChildProcess {
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', root];
  return spawn('redis-server', args, { stdio: 'ignore' });
}

async function openDesk(): Promise<Page> {
  const context = await browser.newContext({ storageState: signedIn(hub.url), locale: 'zh-CN', viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  page.on('pageerror', (error) => errors.push(error.message));
  await page.addInitScript({ content: media.script });
  await page.goto(`${pages.url}/console/${operation.operationId}`);
  for (const angleId of watched) {
    await page.getByTestId(`tile-${angleId}`).waitFor();
    await countFrames(page, angleId);
  }
  await untilShown(page, watched, 20);
  return page;
}

const base = (): string => `/operations/${operation.operationId}`;
const offline = () => desk.getByTestId('offline');
const queueDown = () => desk.getByTestId('queue-down');
/** By the words on each tile. */
const allRecord = () =>
  until('every tile says that it records', async () => {
    const states = await Promise.all(watched.map((angleId) => desk.getByTestId(`state-${angleId}`).textContent()));
    return states.every((state) => state === '录制中');
  });
/** A picture that stands still is not passed off as a live one. */
const allStand = async (): Promise<void> => {
  for (const angleId of watched) await desk.getByTestId(`tile-${angleId}`).getByText('画面停住').waitFor({ timeout: 30_000 });
};

describe('a console', () => {
  it('that the hub is restarted under says so, and plays again by itself', async () => {
    await hub.stop();
    await offline().getByText('起与服务器的连接断开').waitFor();
    await allStand();
    hub = await startHub(disk.path, settings);
    await untilShown(desk, watched, 30);
    await offline().waitFor({ state: 'detached' });
    await allRecord();
  });

  it('that a hub was killed under plays again by itself', async () => {
    await hub.killAll();
    await offline().waitFor();
    hub = await startHub(disk.path, settings);
    await untilShown(desk, watched, 30);
    await offline().waitFor({ state: 'detached' });
    await allRecord();
  });

  it('whose network is gone for 20 s plays again, and shows all that happened meanwhile', async () => {
    const [east = '', west = ''] = watched;
    const helper = await call(hub, AngleState, 'POST', `${base()}/angles`, { name: '北侧' });
    const link = await call(hub, CaptureLink, 'POST', `${base()}/angles/${helper.angleId}/links`);
    await desk.getByTestId(`tile-${helper.angleId}`).waitFor();
    pages.silence();
    media.cut();
    const goneMs = performance.now();
    const phone = await openPhone(hub, link.url);
    await phone.ask('mark', { markId: 'call-0001', kind: 'blocked', atMs: Date.now(), text: null });
    const other = await openConsoleSocket(hub, operation.operationId);
    await other.ask('mark', { markId: 'mark-0001', angleId: east, atMs: Date.now(), text: '南墙倒塌' });
    await other.ask('sendMessage', { messageId: 'note-0001', kind: 'text', angleId: west, text: '请后退十米' });
    const added = await call(hub, AngleState, 'POST', `${base()}/angles`, { name: '高处' });
    disk.leave(220); // between what is told early and what stops new takes: two minutes of two cameras
    await until('an alarm', async () => (await operation.view()).alarms.some(({ code }) => code === 'disk-low'));
    await allStand();
    await offline().waitFor();
    await delay(Math.max(0, goneMs + 20_000 - performance.now()));
    expect(await desk.getByText('南墙倒塌').count()).toBe(0); // it could not know yet
    pages.mend();
    media.mend();
    await untilShown(desk, watched, 30);
    await offline().waitFor({ state: 'detached' });
    await desk.getByTestId(`tile-${added.angleId}`).waitFor();
    await desk.getByTestId('alarm-disk-low').waitFor();
    for (const text of ['南墙倒塌', '请后退十米']) await desk.getByText(text).first().waitFor();
    await expect.poll(() => desk.getByTestId(`tile-${helper.angleId}`).getAttribute('class')).toContain('called');
    disk.clear();
    await desk.getByTestId('alarm-disk-low').waitFor({ state: 'detached' });
    await allRecord();
    phone.close();
    other.close();
  });

  it('is told that Redis is away, in plain words, goes on playing, and shows the package once it is back', async () => {
    redis.kill('SIGTERM');
    await once(redis, 'exit');
    await queueDown().getByText('录制、画面和告警不受影响').waitFor();
    await untilShown(desk, watched, 30);
    await call(hub, AngleState, 'POST', `${base()}/angles`, { name: '屋顶' });
    await desk.getByText('屋顶').first().waitFor();
    redis = startRedis(Number(settings['REDIS_URL']?.split(':').at(-1)));
    await queueDown().waitFor({ state: 'detached' });
    await untilShown(desk, watched, 30);
    expect(await offline().count()).toBe(0);
  });

  it('that is away when the operation ends says so when it is back, and the recording verifies', async () => {
    pages.cut();
    await offline().waitFor();
    redis.kill('SIGTERM');
    await once(redis, 'exit');
    await call(hub, OperationView, 'POST', `${base()}/end`);
    pages.mend();
    await desk.getByText('行动已结束').first().waitFor();
    await queueDown().waitFor();
    await desk.getByTestId('package').getByText('等待打包').waitFor();
    redis = startRedis(Number(settings['REDIS_URL']?.split(':').at(-1)));
    await desk.getByTestId('package').getByText('归档包已核验').waitFor({ timeout: 60_000 });
    await queueDown().waitFor({ state: 'detached' });
    await untilPacked(operation.view);
    expect((await verifyOperation(operation.dir)).problems).toEqual([]);
    for (const angleId of watched) expect(complaints(operation.dir, angleId)).toEqual([]);
    expect(errors).toEqual([]);
  });
});
