import type { types } from 'mediasoup';

/** Payload types of what comes by plain RTP. */
export const PAYLOAD = { video: 96, audio: 97 } as const;
/** Asked of the kernel, which gives what net.core.rmem_max allows: a worker that is held up must not lose packets. */
export const RECEIVE_BYTES = 1 << 20;

/** H.264 or Opus as they come by plain RTP; `rtcpFeedback`: what the sender may be asked for. */
export function plainCodec(kind: keyof typeof PAYLOAD, rtcpFeedback: types.RtcpFeedback[]): types.RtpCodecParameters {
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
