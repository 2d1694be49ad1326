import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { signedIn } from '../../scripts/demo/sign-in.ts';

const script = readFileSync(fileURLToPath(new URL('webrtc-page.js', import.meta.url)), 'utf8');

export type Exchange = { status: number; answer: string; offer: string; session?: string; etag?: string; retryAfter?: string | null };
export type Patched = { status: number; etag: string | null; text: string };
export type Shown = { width: number; frames: number; time: number };

/** A site that is not the hub's: pages on it reach the hub only as CORS allows. */
export async function otherSite(): Promise<{ url: string; close: () => void }> {
  const server: Server = createServer((_, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end('<!doctype html><title>another site</title><body></body>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, close: () => void server.close() };
}

/** A page with `peer` in it (`webrtc-page.js`), on this site; on a hub's as whoever has signed in there. */
export async function webRtcPage(browser: Browser, url: string): Promise<Page> {
  const context = await browser.newContext({ storageState: signedIn(url), permissions: ['camera', 'microphone'], ignoreHTTPSErrors: true });
  const page = await context.newPage();
  await page.addInitScript({ content: script });
  await page.goto(url);
  return page;
}

/** Call a function of the page's `peer`. */
export function ask<T>(page: Page, name: string, ...args: unknown[]): Promise<T> {
  return page.evaluate(`peer.${name}(${args.map((arg) => JSON.stringify(arg) ?? 'undefined').join(', ')})`);
}
