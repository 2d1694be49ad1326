import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser } from '../../scripts/demo/phone.ts';
import { longestStepMs } from '../support/alignment.ts';
import { filmClock, SENDERS } from '../support/clock-phone.ts';
import { type RunningHub, startHub, until } from '../support/hub.ts';
import { journalLines } from '../support/operation.ts';
import { phoneOperation, type PhoneOperation } from '../support/phone-operation.ts';
import { playTake, segmentsOf, takesOf } from '../support/playback.ts';

/** The longest stretch without a picture where the layer changes. */
const HOLE_MS = 1500;
/** A lower layer's key frame is gone on from until that of a higher one comes: of a busy encoder, a moment later. */
const PASSING_MS = 1000;
const FULL = { width: 960, height: 540 };

let root = '';
let hub: RunningHub;
let browser: Browser;
let operation: PhoneOperation;
let takeDir = '';

/** The uplink carries three layers, then two, then three again. */
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-simulcast-'));
  [hub, browser] = await Promise.all([startHub(join(root, 'data'), { SEGMENT_SECONDS: '2' }), launchBrowser()]);
  operation = await phoneOperation(hub, ['手机']);
  const [angle] = operation.angles;
  if (!angle) throw new Error('an angle was asked for');
  takeDir = join(angle.dir, '0001');
  const url = angle.url.replace('/capture#', '/capture?layers=3#');
  const page = await filmClock(browser, url, { ...FULL, fps: 20 }, [SENDERS]);
  const becomes = async (width: number): Promise<void> => {
    await until(`the picture is ${width} wide`, async () => (await operation.angle(angle.angleId)).width === width);
    await operation.moreSegments(angle.angleId, 3);
  };
  await becomes(FULL.width);
  await page.evaluate('changeEncodings((encoding, i) => { encoding.active = i < 2; })');
  await becomes(FULL.width / 2);
  await page.evaluate('changeEncodings((encoding) => { encoding.active = true; })');
  await becomes(FULL.width);
  await operation.end();
});
afterAll(async () => {
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

describe('a phone that sends three layers, the top one not always', () => {
  it('is recorded as one take, each change of the layer noted', () => {
    expect(takesOf(join(takeDir, '..'))).toEqual(['0001']);
    const lines = journalLines(join(takeDir, 'journal.ndjson')).filter(({ type }) => type === 'layer');
    for (const line of lines) expect(line).toMatchObject({ layers: 3 });
    const stayed = lines.filter(({ hubMs }, i) => Number(lines[i + 1]?.hubMs ?? Infinity) - Number(hubMs) > PASSING_MS);
    expect(stayed.map(({ layer }) => layer).slice(-3)).toEqual([2, 1, 2]);
  });

  it('loses no picture that it recorded, and stands still for no longer than a second and a half', async (context) => {
    const filmed = segmentsOf(takeDir).filter(({ frames }) => frames > 0);
    expect(await longestStepMs(takeDir, filmed, context)).toBeLessThanOrEqual(HOLE_MS);
  });

  it('plays without a word from ffmpeg', async () => {
    const { status, said, playlist } = await playTake(operation.dir, operation.angles[0]?.angleId ?? '', '0001');
    expect(said, playlist).toBe('');
    expect(status).toBe(0);
  });
});
