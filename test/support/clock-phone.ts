import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { filmWithPhone, launchBrowser } from '../../scripts/demo/phone.ts';

const cameraScript = readFileSync(fileURLToPath(new URL('clock-camera.js', import.meta.url)), 'utf8');

export type ClockCamera = {
  /** How far the browser's wall clock is ahead of true time when the page is loaded. */
  wrongByMs?: number;
  fps?: number;
  width?: number;
  height?: number;
  /** So many specks of colour, elsewhere in each picture. */
  specks?: number;
  /** What the phone has. */
  kinds?: ('audio' | 'video')[];
};

/** Gives a page `videoSender`, `changeEncodings` and `scaleDown(by)`: what an encoder does by itself when the network or the processor is too slow. */
export const SENDERS = `
  const peers = [];
  const Real = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Real {
    constructor(...all) {
      super(...all);
      peers.push(this);
    }
  };
  window.videoSender = () => peers.at(-1).getSenders().find((sender) => sender.track?.kind === 'video');
  window.changeEncodings = async (change) => {
    const parameters = videoSender().getParameters();
    parameters.encodings.forEach(change);
    await videoSender().setParameters(parameters);
  };
  window.scaleDown = (by) => changeEncodings((encoding) => { encoding.scaleResolutionDownBy = by; });
`;

/** A phone whose camera films a clock that can be read by machine; it records when this resolves. */
export async function filmClock(browser: Browser, url: string, camera: ClockCamera = {}, extra: string[] = []): Promise<Page> {
  const settings = { wrongByMs: 0, fps: 25, width: 640, height: 360, specks: 0, kinds: ['audio', 'video'], ...camera };
  return filmWithPhone(browser, url, 30_000, [`window.fieldhubClock = ${JSON.stringify(settings)};`, cameraScript, ...extra]);
}

/** A browser whose wall clock, and no other, is off; `file` says by how much, and is read anew every second. */
export class WrongClock {
  readonly #path: string;

  /** `path`: a file to be made. `offsetS`: seconds ahead. */
  constructor(path: string, offsetS: number) {
    this.#path = path;
    this.set(offsetS);
  }

  set(offsetS: number): void {
    writeFileSync(this.#path, `${offsetS < 0 ? '' : '+'}${offsetS}\n`);
  }

  /** libfaketime's own defaults fake the monotonic clock too, and Chromium then hangs. */
  launch(): Promise<Browser> {
    return launchBrowser({
      LD_PRELOAD: libraryPath(),
      FAKETIME_TIMESTAMP_FILE: this.#path,
      FAKETIME_CACHE_DURATION: '1',
      DONT_FAKE_MONOTONIC: '1',
      FAKETIME_FORCE_MONOTONIC_FIX: '0',
    });
  }
}

function libraryPath(): string {
  for (const name of readdirSync('/usr/lib')) {
    const path = join('/usr/lib', name, 'faketime/libfaketimeMT.so.1');
    if (name.endsWith('-linux-gnu') && existsSync(path)) return path;
  }
  throw new Error("libfaketime is not installed (Debian's package of that name)");
}
