import * as sdp from 'sdp-transform';
import { HubError } from '../../media/errors.ts';

export type Section = sdp.MediaDescription;
export type Session = sdp.SessionDescription;

/** A token (RFC 8866, 9) of a length that anybody would choose. */
export const MID = /^[\w!#$%&'*+.^`{|}~-]{1,32}$/;

/** What is text in SDP, and what the library makes a number of when it happens to consist of digits, whatever its types say. */
const TEXT = new Set(
  'mid iceUfrag icePwd type protocol payloads mids codec config subtype uri attribute semantics ssrcs params list1 list2 hash'.split(' '),
);
const TEXT_IN: Record<string, string> = { ssrcs: 'value', rids: 'id' };

/**
 * SDP (RFC 8866) as sdp-transform reads it, which skips what it does not know. `what`: what is read, for the message. Throws
 * `bad_request` for text with lines that are none of SDP's.
 */
export function parseSdp(text: string, what: string): Session {
  const odd = text.split(/\r\n|\r|\n/).findIndex((line) => line !== '' && !/^[a-z]=/.test(line));
  if (odd >= 0) throw new HubError('bad_request', `${what}: line ${odd + 1} is no SDP`, { field: 'sdp' });
  let session: Session;
  try {
    session = sdp.parse(text);
  } catch (error) {
    throw new HubError('bad_request', `${what}: it cannot be read`, { field: 'sdp', cause: error });
  }
  textAgain(session as unknown as Record<string, unknown>, '');
  return session;
}

function textAgain(part: Record<string, unknown>, within: string): void {
  for (const [key, value] of Object.entries(part)) {
    if (typeof value === 'number') {
      if (TEXT.has(key) || TEXT_IN[within] === key) part[key] = String(value);
    } else if (Array.isArray(value)) for (const entry of value) textAgain(entry as Record<string, unknown>, key);
    else if (typeof value === 'object' && value !== null) textAgain(value as Record<string, unknown>, key);
  }
}
