import type { types } from 'mediasoup';
import * as sdp from 'sdp-transform';
import type { OfferedTrack } from './offer.ts';
import type { Section } from './parse.ts';

/** Of a format (`a=fmtp`); a flag without a value is undefined. */
export type Parameters = Record<string, string | number | undefined>;

export type Codec = {
  payloadType: number;
  /** As the offer writes it, for the answer. */
  name: string;
  mimeType: string;
  clockRate: number;
  channels: number | undefined;
  parameters: Parameters;
  feedback: types.RtcpFeedback[];
  /** Payload type of its retransmissions (RFC 4588), where they are offered. */
  rtxPayloadType: number | null;
};
/** A codec of the offer that the router has too, and the router's own entry for it. */
export type Agreed = { offered: Codec; router: types.RtpCodecCapability };

/**
 * The one codec of a track that is agreed on: the first in the router's order that the client has. One, since what is
 * recorded shall not change its codec in mid-stream. Null when there is none.
 */
export function chooseCodec({ kind, section }: OfferedTrack, router: types.RtpCapabilities): Agreed | null {
  const offered = codecsOf(kind, section);
  for (const candidate of router.codecs ?? []) {
    if (candidate.kind !== kind || /\/rtx$/i.test(candidate.mimeType)) continue;
    const same = offered.filter((codec) => matches(codec, candidate));
    const [found] = same.toSorted((a, b) => closeness(b, candidate) - closeness(a, candidate));
    if (found) return { offered: found, router: candidate };
  }
  return null;
}

/** Every codec of a section that the router could be sending, in the offer's order. */
function codecsOf(kind: string, section: Section): Codec[] {
  const parameters = new Map(section.fmtp.map(({ payload, config }) => [payload, sdp.parseParams(config)]));
  return section.rtp
    .filter(({ codec }) => !/^(rtx|red|ulpfec|flexfec-03|CN|telephone-event)$/i.test(codec))
    .map(({ payload, codec, rate, encoding }) => {
      const opus = codec.toLowerCase() === 'opus';
      const rtx = section.rtp.find((other) => /^rtx$/i.test(other.codec) && Number(parameters.get(other.payload)?.['apt']) === payload);
      return {
        payloadType: payload,
        name: codec,
        mimeType: `${kind}/${codec}`,
        clockRate: rate ?? 90_000,
        // RFC 7587, 7: always two; some senders of one channel leave it out
        channels: opus ? (encoding ?? 2) : encoding,
        parameters: parameters.get(payload) ?? {},
        feedback: feedbackOf(section, payload),
        rtxPayloadType: rtx?.payload ?? null,
      };
    });
}

function feedbackOf(section: Section, payload: number): types.RtcpFeedback[] {
  return (section.rtcpFb ?? [])
    .filter((entry) => entry.payload === '*' || Number(entry.payload) === payload)
    .map(({ type, subtype }) => ({ type, ...(subtype === undefined ? {} : { parameter: subtype }) }));
}

/** Feedback that both sides know. */
export function commonFeedback({ offered, router }: Agreed): types.RtcpFeedback[] {
  return offered.feedback.filter((entry) =>
    (router.rtcpFeedback ?? []).some((known) => known.type === entry.type && (known.parameter ?? '') === (entry.parameter ?? '')),
  );
}

/** Of several entries for one codec: that with the router's own H.264 constraints, and with packets that need not be whole units (RFC 6184, 6.3). */
function closeness({ parameters }: Codec, router: types.RtpCodecCapability): number {
  const flags = (of: Parameters): string =>
    String(of['profile-level-id'] ?? '')
      .slice(0, 4)
      .toLowerCase();
  const mode = Number(parameters['packetization-mode'] ?? 0) === 1 ? 2 : 0;
  return mode + (flags(parameters) === flags((router.parameters ?? {}) as Parameters) ? 1 : 0);
}

/** The router's parameters decide its H.264 entry by profile; the level and the rest are the sender's affair. */
function matches(codec: Codec, router: types.RtpCodecCapability): boolean {
  const mimeType = codec.mimeType.toLowerCase();
  if (mimeType !== router.mimeType.toLowerCase() || codec.clockRate !== router.clockRate) return false;
  if (router.kind === 'audio' && (codec.channels ?? 1) !== (router.channels ?? 1)) return false;
  if (mimeType === 'video/h264') return h264Profile(codec.parameters) === h264Profile((router.parameters ?? {}) as Parameters);
  if (mimeType === 'video/vp9') return Number(codec.parameters['profile-id'] ?? 0) === Number(router.parameters?.['profile-id'] ?? 0);
  return true;
}

/**
 * `profile_idc` of `profile-level-id` (RFC 6184, 8.1), the first two of its six digits. Constraint flags are left aside:
 * the router knows one entry a profile, and Baseline with or without them is recorded and decoded alike.
 */
function h264Profile(parameters: Parameters): string {
  return String(parameters['profile-level-id'] ?? '42e01f')
    .toLowerCase()
    .slice(0, 2);
}
