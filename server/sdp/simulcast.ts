import * as sdp from 'sdp-transform';
import { HubError } from '../../media/errors.ts';
import type { Section } from './parse.ts';

/** Names that senders give their layers, lowest quality first. */
const NAMES = [
  ['q', 'h', 'f'],
  ['l', 'm', 'h'],
  ['lo', 'mid', 'hi'],
  ['low', 'mid', 'high'],
  ['low', 'medium', 'high'],
  ['r0', 'r1', 'r2', 'r3'],
];
const MAX_LAYERS = 4;

/**
 * The RIDs of a section's simulcast layers (RFC 8853), lowest quality first as SFU and recorder count them; empty for a
 * track of one stream. SDP does not say which layer is the better one, so that is taken, in this order, from restrictions
 * on the RIDs (RFC 8851), from their names, from plain numbers (OBS: 0 is the best), and last from WebRTC's own default,
 * which makes the first layer the smallest.
 */
export function layersOf(section: Section): string[] {
  const { simulcast } = section;
  const list = simulcast?.dir1 === 'send' ? simulcast.list1 : simulcast?.dir2 === 'send' ? simulcast.list2 : undefined;
  if (list === undefined) return [];
  // of alternatives the first is preferred (RFC 8853, 5.1)
  const rids = sdp.parseSimulcastStreamList(list).map(([first]) => String(first?.scid ?? ''));
  const known = new Map(
    (section.rids ?? []).filter(({ direction }) => direction === 'send').map((rid) => [String(rid.id), rid.params ?? '']),
  );
  if (rids.length > MAX_LAYERS || new Set(rids).size < rids.length || !rids.every((rid) => known.has(rid)))
    throw new HubError('bad_request', 'SDP offer: a=simulcast and a=rid do not fit together', { field: 'sdp' });
  return inOrder(
    rids,
    rids.map((rid) => extent(known.get(rid) ?? '')),
  );
}

/** How large the pictures of this layer may be, or null where it is not said. */
function extent(restrictions: string): number | null {
  const value = sdp.parseParams(restrictions) as Record<string, unknown>;
  const number = (key: string): number => Number(value[key] ?? Number.NaN);
  return (
    [number('max-fs'), number('max-width') * number('max-height'), number('max-height'), number('max-width'), number('max-br')].find(
      (size) => size > 0,
    ) ?? null
  );
}

function inOrder(rids: string[], extents: (number | null)[]): string[] {
  if (extents.every((size) => size !== null) && new Set(extents).size === extents.length)
    return rids
      .map((rid, index) => ({ rid, size: extents[index] ?? 0 }))
      .toSorted((a, b) => a.size - b.size)
      .map(({ rid }) => rid);
  const names = NAMES.find((candidate) => rids.every((rid) => candidate.includes(rid.toLowerCase())));
  if (names) return rids.toSorted((a, b) => names.indexOf(a.toLowerCase()) - names.indexOf(b.toLowerCase()));
  if (rids.every((rid) => /^\d$/.test(rid))) return rids.toSorted((a, b) => Number(b) - Number(a));
  return rids;
}
