export type SenderTrack = { port: number; rtcpPort: number; ssrc: number; payloadType: number };
export type SenderStream = { video: SenderTrack; audio: SenderTrack; offsetMs: number; driftPpm: number };
export type SenderOrder = {
  /** One recording, or two between which the picture changes every five seconds, at a key frame. */
  sourcePaths: string[];
  truthPath: string;
  ip: string;
  /** UTC at monotonic 0 (clock.ts). */
  anchorMs: number;
  streams: SenderStream[];
  /** Every frame leaves up to so much later than it was captured. */
  jitterMs: number;
  /** Answer generic NACKs (RFC 4585, 6.2.1) by sending the packet again. */
  nack: boolean;
};
/** Of one stream: capture of each video frame (UTC, ms), how much later its first packet left, and its size as an MP4 sample. */
export type SenderTruth = {
  frames: number;
  packets: number;
  captureMs: number[];
  delayMs: number[];
  bytes: number[];
  nacked: number;
  resent: number;
};
