import { HubError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { GatewaySpec, PullSpec, PushSpec } from '../protocol/gateway.ts';
import type { GatewayCamera } from './gateway/gateway.ts';
import { type AllowedNetworks, parseAddress, shownAddress } from './gateway/address.ts';
import { GatewayAttempt } from './rtsp/attempt.ts';
import { SourceRefusal } from './gateway/reasons.ts';
import { PortPool } from './srt/port-pool.ts';
import { RtmpListener } from './rtmp/listener.ts';
import { rtmpConnector } from './rtmp/pull.ts';
import { srtConnector } from './srt/connector.ts';
import { StreamAttempt } from './stream/attempt.ts';

export type CameraWaysOptions = {
  networks: AllowedNetworks;
  /** Where encoders are listened for, and the address that reaches it, for people. */
  listenIp: string;
  shownHost: string;
  /** 0 for not at all. */
  rtmpPort: number;
  /** 0 for not at all. */
  srtPorts: { first: number; last: number };
  log: Log;
};

/** How streams come in, by what is asked for: fetched from an address, or listened for. */
export class CameraWays {
  readonly networks: AllowedNetworks;
  readonly #options: CameraWaysOptions;
  readonly #rtmp: RtmpListener;
  readonly #srtPorts: PortPool;

  constructor(options: CameraWaysOptions) {
    this.#options = options;
    this.networks = options.networks;
    this.#srtPorts = new PortPool(options.srtPorts);
    this.#rtmp = new RtmpListener({ ip: options.listenIp, port: options.rtmpPort, log: options.log });
  }

  /** Throws `bad_request` for what cannot be an address, `forbidden` for one that is not allowed. `again`: it was allowed once. */
  async check(spec: GatewaySpec, again: boolean): Promise<void> {
    if ('listen' in spec) {
      const off = spec.listen === 'rtmp' ? this.#options.rtmpPort === 0 : this.#options.srtPorts.first === 0;
      const setting = spec.listen === 'rtmp' ? 'RTMP_PORT' : 'SRT_PORTS';
      if (off) throw new HubError('bad_request', `listen: this hub does not listen for this protocol (${setting}=0)`, { field: 'listen' });
      return;
    }
    const { host } = parseAddress(spec);
    if (!again) await this.networks.refuseForbidden(host);
  }

  /** Of a spec that has been checked. */
  camera(spec: GatewaySpec): GatewayCamera {
    if (!('listen' in spec)) return this.#fetched(spec);
    if (spec.listen === 'srt') return this.#srtPushed(spec);
    const { rtmpPort } = this.#options;
    const connector = this.#rtmp.connector(spec.key);
    return {
      protocol: 'rtmp',
      mode: 'push',
      address: `rtmp://${this.#host}:${rtmpPort}/live`,
      port: rtmpPort,
      attempt: (owner) => new StreamAttempt(connector, owner),
      close: () => connector.close(),
    };
  }

  /** SRT knows no names that a listener could tell encoders apart by before they are let in: each has a port. */
  #srtPushed({ key, port: wanted }: PushSpec): GatewayCamera {
    const port = this.#srtPorts.take(wanted);
    const ip = this.#options.listenIp;
    const connector = srtConnector(async () => {
      if (port === null) throw new SourceRefusal('ports-taken');
      return { mode: 'listener', ip, port, passphrase: key, streamId: null };
    });
    return {
      protocol: 'srt',
      mode: 'push',
      address: `srt://${this.#host}:${port ?? 0}`,
      port,
      attempt: (owner) => new StreamAttempt(connector, owner),
      close: async () => {
        if (port !== null) this.#srtPorts.release(port);
      },
    };
  }

  get #host(): string {
    const { shownHost } = this.#options;
    return shownHost.includes(':') ? `[${shownHost}]` : shownHost;
  }

  #fetched(spec: PullSpec): GatewayCamera {
    const address = parseAddress(spec);
    const fetched = { protocol: address.scheme, mode: 'pull' as const, address: shownAddress(address), port: null };
    const { scheme } = address;
    if (scheme === 'rtsp' || scheme === 'rtsps') return { ...fetched, attempt: (owner) => new GatewayAttempt(address, owner) };
    if (scheme === 'rtmp' || scheme === 'rtmps') {
      const rtmp = rtmpConnector(address, this.networks);
      return { ...fetched, attempt: (owner) => new StreamAttempt(rtmp, owner) };
    }
    const { host, port, user, password } = address;
    const connector = srtConnector(async () => {
      const ip = await this.networks.resolve(host);
      return { mode: 'caller', ip, port, passphrase: password, streamId: user };
    });
    return { ...fetched, attempt: (owner) => new StreamAttempt(connector, owner) };
  }
}
