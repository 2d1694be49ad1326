import type { types } from 'mediasoup';
import { HubError } from '../../media/errors.ts';
import type { ResultOf } from '../../media/protocol/requests.ts';
import { candidatesOf } from './answer.ts';
import { MID, parseSdp } from './parse.ts';

/** What a client's ICE fragment says (application/trickle-ice-sdpfrag, RFC 8840, 9). */
export type Fragment = { ufrag: string | null; pwd: string | null; mid: string };

/** Of these characters and no longer (RFC 8839, 5.4); how short they may be is the client's affair, an ICE-lite agent never sends them. */
const ICE_TEXT = /^[A-Za-z0-9+/]{1,256}$/;

/** Throws `bad_request`. */
export function readFragment(text: string): Fragment {
  if (!/^a=(ice-ufrag|ice-pwd|candidate|end-of-candidates)/m.test(text)) refuse('it says nothing of ICE');
  const session = parseSdp(text, 'SDP fragment');
  const [section] = session.media;
  const ufrag = section?.iceUfrag ?? session.iceUfrag;
  const pwd = section?.icePwd ?? session.icePwd;
  if ((ufrag === undefined) !== (pwd === undefined)) refuse('a=ice-ufrag and a=ice-pwd come together');
  if (![ufrag, pwd].every((text) => text === undefined || ICE_TEXT.test(text))) refuse('a=ice-ufrag or a=ice-pwd is not understood');
  const mid = section?.mid ?? '0';
  if (!MID.test(mid)) refuse('its a=mid is not understood');
  return { ufrag: ufrag ?? null, pwd: pwd ?? null, mid };
}

/** The hub's side after an ICE restart (RFC 9725, 4.3.3), with its candidates: some clients drop those they had. */
export function writeFragment(mid: string, restarted: ResultOf<'restartIce'>): string {
  const { usernameFragment, password } = restarted.iceParameters as unknown as types.IceParameters;
  const candidates = candidatesOf(restarted).map(({ foundation, component, transport, priority, ip, port, type, tcptype }) => {
    const tcp = tcptype ? ` tcptype ${tcptype}` : '';
    return `a=candidate:${foundation} ${component} ${transport} ${priority} ${ip} ${port} typ ${type}${tcp}`;
  });
  return [
    'a=ice-lite',
    `a=ice-ufrag:${usernameFragment}`,
    `a=ice-pwd:${password}`,
    `a=group:BUNDLE ${mid}`,
    'm=audio 9 UDP/TLS/RTP/SAVPF 0',
    `a=mid:${mid}`,
    ...candidates,
    'a=end-of-candidates',
    '',
  ].join('\r\n');
}

function refuse(why: string): never {
  throw new HubError('bad_request', `SDP fragment: ${why}`, { field: 'sdp' });
}
