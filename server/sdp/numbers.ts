import { HubError } from '../../media/errors.ts';
import type { Section } from './parse.ts';

/**
 * The numbers of a section that the SFU takes as they are: payload types (seven bits, RFC 3550, 5.1), each for one format,
 * and those of header extensions (RFC 8285, 4.3), each for one. Throws `bad_request`.
 */
export function checkNumbers({ rtp, ext = [] }: Section, mid: string): void {
  const types = rtp.map(({ payload }) => payload);
  const odd = types.find((type) => !isWithin(type, 0, 127));
  if (odd !== undefined) refuse(mid, `a=rtpmap:${odd} is no payload type`);
  const twice = repeated(types);
  if (twice !== undefined) refuse(mid, `payload type ${twice} stands for two formats`);
  const numbers = ext.map(({ value }) => value);
  const wrong = numbers.find((number) => !isWithin(number, 1, 255));
  if (wrong !== undefined) refuse(mid, `a=extmap:${wrong} is no number of a header extension`);
  const shared = repeated(numbers);
  if (shared !== undefined) refuse(mid, `a=extmap:${shared} stands for two header extensions`);
}

/** Streams are told apart by their SSRCs across a BUNDLE (RFC 9143, 9.2). Throws `bad_request`. */
export function checkSsrcs(ssrcs: number[]): void {
  const odd = ssrcs.find((ssrc) => !isWithin(ssrc, 1, 0xffffffff));
  if (odd !== undefined) throw new HubError('bad_request', 'SDP offer: an a=ssrc is no SSRC', { field: 'sdp' });
  const twice = repeated(ssrcs);
  if (twice !== undefined) throw new HubError('bad_request', `SDP offer: SSRC ${twice} stands for two streams`, { field: 'sdp' });
}

/** What is empty or too large in SDP is no number, whatever the types of its reader say. */
function isWithin(value: unknown, least: number, most: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;
}

function repeated<T>(values: T[]): T | undefined {
  return values.find((value, index) => values.indexOf(value) !== index);
}

function refuse(mid: string, why: string): never {
  throw new HubError('bad_request', `SDP offer: a=mid:${mid}: ${why}`, { field: 'sdp' });
}
