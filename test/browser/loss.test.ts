import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { launchBrowser } from '../../scripts/demo/phone.ts';
import { filmClock, SENDERS } from '../support/clock-phone.ts';
import { type RunningHub, startHub, until } from '../support/hub.ts';
import { journalLines } from '../support/operation.ts';
import { type PhoneAngle, phoneOperation, type PhoneOperation } from '../support/phone-operation.ts';
import { playTake, takesOf } from '../support/playback.ts';
import { WebRtcRelay } from '../support/webrtc-relay.ts';

/** What Chromium says of the picture that it sends. */
type Sent = { ssrc: number; framesSent: number; keyFramesEncoded: number; nackCount: number; retransmittedPacketsSent: number };

const SENT = `videoSender().getStats().then((stats) => [...stats.values()].find(({ type }) => type === 'outbound-rtp'))`;
/** Another app takes the camera, and keeps it: no more pictures. */
const TAKEN = `navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotReadableError')); fieldhubClock.lose();`;
/**
 * Packets are lost by chance here, not by congestion, but Chromium cannot know: that it sends little, and each key frame fills what
 * little there is, so that pictures hardly come, was seen once (14 in ten seconds). It is told what it may count on.
 */
const STEADY = `
  const set = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
    return set.call(this, { type, sdp: sdp.replace(/^(a=fmtp:.*profile-level-id=.*)$/gm, '$1;x-google-min-bitrate=1500') });
  };
`;

let root = '';
let hub: RunningHub;
let browser: Browser;
let relay: WebRtcRelay;
let operation: PhoneOperation;
let angle: PhoneAngle;
let sent: Sent;
let recorded: { frames: number; withheld: number; missing: number };
/** Pictures that left the phone, and those of them that had left before the phone was told that the hub knows their stream. */
let left = 0;
let early = 0;

/** A phone films for 15 seconds over a network that loses one packet in twenty, then over a good one. */
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-loss-'));
  [hub, browser] = await Promise.all([startHub(join(root, 'data'), { SEGMENT_SECONDS: '2' }), launchBrowser()]);
  relay = await WebRtcRelay.open(Number(hub.rtcPort), 1);
  operation = await phoneOperation(hub, ['手机']);
  [angle] = operation.angles as [PhoneAngle];
  const atAnswer = picturesAtAnswer();
  const page = await filmClock(browser, angle.url, { specks: 150 }, [SENDERS, relay.script, STEADY]);
  relay.lose(0.05);
  await operation.moreSegments(angle.angleId, 8);
  relay.lose(0);
  await operation.moreSegments(angle.angleId, 1);
  sent = await stopped(page);
  left = relay.pictures().get(sent.ssrc) ?? 0;
  early = atAnswer().get(sent.ssrc) ?? 0;
  await operation.end();
  const ended = journalLines(join(angle.dir, '0001', 'journal.ndjson')).find(({ type }) => type === 'take.ended');
  recorded = ended as typeof recorded;
});
afterAll(async () => {
  relay.close();
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

/** What has left the phone when its page hears that the hub has made the last of its producers. */
function picturesAtAnswer(): () => Map<number, number> {
  let pictures = new Map<number, number>();
  const heard = ({ payload }: { payload: string | Buffer }): void => {
    if (/^43\/capture,\d+\[\{"ok":true,"data":\{"producerId"/.test(String(payload))) pictures = relay.pictures();
  };
  browser.once('context', (context) => {
    context.once('page', (page) => page.on('websocket', (socket) => socket.on('framereceived', heard)));
  });
  return () => pictures;
}

/** The last picture has left the phone: what it has sent. */
async function stopped(page: Page): Promise<Sent> {
  await page.evaluate(TAKEN);
  const { ssrc } = await page.evaluate<Sent>(SENT);
  await until('no picture comes any more', () => relay.quietMs(ssrc) > 1000);
  return page.evaluate<Sent>(SENT);
}

describe('a phone whose packets are lost one in twenty, and overtake one another', () => {
  it('is asked for what was lost, and sends it again', () => {
    const { lost, passed, held } = relay.counts;
    expect(lost / (lost + passed)).toBeCloseTo(0.05, 1);
    expect(Math.min(lost, held)).toBeGreaterThan(30);
    expect(sent.nackCount).toBeGreaterThan(10);
    expect(sent.retransmittedPacketsSent).toBeGreaterThan(10);
  });

  it('is recorded as one take, with nearly all its pictures', () => {
    expect(takesOf(angle.dir)).toEqual(['0001']);
    expect(recorded.frames).toBeGreaterThan(left * 0.9);
  });

  /**
   * A page learns its stream's numbers, begins to send and only then tells the hub: until that knows them it drops what comes. What
   * had left before the answer may not have been seen; every later picture is counted.
   */
  it('has no picture lost count of once the hub knows the stream: sent = recorded + withheld + missing', () => {
    const unseen = left - (recorded.frames + recorded.withheld + recorded.missing);
    expect(unseen).toBeGreaterThanOrEqual(0);
    expect(unseen).toBeLessThanOrEqual(early);
    expect(early).toBeLessThan(left / 10); // else that says little
  });

  /**
   * Chromium counts as sent what its pacer has queued. A key frame drops what is still queued before it (WebRTC's
   * `keyframe_flushing`), and sequence numbers are given at the way out: such pictures, or their ends, never leave, and leave no gap.
   */
  it('says that it sent the same number, or a few more that a key frame overtook in the phone itself', () => {
    expect(sent.framesSent - left).toBeGreaterThanOrEqual(0);
    expect(sent.framesSent - left).toBeLessThanOrEqual(sent.keyFramesEncoded);
  });

  it('plays without a word from ffmpeg', async () => {
    const { status, said, playlist } = await playTake(operation.dir, angle.angleId, '0001');
    expect(said, playlist).toBe('');
    expect(status).toBe(0);
  });

  it('verifies', async () => {
    expect((await verifyOperation(operation.dir)).problems).toEqual([]);
  });
});
