import { HubError } from '../errors.ts';
import type { GatewaySpec } from '../protocol/gateway.ts';
import { type AllowedNetworks, parseAddress, type SourceAddress } from './gateway-address.ts';
import { type Connector, rtspConnector } from './gateway-feed.ts';
import { SourceRefusal } from './gateway-reasons.ts';

/** The ways to cameras that this hub has: one for all operations, since ports are listened on once. */
export class GatewayWays {
  readonly #networks: AllowedNetworks;

  constructor(networks: AllowedNetworks) {
    this.#networks = networks;
  }

  /**
   * The way to this camera, and what has to be kept to find it again. Throws `bad_request`, and `forbidden` for a new one
   * whose address is not allowed; one that was there before meets that in its attempts.
   */
  async connector(spec: GatewaySpec, again: boolean): Promise<{ connector: Connector; spec: GatewaySpec }> {
    if (spec.kind === 'push') throw new HubError('unavailable', 'cameras cannot push yet');
    const address = parseAddress(spec.url);
    if (!again) await this.#refuseForbidden(address);
    if (address.scheme === 'rtsp' || address.scheme === 'rtsps') return { connector: rtspConnector(address, this.#networks), spec };
    throw new HubError('bad_request', 'url: only rtsp and rtsps', { field: 'url' });
  }

  async #refuseForbidden({ host }: SourceAddress): Promise<void> {
    try {
      await this.#networks.resolve(host);
    } catch (error) {
      // a name that is not found today, a network that is down: it is tried again and again
      if (!(error instanceof SourceRefusal) || error.reason.code !== 'address-not-allowed') return;
      throw new HubError('forbidden', error.reason.message, { field: 'url', cause: error });
    }
  }
}
