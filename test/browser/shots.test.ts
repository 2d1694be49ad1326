import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../../scripts/demo/hub.ts';
import { filmWithPhone, launchBrowser } from '../../scripts/demo/phone.ts';
import { signedIn } from '../../scripts/demo/sign-in.ts';
import { OperationShots } from '../../server/protocol/shots.ts';
import { openStore, type Store } from '../../server/store/database.ts';
import { consolePage, VIEWS } from '../support/console-page.ts';
import { type RunningHub, startHub } from '../support/hub.ts';
import { noteTouches } from '../support/phones.ts';
import { phoneOperation, type PhoneOperation } from '../support/phone-operation.ts';
import { TcpRelay } from '../support/tcp-relay.ts';
import { nameType } from '../support/typed-operation.ts';

let root = '';
let hub: RunningHub;
let store: Store;
let relay: TcpRelay;
let browser: Browser;
let operation: PhoneOperation;
let desk: Page;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-shots-'));
  hub = await startHub(join(root, 'data'), { SEGMENT_SECONDS: '2' });
  store = openStore(join(hub.dataDir, 'fieldhub.sqlite'));
  await store.insertInto('squad').values({ squad_id: 'sq-first', name: '一中队', created_ms: Date.now() }).execute();
  relay = await TcpRelay.open(hub.url);
  browser = await launchBrowser();
  operation = await phoneOperation(hub, ['东侧', '西侧']);
  await nameType(store, operation.operationId, 'demolition');
  desk = await open('/');
});
afterAll(async () => {
  await browser.close();
  relay.close();
  await store.destroy();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

async function open(path: string): Promise<Page> {
  const context = await browser.newContext({
    storageState: signedIn(hub.url),
    locale: 'zh-CN',
    viewport: { width: 1440, height: 900 },
  });
  const page = await context.newPage();
  await page.goto(`${hub.url}${path}`);
  return page;
}
const shots = async () => (await call(hub, OperationShots, 'GET', `/operations/${operation.operationId}/shots`)).shots;
/** It fits its window: with the longer words in the narrower one, and in all of them where pictures are wanted. */
async function seen(name: string, path: string, testId: string): Promise<void> {
  for (const [locale, width] of process.env['SCREENSHOTS'] ? VIEWS : VIEWS.slice(-1)) {
    const { page, shot, close } = await consolePage(browser, `${hub.url}${path}`, { name, locale, width });
    await page.getByTestId(testId).waitFor();
    await shot('shown');
    await close();
  }
}

describe('what must be on film', () => {
  let phone: Page;
  beforeAll(async () => {
    phone = await filmWithPhone(browser, (operation.angles[0]?.url ?? '').replace(hub.url, relay.url));
    await desk.goto(`${hub.url}/console/${operation.operationId}`);
    await desk.getByTestId('shot-panel').waitFor();
  });

  it('is ticked on the phone with one thumb, also without network, and seen at the console', async () => {
    await phone.getByTestId('shot-open').click();
    await phone.getByTestId('shot-tick-0').click();
    await phone.getByTestId('shot-done-0').waitFor();
    await desk.getByTestId('shot-0').getByText('东侧').waitFor();
    relay.cut();
    const touches = await noteTouches(phone);
    await phone.getByTestId('shot-tick-1').click();
    await phone.getByTestId('shot-done-1').getByText('待发送').waitFor();
    relay.mend();
    await desk.getByTestId('shot-1').getByText('东侧').waitFor({ timeout: 30_000 });
    const [touchedMs = 0] = await touches();
    expect(Math.abs(((await shots())[1]?.tick?.atMs ?? 0) - touchedMs)).toBeLessThan(1500);
  });

  it('is ticked at the console on the angle in focus, which the phone sees, and taken back', async () => {
    const tick = desk.getByTestId('shot-2').getByRole('button', { name: '已拍' });
    expect(await tick.isDisabled()).toBe(true); // two angles, and none in focus
    await desk.getByTestId('shot-angle').selectOption({ label: '西侧' });
    await tick.click();
    await phone.getByTestId('shot-done-2').getByText('其他机位').waitFor();
    await desk.getByTestId('shot-count').getByText('已拍 3 / 8 项').waitFor();
    await desk.getByTestId('shot-2').getByRole('button', { name: '取消勾选' }).click();
    await desk.getByRole('dialog').getByText('标记保留').waitFor();
    await desk.getByRole('dialog').getByRole('button', { name: '取消勾选' }).click();
    await phone.getByTestId('shot-tick-2').waitFor();
  });

  it('that the console asks for is ticked when the phone says that it is filmed', async () => {
    await desk.getByTestId('shot-angle').selectOption({ label: '东侧' });
    await desk.getByTestId('shot-3').getByRole('button', { name: '请拍' }).click();
    await phone.getByTestId('message-seen').click();
    await phone.getByTestId('shot-done').click();
    await phone.getByTestId('shot-done-3').waitFor();
    await expect.poll(async () => (await shots())[3]?.tick?.angleId).toBe(operation.angles[0]?.angleId);
    await seen('console-shots', `/console/${operation.operationId}`, 'shot-panel');
  });

  it('leads the reviewer to where it was filmed; what never was is said', async () => {
    await operation.moreSegments(operation.angles[0]?.angleId ?? '', 1);
    await operation.end();
    await desk.goto(`${hub.url}/review/${operation.operationId}`);
    const list = desk.getByTestId('review-shots');
    await list.getByText('有 5 项未勾选').waitFor();
    expect(await list.getByTestId('shot-never').count()).toBe(5);
    const filmed = (await shots()).flatMap(({ tick }) => (tick ? [tick.atMs] : []));
    await expect
      .poll(() => desk.getByTestId(`review-${operation.angles[0]?.angleId}`).getAttribute('data-status'), { timeout: 20_000 })
      .toMatch(/playing|gap/);
    await list.getByTestId('seek-shot').nth(1).click();
    const clock = desk.getByTestId('review-clock');
    await expect.poll(async () => Math.abs(Number(await clock.getAttribute('data-hub-ms')) - (filmed[1] ?? 0))).toBeLessThan(1);
    await seen('review-shots', `/review/${operation.operationId}`, 'review-shots');
  });
});

describe('the lists themselves', () => {
  it('are edited in both languages; what was typed outlives a reload, and another’s edition', async () => {
    await desk.goto(`${hub.url}/shot-lists?type=hearing`);
    await desk.getByTestId('shot-add').click();
    await desk.getByLabel('4 中文').fill('旁听席');
    await desk.getByTestId('shot-save').click();
    await desk.getByText('第 4 项：中文和英文都要填写。').waitFor();
    await desk.reload();
    await desk.getByLabel('4 英文').fill('The public seats');
    const other = await open('/shot-lists?type=hearing');
    await other.getByRole('button', { name: '第 3 项上移' }).click();
    await other.getByTestId('shot-save').click();
    await other.getByTestId('edition').getByText('第 2 版').waitFor();
    await desk.getByTestId('shot-save').click();
    await desk.getByText('已保存第 2 版').waitFor();
    await desk.getByRole('button', { name: '保留我的内容' }).click();
    await desk.getByTestId('shot-save').click();
    await desk.getByTestId('edition').getByText('第 3 版').waitFor();
    expect(await desk.getByLabel('4 中文').inputValue()).toBe('旁听席');
    await desk.getByTestId('edition-2').click();
    await seen('shot-lists', '/shot-lists?type=demolition', 'shot-editor');
  });
});

describe('the register of devices', () => {
  it('takes a device, hands it out and back; what was typed outlives a reload', async () => {
    await desk.goto(`${hub.url}/devices`);
    await desk.getByTestId('device-add').click();
    const form = desk.getByTestId('device-form');
    await form.getByLabel('序列号').fill('BC-0001');
    await form.getByRole('button', { name: '登记' }).click();
    await form.getByText('请填写：类型、品牌型号').waitFor();
    await desk.reload();
    await desk.getByTestId('device-add').click();
    await form.getByLabel('类型').selectOption('body-camera');
    await form.getByLabel('品牌型号').fill('T8');
    await form.getByRole('button', { name: '登记' }).click();
    await desk.getByTestId('device-facts').getByText('BC-0001').waitFor();
    await desk.getByTestId('note-text').fill('更换电池');
    await desk.getByTestId('note-add').click();
    await desk.getByTestId('device-notes').getByText('更换电池').waitFor();
    await desk.getByTestId('use-person').selectOption({ index: 1 });
    await desk.getByTestId('device-give').click();
    await desk.getByTestId('device-back').waitFor();
    await seen('device', new URL(desk.url()).pathname, 'device-facts');
    await seen('devices', '/devices', 'device-list');
    await desk.getByTestId('device-back').click();
    await desk.getByTestId('device-give').waitFor();
  });
});
