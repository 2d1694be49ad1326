import type { types } from 'mediasoup';
import { HubError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Cause } from '../protocol/ids.ts';
import type { PlainReuse, PlainSource } from '../protocol/requests.ts';
import type { OperationRecorder } from '../recorder/operation-recorder.ts';
import { PlainRtpSource } from '../sources/plain-rtp.ts';
import type { AngleSources, Source } from './angle-sources.ts';

/** What cameras need of the operation whose angles they fill. */
export type CameraHost = {
  recorder: OperationRecorder;
  sources: AngleSources;
  router: () => types.Router;
  /** Record this track, and let it be watched. */
  attach: (angleId: string, source: Source, producer: types.Producer) => Promise<void>;
};

/** The cameras of one operation that send plain RTP to ports of ours. */
export class Cameras {
  readonly #host: CameraHost;
  readonly #ip: string;
  readonly #log: Log;
  readonly #present = new Map<string, PlainRtpSource>();

  constructor(host: CameraHost, { ingestIp, log }: { ingestIp: string; log: Log }) {
    this.#host = host;
    this.#ip = ingestIp;
    this.#log = log;
  }

  has(angleId: string): boolean {
    return this.#present.has(angleId);
  }

  /** Listen for a camera on this angle; asked for again, nothing changes. Throws as `assertRecordable` and `#started`. */
  async add(angleId: string, reuse: PlainReuse | null): Promise<PlainSource> {
    const present = this.#present.get(angleId);
    if (present) return this.#started(angleId, present);
    // one that was there before a restart is taken up all the same, and waits
    if (!reuse) this.#host.recorder.assertRecordable(angleId);
    const camera = new PlainRtpSource(
      this.#host.router(),
      { sourceId: `cam-${angleId}`, ip: this.#ip, reuse },
      {
        armed: (producers) => this.#armed(angleId, producers),
        idleMs: () => this.#host.sources.get(angleId)?.take.idleMs ?? null,
        silent: () => void this.#host.sources.end(angleId, 'connection-lost'),
      },
      this.#log,
    );
    this.#present.set(angleId, camera);
    try {
      return await this.#started(angleId, camera);
    } catch (error) {
      if (this.#present.get(angleId) === camera) this.#present.delete(angleId);
      camera.close();
      throw error;
    }
  }

  /** Where to send, once it listens. Throws as `start`, and `conflict` for one that was removed before. */
  async #started(angleId: string, camera: PlainRtpSource): Promise<PlainSource> {
    await camera.start();
    if (this.#present.get(angleId) !== camera) throw new HubError('conflict', 'the camera was removed meanwhile', { field: 'angleId' });
    return camera.target;
  }

  /** What it sends cannot be recorded any more: it is awaited anew on its ports. */
  async lost(angleId: string, cause: Cause): Promise<void> {
    const ended = this.#host.sources.end(angleId, cause);
    await this.#present.get(angleId)?.rehome(this.#host.router());
    await ended;
  }

  /** Resolves when its take's files are closed. */
  async remove(angleId: string): Promise<void> {
    this.#present.get(angleId)?.close();
    if (this.#present.delete(angleId)) await this.#host.sources.end(angleId, 'source-removed');
  }

  /** The SFU's worker is gone: they are awaited on their ports by another. */
  async rehome(router: types.Router): Promise<void> {
    await Promise.all([...this.#present.values()].map((camera) => camera.rehome(router)));
  }

  close(): void {
    for (const camera of this.#present.values()) camera.close();
  }

  async #armed(angleId: string, producers: types.Producer[]): Promise<void> {
    const take = this.#host.recorder.startTake(angleId, 'camera');
    const source: Source = { kind: 'camera', peer: null, take, producers: new Map() };
    this.#host.sources.set(angleId, source);
    for (const producer of producers) await this.#host.attach(angleId, source, producer);
  }
}
