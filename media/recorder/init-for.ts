import { HubError } from '../errors.ts';
import { h264CodecString, parseSps, type H264Config } from '../mp4/h264-config.ts';
import { AUDIO_TIMESCALE, AUDIO_TRACK_ID, initSegment, VIDEO_TIMESCALE, VIDEO_TRACK_ID } from '../mp4/init.ts';
import type { ParameterSets } from '../rtp/h264.ts';
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
  const video = tracks.sets ? readSets(tracks.sets) : null;
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
  const bytes = initSegment({ video, audio: tracks.audio ? { channels: 2, preSkip: 0 } : null });
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

/** An SPS we cannot read still describes pictures that a decoder may: keep its profile, say no size. */
function readSets(sets: ParameterSets): { config: H264Config } & ParameterSets {
  try {
    return { config: parseSps(sets.sps), ...sets };
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    const [, profile = 66, compatibility = 0, level = 31] = sets.sps;
    return { config: { profile, compatibility, level, width: 0, height: 0 }, ...sets };
  }
}
