import type { types } from 'mediasoup';
import { HubError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { GatewaySpec, GatewayState } from '../protocol/gateway.ts';
import type { Cause } from '../protocol/ids.ts';
import type { OperationRecorder } from '../recorder/operation-recorder.ts';
import type { Take } from '../recorder/take.ts';
import { Gateway } from '../sources/gateway.ts';
import type { GatewayWays } from '../sources/gateway-ways.ts';
import type { Recording } from '../sources/gateway-attempt.ts';
import type { HubClock } from '../time/hub-clock.ts';
import type { AngleSources } from './angle-sources.ts';

/** What gateways need of the operation whose angles they fill. */
export type GatewayHost = {
  recorder: OperationRecorder;
  sources: AngleSources;
  router: () => types.Router;
  changed: (angleId: string) => void;
};

type Present = { spec: GatewaySpec; gateway: Gateway; take: Take | null; cause: Cause };

/** The cameras of one operation that are fetched, or push. */
export class Gateways {
  readonly #host: GatewayHost;
  readonly #ways: GatewayWays;
  readonly #clock: HubClock;
  readonly #log: Log;
  readonly #present = new Map<string, Present>();

  constructor(host: GatewayHost, context: { ways: GatewayWays; clock: HubClock; log: Log }) {
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
   * that is a `conflict`. Throws `bad_request` for an address
   * that cannot be one, `forbidden` for one that is not allowed. Answers with the spec to keep.
   */
  async add(angleId: string, asked: GatewaySpec, again: boolean): Promise<GatewaySpec> {
    const before = this.#present.get(angleId);
    if (before && sameCamera(before.spec, asked)) return before.spec;
    if (before) throw new HubError('conflict', 'another camera films this angle', { field: 'angleId' });
    const { operationId } = this.#host.recorder;
    const { connector, spec } = await this.#ways.connector(asked, again);
    const gateway = new Gateway(
      `cam-${angleId}`,
      connector,
      {
        clock: this.#clock,
        router: () => this.#host.router(),
        begin: (live) => {
          const take = this.#fill(angleId, live.producers);
          present.take = take;
          present.cause = 'connection-lost';
          return take;
        },
        ended: (recording) => this.#ended(angleId, present, recording),
        changed: () => this.#host.changed(angleId),
      },
      this.#log,
    );
    const present: Present = { spec, gateway, take: null, cause: 'connection-lost' };
    this.#present.set(angleId, present);
    gateway.start();
    this.#log.info({ operationId, angleId, address: connector.address }, 'camera added');
    return spec;
  }

  async remove(angleId: string): Promise<void> {
    const present = this.#present.get(angleId);
    if (!present) return;
    this.#present.delete(angleId);
    if (present.take) await this.#release(angleId, present.take, 'source-removed');
    await present.gateway.close();
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
    await Promise.all([...this.#present.values()].map(({ gateway }) => gateway.close()));
    this.#present.clear();
  }

  /** A take fills this angle, watched through these producers, which are not recorded. Throws as `startTake`. */
  #fill(angleId: string, producers: types.Producer[]): Take {
    const take = this.#host.recorder.startTake(angleId, 'camera');
    this.#host.sources.set(angleId, { kind: 'camera', peer: null, take, producers: new Map() });
    this.#show(angleId, take, producers);
    return take;
  }

  #show(angleId: string, take: Take, producers: types.Producer[]): void {
    const source = this.#host.sources.get(angleId);
    if (source?.take !== take) return;
    for (const producer of producers) this.#host.sources.show(angleId, source, producer);
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

/** The hub gives a push its port; asked for again without it, it is the same. */
function sameCamera(present: GatewaySpec, asked: GatewaySpec): boolean {
  if (present.kind === 'pull' || asked.kind === 'pull')
    return present.kind === asked.kind && 'url' in present && 'url' in asked && present.url === asked.url;
  return present.protocol === asked.protocol && present.key === asked.key && (asked.port ?? present.port) === present.port;
}
