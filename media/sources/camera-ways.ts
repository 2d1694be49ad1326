import { HubError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { GatewaySpec, PullSpec, PushSpec } from '../protocol/gateway.ts';
import { hostPort, parseAddress, shownAddress, type SourceAddress } from './gateway/address.ts';
import type { Way } from './gateway/attempt.ts';
import type { GatewayCamera } from './gateway/gateway.ts';
import type { AllowedNetworks } from './gateway/networks.ts';
import { SourceRefusal } from './gateway/reasons.ts';
import { RtmpListener } from './rtmp/listener.ts';
import { rtmpConnect } from './rtmp/pull.ts';
import { rtspWay } from './rtsp/way.ts';
import { srtConnect } from './srt/connect.ts';
import { PortPool } from './srt/port-pool.ts';
import { streamWay } from './stream/way.ts';

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
  readonly #options: CameraWaysOptions;
  readonly #rtmp: RtmpListener;
  readonly #srtPorts: PortPool;

  constructor(options: CameraWaysOptions) {
    this.#options = options;
    this.#srtPorts = new PortPool(options.srtPorts);
    this.#rtmp = new RtmpListener({ ip: options.listenIp, port: options.rtmpPort, log: options.log });
  }

  /** Throws `bad_request` for what cannot be an address, `forbidden` for one that is not allowed. `again`: it was allowed once. */
  async check(spec: GatewaySpec, again: boolean): Promise<void> {
    if ('listen' in spec) {
      const { rtmpPort, srtPorts } = this.#options;
      const [port, setting] = spec.listen === 'rtmp' ? [rtmpPort, 'RTMP_PORT'] : [srtPorts.first, 'SRT_PORTS'];
      if (port > 0) return;
      throw new HubError('bad_request', `listen: this hub does not listen for this protocol (${setting}=0)`, { field: 'listen' });
    }
    const { host } = parseAddress(spec);
    if (!again) await this.#options.networks.refuseForbidden(host);
  }

  /** Of a spec that has been checked. */
  camera(spec: GatewaySpec): GatewayCamera {
    if (!('listen' in spec)) return this.#fetched(spec);
    return spec.listen === 'srt' ? this.#srtPushed(spec) : this.#rtmpPushed(spec);
  }

  #rtmpPushed({ key }: PushSpec): GatewayCamera {
    const { rtmpPort, shownHost } = this.#options;
    const { connect, close } = this.#rtmp.expect(key);
    const address = `rtmp://${hostPort(shownHost, rtmpPort)}/live`;
    return { protocol: 'rtmp', mode: 'push', address, port: rtmpPort, way: streamWay(connect), close };
  }

  /** SRT knows no names that a listener could tell encoders apart by before they are let in: each has a port. */
  #srtPushed({ key, port: wanted }: PushSpec): GatewayCamera {
    const port = this.#srtPorts.take(wanted);
    const { listenIp: ip, shownHost } = this.#options;
    const connect = srtConnect(async () => {
      if (port === null) throw new SourceRefusal('ports-taken');
      return { mode: 'listener', ip, port, passphrase: key, streamId: null };
    });
    return {
      protocol: 'srt',
      mode: 'push',
      address: `srt://${hostPort(shownHost, port ?? 0)}`,
      port,
      way: streamWay(connect),
      close: async () => {
        if (port !== null) this.#srtPorts.release(port);
      },
    };
  }

  #fetched(spec: PullSpec): GatewayCamera {
    const address = parseAddress(spec);
    return { protocol: address.scheme, mode: 'pull', address: shownAddress(address), port: null, way: this.#wayTo(address) };
  }

  #wayTo(address: SourceAddress): Way {
    const { networks } = this.#options;
    const { scheme, host, port, user, password } = address;
    if (scheme === 'rtsp' || scheme === 'rtsps') return rtspWay(address, networks);
    if (scheme === 'rtmp' || scheme === 'rtmps') return streamWay(rtmpConnect(address, networks));
    const connect = srtConnect(async () => ({
      mode: 'caller',
      ip: await networks.resolve(host),
      port,
      passphrase: password,
      streamId: user,
    }));
    return streamWay(connect);
  }
}
