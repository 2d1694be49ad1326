import type { types } from 'mediasoup';

/**
 * H.264 in the profiles phones and cameras send, packetization-mode 1 (RFC 6184, 6.3), and Opus (RFC 7587). The other
 * video codecs stand behind it: they are for senders that have no H.264, VP8 for those that have nothing else.
 */
const h264 = (profileLevelId: string): types.RouterRtpCodecCapability => ({
  kind: 'video',
  mimeType: 'video/H264',
  clockRate: 90_000,
  parameters: { 'packetization-mode': 1, 'profile-level-id': profileLevelId, 'level-asymmetry-allowed': 1 },
});

export const mediaCodecs: types.RouterRtpCodecCapability[] = [
  { kind: 'audio', mimeType: 'audio/opus', clockRate: 48_000, channels: 2, parameters: { useinbandfec: 1 } },
  h264('42e01f'),
  h264('4d001f'),
  h264('64001f'),
  { kind: 'video', mimeType: 'video/VP9', clockRate: 90_000, parameters: { 'profile-id': 0 } },
  { kind: 'video', mimeType: 'video/AV1', clockRate: 90_000 },
  { kind: 'video', mimeType: 'video/VP8', clockRate: 90_000 },
];

const CONGESTION = new Set(['transport-cc', 'goog-remb']);
type Feedback = NonNullable<types.RtpCodecCapability['rtcpFeedback']>[number];
/** Generic NACK (RFC 4585, 6.2.1), not PLI, which is written as one. */
const isGenericNack = ({ type, parameter }: Feedback): boolean => type === 'nack' && !parameter;

/**
 * What the recorder says it can receive: everything the router has, but nothing that would make the worker run a
 * congestion controller against a consumer in the same machine, or keep packets for it to ask for again.
 */
export function recorderCapabilities(router: types.RtpCapabilities): types.RtpCapabilities {
  return {
    codecs: (router.codecs ?? []).map((codec) => ({
      ...codec,
      rtcpFeedback: (codec.rtcpFeedback ?? []).filter((feedback) => !CONGESTION.has(feedback.type) && !isGenericNack(feedback)),
    })),
    headerExtensions: (router.headerExtensions ?? []).filter(
      (extension) => !/transport-wide-cc|abs-send-time|toffset|video-orientation/.test(extension.uri),
    ),
  };
}

/** What clients are offered: without video orientation, so that a phone turns its picture itself before it encodes. */
export function clientCapabilities(router: types.RtpCapabilities): types.RtpCapabilities {
  return {
    ...router,
    headerExtensions: (router.headerExtensions ?? []).filter((extension) => extension.uri !== 'urn:3gpp:video-orientation'),
  };
}
