import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { launchBrowser } from '../../scripts/demo/phone.ts';
import { longestStepMs } from '../support/alignment.ts';
import { filmClock, SENDERS } from '../support/clock-phone.ts';
import { type RunningHub, startHub, until } from '../support/hub.ts';
import { journalLines } from '../support/operation.ts';
import { phoneOperation, type PhoneOperation } from '../support/phone-operation.ts';
import { playTake, segmentsOf, takesOf } from '../support/playback.ts';

let root = '';
let hub: RunningHub;
let browser: Browser;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-changes-'));
  [hub, browser] = await Promise.all([startHub(join(root, 'data'), { SEGMENT_SECONDS: '2' }), launchBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

describe('a phone whose picture changes its size in mid-take', () => {
  const SIZES = ['960x540', '480x270', '360x640', '640x360'];
  let operation: PhoneOperation;
  let takeDir = '';

  beforeAll(async () => {
    operation = await phoneOperation(hub, ['手机']);
    const [angle] = operation.angles;
    if (!angle) throw new Error('an angle was asked for');
    takeDir = join(angle.dir, '0001');
    const page = await filmClock(browser, angle.url, {}, [SENDERS]);
    const becomes = async (size: string): Promise<void> => {
      await until(`the picture is ${size}`, async () => {
        const { width, height } = await operation.angle(angle.angleId);
        return `${width}x${height}` === size;
      });
      await operation.moreSegments(angle.angleId, 1);
    };
    await operation.moreSegments(angle.angleId, 2);
    await otherCamera(page, 960, 540);
    await becomes('960x540');
    await page.evaluate('scaleDown(2)');
    await becomes('480x270');
    await page.evaluate('scaleDown(1)');
    await otherCamera(page, 360, 640);
    await becomes('360x640');
    await page.evaluate('fieldhubClock.resize(640, 360)');
    await becomes('640x360');
    await operation.end();
    await page.context().close();
  });

  it('is recorded as one take, with one initialisation segment for all its pictures', () => {
    expect(takesOf(join(takeDir, '..'))).toEqual(['0001']);
    const sizes = journalLines(join(takeDir, 'journal.ndjson')).filter(({ type }) => type === 'size');
    expect(sizes.map(({ width, height }) => `${String(width)}x${String(height)}`)).toEqual(expect.arrayContaining(SIZES));
    const filmed = segmentsOf(takeDir).filter(({ frames }) => frames > 0);
    expect([...new Set(filmed.map(({ init }) => init))]).toHaveLength(1);
  });

  it('has no gap, and every picture shows its time', async (context) => {
    const filmed = segmentsOf(takeDir).filter(({ frames }) => frames > 0);
    for (const [i, segment] of filmed.entries()) {
      expect(segment).toMatchObject({ withheld: 0, missing: 0 });
      const next = filmed[i + 1];
      if (next) expect(next.mediaMs).toBeCloseTo(segment.mediaMs + segment.durationMs, 1);
    }
    expect(await longestStepMs(takeDir, filmed, context)).toBeLessThan(1000);
  });

  it('plays without a word from ffmpeg', async () => {
    const angleId = operation.angles[0]?.angleId ?? '';
    const { status, said, playlist } = await playTake(operation.dir, angleId, '0001');
    expect(said, playlist).toBe('');
    expect(status).toBe(0);
  });

  it('verifies', async () => {
    expect((await verifyOperation(operation.dir)).problems).toEqual([]);
  });
});

/** The phone's other camera has another size: `replaceTrack`. */
async function otherCamera(page: Page, width: number, height: number): Promise<void> {
  await page.evaluate(`fieldhubClock.resize(${width}, ${height})`);
  await page.getByRole('button', { name: '切换镜头' }).click();
}
