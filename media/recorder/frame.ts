import type { AccessUnit } from '../rtp/access-unit.ts';
import type { CodecConfig } from '../rtp/codec.ts';
import type { CaptureTime } from '../time/capture-clock.ts';

/** One frame that can be decoded, with the moment it was captured. */
export type Frame = {
  /** Decode time: RTP timestamp without wrap, in the track's clock rate; comparable within one `run`. */
  ticks: number;
  /** Presentation time less decode time; more than 0 only where frames are reordered (B-frames). */
  compositionTicks: number;
  /** Counts the sender's restarts of its numbering, and changes of the simulcast layer. */
  run: number;
  data: Buffer;
  key: boolean;
  /** Of its presentation time. */
  capture: CaptureTime;
  arrivalMs: number;
  /** What a decoder must know: of key frames and of sound. */
  config: CodecConfig | null;
  clockRate: number;
};
/** A picture that arrived and cannot be decoded. */
export type Withheld = { unit: AccessUnit; captureMs: number; config: CodecConfig | null };
