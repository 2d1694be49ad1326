import { mkdirSync, mkdtempSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Browser } from 'playwright-core';
import QRCode from 'qrcode';
import { AngleState, CaptureLink, OperationView, PlainSource } from '../../server/protocol/http.ts';
import { readArgs, USAGE } from './args.ts';
import { TestCamera } from './camera.ts';
import { readFigures } from './figures.ts';
import { call, type DemoHub, startHub } from './hub.ts';
import { demoPeople, peopleLines } from './people.ts';
import { filmWithPhone, launchBrowser, openConsole, untilMoving } from './phone.ts';

/** The main job, end to end: three cameras and a phone film an operation; one camera fails in the middle; the recordings are packed and verified. */
const OPERATION = '强制拆除演示';
const CAMERAS = [
  { name: '东侧摄像机', pattern: 'testsrc2' },
  { name: '西侧摄像机', pattern: 'testsrc' },
  { name: '高点摄像机', pattern: 'smptehdbars' },
];
const PHONE = '手机 01';
const CUT_SECONDS = 6;

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const clock = (): string => new Date().toISOString();
const wait = (seconds: number): Promise<void> => new Promise((done) => setTimeout(done, Math.max(0, seconds) * 1000));

let hub: DemoHub | null = null;
let browser: Browser | null = null;
const cameras: TestCamera[] = [];
const stop = async (code: number): Promise<never> => {
  for (const camera of cameras) camera.cut();
  await browser?.close().catch(() => undefined); // it may be gone already
  await hub?.stop();
  process.exit(code);
};
process.on('SIGINT', () => void stop(0));
process.on('SIGTERM', () => void stop(0));

try {
  await demo();
} catch (error) {
  process.stderr.write(`demo failed: ${error instanceof Error ? error.message : String(error)}\n`);
  await stop(1);
}

async function demo(): Promise<void> {
  if (process.argv.includes('--help')) return say(USAGE);
  const { seconds, dataDir: wanted, json } = readArgs(process.argv.slice(2));
  const dataDir = resolve(wanted ?? mkdtempSync(join(tmpdir(), 'fieldhub-demo-')));
  mkdirSync(dataDir, { recursive: true });
  const free = seconds === null ? {} : { PORT: '0', RTC_PORT: String(await freePort()) };
  hub = await startHub(dataDir, free);
  say(`hub: ${hub.url}, data in ${dataDir}`);
  const squadId = await demoPeople(hub);
  for (const line of peopleLines()) say(line);

  const { operationId } = await call(hub, OperationView, 'POST', '/operations', {
    name: OPERATION,
    type: 'demolition',
    requiredAngles: 2,
    place: '东街 18 号',
    squadIds: [squadId],
  });
  const base = `/operations/${operationId}`;
  const phone = await call(hub, AngleState, 'POST', `${base}/angles`, { name: PHONE });
  for (const { name, pattern } of CAMERAS) {
    const { angleId } = await call(hub, AngleState, 'POST', `${base}/angles`, { name });
    cameras.push(new TestCamera(await call(hub, PlainSource, 'POST', `${base}/angles/${angleId}/camera`), name, pattern));
  }
  const link = await call(hub, CaptureLink, 'POST', `${base}/angles/${phone.angleId}/links`);
  browser = await launchBrowser();
  await filmWithPhone(browser, link.url);
  const consoleUrl = `${hub.url}/console/${operationId}`;
  const watched = await openConsole(browser, consoleUrl);
  for (const camera of cameras) camera.start();
  const view = await untilAllRecord(hub, base);
  say(`operation ${OPERATION} (${operationId}): ${view.angles.length} angles record`);
  const since = performance.now();
  for (const { angleId } of view.angles) await untilMoving(watched, angleId);
  say(`console: ${consoleUrl} shows all of them live`);

  if (seconds === null) return stayUp(hub, base, consoleUrl);
  const until = (second: number): Promise<void> => wait(second - (performance.now() - since) / 1000);
  await until(seconds * 0.4);
  cameras[1]?.cut();
  say(`${clock()} camera ${CAMERAS[1]?.name ?? ''} fails`);
  await wait(CUT_SECONDS);
  cameras[1]?.start();
  say(`${clock()} and is back`);
  await until(seconds);

  await call(hub, OperationView, 'POST', `${base}/end`);
  const path = await untilPacked(hub, base);
  const figures = await readFigures(path);
  say(`package: ${path}, verified by reading everything back`);
  for (const camera of cameras) camera.cut();
  await browser.close();
  await hub.stop();
  if (json) say(JSON.stringify(figures));
  process.exit(0);
}

async function untilAllRecord(running: DemoHub, base: string): Promise<OperationView> {
  for (let tries = 0; tries < 150; tries += 1) {
    const view = await call(running, OperationView, 'GET', base);
    if (view.angles.every((angle) => angle.status === 'recording')) return view;
    await wait(0.2);
  }
  throw new Error('not all angles record after 30 s');
}

async function untilPacked(running: DemoHub, base: string): Promise<string> {
  for (let tries = 0; tries < 600; tries += 1) {
    const { package: status } = await call(running, OperationView, 'GET', base);
    if (status.state === 'failed') throw new Error(`packing failed: ${status.error ?? ''}`);
    if (status.state === 'verified' && status.path) return status.path;
    await wait(0.2);
  }
  throw new Error('the package was not ready after 2 minutes');
}

async function stayUp(running: DemoHub, base: string, consoleUrl: string): Promise<void> {
  const { angleId } = await call(running, AngleState, 'POST', `${base}/angles`, { name: '手机 02' });
  const link = await call(running, CaptureLink, 'POST', `${base}/angles/${angleId}/links`);
  say(await QRCode.toString(link.url, { type: 'terminal', small: true }));
  say(`console:      ${consoleUrl}`);
  say(`capture link: ${link.url}`);
  if (/\/\/(127\.|localhost)/.test(link.url)) say('              (of this machine only; for phones on the LAN: LISTEN=0.0.0.0 npm start)');
  say(`review:       ${running.url}/review/${base.split('/').at(-1) ?? ''}`);
  say('Ctrl+C ends the demo.');
  await new Promise(() => undefined);
}

function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const server = createServer();
    server.once('error', failed);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' && address ? address.port : 44_000));
    });
  });
}
