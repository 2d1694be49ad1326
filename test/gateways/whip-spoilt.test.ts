import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { call } from '../../scripts/demo/hub.ts';
import { sessionAt } from '../../scripts/demo/sign-in.ts';
import { AngleState, CaptureLink } from '../../server/protocol/http.ts';
import { metric, type RunningHub, startHub, until, workersOf } from '../support/hub.ts';
import { film, type FilmedOperation, untilSegments } from '../support/operation.ts';
import { takesOf } from '../support/playback.ts';
import { rawHttp, type RawReply } from '../support/raw-http.ts';
import { ffmpegOffer, gstreamerOffer, obsOffer, obsSimulcastOffer, playerOffer } from '../support/sdp-offers.ts';
import { spoiltOffers } from '../support/spoilt-sdp.ts';

/** As many as one token, or one angle's players, may begin within a minute. */
const A_LINK = 50;
const LINKS = 10;

let root = '';
let hub: RunningHub;
let operation: FilmedOperation;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-whip-spoilt-'));
  hub = await startHub(join(root, 'data'), { SEGMENT_SECONDS: '2', RTC_WORKERS: '1' });
  operation = await film(hub, ['摄像头']);
});
afterAll(async () => {
  for (const { camera } of operation.angles) camera.cut();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

const seed = Date.now() % 2 ** 31;
const samples = (offers: string[], count: number): string[] => fc.sample(spoiltOffers(offers), { seed, numRuns: count });
/** Of an encoder with its link, or (null) of whoever is signed in. */
const rightOf = (token: string | null): Record<string, string> =>
  token === null ? { cookie: sessionAt(hub.url)?.cookie ?? '' } : { authorization: `Bearer ${token}` };
const send = (url: string, body: string, token: string | null): Promise<RawReply> => {
  return rawHttp(url, { method: 'POST', headers: { 'content-type': 'application/sdp', ...rightOf(token) }, body });
};
const transports = (): Promise<number> => metric(hub, 'webrtc_transports');

/** Each is taken, and then given back, or refused as the client's fault; how many were taken. */
async function tryAll(url: string, offers: string[], token: string | null): Promise<number> {
  let taken = 0;
  for (const offer of offers) {
    const { status, headers, body } = await send(url, offer, token);
    expect([201, 400, 406, 422], `seed ${seed}: ${status} ${body}\n${offer}`).toContain(status);
    if (status !== 201) continue;
    taken += 1;
    expect((await rawHttp(hub.url + String(headers['location']), { method: 'DELETE', headers: rightOf(token) })).status).toBe(200);
  }
  return taken;
}

it('offers with faults are taken or refused, and disturb nobody who films on the same worker', async () => {
  const base = `/operations/${operation.operationId}/angles`;
  const [filmed] = operation.angles;
  const { media } = hub.state();
  const workers = workersOf(media);
  const { angleId } = await call(hub, AngleState, 'POST', base, { name: '编码器' });
  const offers = samples([obsOffer, obsSimulcastOffer, ffmpegOffer, gstreamerOffer], A_LINK * LINKS);
  let taken = 0;
  for (let link = 0; link < LINKS; link += 1) {
    const { url } = await call(hub, CaptureLink, 'POST', `${base}/${angleId}/links`);
    const some = offers.slice(link * A_LINK, (link + 1) * A_LINK);
    taken += await tryAll(`${hub.url}/whip/${operation.operationId}/${angleId}`, some, url.split('#')[1] ?? '');
  }
  expect(taken).toBeGreaterThan(offers.length / 10);
  const watched = await tryAll(
    `${hub.url}/whep/${operation.operationId}/${filmed?.angleId}`,
    samples([playerOffer, gstreamerOffer.replaceAll('a=sendonly', 'a=recvonly')], A_LINK),
    null,
  );
  expect(watched).toBeGreaterThan(0);
  await until('no transport is left', async () => (await transports()) === 0);
  expect([hub.state().media, workersOf(media)]).toEqual([media, workers]);
  await untilSegments(operation, filmed?.angleId ?? '', 3);
  const { angles } = await operation.view();
  expect(angles.find((angle) => angle.angleId === filmed?.angleId)).toMatchObject({
    status: 'recording',
    missingFrames: 0,
    withheldFrames: 0,
  });
  expect(angles.find((angle) => angle.angleId === angleId)).toMatchObject({ status: 'idle', takes: 0 });
  await operation.end();
  expect(takesOf(join(operation.dir, filmed?.angleId ?? ''))).toEqual(['0001']);
  expect((await verifyOperation(operation.dir)).problems).toEqual([]);
  expect(hub.output()).not.toMatch(/"level":50/);
});
