import type { MediaKind } from '../protocol/ids.ts';

/** One track of a source, as the recorder needs to know it before its first packet. */
export type TrackInput = {
  kind: MediaKind;
  /** `video/H264` or `audio/opus`, as in the RTP parameters. */
  mimeType: string;
  clockRate: number;
  channels: number | null;
  payloadType: number;
  /** Payload type of its retransmissions (RFC 4588), for a track of one stream; null where there are none or the transport has undone them, as the SFU does. */
  rtxPayloadType: number | null;
  /** Parameters of the format (`a=fmtp`): parameter sets, AAC's configuration and the like, where the source has them in its SDP. */
  parameters: Record<string, unknown>;
  /** The SSRCs of its simulcast layers, lowest quality first; one or none for a track of one stream, whose SSRC may change. */
  layers: number[];
  /** How long a source that cannot be asked may hold back what it has taken before it sends it, milliseconds: said as error, not corrected for. */
  heldMs?: number;
  /** Asks the sender for a key frame (PLI), of every layer. Cheap to call; the transport limits the rate. */
  requestKeyFrame: () => void;
};

/** RTCP sender report (RFC 3550, 6.4.1): the sender's clock at an RTP timestamp. */
export type SenderReport = {
  ssrc: number;
  /** The sender's wall clock, milliseconds since 1970, from the report's 64-bit NTP timestamp. */
  senderMs: number;
  rtpTimestamp: number;
};

/** Where the transport hands in what it receives. Nothing here throws, awaits or keeps the transport waiting. */
export type TrackSink = {
  /** One RTP packet as it came, in `bytes` from `start` to `end` (all of it where they are not given); the memory may be used again afterwards. `arrivalMs` is hub time. */
  rtp: (bytes: Buffer, arrivalMs: number, start?: number, end?: number) => void;
  senderReport: (report: SenderReport, arrivalMs: number) => void;
  /** Round trip to the sender as the transport measured it, milliseconds. */
  roundTrip: (roundTripMs: number) => void;
  /** The sender muted this track (it may send nothing, or black). */
  setPaused: (paused: boolean) => void;
  /** This track is over; the take goes on with what is left. */
  close: () => void;
};
