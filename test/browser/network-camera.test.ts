import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../../scripts/demo/hub.ts';
import { launchBrowser, untilMoving } from '../../scripts/demo/phone.ts';
import { OperationView } from '../../server/protocol/http.ts';
import { consolePage, VIEWS } from '../support/console-page.ts';
import { type RunningHub, startHub } from '../support/hub.ts';
import { PASSWORD, type RtspCamera, rtspCamera, USER } from '../support/rtsp-camera.ts';

let root = '';
let hub: RunningHub;
let browser: Browser;
let camera: RtspCamera;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-camera-'));
  const picture = 'videotestsrc is-live=true pattern=ball ! video/x-raw,width=640,height=360,framerate=15/1';
  camera = await rtspCamera({
    cam: `${picture} ! x265enc key-int-max=15 speed-preset=ultrafast tune=zerolatency ! rtph265pay name=pay0 pt=96`,
  });
  [hub, browser] = await Promise.all([
    startHub(join(root, 'data'), { SEGMENT_SECONDS: '2', CAMERA_NETWORKS: '127.0.0.0/8' }),
    launchBrowser(),
  ]);
});
afterAll(async () => {
  await browser.close();
  await hub.stop();
  await camera.stop();
  rmSync(root, { recursive: true, force: true });
});

const WORDS = {
  'zh-CN': {
    add: '添加机位',
    kind: '摄像机（按地址）',
    name: '机位名称',
    url: '地址（RTSP、RTMP、SRT）',
    user: '用户名',
    password: '密码',
    submit: '添加摄像机',
    incomplete: /RTMP 还需应用名和流密钥/,
    hint: 'rtmp://主机/应用名/流密钥',
    forbidden: /不允许服务器访问/,
    refused: /拒绝了用户名或密码.*秒后重试/,
    remove: '移除摄像机',
    note: 'H.265：直播需转码',
    about: '摄像机',
  },
  en: {
    add: 'Add angle',
    kind: 'Camera by address',
    name: 'Name of the angle',
    url: 'Address (RTSP, RTMP, SRT)',
    user: 'User name',
    password: 'Password',
    submit: 'Add camera',
    incomplete: /RTMP: also application and stream key/,
    hint: 'rtmp://host/application/key',
    forbidden: /may not fetch/,
    refused: /refused the user name or password.*next attempt in/,
    remove: 'Remove camera',
    note: 'H.265: transcoding for live',
    about: 'Camera',
  },
};

describe.each(VIEWS)('a camera by its address, on the console (%s, %i px)', (locale, width) => {
  it('is refused and failing in plain words, removed, added rightly and seen; its secrets are never shown again', async () => {
    const words = WORDS[locale];
    const { operationId } = await call(hub, OperationView, 'POST', '/operations', { name: `拆除 城东路 ${width}` });
    const view = { name: 'camera', locale, width };
    const { page, shot, close } = await consolePage(browser, `${hub.url}/console/${operationId}`, view);
    await page.getByRole('button', { name: words.add }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText(words.kind, { exact: true }).click();
    await dialog.getByLabel(words.name).fill('路口 摄像机');
    await dialog.getByText(words.hint).waitFor();
    await dialog.getByLabel(words.url).fill('rtmp://8.8.8.8');
    await dialog.getByLabel(words.user).fill(USER);
    await dialog.getByLabel(words.password).fill('wrong');
    await dialog.getByRole('button', { name: words.submit }).click();
    await dialog.getByRole('alert').getByText(words.incomplete).waitFor();
    await dialog.getByLabel(words.url).fill('rtmp://8.8.8.8/live/key');
    await dialog.getByRole('button', { name: words.submit }).click();
    await dialog.getByRole('alert').getByText(words.forbidden).waitFor();
    await shot('refused');
    await dialog.getByLabel(words.url).fill(`rtsp://127.0.0.1:${camera.port}/cam`);
    await dialog.getByRole('button', { name: words.submit }).click();
    await dialog.waitFor({ state: 'hidden' });
    await page.getByText(words.refused).waitFor();
    await shot('failing');

    await page.getByRole('button', { name: words.about, exact: true }).click();
    await page.getByTestId('remove-camera').click();
    await shot('remove');
    await page.getByTestId('remove-camera').click();
    await page.getByRole('button', { name: words.submit, exact: true }).click();
    await dialog.getByLabel(words.url).fill(camera.url('cam'));
    expect(await dialog.getByLabel(words.password).inputValue()).toBe('');
    await dialog.getByRole('button', { name: words.submit }).click();
    await dialog.waitFor({ state: 'hidden' });
    const { angles } = await call(hub, OperationView, 'GET', `/operations/${operationId}`);
    await untilMoving(page, angles[0]?.angleId ?? '', 60_000);
    await page.getByText(words.note).first().waitFor();
    await shot('seen');
    await page.getByRole('button', { name: words.about, exact: true }).click();
    await page.getByTestId('camera-facts').getByText('H.265').waitFor();
    await shot('facts');
    const text = await page.content();
    for (const secret of [PASSWORD, encodeURIComponent(PASSWORD), `${USER}:`, '/cam']) expect(text).not.toContain(secret);
    await call(hub, OperationView, 'POST', `/operations/${operationId}/end`);
    await close();
  });
});
