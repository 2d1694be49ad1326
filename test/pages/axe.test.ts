import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axe, { type AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call } from '../../scripts/demo/hub.ts';
import { demoPeople } from '../../scripts/demo/people.ts';
import { launchBrowser } from '../../scripts/demo/phone.ts';
import { signedIn } from '../../scripts/demo/sign-in.ts';
import { EnforcementCase } from '../../server/protocol/cases.ts';
import { Device } from '../../server/protocol/devices.ts';
import { CaptureLink, OperationView } from '../../server/protocol/http.ts';
import { type RunningHub, startHub } from '../support/hub.ts';

let root = '';
let hub: RunningHub;
let browser: Browser;
let paths: string[] = [];
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-axe-'));
  [hub, browser] = await Promise.all([startHub(join(root, 'data')), launchBrowser()]);
  const squadId = await demoPeople(hub);
  const written = { number: '城综执案〔2026〕第1号', cause: '占道经营', parties: ['李四'], squadId };
  const { caseId } = await call(hub, EnforcementCase, 'POST', '/cases', written);
  const facts = { name: '东街拆除', type: 'demolition', caseId, squadIds: [squadId], angles: ['东门', '西门'] };
  const { operationId } = await call(hub, OperationView, 'POST', '/operations', facts);
  const device = { squadId, type: 'body-camera', serial: 'SN-0001', model: 'DSJ-9', ownerId: null, state: 'in-service' };
  const { deviceId } = await call(hub, Device, 'POST', '/devices', device);
  const { url } = await call(hub, CaptureLink, 'POST', `/operations/${operationId}/links`);
  paths = [
    '/',
    '/operations/new',
    `/operations/${operationId}`,
    '/cases',
    '/cases/new',
    `/cases/${caseId}`,
    '/devices',
    `/devices/${deviceId}`,
    '/shot-lists',
    '/people',
    '/custody',
    '/account',
    `/console/${operationId}`,
    `/review/${operationId}`,
    url.replace(hub.url, ''),
  ];
});
afterAll(async () => {
  await browser.close();
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

/** What axe finds that keeps somebody from using the page: serious and critical, with where. */
async function faults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<AxeResults>('axe.run(document, { resultTypes: ["violations"] })');
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html, any }) => `${html.slice(0, 160)} (${any[0]?.message ?? ''})`).join('\n  ')}`);
}

describe.each([
  ['zh-CN', 390, 'dark'],
  ['en', 1440, 'light'],
] as const)('every page in %s at %i pixels, %s', (locale, width, colorScheme) => {
  it('has no serious fault for those who use it by keyboard, screen reader or with weak eyes', async () => {
    const context = await browser.newContext({ storageState: signedIn(hub.url), locale, colorScheme, viewport: { width, height: 860 } });
    const page = await context.newPage();
    const found: Record<string, string[]> = {};
    for (const path of paths) {
      await page.goto(hub.url + path, { waitUntil: 'networkidle' });
      // the page itself, and neither a sign-in nor a refusal or failure in its place
      expect([path, page.url().replace(hub.url, '').replace(/#.*/, '')]).toEqual([path, path.replace(/#.*/, '')]);
      for (const instead of ['sign-in', 'not-yours']) expect([path, await page.getByTestId(instead).count()]).toEqual([path, 0]);
      expect([path, await page.locator('.state[role="alert"], .state .spinner').count()]).toEqual([path, 0]);
      const here = await faults(page);
      if (here.length > 0) found[path] = here;
    }
    await context.clearCookies();
    await page.goto(hub.url, { waitUntil: 'networkidle' });
    await page.getByTestId('sign-in').waitFor();
    const here = await faults(page);
    if (here.length > 0) found['sign-in'] = here;
    expect(found).toEqual({});
    await context.close();
  });
});
