import { HubError } from '../errors.ts';
import { box } from './boxes.ts';
import { type Box, boxes } from './read.ts';

/** Flags of `trun` as `fragment.ts` writes it: data offset; duration, size, flags and perhaps composition offset of each sample. */
const TRUN_FIELDS = 0x000701;
const TRUN_COMPOSITION = 0x000800;

/** An initialisation segment with one of its tracks. Throws `not_found` when it lacks that one. */
export function initOfTrack(init: Buffer, trackId: number): Buffer {
  const parts = [...boxes(init, 0, init.length)].map((part) => (part.type === 'moov' ? movieOf(init, part, trackId) : bytesOf(init, part)));
  return Buffer.concat(parts);
}

function movieOf(init: Buffer, movie: Box, trackId: number): Buffer {
  let found = false;
  const parts = [...boxes(init, movie.body, movie.end)].flatMap((part) => {
    if (part.type === 'mvex') {
      const mine = [...boxes(init, part.body, part.end)].filter(
        (each) => each.type !== 'trex' || init.readUInt32BE(each.body + 4) === trackId,
      );
      return [box('mvex', ...mine.map((each) => bytesOf(init, each)))];
    }
    if (part.type !== 'trak') return [bytesOf(init, part)];
    const header = child(init, part, 'tkhd');
    const mine = init.readUInt32BE(header.body + (init[header.body] === 1 ? 20 : 12)) === trackId;
    found ||= mine;
    return mine ? [bytesOf(init, part)] : [];
  });
  if (!found) throw new HubError('not_found', `the initialisation segment has no track ${trackId}`, { field: 'track' });
  return box('moov', ...parts);
}

/**
 * A segment of ours with one of its tracks: its samples as they are, in as many fragments as have some. For players that
 * take no track which is silent for a while, as Media Source Extensions do (W3C, 3.1: what is buffered is what all tracks
 * have). Throws `corrupt` for what `fragment.ts` would not write.
 */
export function segmentOfTrack(segment: Buffer, trackId: number): Buffer {
  const out: Buffer[] = [];
  let moof: Box | null = null;
  for (const part of boxes(segment, 0, segment.length)) {
    if (part.type === 'moof') moof = part;
    else if (part.type === 'mdat' && moof) out.push(...fragmentOf(segment, moof, part, trackId));
  }
  return Buffer.concat(out);
}

function fragmentOf(segment: Buffer, moof: Box, mdat: Box, trackId: number): Buffer[] {
  const parts = [...boxes(segment, moof.body, moof.end)];
  const traf = parts.find((part) => part.type === 'traf' && segment.readUInt32BE(child(segment, part, 'tfhd').body + 4) === trackId);
  if (!traf) return [];
  const trun = child(segment, traf, 'trun');
  const flags = segment.readUInt32BE(trun.body) & 0xffffff;
  if ((flags & ~TRUN_COMPOSITION) !== TRUN_FIELDS) throw new HubError('corrupt', `the run at ${trun.start} is not one of ours`);
  const count = segment.readUInt32BE(trun.body + 4);
  const each = flags & TRUN_COMPOSITION ? 16 : 12;
  let size = 0;
  if (trun.body + 12 + count * each > trun.end) throw new HubError('corrupt', `the run at ${trun.start} is too short`);
  for (let i = 0; i < count; i += 1) size += segment.readUInt32BE(trun.body + 12 + i * each + 4);
  const from = moof.start + segment.readInt32BE(trun.body + 8);
  if (from < mdat.body || from + size > mdat.end) throw new HubError('corrupt', `the run at ${trun.start} leads out of its media data`);
  const head = box('moof', ...parts.filter((part) => part.type === 'mfhd').map((part) => bytesOf(segment, part)), bytesOf(segment, traf));
  // the run is the last box of the last box
  head.writeInt32BE(head.length + 8, head.length - (trun.end - trun.body) + 8);
  return [head, box('mdat', segment.subarray(from, from + size))];
}

const bytesOf = (bytes: Buffer, { start, end }: Box): Buffer => bytes.subarray(start, end);

function child(bytes: Buffer, parent: Box, type: string): Box {
  for (const part of boxes(bytes, parent.body, parent.end)) if (part.type === type) return part;
  throw new HubError('corrupt', `box ${parent.type} at ${parent.start} has no ${type}`);
}
