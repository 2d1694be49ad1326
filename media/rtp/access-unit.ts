/** One video frame (H.264 access unit) or one audio packet's worth of sound, as it is stored. */
export type AccessUnit = {
  /** RTP timestamp, 32 bits, as sent. */
  timestamp: number;
  /** The sample as CMAF stores it: NAL units with four-byte lengths (ISO/IEC 14496-15), OBUs, a frame, the sound of a packet. Memory of the track's SlabPool. */
  data: Buffer;
  key: boolean;
  /** Shown before the key frame that it follows, and refers to what came before that one: not decodable where decoding began there (H.265 RASL). */
  leading?: true;
  /** Packets of it are missing: it cannot be decoded as it was. */
  damaged: boolean;
  /** Packets were lost since the access unit before. */
  lostBefore: number;
  /** The sender began a new numbering before it. */
  restart: boolean;
  /** Hub time at which its first packet arrived. */
  arrivalMs: number;
};
