import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { launchBrowser } from '../../scripts/demo/phone.ts';
import { filmClock } from '../support/clock-phone.ts';
import { freePort, type RunningHub, startHub, until } from '../support/hub.ts';
import { journalLines } from '../support/operation.ts';
import { type PhoneAngle, phoneOperation, type PhoneOperation } from '../support/phone-operation.ts';
import { inState } from '../support/phones.ts';
import { complaints, journalsOf, segmentsOf, takesOf } from '../support/playback.ts';
import { TcpRelay } from '../support/tcp-relay.ts';
import { WebRtcRelay } from '../support/webrtc-relay.ts';

const AWAY_MS = 20_000;
/** A picture is some hundred milliseconds old when a busy machine sends it. */
const OLD_MS = 3000;
/** How long a phone may need for its way back, on a slow machine. */
const BACK_MS = 30_000;

let root = '';
let settings: Record<string, string>;
let hub: RunningHub;
let browser: Browser;
let operation: PhoneOperation;
let angle: PhoneAngle;
let pages: TcpRelay;
let media: WebRtcRelay;
let phone: Page;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-away-'));
  settings = { SEGMENT_SECONDS: '2', PORT: String(await freePort()), RTC_PORT: String(await freePort()) };
  [hub, browser] = await Promise.all([startHub(join(root, 'data'), settings), launchBrowser()]);
  operation = await phoneOperation(hub, ['手机']);
  [angle] = operation.angles as [PhoneAngle];
  pages = await TcpRelay.open(hub.url);
  media = await WebRtcRelay.open(Number(hub.rtcPort), 1);
  phone = await filmClock(browser, angle.url.replace(hub.url, pages.url), {}, [media.script]);
  await operation.moreSegments(angle.angleId, 2);
});
afterAll(async () => {
  await browser.close();
  pages.close();
  media.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

type Closed = { startMs: number; endMs: number; cause: string; angleId: string };
const interruptions = (): Closed[] =>
  journalLines(join(operation.dir, 'operation.ndjson')).filter(({ type }) => type === 'interruption.closed') as Closed[];
const records = async (): Promise<void> => {
  await inState(phone, 'recording').waitFor({ timeout: BACK_MS });
  await until('the hub says so', async () => (await operation.angle(angle.angleId)).status === 'recording');
};
const pictures = () => takesOf(angle.dir).flatMap((take) => segmentsOf(join(angle.dir, take)).filter(({ frames }) => frames > 0));

describe('a phone that films', () => {
  it('and loses its network for 20 s says so, and records again by itself on the same angle', async () => {
    const cutMs = Date.now();
    pages.silence();
    media.cut();
    await inState(phone, 'reconnecting').waitFor({ timeout: 20_000 });
    await until('the hub says so', async () => (await operation.angle(angle.angleId)).status === 'interrupted');
    await delay(cutMs + AWAY_MS - Date.now());
    const mendedMs = Date.now();
    pages.mend();
    media.mend();
    await records();
    await operation.moreSegments(angle.angleId, 2);
    const [gap, ...more] = interruptions();
    expect(more).toEqual([]);
    if (!gap) throw new Error('there was an interruption');
    expect(gap.angleId).toBe(angle.angleId);
    expect(['connection-lost', 'no-media']).toContain(gap.cause);
    expect(gap.startMs).toBeGreaterThan(cutMs - OLD_MS);
    expect(gap.startMs).toBeLessThan(cutMs + OLD_MS);
    expect(gap.endMs).toBeGreaterThan(mendedMs - OLD_MS);
    expect(gap.endMs).toBeLessThan(mendedMs + BACK_MS);
    // in the files, too: nothing is passed off as filmed in between
    const between = pictures().filter(({ startMs }) => startMs > gap.startMs + OLD_MS && startMs < gap.endMs - OLD_MS);
    expect(between).toEqual([]);
  });

  it('is one take where its connection lived on, else two, the first of them ended as lost', () => {
    const takes = journalsOf(operation.dir, angle.angleId);
    expect(takes.length).toBeLessThanOrEqual(2);
    const ends = takes.flatMap(({ lines }) => lines.filter(({ type }) => type === 'take.ended'));
    expect(ends.map(({ reason }) => reason)).toEqual(takes.length === 2 ? ['connection-lost'] : []);
  });

  it('and whose network only drops its signalling for a while goes on in the same take, without an interruption', async () => {
    const takes = takesOf(angle.dir);
    const before = interruptions().length;
    pages.silence();
    await operation.moreSegments(angle.angleId, 8); // longer than a socket lives without an answer
    pages.mend();
    await operation.moreSegments(angle.angleId, 1);
    await records();
    expect(takesOf(angle.dir)).toEqual(takes);
    expect(interruptions()).toHaveLength(before);
  });

  it('and whose hub is restarted records again by itself, as a new take', async () => {
    const takes = takesOf(angle.dir).length;
    const before = interruptions().length;
    const stoppedMs = Date.now();
    await hub.stop();
    const goneMs = Date.now();
    hub = await startHub(join(root, 'data'), settings);
    const startedMs = Date.now();
    await records();
    await operation.moreSegments(angle.angleId, 2);
    expect(takesOf(angle.dir)).toHaveLength(takes + 1);
    const [gap, ...more] = interruptions().slice(before);
    expect(more).toEqual([]);
    expect(gap?.cause).toBe('hub-stopped');
    expect(gap?.startMs).toBeGreaterThan(stoppedMs - OLD_MS);
    expect(gap?.startMs).toBeLessThan(goneMs);
    expect(gap?.endMs).toBeLessThan(startedMs + BACK_MS);
  });

  it('has a recording that verifies, and plays without a word from ffmpeg', async () => {
    await operation.end();
    expect((await verifyOperation(operation.dir)).problems).toEqual([]);
    expect(complaints(operation.dir, angle.angleId)).toEqual([]);
    await inState(phone, 'ended').waitFor();
  });
});
