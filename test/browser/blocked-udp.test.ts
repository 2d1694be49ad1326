import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signedIn } from '../../scripts/demo/sign-in.ts';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { filmWithPhone, launchBrowser, untilMoving } from '../../scripts/demo/phone.ts';
import { blockedUdp, pathsOf } from '../support/blocked-udp.ts';
import { type Coturn, startCoturn, TURN_SECRET } from '../support/coturn.ts';
import { type RunningHub, startHub, until } from '../support/hub.ts';
import { phoneOperation, type PhoneOperation } from '../support/phone-operation.ts';
import { playTake, takesOf } from '../support/playback.ts';

let root = '';
let coturn: Coturn;
let hub: RunningHub;
let browser: Browser;
let operation: PhoneOperation;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-blocked-udp-'));
  coturn = await startCoturn();
  const turn = { TURN_URLS: `turn:127.0.0.1:${coturn.port}?transport=tcp`, TURN_SECRET };
  [hub, browser] = await Promise.all([startHub(join(root, 'data'), { SEGMENT_SECONDS: '2', ...turn }), launchBrowser()]);
  operation = await phoneOperation(hub, ['中继', 'TCP']);
});
afterAll(async () => {
  await browser.close();
  await hub.stop();
  await coturn.stop();
  rmSync(root, { recursive: true, force: true });
});

const openConsole = async (script: string): Promise<Page> => {
  const context = await browser.newContext({ storageState: signedIn(hub.url), viewport: { width: 960, height: 600 }, locale: 'zh-CN' });
  const page = await context.newPage();
  await page.addInitScript({ content: script });
  await page.goto(`${hub.url}/console/${operation.operationId}`);
  return page;
};

describe.each([
  { name: 'a TURN server, over TCP', left: 'relay', index: 0, path: { candidateType: 'relay', relayProtocol: 'tcp', protocol: 'udp' } },
  { name: "the hub's own port, over TCP (ICE-TCP)", left: 'tcp', index: 1, path: { protocol: 'tcp', relayProtocol: null } },
] as const)('where only this is left: $name', ({ left, index, path }) => {
  let phone: Page;
  let angleId = '';

  it('a phone films', async () => {
    const angle = operation.angles[index];
    angleId = angle?.angleId ?? '';
    phone = await filmWithPhone(browser, angle?.url ?? '', 60_000, [blockedUdp(left)]);
    await operation.moreSegments(angleId, 2);
    expect(await pathsOf(phone)).toEqual([expect.objectContaining(path)]);
  });

  it('a commander watches', async () => {
    const console_ = await openConsole(blockedUdp(left));
    await untilMoving(console_, angleId, 60_000);
    expect(await pathsOf(console_)).toEqual([expect.objectContaining(path)]);
    await console_.context().close();
  });

  it('a change of the network is followed: the take goes on', async () => {
    const restarted = phone.waitForEvent('console', { predicate: (message) => message.text() === 'ice restarted' });
    await phone.evaluate(`(() => {
      const { prototype } = Object.getPrototypeOf(globalThis.RTCPeerConnection);
      const real = prototype.createOffer;
      prototype.createOffer = function (options) {
        if (options?.iceRestart) console.log('ice restarted');
        return real.call(this, options);
      };
      window.dispatchEvent(new Event('online'));
    })()`);
    await restarted;
    await operation.moreSegments(angleId, 2);
    expect(await pathsOf(phone)).toEqual([expect.objectContaining(path)]);
    expect(takesOf(join(operation.dir, angleId))).toEqual(['0001']);
  });
});

it('what was filmed so is whole: verified, and played without a word', async () => {
  await operation.end();
  await operation.packed();
  const { problems, angles } = await verifyOperation(operation.dir);
  expect(problems).toEqual([]);
  for (const { angleId } of operation.angles) {
    expect(angles.find((angle) => angle.angleId === angleId)).toMatchObject({ takes: 1 });
    const { status, said } = await playTake(operation.dir, angleId, '0001');
    expect([status, said]).toEqual([0, '']);
  }
  expect(hub.output()).not.toContain(TURN_SECRET);
  await until('the relay was used, and given up', () => /session .*: (closed|delete)/.test(coturn.said()));
});
