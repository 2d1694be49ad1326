import { HubError } from '../errors.ts';
import type { Mark } from '../protocol/marks.ts';
import type { Interruption } from '../protocol/state.ts';
import type { Damage, SegmentLine } from '../recordings/lines.ts';
import { hasPictures, type RecordedOperation, type RecordedTake, segmentStartMs } from '../recordings/read.ts';

/** One recorded segment of an angle, when it was captured, and where its files are relative to the playlist. */
type Placed = { segment: SegmentLine; startMs: number; takeId: string; init: string };

/** One of the two tracks that a segment may have. */
export type Track = 'video' | 'audio';

/** Holes shorter than this are the rounding between segments, not gaps. */
const TOLERANCE_MS = 100;

/**
 * The media playlist of one angle (RFC 8216 and draft-pantos-hls-rfc8216bis, 4.4): every angle's spans the same stretch
 * of hub time, with EXT-X-GAP segments where this angle has nothing, so that all angles line up by
 * EXT-X-PROGRAM-DATE-TIME. Interruptions are EXT-X-DATERANGE, and so are stretches whose pictures are damaged, and moments that
 * were marked on this angle or on the operation as a whole. With `track`
 * only what has pictures, or sound, is there, and its files are asked for with that track alone. Throws `not_found` for an angle that the operation lacks.
 */
export function mediaPlaylist(operation: RecordedOperation, angleId: string, track: Track | null = null): string {
  const angle = operation.angles.find((candidate) => candidate.angleId === angleId);
  if (!angle) throw new HubError('not_found', `operation ${operation.operationId} has no angle ${angleId}`, { field: 'angleId' });
  const all = angle.takes.flatMap((take) =>
    take.segments.map((segment) => ({
      segment,
      startMs: segmentStartMs(take, segment),
      takeId: take.takeId,
      init: widestInit(take, segment.init),
      pictures: hasPictures(take, segment),
    })),
  );
  // a player cannot add a picture to sound that it already plays: beside pictures, sound alone counts as a gap
  const filmed = all.some(({ pictures }) => pictures);
  const carries = ({ segment, pictures }: (typeof all)[number]): boolean => {
    if (track === 'audio') return segment.audioFrames > 0;
    return track === 'video' ? segment.frames > 0 : pictures || !filmed;
  };
  const placed = all.filter(carries).toSorted((a, b) => a.startMs - b.startMs);
  const { startMs, endMs } = span(operation);
  const body = entries(placed, startMs, endMs, operation.segmentMs, track === null ? '' : `?track=${track}`);
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
  const damage = angle.takes.flatMap((take) => take.damage.map((stretch, i) => damageRange(take.takeId, i, stretch)));
  const marks = operation.marks.filter((mark) => mark.angleId === null || mark.angleId === angleId).map(markRange);
  return [...head, ...body, ...ranges, ...damage, ...marks, ...(ended ? ['#EXT-X-ENDLIST'] : []), ''].join('\n');
}

/**
 * The initialisation segment of the take that describes this one's tracks and most others: where sound begins late or is
 * muted for a while, one serves for all. (ffmpeg's player knows no track that the first did not describe, and reads its samples as another's.)
 */
function widestInit(take: RecordedTake, init: string): string {
  const described = take.tracks.get(init) ?? [];
  let [widest, count] = [init, described.length];
  for (const [other, tracks] of take.tracks) {
    const serves = described.every(({ trackId, codec, timescale }) =>
      tracks.some((each) => each.trackId === trackId && each.timescale === timescale && entryName(each.codec) === entryName(codec)),
    );
    if (serves && tracks.length > count) [widest, count] = [other, tracks.length];
  }
  return widest;
}

/** The sample entry's name in a codec string (RFC 6381): profile and level stand in every key frame of those that we record. */
const entryName = (codec: string): string => codec.split('.', 1)[0] ?? codec;

/** The stretch of hub time that the operation's media covers; empty when there is none. */
export function span(operation: RecordedOperation): { startMs: number; endMs: number } {
  let startMs = Infinity;
  let endMs = -Infinity;
  for (const take of operation.angles.flatMap((angle) => angle.takes))
    for (const segment of take.segments) {
      const atMs = segmentStartMs(take, segment);
      startMs = Math.min(startMs, atMs);
      endMs = Math.max(endMs, atMs + segment.durationMs);
    }
  return startMs === Infinity ? { startMs: operation.openedMs, endMs: operation.openedMs } : { startMs, endMs };
}

function entries(placed: Placed[], startMs: number, endMs: number, segmentMs: number, query: string): string[] {
  const lines: string[] = [];
  let atMs = startMs;
  let map = '';
  let previous: Placed | null = null;
  for (const item of placed) {
    const { segment, takeId, startMs: itemMs } = item;
    const hole = itemMs - atMs > TOLERANCE_MS;
    if (hole) lines.push(...gap(atMs, itemMs, segmentMs, lines.length > 0));
    const broken = hole || (previous !== null && !continues(previous, item));
    if (broken && lines.length > 0) lines.push('#EXT-X-DISCONTINUITY');
    const init = `${takeId}/${item.init}${query}`;
    if (init !== map || broken) lines.push(`#EXT-X-MAP:URI="${init}"`);
    map = init;
    lines.push(`#EXT-X-PROGRAM-DATE-TIME:${iso(itemMs)}`, `#EXTINF:${seconds(segment.durationMs)},`, `${takeId}/${segment.file}${query}`);
    atMs = itemMs + segment.durationMs;
    previous = item;
  }
  if (endMs - atMs > TOLERANCE_MS) lines.push(...gap(atMs, endMs, segmentMs, lines.length > 0));
  return lines;
}

/** Does the media time run on from one segment to the next? */
function continues(a: Placed, b: Placed): boolean {
  return (
    a.takeId === b.takeId && a.init === b.init && Math.abs(a.segment.mediaMs + a.segment.durationMs - b.segment.mediaMs) < TOLERANCE_MS
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
  const end = endMs === null ? '' : `,END-DATE="${iso(endMs)}",DURATION=${seconds(Math.round(endMs) - Math.round(startMs))}`;
  return `#EXT-X-DATERANGE:ID="${id}",CLASS="cn.fieldhub.interruption",START-DATE="${iso(startMs)}"${end},X-CAUSE="${cause}"`;
}

/** Where no good picture was to be had: a player must say so, for it goes on showing the last one before. Its length is that of the dates (4.4.5.1). */
function damageRange(takeId: string, index: number, { fromMs, toMs, withheld, missing }: Damage): string {
  const range = `START-DATE="${iso(fromMs)}",END-DATE="${iso(toMs)}",DURATION=${seconds(Math.round(toMs) - Math.round(fromMs))}`;
  return `#EXT-X-DATERANGE:ID="damage-${takeId}-${index}",CLASS="cn.fieldhub.damage",${range},X-WITHHELD=${withheld},X-MISSING=${missing}`;
}

/** A marked moment: an instant has a duration of 0 (4.4.5.1). A quoted string can hold no quote and no line break (4.2). */
function markRange({ markId, kind, by, atMs, text }: Mark): string {
  const said = text === null ? '' : `,X-TEXT="${text.replaceAll('"', '”')}"`;
  return `#EXT-X-DATERANGE:ID="mark-${markId}",CLASS="cn.fieldhub.mark",START-DATE="${iso(atMs)}",DURATION=0.000000,X-KIND="${kind}",X-BY="${by}"${said}`;
}

const iso = (ms: number): string => new Date(Math.round(ms)).toISOString();
const seconds = (ms: number): string => (ms / 1000).toFixed(6);
