import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';
import { BROWSER_ARGS } from '../../scripts/demo/phone.ts';

/**
 * A Chromium started by hand, whose pages know by themselves whether they are seen: of those that Playwright starts each believes
 * for ever that it is in front.
 */
export async function ownBrowser(): Promise<{ context: BrowserContext; close: () => Promise<void> }> {
  const profile = mkdtempSync(join(tmpdir(), 'fieldhub-profile-'));
  const args = [...BROWSER_ARGS, '--headless=new', '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'];
  const child = spawn(process.env['CHROMIUM'] ?? '/usr/bin/chromium', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  // its helper processes write to the same pipe, and into its profile until they go, a little later than itself
  const gone = once(child, 'close');
  const address = await new Promise<string>((resolve, reject) => {
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said += String(chunk);
      const [, url] = /DevTools listening on (ws:\S+)/.exec(said) ?? [];
      if (url) resolve(url);
    });
    void gone.then(() => reject(new Error(`Chromium ended:\n${said}`)));
  });
  const browser = await chromium.connectOverCDP(address, { noDefaults: true });
  const [context] = browser.contexts();
  if (!context) throw new Error('Chromium has no window');
  return {
    context,
    close: async () => {
      await browser.close();
      child.kill('SIGTERM');
      await gone;
      rmSync(profile, { recursive: true });
    },
  };
}
