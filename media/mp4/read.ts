import { HubError } from '../errors.ts';

/** One track's part of a fragment: sample count and decode times in the track's own timescale. */
export type FragmentTrack = { trackId: number; baseTicks: number; samples: number; durationTicks: number; startsWithSync: boolean };
export type Fragment = { offset: number; sizeBytes: number; tracks: FragmentTrack[] };
export type Fragments = {
  fragments: Fragment[];
  /** Bytes up to the end of the last whole fragment; what follows is torn. */
  wholeBytes: number;
};
export type InitTrack = {
  trackId: number;
  kind: 'video' | 'audio' | 'other';
  timescale: number;
  codec: string;
  width: number;
  height: number;
};

export type Box = { type: string; start: number; body: number; end: number };

const corrupt = (message: string): HubError => new HubError('corrupt', message);

/** The boxes between two offsets (ISO/IEC 14496-12, 4.2). Stops before one that is not whole. Throws `corrupt` for impossible sizes. */
export function* boxes(bytes: Buffer, from: number, to: number): Generator<Box> {
  let at = from;
  while (at + 8 <= to) {
    let size = bytes.readUInt32BE(at);
    let body = at + 8;
    if (size === 1) {
      if (at + 16 > to) return;
      size = Number(bytes.readBigUInt64BE(at + 8));
      body = at + 16;
    } else if (size === 0) {
      throw corrupt(`box at ${at} has no size`);
    }
    if (size < body - at) throw corrupt(`box at ${at} is smaller than its header`);
    if (at + size > to) return;
    yield { type: bytes.toString('latin1', at + 4, at + 8), start: at, body, end: at + size };
    at += size;
  }
}

function need(bytes: Buffer, box: Box, length: number): void {
  if (box.body + length > box.end || box.end > bytes.length) throw corrupt(`box ${box.type} at ${box.start} is too short`);
}

/** The fragments (moof and mdat pairs) of a segment file. Throws `corrupt` where what is there makes no sense; a torn end is no error. */
export function readFragments(bytes: Buffer): Fragments {
  const fragments: Fragment[] = [];
  let wholeBytes = 0;
  let moof: { offset: number; tracks: FragmentTrack[] } | null = null;
  for (const box of boxes(bytes, 0, bytes.length)) {
    if (box.type === 'moof') {
      moof = {
        offset: box.start,
        tracks: [...boxes(bytes, box.body, box.end)].filter((child) => child.type === 'traf').map((child) => readTraf(bytes, child)),
      };
    } else if (box.type === 'mdat') {
      if (!moof) throw corrupt(`media data at ${box.start} without a movie fragment before it`);
      fragments.push({ offset: moof.offset, sizeBytes: box.end - moof.offset, tracks: moof.tracks });
      wholeBytes = box.end;
      moof = null;
    } else if (box.type !== 'styp' && box.type !== 'free' && box.type !== 'sidx') {
      throw corrupt(`box ${JSON.stringify(box.type)} at ${box.start} does not belong into a segment`);
    }
  }
  return { fragments, wholeBytes };
}

function readTraf(bytes: Buffer, traf: Box): FragmentTrack {
  const track: FragmentTrack = { trackId: 0, baseTicks: 0, samples: 0, durationTicks: 0, startsWithSync: false };
  let defaultTicks = 0;
  for (const box of boxes(bytes, traf.body, traf.end)) {
    if (box.type === 'tfhd') {
      need(bytes, box, 8);
      const flags = bytes.readUInt32BE(box.body) & 0xffffff;
      track.trackId = bytes.readUInt32BE(box.body + 4);
      const at = box.body + 8 + (flags & 1 ? 8 : 0) + (flags & 2 ? 4 : 0);
      if (flags & 8) {
        need(bytes, box, at + 4 - box.body);
        defaultTicks = bytes.readUInt32BE(at);
      }
    } else if (box.type === 'tfdt') {
      const wide = (bytes[box.body] ?? 0) === 1;
      need(bytes, box, wide ? 12 : 8);
      track.baseTicks = wide ? Number(bytes.readBigUInt64BE(box.body + 4)) : bytes.readUInt32BE(box.body + 4);
    } else if (box.type === 'trun') {
      readTrun(bytes, box, track, defaultTicks);
    }
  }
  return track;
}

function readTrun(bytes: Buffer, box: Box, track: FragmentTrack, defaultTicks: number): void {
  need(bytes, box, 8);
  const flags = bytes.readUInt32BE(box.body) & 0xffffff;
  const count = bytes.readUInt32BE(box.body + 4);
  let at = box.body + 8 + (flags & 0x001 ? 4 : 0);
  const firstFlagsAt = flags & 0x004 ? at : null;
  if (firstFlagsAt !== null) at += 4;
  const perSample = [0x100, 0x200, 0x400, 0x800].filter((flag) => flags & flag).length * 4;
  need(bytes, box, at - box.body + count * perSample);
  if (perSample === 0 && count > 1_000_000) throw corrupt(`trun at ${box.start} counts ${count} samples`);
  const flagsAt = (flags & 0x100 ? 4 : 0) + (flags & 0x200 ? 4 : 0);
  const sampleFlags =
    firstFlagsAt !== null ? bytes.readUInt32BE(firstFlagsAt) : flags & 0x400 && count > 0 ? bytes.readUInt32BE(at + flagsAt) : 0;
  if (track.samples === 0) track.startsWithSync = (sampleFlags & 0x00010000) === 0;
  track.samples += count;
  if (!(flags & 0x100)) track.durationTicks += count * defaultTicks;
  else for (let i = 0; i < count; i += 1) track.durationTicks += bytes.readUInt32BE(at + i * perSample);
}

/** The tracks of an initialisation segment. Throws `corrupt` when it has none. */
export function readInit(bytes: Buffer): InitTrack[] {
  const tracks: InitTrack[] = [];
  for (const moov of boxes(bytes, 0, bytes.length)) {
    if (moov.type !== 'moov') continue;
    for (const trak of boxes(bytes, moov.body, moov.end)) if (trak.type === 'trak') tracks.push(readTrak(bytes, trak));
  }
  if (tracks.length === 0) throw corrupt('the initialisation segment has no track');
  return tracks;
}

function readTrak(bytes: Buffer, trak: Box): InitTrack {
  const track: InitTrack = { trackId: 0, kind: 'other', timescale: 0, codec: '', width: 0, height: 0 };
  const visit = (parent: Box): void => {
    for (const box of boxes(bytes, parent.body, parent.end)) {
      const wide = (bytes[box.body] ?? 0) === 1;
      if (box.type === 'mdia' || box.type === 'minf' || box.type === 'stbl') visit(box);
      else if (box.type === 'tkhd') {
        need(bytes, box, wide ? 96 : 84);
        track.trackId = bytes.readUInt32BE(box.body + (wide ? 20 : 12));
        track.width = bytes.readUInt32BE(box.body + (wide ? 88 : 76)) >>> 16;
        track.height = bytes.readUInt32BE(box.body + (wide ? 92 : 80)) >>> 16;
      } else if (box.type === 'mdhd') {
        need(bytes, box, wide ? 24 : 16);
        track.timescale = bytes.readUInt32BE(box.body + (wide ? 20 : 12));
      } else if (box.type === 'hdlr') {
        need(bytes, box, 12);
        const handler = bytes.toString('latin1', box.body + 8, box.body + 12);
        track.kind = handler === 'vide' ? 'video' : handler === 'soun' ? 'audio' : 'other';
      } else if (box.type === 'stsd') {
        need(bytes, box, 16);
        track.codec = bytes.toString('latin1', box.body + 12, box.body + 16);
      }
    }
  };
  visit(trak);
  if (track.timescale === 0) throw corrupt(`track ${track.trackId} has no timescale`);
  return track;
}
