import type { GatewayReason, GatewayState } from '../protocol/gateway.ts';
import type { AllowedNetworks, SourceAddress } from './gateway-address.ts';
import type { ProcessInput } from './ffmpeg-process.ts';
import { RtspProxy } from './rtsp-proxy.ts';

/** What one ffmpeg or ffprobe reads: its input arguments, up to and with `-i`, without a secret. */
export type Feed = ProcessInput & {
  args: string[];
  /** Why the camera gave nothing, where the way to it has seen that. */
  refusal: () => GatewayReason | null;
  close: () => void;
};

/** One connection of a camera, from the first byte to the last. */
export type Connection = {
  /** The stream for ffprobe, which looks at its beginning; then the stream from that beginning on. Throws `SourceRefusal`. */
  feed: (purpose: 'probe' | 'run', signal: AbortSignal) => Promise<Feed>;
  close: () => void;
};

/** The way to a camera. */
export type Connector = {
  readonly protocol: GatewayState['protocol'];
  /** Host and port, for people. */
  readonly address: string;
  /** What it does until there is a connection. */
  readonly phase: 'connecting' | 'waiting';
  /** Throws `SourceRefusal`. */
  connect: (signal: AbortSignal) => Promise<Connection>;
  /** Resolves when its ports are free. */
  close: () => Promise<void>;
};

/** How long ffmpeg looks at a stream before it begins, and how much of it. */
export const ANALYSE = ['-analyzeduration', '2000000', '-probesize', '2000000'];
const SOCKET_US = String(8_000_000);

/** `10.1.2.3:554`. */
export function shownAddress({ scheme, host, port }: SourceAddress): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** RTSP, its packets within the connection (over UDP they are lost, and would need ports). */
export function rtspConnector(address: SourceAddress, networks: AllowedNetworks): Connector {
  return {
    protocol: address.scheme,
    address: shownAddress(address),
    phase: 'connecting',
    connect: async () => {
      const ip = await networks.resolve(address.host);
      return {
        feed: async (_, signal) => {
          const proxy = await RtspProxy.open(address, ip, signal);
          const media = ['-rtsp_transport', 'tcp', '-allowed_media_types', 'video+audio', '-timeout', SOCKET_US];
          return {
            args: [...ANALYSE, '-protocol_whitelist', 'rtsp,rtp,tcp', ...media, '-i', proxy.url],
            stdin: null,
            list: null,
            refusal: () => proxy.refusal?.reason ?? null,
            close: () => proxy.close(),
          };
        },
        close: () => undefined,
      };
    },
    close: async () => undefined,
  };
}
