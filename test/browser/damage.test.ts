import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signedIn } from '../../scripts/demo/sign-in.ts';
import { hubFetch } from '../../scripts/demo/sign-in.ts';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { launchBrowser } from '../../scripts/demo/phone.ts';
import { type RunningHub, startHub, until } from '../support/hub.ts';
import { film, type FilmedAngle, type FilmedOperation, journalLines, untilSegments } from '../support/operation.ts';
import { Relay } from '../support/relay.ts';
import { filterOf, pictureOf, positionOf, readPlaylist, type Stretch, type ToldPlaylist } from '../support/review.ts';

type Line = Record<string, unknown>;

/** The camera's 30 pictures a second on a clock of 90 kHz. */
const PICTURE_TICKS = 3000;

/** Keeps each change of what a tile says of damage, which may be over before anybody asks. */
const KEEP_SAID = (angleId: string): string => `(() => {
  window.said = [];
  const tile = document.querySelector('[data-testid="review-${angleId}"]');
  const note = document.querySelector('[data-testid="damage-note-${angleId}"]');
  new MutationObserver(() => said.push({ shown: tile.dataset.damage, note: note.textContent.trim() }))
    .observe(tile, { attributes: true, attributeFilter: ['data-damage'] });
})()`;

let root = '';
let hub: RunningHub;
let browser: Browser;
let relay: Relay;
let operation: FilmedOperation;
let east: FilmedAngle;
let west: FilmedAngle;
let take = '';
let lines: Line[] = [];
let badge = '';
let bag = '';

/** Two cameras; the way of one loses packets a few times; the console watches; then the operation ends and is packed. */
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-damage-'));
  [hub, browser] = await Promise.all([startHub(join(root, 'data'), { SEGMENT_SECONDS: '2' }), launchBrowser()]);
  operation = await film(hub, ['东侧', '西侧'], async (name, target) => {
    if (name !== '东侧') return target;
    relay = await Relay.open(target);
    return relay.source;
  });
  [east, west] = operation.angles as [FilmedAngle, FilmedAngle];
  const { page } = await open(`/console/${operation.operationId}`);
  const loss = page.getByTestId(`loss-${east.angleId}`);
  await untilSegments(operation, east.angleId, 2);
  relay.lose(40);
  await until('the console says that pictures are lost', async () => (badge = (await loss.textContent()) ?? '').includes('画面丢失'));
  for (const segments of [4, 5, 6]) {
    await untilSegments(operation, east.angleId, segments);
    relay.lose(12);
  }
  await untilSegments(operation, east.angleId, 8);
  east.camera.cut();
  west.camera.cut();
  await until('both angles are known to be silent', async () =>
    (await operation.view()).angles.every((angle) => angle.status !== 'recording'),
  );
  bag = await operation.end();
  take = join(operation.dir, east.angleId, '0001');
  lines = journal(east.angleId);
});
afterAll(async () => {
  relay.close();
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

async function open(path: string, locale = 'zh-CN', width = 1440): Promise<{ page: Page; errors: string[] }> {
  const context = await browser.newContext({ storageState: signedIn(hub.url), viewport: { width, height: 900 }, locale });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto(`${hub.url}${path}`);
  return { page, errors };
}
const journal = (angleId: string): Line[] => journalLines(join(operation.dir, angleId, '0001', 'journal.ndjson'));
const of = (type: string, all = lines): Line[] => all.filter((line) => line['type'] === type);
const sum = (all: Line[], key: string): number => all.reduce((total, line) => total + Number(line[key]), 0);
const playlist = async (angleId: string): Promise<string> =>
  (await hubFetch(`${hub.url}/hls/${operation.operationId}/${angleId}/index.m3u8`)).text();
/** The machine is small and busy: the other angle may lose something too. */
const damage = (angleId = east.angleId): Stretch[] =>
  ['segment', 'take.ended'].flatMap((type) => of(type, journal(angleId))).flatMap((line) => line['damage'] as Stretch[]);

describe('packets that are lost on the way', () => {
  it('are seen at the console while it happens, in words and with a number', () => {
    expect(badge).toMatch(/画面丢失 [1-9]\d* 帧/);
  });

  it('leave damage in the journal: how much, from when to when', () => {
    expect(relay.lost).toBe(76);
    const stretches = damage();
    expect(stretches.length).toBeGreaterThanOrEqual(2);
    for (const { fromMs, toMs, withheld, missing } of stretches) {
      expect(toMs).toBeGreaterThanOrEqual(fromMs);
      expect(withheld + missing).toBeGreaterThan(0);
    }
    const [ended] = of('take.ended');
    for (const key of ['withheld', 'missing'] as const)
      expect(stretches.reduce((total, stretch) => total + stretch[key], 0)).toBe(ended?.[key]);
    expect(sum(of('segment'), 'missing')).toBeGreaterThanOrEqual(2); // 40 packets are more than three pictures
  });

  it('lose count of no picture: sent = recorded + withheld + missing', () => {
    const [ended] = of('take.ended');
    expect(Number(ended?.['frames']) + Number(ended?.['withheld']) + Number(ended?.['missing'])).toBe(relay.sent(PICTURE_TICKS));
    expect(sum(of('segment'), 'frames')).toBe(ended?.['frames']);
  });

  it('keep what cannot be decoded in side files that the journal knows', () => {
    const asides = of('withheld');
    expect(asides.length).toBeGreaterThanOrEqual(2);
    for (const line of asides) {
      const bytes = readFileSync(join(take, String(line['file'])));
      expect(bytes.length).toBe(line['sizeBytes']);
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(line['sha256']);
      const input = Buffer.concat([readFileSync(join(take, String(line['init']))), bytes]);
      const probe = ['-v', 'quiet', '-select_streams', 'v', '-count_packets', '-show_entries', 'stream=nb_read_packets', '-of', 'csv=p=0'];
      expect(Number(spawnSync('ffprobe', [...probe, 'pipe:0'], { input }).stdout.toString())).toBe(line['frames']);
    }
    expect(sum(asides, 'frames')).toBe(of('take.ended')[0]?.['withheld']);
    expect(readdirSync(take).filter((name) => name.startsWith('withheld-'))).toHaveLength(asides.length);
  });

  it('leave recordings that ffmpeg plays without a word', () => {
    for (const { angleId } of [east, west]) {
      const out = ['-map', '0:v', '-fps_mode', 'passthrough', '-enc_time_base', '-1', '-f', 'null', '-'];
      const played = spawnSync('ffmpeg', ['-v', 'error', '-i', join(bag, 'data', angleId, 'index.m3u8'), ...out]);
      expect(played.stderr.toString()).toBe('');
      expect(played.status).toBe(0);
    }
  });

  it('verify as they are; a byte changed in a side file is found, and the file named', async () => {
    expect((await verifyOperation(operation.dir)).problems).toEqual([]);
    const copy = join(root, 'copy');
    cpSync(operation.dir, copy, { recursive: true });
    const name = String(of('withheld')[0]?.['file']);
    const path = join(copy, east.angleId, '0001', name);
    const bytes = readFileSync(path);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const { ok, problems } = await verifyOperation(copy);
    expect(ok).toBe(false);
    expect(problems).toEqual([{ path: `${east.angleId}/0001/${name}`, message: expect.stringContaining('SHA-256') }]);
  });

  it('are date ranges in the playlist of their angle', async () => {
    for (const { angleId } of [east, west]) {
      const ranges = (await playlist(angleId)).split('\n').filter((line) => line.includes('CLASS="cn.fieldhub.damage"'));
      const stretches = damage(angleId);
      expect(ranges).toHaveLength(stretches.length);
      for (const [i, range] of ranges.entries()) {
        const { withheld, missing, fromMs, toMs } = stretches[i] as Stretch;
        expect(range).toContain(`X-WITHHELD=${withheld},X-MISSING=${missing}`);
        const [from, to] = ['START', 'END'].map((end) => Date.parse(new RegExp(`${end}-DATE="([^"]+)"`).exec(range)?.[1] ?? ''));
        expect(Number(to) - Number(from)).toBeCloseTo(toMs - fromMs, -1);
      }
    }
  });
});

describe('the review page', () => {
  let page: Page;
  let errors: string[];
  const tile = (): Locator => page.getByTestId(`review-${east.angleId}`);
  const shown = (): Promise<string | null> => tile().getAttribute('data-damage');
  const note = async (): Promise<string> => (await page.getByTestId(`damage-note-${east.angleId}`).textContent()) ?? '';
  let told: ToldPlaylist;
  /** The longest damage beside all gaps: in a gap there is no picture to be marked. */
  const longest = (): Stretch => {
    const beside = told.damage.filter(({ fromMs, toMs }) => !told.gaps.some((gap) => gap.fromMs < toMs + 100 && gap.toMs > fromMs - 100));
    const [first] = beside.toSorted((a, b) => b.toMs - b.fromMs - (a.toMs - a.fromMs));
    if (!first) throw new Error('all damage lies in gaps');
    return first;
  };
  /** To that damage, by the page's list. */
  const jump = async (): Promise<void> => {
    const at = told.damage.indexOf(longest());
    await page.getByTestId('damage-list').locator('li button').nth(at).click();
    await there();
  };
  /** The picture is that of the common clock: the player's time line begins where the playlist does. */
  const there = async (): Promise<void> => {
    await until('the picture is there', async () => {
      const hubMs = Number(await page.getByTestId('review-clock').getAttribute('data-hub-ms'));
      const { seeking, currentTime } = await positionOf(tile().locator('video'));
      const playing = (await tile().getAttribute('data-status')) === 'playing';
      return playing && !seeking && Math.abs(currentTime * 1000 - (hubMs - told.beginMs)) < 40;
    });
  };

  it('draws damage on the time line, wide enough to be seen, and lists it with numbers', async () => {
    told = readPlaylist(await playlist(east.angleId));
    ({ page, errors } = await open(`/review/${operation.operationId}`));
    const bars = page.getByTestId(`damage-bar-${east.angleId}`);
    await bars.first().waitFor({ timeout: 30_000 });
    for (const bar of await bars.all()) {
      const box = await bar.boundingBox();
      expect(box?.width).toBeGreaterThanOrEqual(4);
      expect(box?.height).toBeGreaterThanOrEqual(10);
    }
    expect(await page.getByTestId('damage-list').locator('li').count()).toBe(damage().length + damage(west.angleId).length);
    const [ended] = of('take.ended');
    const cells = await page.getByTestId(`facts-${east.angleId}`).locator('td').allTextContents();
    expect(cells).toEqual(expect.arrayContaining([ended?.['frames'], ended?.['withheld'], ended?.['missing']].map(String)));
    expect(cells.at(-1)).toMatch(/^±\d+\.\d ms$/);
  });

  it('says in a jump to damage that the picture shown is not of this moment, and marks it', async () => {
    await jump();
    await expect.poll(shown).toBe('current');
    const { withheld, missing } = longest();
    expect(await note()).toContain('画面缺损');
    if (missing > 0) expect(await note()).toContain(`未收到 ${missing} 帧`);
    if (withheld > 0) expect(await note()).toContain(`无法解码 ${withheld} 帧`);
    expect(await note()).toContain('最后完好画面');
    expect(await page.getByTestId(`damage-note-${east.angleId}`).getAttribute('role')).toBe('status');
    expect(await filterOf(tile().locator('video'))).toContain('grayscale');
  });

  it('shows the last good picture until the next one, and no other', async () => {
    await jump();
    const video = tile().locator('video');
    const began = await pictureOf(video);
    const { fromMs, toMs } = longest();
    const steps = Math.floor((toMs - fromMs) / (1000 / 30)) - 1; // the jump went to its begin
    expect(steps).toBeGreaterThan(0);
    for (let i = 0; i < steps; i += 1) await page.keyboard.press('.');
    await there();
    expect(await shown()).toBe('current');
    expect(await pictureOf(video)).toBe(began);
    for (let i = 0; i < 4; i += 1) await page.keyboard.press('.');
    await expect.poll(shown).toBe('passed');
    await expect.poll(() => pictureOf(video)).not.toBe(began);
    expect(await note()).toContain('刚才画面缺损');
  });

  it('plays through it: damaged, just damaged, good again', async () => {
    await jump();
    await expect.poll(shown).toBe('current');
    await page.evaluate(KEEP_SAID(east.angleId));
    await page.getByTestId('review-play').click();
    const said = (): Promise<{ shown: string; note: string }[]> => page.evaluate('said');
    await until('the damage is over', async () => (await said()).some(({ shown: what }) => what === 'none'));
    const all = await said();
    expect(all[0]).toEqual({ shown: 'passed', note: expect.stringContaining('刚才画面缺损') });
    const over = all.findIndex(({ shown: what }) => what === 'none');
    expect(all[over]?.note).toBe('');
    expect(all[over - 1]?.shown).toBe('passed');
    expect(errors).toEqual([]);
  });

  it('speaks English to who reads English, and on a phone brings the picture that a jump leads to into sight', async () => {
    await page.context().close();
    ({ page, errors } = await open(`/review/${operation.operationId}`, 'en-GB', 390));
    await page.getByTestId(`damage-bar-${east.angleId}`).first().waitFor({ timeout: 30_000 });
    await jump();
    await expect.poll(shown).toBe('current');
    const box = await tile().boundingBox();
    expect(box?.y).toBeGreaterThanOrEqual(0);
    expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThanOrEqual(900);
    expect(await note()).toMatch(/Picture damaged: \d+ .*, last good picture shown/);
    const overflow = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
    expect(overflow).toBe(0);
    expect(errors).toEqual([]);
  });
});
