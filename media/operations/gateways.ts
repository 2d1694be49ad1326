import { isDeepStrictEqual } from 'node:util';
import type { types } from 'mediasoup';
import { HubError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { GatewaySpec, GatewayState } from '../protocol/gateway.ts';
import type { Cause } from '../protocol/ids.ts';
import type { OperationRecorder } from '../recorder/operation-recorder.ts';
import type { Take } from '../recorder/take.ts';
import type { Recording } from '../sources/gateway/recording.ts';
import type { CameraMeter } from '../sources/gateway/camera-meter.ts';
import { Gateway } from '../sources/gateway/gateway.ts';
import type { CameraWays } from '../sources/camera-ways.ts';
import type { HubClock } from '../time/hub-clock.ts';
import type { AngleSources } from './angle-sources.ts';

/** What gateways need of the operation whose angles they fill. */
export type GatewayHost = {
  recorder: OperationRecorder;
  sources: AngleSources;
  router: () => types.Router;
  changed: (angleId: string) => void;
  /** A track of this kind can be watched from now on. */
  arrived: (angleId: string, kind: types.MediaKind) => void;
  /** Throws `conflict` for an angle that another source fills. */
  assertFree: (angleId: string) => void;
};

/** What a camera is known by. A port is given out by the hub. */
const told = (spec: GatewaySpec): GatewaySpec => ('listen' in spec ? { listen: spec.listen, key: spec.key } : spec);

type Present = { spec: GatewaySpec; gateway: Gateway; take: Take | null; cause: Cause; removed: Promise<void> | null };

/** The cameras of one operation that are fetched by their address, and the encoders that come to it by themselves. */
export class Gateways {
  readonly #host: GatewayHost;
  readonly #ways: CameraWays;
  readonly #clock: HubClock;
  readonly #log: Log;
  readonly #present = new Map<string, Present>();
  #state: 'open' | 'closed' = 'open';

  constructor(host: GatewayHost, context: { ways: CameraWays; clock: HubClock; log: Log }) {
    this.#host = host;
    this.#ways = context.ways;
    this.#clock = context.clock;
    this.#log = context.log;
  }

  has(angleId: string): boolean {
    return this.#present.has(angleId);
  }

  /** Null for an angle without one. */
  state(angleId: string): GatewayState | null {
    return this.#present.get(angleId)?.gateway.state ?? null;
  }

  /**
   * Fill this angle from that camera from now on. Asked for again with the same camera, nothing changes; with another,
   * that is a `conflict`. `again`: it was there before, and meets in its attempts what stands against it now. Throws
   * `bad_request` for an address that cannot be one, `forbidden` for one that is not allowed.
   */
  async add(angleId: string, spec: GatewaySpec, again: boolean): Promise<GatewayState> {
    await this.#ways.check(spec, again);
    await this.#present.get(angleId)?.removed;
    this.#host.assertFree(angleId);
    const before = this.#present.get(angleId);
    if (before && !isDeepStrictEqual(told(before.spec), told(spec)))
      throw new HubError('conflict', 'another camera films this angle', { field: 'angleId' });
    if (before) return before.gateway.state;
    if (this.#state === 'closed') throw new HubError('gone', 'the operation has ended', { field: 'operationId' });
    if (!again) this.#host.recorder.assertRecordable(angleId);
    const camera = this.#ways.camera(spec);
    const gateway = new Gateway(
      `cam-${angleId}`,
      camera,
      {
        clock: this.#clock,
        router: () => this.#host.router(),
        begin: (live) => {
          const take = this.#fill(angleId, live.producers, gateway.meter);
          present.take = take;
          return take;
        },
        ended: (recording) => this.#ended(angleId, present, recording),
        changed: () => this.#host.changed(angleId),
      },
      this.#log,
    );
    const present: Present = { spec, gateway, take: null, cause: 'connection-lost', removed: null };
    this.#present.set(angleId, present);
    gateway.start();
    this.#log.info({ operationId: this.#host.recorder.operationId, angleId, address: camera.address }, 'camera added');
    return gateway.state;
  }

  /** Resolves when its take's files are closed and its processes have ended. */
  async remove(angleId: string): Promise<void> {
    const present = this.#present.get(angleId);
    if (!present) return;
    present.cause = 'source-removed';
    present.removed ??= present.gateway.close().then(() => void this.#present.delete(angleId));
    await present.removed;
    this.#host.changed(angleId);
  }

  /** Nothing can be recorded now: let go of the camera, which is tried again. */
  async lost(angleId: string, cause: Cause): Promise<void> {
    const present = this.#present.get(angleId);
    if (!present) return;
    const { take } = present;
    present.gateway.restart();
    if (take) await this.#release(angleId, take, cause);
  }

  /** The SFU's worker is gone, the recordings are not. */
  async rehome(router: types.Router): Promise<void> {
    await Promise.all(
      [...this.#present].map(async ([angleId, { gateway, take }]) => {
        const live = await gateway.rehome(router);
        if (live && take) this.#show(angleId, take, live.producers);
      }),
    );
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    await Promise.all([...this.#present.values()].map(({ gateway }) => gateway.close()));
    this.#present.clear();
  }

  /** A take fills this angle, watched through these producers, which are not recorded. Throws as `startTake`. */
  #fill(angleId: string, producers: types.Producer[], meter: CameraMeter): Take {
    const take = this.#host.recorder.startTake(angleId, 'camera');
    this.#host.sources.set(angleId, { kind: 'camera', peer: null, take, producers: new Map(), meter });
    this.#show(angleId, take, producers);
    return take;
  }

  #show(angleId: string, take: Take, producers: types.Producer[]): void {
    const source = this.#host.sources.get(angleId);
    if (source?.take !== take) return;
    for (const producer of producers) {
      this.#host.sources.show(angleId, source, producer);
      this.#host.arrived(angleId, producer.kind);
    }
    this.#host.changed(angleId);
  }

  /** The take's source is gone, unless another has taken over already. */
  async #release(angleId: string, take: Take, cause: Cause): Promise<void> {
    if (this.#host.sources.get(angleId)?.take === take) await this.#host.sources.end(angleId, cause);
  }

  async #ended(angleId: string, present: Present, recording: Recording): Promise<void> {
    if (present.take !== recording) return;
    const { take } = present;
    present.take = null;
    await this.#release(angleId, take, present.cause);
  }
}
