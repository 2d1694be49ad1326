import type { GatewayReason } from '../../protocol/gateway.ts';
import type { SourceAddress } from '../gateway/address.ts';
import type { AllowedNetworks } from '../gateway/networks.ts';
import { RtspProxy } from './proxy.ts';
import type { RtspTap } from './tap.ts';

/** A connection to a camera, as ffmpeg or ffprobe reads it. */
export type Feed = {
  /** Input arguments, up to and with `-i`, without a secret. */
  args: string[];
  /** Why the camera gave nothing, where the way to it has seen that. */
  refusal: () => GatewayReason | null;
  close: () => void;
};

/** How long ffmpeg looks at a stream before it begins, and how much of it. */
const ANALYSE = ['-analyzeduration', '2000000', '-probesize', '2000000'];
const SOCKET_US = String(8_000_000);
/** Packets within the connection (RFC 2326, 10.12): over UDP they are lost, and would need ports. */
const RTSP = [
  '-protocol_whitelist',
  'rtsp,rtp,tcp',
  '-rtsp_transport',
  'tcp',
  '-allowed_media_types',
  'video+audio',
  '-timeout',
  SOCKET_US,
];

/** Connect to a camera; what it sends goes through the tap too. Its name is looked up and checked each time. Throws `SourceRefusal`. */
export async function openFeed(address: SourceAddress, networks: AllowedNetworks, tap: RtspTap | null, signal: AbortSignal): Promise<Feed> {
  const ip = await networks.resolve(address.host);
  const proxy = await RtspProxy.open(address, ip, tap, signal);
  return {
    args: [...ANALYSE, ...RTSP, '-i', proxy.url],
    refusal: () => proxy.refusal?.reason ?? null,
    close: () => proxy.close(),
  };
}
