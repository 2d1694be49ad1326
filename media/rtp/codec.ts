import type { RtpPacket } from './packet.ts';

/** What a decoder must be told before the first picture: it goes into the sample entry of the initialisation segment. */
export type VideoConfig =
  | { codec: 'h264'; sps: Buffer; pps: Buffer }
  | { codec: 'h265'; vps: Buffer; sps: Buffer; pps: Buffer }
  | { codec: 'vp8'; width: number; height: number }
  | { codec: 'vp9'; profile: number; bitDepth: number; chroma: number; fullRange: boolean; width: number; height: number }
  /** The sequence header OBU, with its size field (AV1 bitstream specification, 5.5). */
  | { codec: 'av1'; sequenceHeader: Buffer };
export type AudioConfig =
  | { codec: 'opus'; channels: number }
  /** AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1). */
  | { codec: 'aac'; sampleRate: number; channels: number; config: Buffer }
  | { codec: 'pcmu' | 'pcma'; sampleRate: number; channels: number };
export type CodecConfig = VideoConfig | AudioConfig;

/** One codec's payload format: packets in order go in, access units come out through the callback it was made with. */
export type Depacketizer = {
  push: (packet: RtpPacket, lostBefore: number, restart: boolean) => void;
  /** Hand out what is open, as damaged unless it was whole. */
  flush: () => void;
  /** Of the newest key frame; null until one can be decoded. The same object as long as nothing in it changes. */
  readonly config: CodecConfig | null;
};
