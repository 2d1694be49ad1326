import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signedIn } from '../../scripts/demo/sign-in.ts';
import { call } from '../../scripts/demo/hub.ts';
import { filmWithPhone, launchBrowser } from '../../scripts/demo/phone.ts';
import { AngleState, CaptureLink, OperationView } from '../../server/protocol/http.ts';
import { SmallDisk } from '../support/disk.ts';
import { type RunningHub, startHub, until } from '../support/hub.ts';

let root = '';
let disk: SmallDisk;
let hub: RunningHub;
let browser: Browser;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-alarms-'));
  disk = SmallDisk.mount(join(root, 'data'), 72);
  [hub, browser] = await Promise.all([startHub(disk.path, { SEGMENT_SECONDS: '2', DISK_RESERVE_MB: '24' }), launchBrowser()]);
});
afterAll(async () => {
  await browser.close();
  disk.clear();
  await hub.stop();
  disk.unmount();
  rmSync(root, { recursive: true, force: true });
});

/** Nothing stands out of the page sideways. */
const fits = (page: Page): Promise<boolean> => page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth');

describe('a disk that fills up, as people see it', () => {
  it('is told on the console and on the phone, in their languages, and both go on by themselves', async () => {
    const { operationId } = await call(hub, OperationView, 'POST', '/operations', { name: '拆除 城东路 12 号' });
    const { angleId } = await call(hub, AngleState, 'POST', `/operations/${operationId}/angles`, { name: '手机 甲' });
    const { url } = await call(hub, CaptureLink, 'POST', `/operations/${operationId}/angles/${angleId}/links`);
    const phone = await filmWithPhone(browser, url);
    const desks: Page[] = [];
    for (const [locale, width] of [
      ['zh-CN', 1440],
      ['en-GB', 390],
    ] as const) {
      const context = await browser.newContext({ storageState: signedIn(hub.url), viewport: { width, height: 844 }, locale });
      const page = await context.newPage();
      await page.goto(`${hub.url}/console/${operationId}`);
      await page.getByTestId(`state-${angleId}`).waitFor();
      desks.push(page);
    }
    const [chinese, english] = desks as [Page, Page];

    disk.leave(30);
    for (const desk of desks) await desk.getByTestId('alarm-disk-low').waitFor();
    await chinese.getByText('磁盘空间不多').waitFor();
    disk.leave(5);
    for (const desk of desks) await desk.getByTestId('alarm-disk-closed').waitFor();
    await chinese.getByText('全部录制已停止').waitFor();
    await english.getByText('all recording has stopped').waitFor();
    expect(await english.getByTestId('alarm-disk-low').count()).toBe(0); // the same trouble, grown worse: one banner
    await expect.poll(() => chinese.getByTestId(`state-${angleId}`).textContent()).toBe('中断');
    await phone.getByText('服务器磁盘空间不足').waitFor({ timeout: 20_000 });
    for (const desk of desks) expect(await fits(desk)).toBe(true);

    disk.clear();
    for (const desk of desks) await desk.getByTestId('alarm-disk-closed').waitFor({ state: 'detached' });
    await phone.locator('[data-testid="capture"][data-state="recording"]').waitFor({ timeout: 30_000 });
    await phone.getByText('服务器磁盘空间不足').waitFor({ state: 'detached' });
    await expect.poll(() => chinese.getByTestId(`state-${angleId}`).textContent()).toBe('录制中');
  });

  it('an alarm that nothing ends stands until somebody has dismissed it, and then is gone everywhere', async () => {
    const { operationId } = await call(hub, OperationView, 'POST', '/operations', { name: '拆除 河西' });
    const { angleId } = await call(hub, AngleState, 'POST', `/operations/${operationId}/angles`, { name: '手机 乙' });
    const { url } = await call(hub, CaptureLink, 'POST', `/operations/${operationId}/angles/${angleId}/links`);
    await filmWithPhone(browser, url);
    const view = (): Promise<OperationView> => call(hub, OperationView, 'GET', `/operations/${operationId}`);
    await until('a segment', async () => ((await view()).angles[0]?.segments ?? 0) > 0);
    rmSync(join(hub.dataDir, 'recordings', operationId, angleId, '0001'), { recursive: true });
    const open = async (): Promise<Page> => {
      const page = await (
        await browser.newContext({ storageState: signedIn(hub.url), locale: 'en-GB', viewport: { width: 390, height: 844 } })
      ).newPage();
      await page.goto(`${hub.url}/console/${operationId}`);
      return page;
    };
    await until('the alarm', async () => (await view()).alarms.some(({ code }) => code === 'file-missing'));
    const [one, other] = [await open(), await open()];
    for (const page of [one, other]) await page.getByTestId('alarm-file-missing').first().waitFor(); // also for who comes later
    expect(await fits(one)).toBe(true);
    // whoever opens it when it is over may do so too
    await call(hub, OperationView, 'POST', `/operations/${operationId}/end`);
    await one.reload();
    await one.getByTestId('dismiss-file-missing').first().waitFor();
    const standing = (page: Page): Promise<number> => page.getByTestId('alarm-file-missing').count();
    while ((await standing(one)) > 0) {
      const left = (await standing(one)) - 1;
      await one.getByTestId('dismiss-file-missing').first().click();
      for (const page of [one, other]) await expect.poll(() => standing(page)).toBe(left);
    }
  });
});
