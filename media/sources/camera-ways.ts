import { HubError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { GatewaySpec, PullSpec } from '../protocol/gateway.ts';
import type { GatewayCamera } from './gateway.ts';
import { type AllowedNetworks, parseAddress, shownAddress } from './gateway-address.ts';
import { GatewayAttempt } from './gateway-attempt.ts';
import { RtmpListener } from './rtmp-listener.ts';
import { StreamAttempt } from './stream-attempt.ts';

export type CameraWaysOptions = {
  networks: AllowedNetworks;
  /** Where encoders are listened for, and the address that reaches it, for people. */
  listenIp: string;
  shownHost: string;
  /** 0 for not at all. */
  rtmpPort: number;
  log: Log;
};

/** How streams come in, by what is asked for: fetched from an address, or listened for. */
export class CameraWays {
  readonly networks: AllowedNetworks;
  readonly #options: CameraWaysOptions;
  readonly #rtmp: RtmpListener;

  constructor(options: CameraWaysOptions) {
    this.#options = options;
    this.networks = options.networks;
    this.#rtmp = new RtmpListener({ ip: options.listenIp, port: options.rtmpPort, log: options.log });
  }

  /** Throws `bad_request` for what cannot be an address, `forbidden` for one that is not allowed. `again`: it was allowed once. */
  async check(spec: GatewaySpec, again: boolean): Promise<void> {
    if ('listen' in spec) {
      if (this.#options.rtmpPort === 0)
        throw new HubError('bad_request', 'listen: this hub does not listen for RTMP (RTMP_PORT=0)', { field: 'listen' });
      return;
    }
    const { host } = parseAddress(spec);
    if (!again) await this.networks.refuseForbidden(host);
  }

  /** Of a spec that has been checked. */
  camera(spec: GatewaySpec): GatewayCamera {
    if (!('listen' in spec)) return this.#fetched(spec);
    const { rtmpPort, shownHost } = this.#options;
    const connector = this.#rtmp.connector(spec.key);
    return {
      protocol: 'rtmp',
      mode: 'push',
      address: `rtmp://${shownHost.includes(':') ? `[${shownHost}]` : shownHost}:${rtmpPort}/live`,
      attempt: (owner) => new StreamAttempt(connector, owner),
      close: () => connector.close(),
    };
  }

  #fetched(spec: PullSpec): GatewayCamera {
    const address = parseAddress(spec);
    return {
      protocol: address.scheme,
      mode: 'pull',
      address: shownAddress(address),
      attempt: (owner) => new GatewayAttempt(address, owner),
    };
  }
}
