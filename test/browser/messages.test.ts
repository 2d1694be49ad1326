import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signedIn } from '../../scripts/demo/sign-in.ts';
import { filmWithPhone, launchBrowser } from '../../scripts/demo/phone.ts';
import { type RunningHub, startHub, until } from '../support/hub.ts';
import { journalLines } from '../support/operation.ts';
import { phoneOperation, type PhoneOperation } from '../support/phone-operation.ts';
import { TcpRelay } from '../support/tcp-relay.ts';

/** What this phone was told to do when something came: its motor cannot be heard here. */
const VIBRATES = 'window.shaken = 0; navigator.vibrate = () => { window.shaken += 1; return true; };';

let root = '';
let hub: RunningHub;
let relay: TcpRelay;
let browser: Browser;
let operation: PhoneOperation;
let east: Page;
let west: Page;
let desk: Page;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-messages-'));
  hub = await startHub(join(root, 'data'), { SEGMENT_SECONDS: '2' });
  relay = await TcpRelay.open(hub.url);
  browser = await launchBrowser();
  operation = await phoneOperation(hub, ['东侧', '西侧']);
  const [first, second] = operation.angles;
  east = await filmWithPhone(browser, (first?.url ?? '').replace(hub.url, relay.url), 30_000, [VIBRATES]);
  west = await filmWithPhone(browser, second?.url ?? '');
  desk = await (
    await browser.newContext({ storageState: signedIn(hub.url), locale: 'zh-CN', viewport: { width: 1440, height: 900 } })
  ).newPage();
  await desk.goto(`${hub.url}/console/${operation.operationId}`);
  await desk.getByTestId('message-text').waitFor();
});
afterAll(async () => {
  await browser.close();
  relay.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

const lines = (type: string): Record<string, unknown>[] =>
  journalLines(join(operation.dir, 'operation.ndjson')).filter((line) => line['type'] === type);
async function write(to: string, kind: string, text: string): Promise<void> {
  await desk.getByTestId('message-to').selectOption(to);
  await desk.getByTestId('message-kind').selectOption(kind);
  await desk.getByTestId('message-text').fill(text);
  await desk.getByTestId('message-send').click();
}

describe('a commander who writes to operators', () => {
  it('is read large on the phone it is for, which shakes, and is told when it was seen', async () => {
    await write(operation.angles[0]?.angleId ?? '', 'text', '请退后五米');
    await east.getByTestId('message-card').getByText('请退后五米').waitFor();
    expect(await east.evaluate<number>('window.shaken')).toBeGreaterThan(0);
    expect(await west.getByTestId('message-card').count()).toBe(0);
    await desk.getByTestId('messages').getByText('未看：东侧').waitFor();
    await east.getByTestId('message-seen').click();
    await east.getByTestId('message-card').waitFor({ state: 'detached' });
    await desk
      .getByTestId('messages')
      .getByText(/已看：东侧 \d/)
      .waitFor();
    expect(lines('message.seen')).toMatchObject([{ angleId: operation.angles[0]?.angleId }]);
  });

  it('says what to film next, which stands until it is filmed and is a mark then', async () => {
    await write('', 'shot', '屋内物品全景');
    for (const phone of [east, west]) {
      await phone.getByTestId('message-card').getByText('屋内物品全景').waitFor();
      await phone.getByTestId('message-seen').click();
      await phone.getByTestId('shot-bar').getByText('屋内物品全景').waitFor();
    }
    await west.getByTestId('shot-done').click();
    await west.getByTestId('shot-bar').waitFor({ state: 'detached' });
    await desk.getByTestId('field-log').getByText('屋内物品全景').waitFor();
    expect(lines('mark')).toMatchObject([{ angleId: operation.angles[1]?.angleId, text: '屋内物品全景', by: 'operator' }]);
    expect(await east.getByTestId('shot-bar').count()).toBe(1);
  });

  it('reaches a phone that was without network, which says what it saw when it is back', async () => {
    relay.cut();
    await write(operation.angles[0]?.angleId ?? '', 'text', '网络恢复后请回电');
    await until('it is in the journal', () => lines('message').length === 3);
    relay.mend();
    await east.getByTestId('message-card').getByText('网络恢复后请回电').waitFor({ timeout: 30_000 });
    relay.cut();
    await east.getByTestId('message-seen').click();
    await east.getByTestId('message-card').waitFor({ state: 'detached' });
    relay.mend();
    await until('it is said to be seen', () => lines('message.seen').length === 4, 30_000);
  });
});
