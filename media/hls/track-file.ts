import { AUDIO_TRACK_ID, VIDEO_TRACK_ID } from '../mp4/init.ts';
import { initOfTrack, segmentOfTrack } from '../mp4/one-track.ts';
import type { Track } from './playlist.ts';

/** The bytes of a file that a playlist of one track names: of initialisation segment or segment, that track alone. Throws `not_found` or `corrupt`. */
export function fileOfTrack(file: string, bytes: Buffer, track: Track): Buffer {
  const trackId = track === 'video' ? VIDEO_TRACK_ID : AUDIO_TRACK_ID;
  return file.startsWith('init-') ? initOfTrack(bytes, trackId) : segmentOfTrack(bytes, trackId);
}
