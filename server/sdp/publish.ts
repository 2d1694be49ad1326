import type { types } from 'mediasoup';
import { HubError } from '../../media/errors.ts';
import { type Agreed, chooseCodec, commonFeedback } from './codecs.ts';
import { checkSsrcs } from './numbers.ts';
import type { Offer, OfferedTrack } from './offer.ts';
import type { Section } from './parse.ts';
import { layersOf } from './simulcast.ts';

/** One track that the hub will receive: what the answer says of it, and what the SFU must know. */
export type PublishedTrack = OfferedTrack & {
  codec: Agreed;
  extensions: types.RtpHeaderExtensionParameters[];
  rids: string[];
  rtpParameters: types.RtpParameters;
};

/** Turned by the sender itself before it encodes: recordings carry no rotation that changes in mid-stream. */
const NOT_TAKEN = new Set(['urn:3gpp:video-orientation']);
const MID = 'urn:ietf:params:rtp-hdrext:sdes:mid';
const RID = 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id';

/**
 * An encoder's offer as the SFU's RTP parameters, a track each. Throws `not_acceptable` when a track has no codec that the
 * hub takes: half an answer would mislead whoever films (RFC 9725, 4.4.3).
 */
export function publishedTracks(offer: Offer, router: types.RtpCapabilities): PublishedTrack[] {
  const tracks = offer.tracks.map((track): PublishedTrack => {
    const codec = chooseCodec(track, router);
    if (!codec) {
      const known = new Set((router.codecs ?? []).filter(({ kind }) => kind === track.kind).map(({ mimeType }) => mimeType.split('/')[1]));
      known.delete('rtx');
      const had = [...new Set(track.section.rtp.map((entry) => entry.codec))].join(', ') || 'none';
      throw new HubError(
        'not_acceptable',
        `SDP offer: no ${track.kind} codec in common (offered: ${had}; taken: ${[...known].join(', ')})`,
        {
          field: 'sdp',
        },
      );
    }
    const extensions = extensionsOf(track, router);
    const rids = layersOf(track.section);
    return { ...track, codec, extensions, rids, rtpParameters: rtpParametersOf(track, codec, extensions, rids) };
  });
  const streams = tracks.flatMap(({ rtpParameters }) => rtpParameters.encodings ?? []);
  checkSsrcs(streams.flatMap(({ ssrc, rtx }) => [ssrc, rtx?.ssrc].filter((value) => value !== undefined)));
  return tracks;
}

function rtpParametersOf(
  { kind, section, mid }: OfferedTrack,
  agreed: Agreed,
  headerExtensions: types.RtpHeaderExtensionParameters[],
  rids: string[],
): types.RtpParameters {
  const { offered, router } = agreed;
  const ssrcs = rids.length > 0 ? [] : ssrcsOf(section);
  // without its SSRC or a header that names it, a retransmission could not be told from a stray packet
  const rtx = rids.length > 0 || ssrcs.some((entry) => entry.rtx !== null) ? offered.rtxPayloadType : null;
  const missing = rids.length > 0 ? RID : MID;
  if (ssrcs.length === 0 && !headerExtensions.some(({ uri }) => uri === missing))
    throw new HubError('unprocessable', `SDP offer: a=mid:${mid} has neither a=ssrc nor the header extension ${missing}`, { field: 'sdp' });
  const plain = ssrcs.map((entry) => ({ ssrc: entry.ssrc, ...(rtx !== null && entry.rtx !== null ? { rtx: { ssrc: entry.rtx } } : {}) }));
  const encodings: types.RtpEncodingParameters[] = rids.length > 0 ? rids.map((rid) => ({ rid })) : plain;
  const cname = (section.ssrcs ?? []).find(({ attribute }) => attribute === 'cname')?.value;
  const { payloadType, clockRate, channels } = offered;
  return {
    mid,
    codecs: [
      {
        mimeType: router.mimeType,
        payloadType,
        clockRate,
        ...(channels === undefined ? {} : { channels }),
        parameters: routerParameters(agreed),
        rtcpFeedback: commonFeedback(agreed),
      },
      ...(rtx === null
        ? []
        : [{ mimeType: `${kind}/rtx`, payloadType: rtx, clockRate, parameters: { apt: payloadType }, rtcpFeedback: [] }]),
    ],
    headerExtensions,
    // a single stream whose SSRC is not said is known by its mid
    ...(encodings.length > 0 ? { encodings } : {}),
    rtcp: { reducedSize: section.rtcpRsize !== undefined, ...(cname === undefined ? {} : { cname: cname }) },
  };
}

/**
 * The sender's own format parameters (its parameter sets among them), but the router's word for the H.264 profile and
 * packetization: it compares them to the letter, and mode 0 is a subset of mode 1 (RFC 6184, 6.2, 6.3).
 */
function routerParameters({ offered, router }: Agreed): Record<string, unknown> {
  if (router.mimeType.toLowerCase() !== 'video/h264') return offered.parameters;
  const { 'profile-level-id': profile, 'packetization-mode': mode } = router.parameters ?? {};
  return { ...offered.parameters, 'profile-level-id': profile, 'packetization-mode': mode };
}

/** The streams of a section without RIDs: simulcast by SSRCs (`SIM`, lowest first) or one, each with its retransmissions (`FID`, RFC 5576, 4.2). */
function ssrcsOf(section: Section): { ssrc: number; rtx: number | null }[] {
  const groups = (semantics: string): number[][] =>
    (section.ssrcGroups ?? []).filter((group) => group.semantics === semantics).map((group) => group.ssrcs.split(/\s+/).map(Number));
  const pairs = new Map(groups('FID').map(([ssrc = 0, rtx = 0]) => [ssrc, rtx]));
  const [first] = section.ssrcs ?? [];
  const media = groups('SIM')[0] ?? [...pairs.keys()].slice(0, 1);
  const ssrcs = media.length > 0 ? media : first ? [first.id] : [];
  return ssrcs.map((ssrc) => ({ ssrc, rtx: pairs.get(ssrc) ?? null }));
}

/** Header extensions (RFC 8285) that client and router share, under the client's numbers. */
function extensionsOf({ kind, section }: OfferedTrack, router: types.RtpCapabilities): types.RtpHeaderExtensionParameters[] {
  const known = new Set(
    (router.headerExtensions ?? [])
      .filter((extension) => extension.kind === kind && extension.direction !== 'sendonly' && extension.direction !== 'inactive')
      .map(({ uri }): string => uri),
  );
  return (section.ext ?? [])
    .filter(
      ({ uri, direction, ...rest }) =>
        known.has(uri) && !NOT_TAKEN.has(uri) && direction !== 'recvonly' && direction !== 'inactive' && !rest['encrypt-uri'],
    )
    .map(({ uri, value }) => ({ uri: uri as types.RtpHeaderExtensionUri, id: value }));
}
