import { HubError } from '../errors.ts';
import { h264CodecString, parseSps, spsOrProfile } from '../mp4/h264-config.ts';
import { AUDIO_TIMESCALE, AUDIO_TRACK_ID, initSegment, VIDEO_TIMESCALE, VIDEO_TRACK_ID } from '../mp4/init.ts';
import type { TakeLine } from '../recordings/lines.ts';
import type { SegmentTracks } from './muxer.ts';

export type MadeInit = {
  /** Codecs and profile: while this stays, the initialisation segment serves on; a change of size alone does not count. */
  key: string;
  bytes: Buffer;
  tracks: Extract<TakeLine, { type: 'init' }>['tracks'];
};

/** The initialisation segment that these tracks need, or null where the one with `presentKey` serves. */
export function initFor(tracks: SegmentTracks, presentKey: string): MadeInit | null {
  const video = tracks.sets ? { config: spsOrProfile(tracks.sets.sps), sets: tracks.sets } : null;
  const codec = video ? h264CodecString(video.config) : '';
  const key = `${codec}+${tracks.audio ? 'opus' : ''}`;
  if (key === presentKey) return null;
  const list: MadeInit['tracks'] = [];
  if (video)
    list.push({
      trackId: VIDEO_TRACK_ID,
      kind: 'video',
      codec,
      timescale: VIDEO_TIMESCALE,
      width: video.config.width,
      height: video.config.height,
    });
  if (tracks.audio) list.push({ trackId: AUDIO_TRACK_ID, kind: 'audio', codec: 'opus', timescale: AUDIO_TIMESCALE });
  const bytes = initSegment([
    ...(video ? [{ trackId: VIDEO_TRACK_ID, timescale: VIDEO_TIMESCALE, config: { codec: 'h264' as const, ...video.sets } }] : []),
    ...(tracks.audio ? [{ trackId: AUDIO_TRACK_ID, timescale: AUDIO_TIMESCALE, config: { codec: 'opus' as const, channels: 2 } }] : []),
  ]);
  return { key, bytes, tracks: list };
}

/** The picture's size by its SPS, or null where that cannot be read. */
export function sizeOf(sps: Buffer): { width: number; height: number } | null {
  try {
    const { width, height } = parseSps(sps);
    return { width, height };
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    return null;
  }
}
