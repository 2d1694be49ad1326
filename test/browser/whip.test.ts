import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { call } from '../../scripts/demo/hub.ts';
import { launchBrowser } from '../../scripts/demo/phone.ts';
import { CaptureLink, OperationView } from '../../server/protocol/http.ts';
import { metric, type RunningHub, signal, startHub, until } from '../support/hub.ts';
import { phoneOperation, type PhoneOperation } from '../support/phone-operation.ts';
import { openConsoleSocket } from '../support/phone-socket.ts';
import { openPhone } from '../support/phones.ts';
import { journalsOf, type Line, playTake, takesOf } from '../support/playback.ts';
import { WebRtcRelay } from '../support/webrtc-relay.ts';
import { ask, type Exchange, otherSite, type Patched, webRtcPage } from '../support/webrtc-page.ts';

let root = '';
let hub: RunningHub;
let browser: Browser;
let site: { url: string; close: () => void };
let operation: PhoneOperation;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-whip-browser-'));
  [hub, browser] = await Promise.all([startHub(join(root, 'data'), { SEGMENT_SECONDS: '2' }), launchBrowser()]);
  site = await otherSite();
  operation = await phoneOperation(hub, ['整段', '替换', '多层', '中断', '交接']);
});
afterAll(async () => {
  site.close();
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

type Encoder = { angleId: string; url: string; token: string };
const encoder = (index: number): Encoder => {
  const angle = operation.angles[index];
  if (!angle) throw new Error('no such angle');
  return { angleId: angle.angleId, url: `${hub.url}/whip/${operation.operationId}/${angle.angleId}`, token: angle.url.split('#')[1] ?? '' };
};
const records = (angleId: string): Promise<void> =>
  until('the angle records', async () => (await operation.angle(angleId)).status === 'recording');
const lastReason = (angleId: string): unknown => lines(angleId).findLast(({ type }) => type === 'take.ended')?.['reason'];
const lines = (angleId: string): Line[] => journalsOf(operation.dir, angleId).at(-1)?.lines ?? [];
const newLink = async (angleId: string): Promise<string> =>
  (await call(hub, CaptureLink, 'POST', `/operations/${operation.operationId}/angles/${angleId}/links`)).url;
const transports = (): Promise<number> => metric(hub, 'webrtc_transports');

describe('a bare RTCPeerConnection on a page of another site', () => {
  let page: Page;
  let film: Encoder;

  it('films an angle: H.264 and Opus, with the capture time, without rotation', async () => {
    film = encoder(0);
    page = await webRtcPage(browser, site.url);
    const begun = await ask<Exchange>(page, 'publish', film.url, film.token, { captureTime: true });
    expect([begun.status, begun.answer]).toEqual([201, expect.stringContaining('H264/90000')]);
    expect(begun.answer.match(/abs-capture-time/g)).toHaveLength(2);
    expect(begun.answer).not.toContain('video-orientation');
    await records(film.angleId);
    expect(await operation.angle(film.angleId)).toMatchObject({
      sourceKind: 'whip',
      takeId: '0001',
      source: { model: 'Linux · Chrome', video: 'H.264' },
    });
    expect((await ask<{ codecs: string[] }>(page, 'sent')).codecs.toSorted()).toEqual(['audio/opus', 'video/H264']);
    await operation.moreSegments(film.angleId, 2);
  });

  it('tells its candidates, and restarts ICE: the take goes on', async () => {
    expect(await ask<Patched>(page, 'trickle')).toMatchObject({ status: 204, etag: null });
    expect((await ask<Patched>(page, 'trickle', {})).status).toBe(428);
    const restarted = await ask<Patched>(page, 'restartIce');
    expect(restarted.status).toBe(200);
    const { bytes } = await ask<{ bytes: number }>(page, 'sent');
    await until('media flows over the new path', async () => (await ask<{ bytes: number }>(page, 'sent')).bytes !== bytes);
    await operation.moreSegments(film.angleId, 2);
    expect(await ask(page, 'state')).toBe('connected');
    expect(takesOf(join(operation.dir, film.angleId))).toEqual(['0001']);
  });

  it('goes on while the control plane restarts, and ends the take by DELETE after it', async () => {
    const { control } = hub.state();
    signal(control, 'SIGKILL');
    await until('another control process is there', () => hub.state().control !== control);
    await until('it is ready', () =>
      fetch(`${hub.url}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
    await operation.moreSegments(film.angleId, 1);
    expect(await ask(page, 'stop')).toBe(200);
    await until('the angle is interrupted', async () => (await operation.angle(film.angleId)).status === 'interrupted');
    expect(lastReason(film.angleId)).toBe('stopped-by-operator');
    expect(await transports()).toBe(0);
  });

  it('comes again with the same token after DELETE', async () => {
    expect((await ask<Exchange>(page, 'publish', film.url, film.token)).status).toBe(201);
    await until('the second take', () => takesOf(join(operation.dir, film.angleId)).length === 2);
    await records(film.angleId);
    expect(await ask(page, 'stop')).toBe(200);
  });
});

describe('who films an angle', () => {
  it('nobody takes an angle from an encoder that films it, not even with its own token, until nothing comes from it', async () => {
    const { angleId, url, token } = encoder(1);
    const first = await webRtcPage(browser, site.url);
    expect((await ask<Exchange>(first, 'publish', url, token)).status).toBe(201);
    await records(angleId);
    const second = await webRtcPage(browser, site.url);
    const other = (await newLink(angleId)).split('#')[1];
    const stranger = await ask<Exchange>(second, 'publish', url, other);
    expect([stranger.status, stranger.answer]).toEqual([409, expect.stringContaining('another device films this angle')]);
    const twin = await ask<Exchange>(second, 'publish', url, token);
    expect([twin.status, twin.answer]).toEqual([409, expect.stringContaining('a device with this token films this angle')]);
    expect(await transports()).toBe(1);
    await operation.moreSegments(angleId, 1);
    expect(takesOf(join(operation.dir, angleId))).toEqual(['0001']);
    await ask(first, 'hush'); // connected, but nothing comes
    await until('the angle is interrupted', async () => (await operation.angle(angleId)).status === 'interrupted');
    expect((await ask<Exchange>(second, 'publish', url, token)).status).toBe(201);
    await until('the second take', () => takesOf(join(operation.dir, angleId)).length === 2);
    await records(angleId);
    expect(journalsOf(operation.dir, angleId)[0]?.lines.findLast(({ type }) => type === 'take.ended')?.['reason']).toBe('replaced');
    expect(await ask(first, 'stop')).toBe(404);
    await operation.moreSegments(angleId, 1);
    expect(await ask(second, 'stop')).toBe(200);
  });

  it('a phone takes over from the encoder of its own link when a commander agrees; the encoder does from the phone once nothing comes from that', async () => {
    const { angleId, url } = encoder(4);
    const link = await newLink(angleId);
    const token = link.split('#')[1];
    const page = await webRtcPage(browser, site.url);
    expect((await ask<Exchange>(page, 'publish', url, token)).status).toBe(201);
    await records(angleId);
    const relay = await WebRtcRelay.open(Number(hub.rtcPort), 7);
    const { page: phone } = await openPhone(browser, link, { scripts: [relay.script] });
    await phone.getByTestId('ask-takeover').click();
    const desk = await openConsoleSocket(hub, operation.operationId);
    const wishes = async () => (await call(hub, OperationView, 'GET', `/operations/${operation.operationId}`)).takeovers;
    await until('the phone has asked', async () => (await wishes()).length === 1);
    await desk.ask('answerTakeover', { requestId: (await wishes())[0]?.requestId, agree: true });
    desk.close();
    await until('the phone films', async () => (await operation.angle(angleId)).sourceKind === 'phone');
    await records(angleId);
    expect(await ask(page, 'stop')).toBe(404);
    expect((await ask<Exchange>(page, 'publish', url, token)).status).toBe(409);
    await operation.moreSegments(angleId, 1);
    relay.lose(1);
    await until('the angle is interrupted', async () => (await operation.angle(angleId)).status === 'interrupted');
    // an angle just given away is kept for the phone for a while
    await until(
      'the encoder may have it',
      async () => {
        await page.waitForTimeout(1000); // a link begins no more than sixty sessions a minute
        return (await ask<Exchange>(page, 'publish', url, token)).status === 201;
      },
      15_000,
    );
    await phone.locator('[data-testid="capture"][data-state="stopped"]').waitFor(); // else they would take it from each other
    await until('the encoder films', async () => (await operation.angle(angleId)).sourceKind === 'whip');
    await records(angleId);
    await operation.moreSegments(angleId, 1);
    expect(await ask(page, 'stop')).toBe(200);
    await phone.context().close();
    relay.close();
  });

  it('an encoder that is gone without a word ends its take as a phone does', async () => {
    const { angleId, url, token } = encoder(3);
    const page = await webRtcPage(browser, site.url);
    const { session = '' } = await ask<Exchange>(page, 'publish', url, token);
    await records(angleId);
    await operation.moreSegments(angleId, 1);
    await ask(page, 'vanish');
    await until('the take has ended', () => lastReason(angleId) === 'connection-lost');
    const reply = await fetch(session, { method: 'DELETE', headers: { authorization: `Bearer ${token}` } });
    expect(reply.status).toBe(404);
  });
});

describe('simulcast', () => {
  it('is recorded from its best layer, whichever stands first', async () => {
    const { angleId, url, token } = encoder(2);
    const page = await webRtcPage(browser, site.url);
    const encodings = [{ rid: 'h' }, { rid: 'm', scaleResolutionDownBy: 2 }, { rid: 'l', scaleResolutionDownBy: 4 }];
    const begun = await ask<Exchange>(page, 'publish', url, token, { encodings });
    expect([begun.status, begun.answer]).toEqual([201, expect.stringContaining('a=simulcast:recv h;m;l')]);
    await until('the picture is 640 wide', async () => (await operation.angle(angleId)).width === 640, 60_000);
    await operation.moreSegments(angleId, 2);
    expect(await ask(page, 'stop')).toBe(200);
  });
});

describe('the whole operation', () => {
  it('ends, and is verified', async () => {
    const { url, token } = encoder(0);
    await operation.end();
    const page = await webRtcPage(browser, site.url);
    expect((await ask<Exchange>(page, 'publish', url, token)).status).toBe(410);
    expect(await transports()).toBe(0);
    await operation.packed();
    const report = await verifyOperation(operation.dir);
    expect(report.problems).toEqual([]);
    expect(hub.output()).not.toContain(token);
  });

  it('has recorded the encoder so that ffmpeg plays it without a word', async () => {
    const { angleId } = encoder(0);
    const { status, said } = await playTake(operation.dir, angleId, '0001');
    expect([status, said]).toEqual([0, '']);
    const methods = (journalsOf(operation.dir, angleId)[0]?.lines ?? []).flatMap((line) =>
      line['type'] === 'segment' ? [line['method']] : [],
    );
    expect(methods).toContain('sender-report');
  });
});
