import type { types } from 'mediasoup';
import * as sdp from 'sdp-transform';
import type { ResultOf } from '../../media/protocol/requests.ts';
import type { Offer } from './offer.ts';
import type { Section } from './parse.ts';
import { type Agreed, commonFeedback, type Parameters } from './codecs.ts';
import type { PublishedTrack } from './publish.ts';

type Transport = ResultOf<'createTransport'>;
/** What goes into one accepted section beyond transport and direction. */
export type AnsweredTrack = { mid: string; section: Partial<Section> & Pick<Section, 'rtp' | 'fmtp' | 'payloads'> };

/**
 * The answer to an offer (RFC 9429, 5.3.1): ICE-lite with all of the hub's candidates, UDP before TCP, one BUNDLE group, the
 * offered sections in their order. Those that are not taken have port 0.
 */
export function writeAnswer(offer: Offer, transport: Transport, tracks: AnsweredTrack[], direction: 'recvonly' | 'sendonly'): string {
  const taken = new Map(tracks.map((track) => [track.mid, track.section]));
  const setup = offer.dtls.role === 'server' ? 'active' : 'passive';
  return sdp.write({
    version: 0,
    origin: { username: 'fieldhub', sessionId: Date.now(), sessionVersion: 1, netType: 'IN', ipVer: 4, address: '0.0.0.0' },
    name: '-',
    timing: { start: 0, stop: 0 },
    icelite: 'ice-lite',
    groups: [{ type: 'BUNDLE', mids: tracks.map(({ mid }) => mid).join(' ') }],
    ...(offer.session.extmapAllowMixed ? { extmapAllowMixed: offer.session.extmapAllowMixed } : {}),
    media: offer.session.media.map((section) => {
      const own = taken.get(section.mid ?? '');
      const base = { type: section.type, protocol: section.protocol, mid: section.mid ?? '', connection: { version: 4, ip: '0.0.0.0' } };
      if (!own) return { ...base, port: 0, payloads: section.payloads ?? '0', direction: 'inactive' as const, rtp: [], fmtp: [] };
      return { ...base, port: 9, ...transportOf(transport, setup), direction, rtcpMux: 'rtcp-mux' as const, ...own };
    }),
  });
}

/** What an accepted track of an encoder is answered. */
export function receiving({ mid, section, codec, extensions, rids, rtpParameters }: PublishedTrack): AnsweredTrack {
  const { offered } = codec;
  const rtx = rtpParameters.codecs[1]?.payloadType ?? null;
  return {
    mid,
    section: {
      ...codecLines(codec, answeredParameters(codec), rtx),
      ext: extensions.map(({ uri, id }) => ({ value: id, uri })),
      ...(section.rtcpRsize ? { rtcpRsize: section.rtcpRsize } : {}),
      ...(rids.length > 0
        ? {
            rids: rids.map((id) => ({ id, direction: 'recv' })),
            simulcast: { dir1: 'recv' as const, list1: offeredOrder(section, rids).join(';') },
          }
        : {}),
      payloads: [offered.payloadType, ...(rtx === null ? [] : [rtx])].join(' '),
    },
  };
}

/** What an accepted track of a player is answered: what will be sent, under the offer's payload types. */
export function sending(codec: Agreed, sent: ResultOf<'watch'>['tracks'][number]): AnsweredTrack {
  const { mid, kind, ssrc, rtxSsrc, cname, feedback } = sent;
  const rtx = rtxSsrc === null ? null : codec.offered.rtxPayloadType;
  const stream = (id: number): NonNullable<Section['ssrcs']> => [
    { id, attribute: 'cname', value: cname },
    { id, attribute: 'msid', value: `fieldhub ${kind}` },
  ];
  return {
    mid,
    section: {
      ...codecLines(codec, codec.offered.parameters, rtx),
      rtcpFb: feedback.map(({ type, parameter }) => ({
        payload: codec.offered.payloadType,
        type,
        ...(parameter ? { subtype: parameter } : {}),
      })),
      rtcpRsize: 'rtcp-rsize',
      msid: [{ id: 'fieldhub', appdata: kind }],
      ssrcs: [...stream(ssrc), ...(rtx === null || rtxSsrc === null ? [] : stream(rtxSsrc))],
      ...(rtx === null ? {} : { ssrcGroups: [{ semantics: 'FID', ssrcs: `${ssrc} ${rtxSsrc}` }] }),
    },
  };
}

/** The lines of one codec and its retransmissions. */
function codecLines(
  agreed: Agreed,
  parameters: Parameters,
  rtx: number | null,
): Pick<Section, 'rtp' | 'fmtp' | 'payloads'> & Partial<Section> {
  const { payloadType, name, clockRate, channels } = agreed.offered;
  const config = Object.entries(parameters)
    .map(([key, value]) => (value === undefined ? key : `${key}=${value}`))
    .join(';');
  return {
    payloads: [payloadType, ...(rtx === null ? [] : [rtx])].join(' '),
    rtp: [
      { payload: payloadType, codec: name, rate: clockRate, ...(channels === undefined ? {} : { encoding: channels }) },
      ...(rtx === null ? [] : [{ payload: rtx, codec: 'rtx', rate: clockRate }]),
    ],
    fmtp: [
      ...(config === '' ? [] : [{ payload: payloadType, config }]),
      ...(rtx === null ? [] : [{ payload: rtx, config: `apt=${payloadType}` }]),
    ],
    rtcpFb: commonFeedback(agreed).map(({ type, parameter }) => ({
      payload: payloadType,
      type,
      ...(parameter ? { subtype: parameter } : {}),
    })),
  };
}

/**
 * Format parameters of the answer: H.264's as they were offered (RFC 6184, 8.2.2), less the sender's own parameter sets; for
 * Opus what the hub would like to receive (RFC 7587, 7.1): error correction, two channels where there are two.
 */
function answeredParameters({ offered, router }: Agreed): Parameters {
  const { 'sprop-parameter-sets': _sets, ...parameters } = offered.parameters;
  if (router.mimeType.toLowerCase() !== 'audio/opus') return parameters;
  const stereo = Number(parameters['sprop-stereo']) === 1 ? { stereo: 1 } : {};
  return { minptime: 10, useinbandfec: 1, ...stereo };
}

/** Layers are answered as they were offered (RFC 8853, 5.3.2). */
function offeredOrder(section: Section, rids: string[]): string[] {
  return (section.rids ?? []).map(({ id }) => String(id)).filter((id) => rids.includes(id));
}

function transportOf(transport: Transport, setup: 'active' | 'passive'): Partial<Section> {
  const { usernameFragment, password } = transport.iceParameters as unknown as types.IceParameters;
  const { fingerprints } = transport.dtlsParameters as unknown as types.DtlsParameters;
  const fingerprint = fingerprints.find(({ algorithm }) => algorithm === 'sha-256') ?? fingerprints[0];
  return {
    setup,
    iceUfrag: usernameFragment,
    icePwd: password,
    ...(fingerprint ? { fingerprint: { type: fingerprint.algorithm, hash: fingerprint.value } } : {}),
    candidates: candidatesOf(transport),
    endOfCandidates: 'end-of-candidates',
  };
}

/**
 * The hub's ICE candidates as SDP has them (RFC 8839, 5.1; TCP: RFC 6544, 4.5). Their foundations are plain numbers: ffmpeg
 * looks for the first `udp` in the line, and mediasoup calls one `udpcandidate`.
 */
export function candidatesOf({ iceCandidates }: Pick<Transport, 'iceCandidates'>): NonNullable<Section['candidates']> {
  return (iceCandidates as unknown as types.IceCandidate[]).map(({ protocol, priority, address, port, type, tcpType }, index) => ({
    foundation: String(index + 1),
    component: 1,
    transport: protocol,
    priority,
    ip: address,
    port,
    type,
    ...(tcpType ? { tcptype: tcpType } : {}),
  }));
}
