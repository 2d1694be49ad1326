import type { types } from 'mediasoup';

export type PlainKind = 'video' | 'audio';
export type PlainTrack = { transport: types.PlainTransport; producer: types.Producer };
export type PlainPorts = { port: number; rtcpPort: number };
type Wanted = {
  ip: string;
  /** Where it listened before; any port without. */
  ports: PlainPorts | undefined;
  ssrc: number;
  cname: string;
  /** What the sender may be asked for. */
  rtcpFeedback: types.RtcpFeedback[];
};

/** Payload types of what comes by plain RTP. */
export const PAYLOAD = { video: 96, audio: 97 } as const;
/** Asked of the kernel, which gives what net.core.rmem_max allows: a worker that is held up must not lose packets. */
const RECEIVE_BYTES = 1 << 20;

/** Listen for H.264 or Opus by plain RTP (RFC 3550) and RTCP, each on a port of its own, from whoever sends first. */
export async function listenPlain(
  router: types.Router,
  kind: PlainKind,
  { ip, ports, ssrc, cname, rtcpFeedback }: Wanted,
): Promise<PlainTrack> {
  const listen = (port: number | undefined): types.TransportListenInfo => ({
    protocol: 'udp',
    ip,
    recvBufferSize: RECEIVE_BYTES,
    ...(port ? { port } : {}),
  });
  const options = { listenInfo: listen(ports?.port), rtcpListenInfo: listen(ports?.rtcpPort), rtcpMux: false, comedia: true };
  const transport = await router.createPlainTransport(options);
  const rtpParameters = { codecs: [plainCodec(kind, rtcpFeedback)], encodings: [{ ssrc }], rtcp: { cname } };
  const producer = await transport.produce({ kind, rtpParameters, keyFrameRequestDelay: 0 });
  return { transport, producer };
}

export function portsOf({ transport }: PlainTrack): PlainPorts {
  const { localPort: port } = transport.tuple;
  return { port, rtcpPort: transport.rtcpTuple?.localPort ?? port };
}

function plainCodec(kind: PlainKind, rtcpFeedback: types.RtcpFeedback[]): types.RtpCodecParameters {
  return kind === 'video'
    ? {
        mimeType: 'video/H264',
        clockRate: 90_000,
        payloadType: PAYLOAD.video,
        // decoders go by the parameter sets in the stream; this is the profile that every browser says it takes
        parameters: { 'packetization-mode': 1, 'profile-level-id': '42e01f', 'level-asymmetry-allowed': 1 },
        rtcpFeedback,
      }
    : {
        mimeType: 'audio/opus',
        clockRate: 48_000,
        channels: 2,
        payloadType: PAYLOAD.audio,
        parameters: { 'sprop-stereo': 1 },
        rtcpFeedback: [],
      };
}
