import { VIDEO_TIMESCALE } from '../mp4/init.ts';
import type { CaptureTime } from '../time/capture-clock.ts';
import type { SegmentTracks } from './init-for.ts';
import type { Frame } from './frame.ts';
import type { Placed } from './runs.ts';

/** No more than half a second is ever open; what a crash costs is this and what was on its way. */
export const FRAGMENT_MS = 450;

/** What the muxer has to tell whoever writes its bytes. */
export type MuxerOutput = {
  open: (start: { capture: CaptureTime; mediaMs: number; cell: number; tracks: SegmentTracks }) => void;
  /** Buffers of one fragment, to be written in one go. */
  fragment: (chunks: Buffer[], frames: number, audioFrames: number, end: { mediaMs: number; capture: CaptureTime }) => void;
  close: (end: { mediaMs: number; capture: CaptureTime }) => void;
  /** Nothing will be written of this frame. */
  dropped: (frame: Frame) => void;
  /** So many packets of sound found no segment that could take them. */
  unheard: (packets: number) => void;
  /** Video that follows needs a key frame first. */
  needKey: (nowMs: number) => void;
  /** A key frame now would let sound that turned up late be recorded sooner. */
  wantKey: (nowMs: number) => void;
};

/** The segment that is being filled. */
export type OpenSegment = {
  cell: number;
  tracks: SegmentTracks;
  profile: string;
  /** Fragments written so far. */
  sequence: number;
  primary: 'video' | 'audio';
  /** Presentation less decode time of its first picture. */
  leadTicks: number;
  end: { mediaMs: number; capture: CaptureTime };
};

/** Media time at which a picture is shown, milliseconds. */
export const shownMs = ({ frame, ticks }: Placed): number => (ticks + frame.compositionTicks) / (VIDEO_TIMESCALE / 1000);
