import { HubError } from '../../media/errors.ts';
import { DtlsParameters } from '../../media/protocol/requests.ts';
import { checkNumbers } from './numbers.ts';
import { MID, parseSdp, type Section, type Session } from './parse.ts';

export type OfferedTrack = { kind: 'audio' | 'video'; section: Section; mid: string };
export type Offer = {
  session: Session;
  /** The media sections that carry what this side shall receive (or send); the others are declined. */
  tracks: OfferedTrack[];
  dtls: DtlsParameters;
};

/** What the client shall do with the media: encoders send (RFC 9725, 4.2), players receive (draft-ietf-wish-whep, 4.2). */
export type ClientRole = 'sends' | 'receives';

/** More than any client sends; Chromium's largest offers are about 8 KB. */
export const MAX_SDP_BYTES = 64 * 1024;
const MAX_SECTIONS = 16;
const DIRECTIONS = { sends: ['sendonly', 'sendrecv'], receives: ['recvonly', 'sendrecv'] } as const;

/**
 * An SDP offer (RFC 8866) as WHIP and WHEP allow it. Throws `bad_request` for what is no SDP or lacks what WebRTC cannot do
 * without, `unprocessable` for sound SDP that breaks a rule of these protocols (one BUNDLE group, rtcp-mux, DTLS-SRTP),
 * `not_acceptable` for more tracks than one of a kind (RFC 9725, 4.4.2).
 */
export function readOffer(text: string, role: ClientRole): Offer {
  const session = parse(text);
  const mids = session.media.map(({ mid }) => mid ?? '');
  if (!mids.every((mid) => MID.test(mid))) refuse('every m-line needs an a=mid');
  if (new Set(mids).size < mids.length) refuse('two m-lines have the same a=mid');
  const tracks = session.media.flatMap((section, index): OfferedTrack[] => {
    const { type: kind } = section;
    if (kind !== 'audio' && kind !== 'video') return [];
    // a bundled section has port 0 in an offer and is offered all the same (RFC 9143, 7.2.2)
    if (section.port === 0 && section.bundleOnly === undefined) return [];
    const direction = section.direction ?? session.direction ?? 'sendrecv';
    return DIRECTIONS[role].some((wanted) => wanted === direction) ? [{ kind, section, mid: mids[index] ?? '' }] : [];
  });
  checkTracks(session, tracks, role);
  return { session, tracks, dtls: readDtls(session, tracks) };
}

/** Throws `bad_request`. */
function parse(text: string): Session {
  if (!/^v=0\r?\n/.test(text)) refuse('it must begin with v=0');
  const session = parseSdp(text, 'SDP offer');
  if (session.media.length === 0) refuse('there is no m-line');
  if (session.media.length > MAX_SECTIONS) refuse(`there are more than ${MAX_SECTIONS} m-lines`);
  if (session.media.some(({ type, protocol }) => type === undefined || protocol === undefined)) refuse('an m-line is not understood');
  return session;
}

function checkTracks(session: Session, tracks: OfferedTrack[], role: ClientRole): void {
  if (tracks.length === 0) decline(`no audio or video that the client ${role} is offered (a=${DIRECTIONS[role][0]})`);
  for (const kind of ['audio', 'video'])
    if (tracks.filter((track) => track.kind === kind).length > 1)
      throw new HubError('not_acceptable', `SDP offer: only one ${kind} track is taken`, { field: 'sdp' });
  const bundle = (session.groups ?? []).find(({ type }) => type.toUpperCase() === 'BUNDLE');
  const bundled = (bundle?.mids ?? '').split(' ');
  if (tracks.length > 1 && !tracks.every(({ mid }) => bundled.includes(mid))) decline('all media must be in one a=group:BUNDLE');
  for (const { section, mid } of tracks) {
    if (!/^(UDP|TCP)\/TLS\/RTP\/SAVPF?$/i.test(section.protocol)) decline(`a=mid:${mid} is not DTLS-SRTP (${section.protocol})`);
    if (section.rtcpMux === undefined) decline(`a=mid:${mid} has no a=rtcp-mux`);
    if ((section.iceUfrag ?? session.iceUfrag) === undefined || (section.icePwd ?? session.icePwd) === undefined)
      refuse(`a=mid:${mid} has no a=ice-ufrag and a=ice-pwd`);
    checkNumbers(section, mid);
  }
}

/** Who begins DTLS, and with which certificate (RFC 8842, 5). `actpass` is answered as RFC 9725, 4.4.4 expects: the client begins. */
function readDtls(session: Session, tracks: OfferedTrack[]): DtlsParameters {
  const section = tracks[0]?.section;
  const fingerprint = section?.fingerprint ?? session.fingerprint;
  if (!fingerprint) refuse('there is no a=fingerprint');
  const parsed = DtlsParameters.safeParse({
    role: roleOf(section?.setup ?? session.setup),
    fingerprints: [{ algorithm: fingerprint.type.toLowerCase(), value: fingerprint.hash.toUpperCase() }],
  });
  if (!parsed.success) refuse('a=fingerprint is not understood');
  return parsed.data;
}

function roleOf(setup: string | undefined): 'client' | 'server' {
  if (setup === 'actpass' || setup === 'active') return 'client';
  if (setup === 'passive') return 'server';
  return decline(setup === undefined ? 'there is no a=setup' : `a=setup:${setup} is not understood`);
}

function refuse(why: string): never {
  throw new HubError('bad_request', `SDP offer: ${why}`, { field: 'sdp' });
}

function decline(why: string): never {
  throw new HubError('unprocessable', `SDP offer: ${why}`, { field: 'sdp' });
}
