import type { CodecConfig } from '../rtp/codec.ts';
import { box, fullBox, text, u16, u32, u64 } from './boxes.ts';
import { isAudio, sampleEntry } from './sample-entry.ts';

export const VIDEO_TRACK_ID = 1;
export const AUDIO_TRACK_ID = 2;
export const VIDEO_TIMESCALE = 90_000;
/** Of Opus; other sound counts in its own rate. */

export type InitTrackOf = { trackId: number; timescale: number; config: CodecConfig };

const MATRIX = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);

/** The initialisation segment of a take (CMAF header, ISO/IEC 23000-19, 7.3.1) with these tracks. Never throws for what a sender said. */
export function initSegment(tracks: InitTrackOf[]): Buffer {
  const ftyp = box('ftyp', text('cmf2'), u32(0), text('cmf2iso6cmfcmp41'));
  const mvhd = fullBox('mvhd', 0, 0, u32(0, 0, 1000, 0, 0x10000), u16(0x100, 0), u32(0, 0), MATRIX, Buffer.alloc(24), u32(3));
  const trexs = tracks.map(({ trackId }) => fullBox('trex', 0, 0, u32(trackId, 1, 0, 0, 0)));
  return Buffer.concat([ftyp, box('moov', mvhd, ...tracks.map(trak), box('mvex', ...trexs))]);
}

function trak({ trackId, timescale, config }: InitTrackOf): Buffer {
  const sound = isAudio(config);
  const { entry, width, height } = sampleEntry(config);
  const tkhd = fullBox(
    'tkhd',
    0,
    7,
    u32(0, 0, trackId, 0, 0),
    u64(0),
    u16(0, sound ? 1 : 0, sound ? 0x100 : 0, 0),
    MATRIX,
    u32(width * 0x10000, height * 0x10000),
  );
  const mdhd = fullBox('mdhd', 0, 0, u32(0, 0, timescale, 0), u16(0x55c4, 0)); // language "und"
  const hdlr = fullBox('hdlr', 0, 0, u32(0), text(sound ? 'soun' : 'vide'), u32(0, 0, 0), text('fieldhub\0'));
  const header = sound ? fullBox('smhd', 0, 0, u16(0, 0)) : fullBox('vmhd', 0, 1, u16(0, 0, 0, 0));
  const dref = fullBox('dref', 0, 0, u32(1), fullBox('url ', 0, 1));
  const empty = [
    fullBox('stts', 0, 0, u32(0)),
    fullBox('stsc', 0, 0, u32(0)),
    fullBox('stsz', 0, 0, u32(0, 0)),
    fullBox('stco', 0, 0, u32(0)),
  ];
  const stbl = box('stbl', fullBox('stsd', 0, 0, u32(1), entry), ...empty);
  return box('trak', tkhd, box('mdia', mdhd, hdlr, box('minf', header, box('dinf', dref), stbl)));
}
