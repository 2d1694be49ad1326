import { AUDIO_TRACK_ID, initSegment, VIDEO_TIMESCALE, VIDEO_TRACK_ID } from '../mp4/init.ts';
import { configKey, sampleEntry } from '../mp4/sample-entry.ts';
import type { AudioConfig, VideoConfig } from '../rtp/codec.ts';
import type { TrackInfo } from '../recordings/lines.ts';

/** What a segment must be able to play: decides whether a new initialisation segment is due. */
export type SegmentTracks = { video: VideoConfig | null; audio: { config: AudioConfig; timescale: number } | null };

export type MadeInit = {
  /** Codecs and profiles: while this stays, the initialisation segment serves on; a change of size alone does not count. */
  key: string;
  bytes: Buffer;
  tracks: TrackInfo[];
};

/** The initialisation segment that these tracks need, or null where the one with `presentKey` serves. */
export function initFor({ video, audio }: SegmentTracks, presentKey: string): MadeInit | null {
  const key = `${video ? configKey(video) : ''}+${audio ? `${configKey(audio.config)}/${audio.timescale}` : ''}`;
  if (key === presentKey) return null;
  const described = [
    ...(video ? [{ trackId: VIDEO_TRACK_ID, kind: 'video' as const, timescale: VIDEO_TIMESCALE, config: video }] : []),
    ...(audio ? [{ trackId: AUDIO_TRACK_ID, kind: 'audio' as const, timescale: audio.timescale, config: audio.config }] : []),
  ];
  const tracks = described.map(({ trackId, kind, timescale, config }): TrackInfo => {
    const { codec, width, height } = sampleEntry(config);
    return { trackId, kind, codec, timescale, ...(kind === 'video' ? { width, height } : {}) };
  });
  return { key, bytes: initSegment(described), tracks };
}
