import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../../scripts/demo/hub.ts';
import { launchBrowser, untilMoving } from '../../scripts/demo/phone.ts';
import { OperationView } from '../../server/protocol/http.ts';
import { consolePage, VIEWS } from '../support/console-page.ts';
import { freePort, type RunningHub, startHub } from '../support/hub.ts';
import { push, STREAMS } from '../support/pushers.ts';
import { countFrames, untilShown } from '../support/watching.ts';

let root = '';
let hub: RunningHub;
let browser: Browser;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-push-'));
  [hub, browser] = await Promise.all([
    startHub(join(root, 'data'), { SEGMENT_SECONDS: '2', RTMP_PORT: String(await freePort()) }),
    launchBrowser(),
  ]);
});
afterAll(async () => {
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

const WORDS = {
  'zh-CN': {
    add: '添加机位',
    kind: '编码器推流（RTMP）',
    name: '机位名称',
    make: '生成密钥',
    address: '服务器地址',
    key: '推流密钥',
    copy: '复制: 推流密钥',
    copied: '已复制',
    waiting: '等待编码器推流',
    about: '编码器',
  },
  en: {
    add: 'Add angle',
    kind: 'Encoder pushes (RTMP)',
    name: 'Name of the angle',
    make: 'Make a key',
    address: 'Server',
    key: 'Stream key',
    copy: 'Copy: Stream key',
    copied: 'Copied',
    waiting: 'Waiting for the encoder',
    about: 'Encoder',
  },
};

describe.each(VIEWS)('an encoder that pushes, on the console (%s, %i px)', (locale, width) => {
  it('is given a key to copy, seen, given another key that cuts it off, and seen again', async () => {
    const words = WORDS[locale];
    const { operationId } = await call(hub, OperationView, 'POST', '/operations', { name: `推流 ${locale} ${width}` });
    const view = { name: 'push', locale, width, permissions: ['clipboard-read', 'clipboard-write'] };
    const { page, shot, close } = await consolePage(browser, `${hub.url}/console/${operationId}`, view);
    await page.getByRole('button', { name: words.add }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText(words.kind, { exact: true }).click();
    await dialog.getByLabel(words.name).fill('无人机 1');
    await shot('asked');
    await dialog.getByRole('button', { name: words.make }).click();
    await dialog.getByTestId('push-key').waitFor();
    await shot('key');
    // it is told once
    await page.keyboard.press('Escape');
    await page.mouse.click(5, 400);
    await dialog.getByRole('button', { name: words.copy }).click();
    await dialog.getByText(words.copied).waitFor();
    const key = await page.evaluate<string>('navigator.clipboard.readText()');
    expect(await dialog.getByLabel(words.key, { exact: true }).inputValue()).toBe(key);
    const address = await dialog.getByLabel(words.address, { exact: true }).inputValue();
    await dialog.getByTestId('push-done').click();
    await page.getByText(words.waiting).first().waitFor();
    expect(await page.content()).not.toContain(key);

    const first = push(STREAMS.plain, 'flv', `${address}/${key}`);
    const { angles } = await call(hub, OperationView, 'GET', `/operations/${operationId}`);
    const angleId = angles[0]?.angleId ?? '';
    await untilMoving(page, angleId, 60_000);
    await shot('seen');
    await page.getByRole('button', { name: words.about, exact: true }).click();
    await page.getByTestId('new-key').click();
    await page.getByTestId('new-key').click();
    await page.getByTestId('push-key').waitFor();
    await shot('renewed');
    expect(await first.exited).not.toBe(0);
    const next = await page.getByTestId('push-key').getByLabel(words.key, { exact: true }).inputValue();
    expect(next).not.toBe(key);
    await page.keyboard.press('Escape');
    await countFrames(page, angleId);
    const second = push(STREAMS.plain, 'flv', `${address}/${next}`);
    await untilShown(page, [angleId], 20);
    await call(hub, OperationView, 'POST', `/operations/${operationId}/end`);
    await second.exited;
    await close();
  });
});
