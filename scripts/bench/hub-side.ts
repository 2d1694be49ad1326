import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MediaClient } from '../../media/protocol/channel.ts';
import { MEDIA_NODE_FLAGS, type MediaSettings } from '../../media/protocol/settings.ts';
import { operationDir } from '../../media/recordings/paths.ts';
import { familyOf, stopProcess, until } from './processes.ts';
import type { SenderTrack } from './sender.ts';

const OPERATION = 'bench';

/** The hub's media process with one operation of many cameras, driven over its own channel. */
export class HubSide {
  readonly operationDir: string;
  readonly #dataDir: string;
  readonly #settings: MediaSettings;
  readonly #client: MediaClient;
  readonly #runDir: string;
  #child: ChildProcess;

  private constructor(dataDir: string, segmentMs: number, port: number) {
    this.#dataDir = dataDir;
    this.operationDir = operationDir(dataDir, OPERATION);
    mkdirSync(dataDir, { recursive: true });
    this.#runDir = mkdtempSync('/tmp/fh-');
    const socketPath = join(this.#runDir, 'media.sock');
    const rtc = { workers: 1, rtcListenIp: '127.0.0.1', rtcPort: port, rtcAnnouncedAddress: '127.0.0.1', ingestIp: '127.0.0.1' };
    this.#settings = {
      dataDir,
      socketPath,
      segmentMs,
      ...rtc,
      silenceMs: 1500,
      diskReserveBytes: 0,
      writeBufferBytes: 128 * 2 ** 20,
      logLevel: 'error',
    };
    this.#client = new MediaClient(socketPath, () => undefined);
    this.#child = this.#spawn();
  }

  /** Start it with `streams` angles; resolves with where each camera sends to. */
  static async start(
    dataDir: string,
    streams: number,
    segmentMs: number,
    port: number,
  ): Promise<{ side: HubSide; targets: { video: SenderTrack; audio: SenderTrack }[] }> {
    const side = new HubSide(dataDir, segmentMs, port);
    side.#client.start();
    await until('the media process answers', () => side.#client.up);
    await side.#client.request('openOperation', { operationId: OPERATION, name: 'bench' });
    const targets: { video: SenderTrack; audio: SenderTrack }[] = [];
    for (let i = 0; i < streams; i += 1) {
      const angleId = angleName(i);
      await side.#client.request('addAngle', { operationId: OPERATION, angleId, name: angleId });
      targets.push(await side.#client.request('addPlainSource', { operationId: OPERATION, angleId }));
    }
    return { side, targets };
  }

  get pids(): number[] {
    return familyOf(this.#child.pid ?? 0);
  }

  async recording(): Promise<number> {
    return (await this.#client.request('figures', {})).recording;
  }

  /** 99th percentile of the event loop's delay since this was last asked, milliseconds. */
  async eventLoopP99Ms(): Promise<number> {
    return (await this.#client.request('figures', {})).eventLoopP99Ms;
  }

  /** Everything dies at once: the media process and its workers. */
  async kill(): Promise<void> {
    const pids = this.pids;
    const gone = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await gone;
  }

  /** Start again on the same data: it repairs. */
  async restart(): Promise<void> {
    this.#child = this.#spawn();
    await until('the media process answers', () => this.#client.up);
  }

  async endOperation(): Promise<void> {
    await this.#client.request('endOperation', { operationId: OPERATION }, 60_000);
  }

  async close(keep: boolean): Promise<void> {
    this.#client.close();
    await stopProcess(this.#child);
    rmSync(this.#runDir, { recursive: true, force: true });
    if (!keep) rmSync(this.#dataDir, { recursive: true, force: true });
  }

  #spawn(): ChildProcess {
    const path = fileURLToPath(new URL('../../media/main.ts', import.meta.url));
    const env = { ...process.env, FIELDHUB_MEDIA_SETTINGS: JSON.stringify(this.#settings) };
    return spawn(process.execPath, [...MEDIA_NODE_FLAGS, path], { env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  }
}

export const angleName = (i: number): string => `angle-${String(i).padStart(3, '0')}`;
