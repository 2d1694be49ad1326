import { box, fullBox, text, u16, u32, u64, u8 } from './boxes.ts';
import { avcC, type H264Config } from './h264-config.ts';

export const VIDEO_TRACK_ID = 1;
export const AUDIO_TRACK_ID = 2;
export const VIDEO_TIMESCALE = 90_000;
export const AUDIO_TIMESCALE = 48_000;

export type InitTracks = {
  video: { config: H264Config; sps: Buffer; pps: Buffer } | null;
  audio: { channels: number; preSkip: number } | null;
};

const MATRIX = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);

/**
 * The initialisation segment of a take (CMAF header, ISO/IEC 23000-19, 7.3.1): `avc3`, since parameter sets stand in
 * every key sample and may change in mid-stream (ISO/IEC 14496-15, 5.3.4), and Opus (Encapsulation of Opus in ISOBMFF).
 */
export function initSegment(tracks: InitTracks): Buffer {
  const traks: Buffer[] = [];
  const trexs: Buffer[] = [];
  if (tracks.video) {
    const { width, height } = tracks.video.config;
    traks.push(trak(VIDEO_TRACK_ID, VIDEO_TIMESCALE, 'vide', fullBox('vmhd', 0, 1, u16(0, 0, 0, 0)), avc3(tracks.video), width, height));
    trexs.push(fullBox('trex', 0, 0, u32(VIDEO_TRACK_ID, 1, 0, 0, 0)));
  }
  if (tracks.audio) {
    traks.push(trak(AUDIO_TRACK_ID, AUDIO_TIMESCALE, 'soun', fullBox('smhd', 0, 0, u16(0, 0)), opus(tracks.audio), 0, 0));
    trexs.push(fullBox('trex', 0, 0, u32(AUDIO_TRACK_ID, 1, 0, 0, 0)));
  }
  const ftyp = box('ftyp', text('cmf2'), u32(0), text('cmf2iso6cmfcmp41'));
  const mvhd = fullBox('mvhd', 0, 0, u32(0, 0, 1000, 0, 0x10000), u16(0x100, 0), u32(0, 0), MATRIX, Buffer.alloc(24), u32(3));
  return Buffer.concat([ftyp, box('moov', mvhd, ...traks, box('mvex', ...trexs))]);
}

function trak(
  id: number,
  timescale: number,
  handler: 'vide' | 'soun',
  header: Buffer,
  entry: Buffer,
  width: number,
  height: number,
): Buffer {
  const sound = handler === 'soun';
  const tkhd = fullBox(
    'tkhd',
    0,
    7,
    u32(0, 0, id, 0, 0),
    u64(0),
    u16(0, sound ? 1 : 0, sound ? 0x100 : 0, 0),
    MATRIX,
    u32(width << 16, height << 16),
  );
  const mdhd = fullBox('mdhd', 0, 0, u32(0, 0, timescale, 0), u16(0x55c4, 0)); // language "und"
  const hdlr = fullBox('hdlr', 0, 0, u32(0), text(handler), u32(0, 0, 0), text('fieldhub\0'));
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

/** ISO/IEC 14496-12, 12.1.3 and 14496-15, 5.4.2 */
function avc3({ config, sps, pps }: NonNullable<InitTracks['video']>): Buffer {
  return box(
    'avc3',
    Buffer.alloc(6),
    u16(1),
    Buffer.alloc(16),
    u16(config.width, config.height),
    u32(0x480000, 0x480000, 0),
    u16(1),
    Buffer.alloc(32),
    u16(0x18, 0xffff),
    avcC(config, sps, pps),
  );
}

/** "Encapsulation of Opus in ISO Base Media File Format", 4.3.2: dOps, version 0, 48 kHz, no gain, mapping family 0. */
function opus({ channels, preSkip }: NonNullable<InitTracks['audio']>): Buffer {
  const dOps = box('dOps', u8(0, channels), u16(preSkip), u32(AUDIO_TIMESCALE), u16(0), u8(0));
  return box('Opus', Buffer.alloc(6), u16(1), u32(0, 0), u16(channels, 16, 0, 0), u32(AUDIO_TIMESCALE * 0x10000), dOps);
}
