import { HubError } from '../errors.ts';
import type { Interruption } from '../protocol/state.ts';
import type { SegmentLine } from '../recordings/lines.ts';
import { hasPictures, type RecordedOperation } from '../recordings/read.ts';

/** One recorded segment of an angle, with where its files are relative to the playlist. */
type Placed = { segment: SegmentLine; takeId: string };

/** Holes shorter than this are the rounding between segments, not gaps. */
const TOLERANCE_MS = 100;

/**
 * The media playlist of one angle (RFC 8216 and draft-pantos-hls-rfc8216bis, 4.4): every angle's spans the same stretch
 * of hub time, with EXT-X-GAP segments where this angle has nothing, so that all angles line up by
 * EXT-X-PROGRAM-DATE-TIME. Interruptions are EXT-X-DATERANGE. Throws `not_found` for an angle that the operation lacks.
 */
export function mediaPlaylist(operation: RecordedOperation, angleId: string): string {
  const angle = operation.angles.find((candidate) => candidate.angleId === angleId);
  if (!angle) throw new HubError('not_found', `operation ${operation.operationId} has no angle ${angleId}`, { field: 'angleId' });
  const all = angle.takes.flatMap((take) =>
    take.segments.map((segment) => ({ segment, takeId: take.takeId, pictures: hasPictures(take, segment) })),
  );
  // a player cannot add a picture to sound that it already plays: beside pictures, sound alone counts as a gap
  const filmed = all.some(({ pictures }) => pictures);
  const placed = all.filter(({ pictures }) => pictures || !filmed).toSorted((a, b) => a.segment.startMs - b.segment.startMs);
  const { startMs, endMs } = span(operation);
  const body = entries(placed, startMs, endMs, operation.segmentMs);
  const longestMs = Math.max(operation.segmentMs, ...placed.map(({ segment }) => segment.durationMs));
  const ended = operation.endedMs !== null;
  const head = [
    '#EXTM3U',
    '#EXT-X-VERSION:8',
    `#EXT-X-TARGETDURATION:${Math.ceil(longestMs / 1000)}`,
    `#EXT-X-PLAYLIST-TYPE:${ended ? 'VOD' : 'EVENT'}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-INDEPENDENT-SEGMENTS',
  ];
  const ranges = operation.interruptions.filter((interruption) => interruption.angleId === angleId).map(dateRange);
  return [...head, ...body, ...ranges, ...(ended ? ['#EXT-X-ENDLIST'] : []), ''].join('\n');
}

/** The stretch of hub time that the operation's media covers; empty when there is none. */
export function span(operation: RecordedOperation): { startMs: number; endMs: number } {
  const segments = operation.angles.flatMap((angle) => angle.takes.flatMap((take) => take.segments));
  if (segments.length === 0) return { startMs: operation.openedMs, endMs: operation.openedMs };
  return { startMs: Math.min(...segments.map((s) => s.startMs)), endMs: Math.max(...segments.map((s) => s.startMs + s.durationMs)) };
}

function entries(placed: Placed[], startMs: number, endMs: number, segmentMs: number): string[] {
  const lines: string[] = [];
  let atMs = startMs;
  let map = '';
  let previous: Placed | null = null;
  for (const item of placed) {
    const { segment, takeId } = item;
    const hole = segment.startMs - atMs > TOLERANCE_MS;
    if (hole) lines.push(...gap(atMs, segment.startMs, segmentMs, lines.length > 0));
    const broken = hole || (previous !== null && !continues(previous, item));
    if (broken && lines.length > 0) lines.push('#EXT-X-DISCONTINUITY');
    const init = `${takeId}/${segment.init}`;
    if (init !== map || broken) lines.push(`#EXT-X-MAP:URI="${init}"`);
    map = init;
    lines.push(`#EXT-X-PROGRAM-DATE-TIME:${iso(segment.startMs)}`, `#EXTINF:${seconds(segment.durationMs)},`, `${takeId}/${segment.file}`);
    atMs = segment.startMs + segment.durationMs;
    previous = item;
  }
  if (endMs - atMs > TOLERANCE_MS) lines.push(...gap(atMs, endMs, segmentMs, lines.length > 0));
  return lines;
}

/** Does the media time run on from one segment to the next? */
function continues(a: Placed, b: Placed): boolean {
  return (
    a.takeId === b.takeId &&
    a.segment.init === b.segment.init &&
    Math.abs(a.segment.mediaMs + a.segment.durationMs - b.segment.mediaMs) < TOLERANCE_MS
  );
}

/** Nothing was recorded here: gap segments no longer than the grid's cells (rfc8216bis, 4.4.4.7). Their URIs are never fetched. */
function gap(fromMs: number, toMs: number, segmentMs: number, discontinuity: boolean): string[] {
  const lines = discontinuity ? ['#EXT-X-DISCONTINUITY'] : [];
  for (let atMs = fromMs; atMs < toMs; atMs += segmentMs) {
    lines.push(`#EXT-X-PROGRAM-DATE-TIME:${iso(atMs)}`, '#EXT-X-GAP', `#EXTINF:${seconds(Math.min(segmentMs, toMs - atMs))},`, 'gap.m4s');
  }
  return lines;
}

function dateRange(interruption: Interruption): string {
  const { id, startMs, endMs, cause } = interruption;
  const end = endMs === null ? '' : `,END-DATE="${iso(endMs)}",DURATION=${seconds(endMs - startMs)}`;
  return `#EXT-X-DATERANGE:ID="${id}",CLASS="cn.fieldhub.interruption",START-DATE="${iso(startMs)}"${end},X-CAUSE="${cause}"`;
}

const iso = (ms: number): string => new Date(Math.round(ms)).toISOString();
const seconds = (ms: number): string => (ms / 1000).toFixed(6);
