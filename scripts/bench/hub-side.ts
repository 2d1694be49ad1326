import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MediaClient } from '../../media/protocol/channel.ts';
import { MEDIA_NODE_FLAGS, type MediaSettings } from '../../media/protocol/settings.ts';
import { operationDir } from '../../media/recordings/paths.ts';
import { familyOf } from './proc.ts';
import { freePort, killAll, ours, stopProcess, until } from './processes.ts';
import type { RelayTarget } from './relay.ts';

const OPERATION = 'bench';
const HELLOS = 100;
/** A disk with much to write can keep the hub from answering: that is measured, not a failure. */
const PATIENCE_MS = 60_000;

export type LoopDelay = { p99Ms: number; maxMs: number };

/** The hub's media process with one operation of many cameras, driven over its own channel as the control plane does. */
export class HubSide {
  readonly operationDir: string;
  readonly #dataDir: string;
  readonly #settings: MediaSettings;
  readonly #client: MediaClient;
  readonly #runDir: string;
  readonly #streams: number;
  #child: ChildProcess;

  private constructor(dataDir: string, streams: number, segmentMs: number, rtcPort: number) {
    this.#dataDir = dataDir;
    this.#streams = streams;
    this.operationDir = operationDir(dataDir, OPERATION);
    mkdirSync(dataDir, { recursive: true });
    this.#runDir = mkdtempSync('/tmp/fhb-'); // a socket's path must be short
    process.once('exit', () => rmSync(this.#runDir, { recursive: true, force: true }));
    const socketPath = join(this.#runDir, 'media.sock');
    const rtc = {
      workers: 1,
      rtcListenIp: '127.0.0.1',
      rtcPort,
      rtcAnnouncedAddress: '127.0.0.1',
      ingestIp: '127.0.0.1',
      rtmpPort: 0,
      srtPorts: { first: 0, last: 0 },
    };
    this.#settings = {
      dataDir,
      socketPath,
      segmentMs,
      ...rtc,
      cameraNetworks: [],
      silenceMs: 1500,
      diskReserveBytes: 0,
      writeBufferBytes: 128 * 2 ** 20,
      logLevel: 'error',
    };
    this.#client = new MediaClient(socketPath, () => undefined);
    this.#child = this.#spawn();
  }

  /** Start it with `streams` angles; resolves with where each camera sends to. */
  static async start(dataDir: string, streams: number, segmentMs: number): Promise<{ side: HubSide; targets: RelayTarget[] }> {
    const side = new HubSide(dataDir, streams, segmentMs, await freePort());
    side.#client.start();
    await side.#ready();
    await side.#client.request('openOperation', { operationId: OPERATION, name: 'bench' });
    for (let i = 0; i < streams; i += 1)
      await side.#client.request('addAngle', { operationId: OPERATION, angleId: angleName(i), name: angleName(i) });
    return { side, targets: await side.#cameras() };
  }

  get pids(): number[] {
    return familyOf(this.#child.pid ?? 0);
  }

  async recording(): Promise<number> {
    return (await this.#client.request('figures', {}, PATIENCE_MS)).recording;
  }

  /** The event loop's delay since this was last asked. */
  async loopDelay(): Promise<LoopDelay> {
    const { eventLoopP99Ms: p99Ms, eventLoopMaxMs: maxMs } = await this.#client.request('figures', {}, PATIENCE_MS);
    return { p99Ms, maxMs };
  }

  /**
   * Hub time less `now()`, milliseconds. Both count by the same monotonic clock from anchors of their own, each read
   * from the wall clock with an error of its own, up to a millisecond. Measured by asking the hub for its time: the
   * quickest of 100 answers, wrong by half its round trip at most.
   */
  async clockOffset(now: () => number): Promise<{ offsetMs: number; errorMs: number }> {
    let best = { offsetMs: 0, errorMs: Infinity };
    for (let i = 0; i < HELLOS; i += 1) {
      const askedMs = now();
      const { hubTimeMs } = await this.#client.request('hello', {});
      const errorMs = (now() - askedMs) / 2;
      if (errorMs < best.errorMs) best = { offsetMs: hubTimeMs - askedMs - errorMs, errorMs };
    }
    return best;
  }

  /** Everything dies at once: the media process and its workers. */
  kill(pids: number[]): Promise<void> {
    return killAll(this.#child, pids);
  }

  /** Start again on the same data: it repairs. Resolves with where each camera sends to now, and how long that took. */
  async restart(): Promise<RelayTarget[]> {
    await until('the hub is noticed to be gone', () => !this.#client.up);
    this.#child = this.#spawn();
    await this.#ready();
    return this.#cameras();
  }

  async endOperation(): Promise<void> {
    await this.#client.request('endOperation', { operationId: OPERATION }, PATIENCE_MS);
  }

  async close(keep: boolean): Promise<void> {
    this.#client.close();
    await stopProcess(this.#child);
    if (!keep) rmSync(this.#dataDir, { recursive: true, force: true });
  }

  async #ready(): Promise<void> {
    await until('the media process answers', () => {
      if (this.#child.exitCode !== null) throw new Error(`the media process ended with code ${this.#child.exitCode}`);
      return this.#client.up;
    });
    // as the control plane does: what the hub has to tell is part of its work
    await this.#client.request('subscribe', { bootId: null, afterSeq: 0 });
  }

  async #cameras(): Promise<RelayTarget[]> {
    const targets: RelayTarget[] = [];
    for (let i = 0; i < this.#streams; i += 1)
      targets.push(await this.#client.request('addPlainSource', { operationId: OPERATION, angleId: angleName(i) }));
    return targets;
  }

  #spawn(): ChildProcess {
    const path = fileURLToPath(new URL('../../media/main.ts', import.meta.url));
    const env = { ...process.env, FIELDHUB_MEDIA_SETTINGS: JSON.stringify(this.#settings) };
    return ours(spawn(process.execPath, [...MEDIA_NODE_FLAGS, path], { env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }));
  }
}

export const angleName = (i: number): string => `angle-${String(i).padStart(3, '0')}`;
