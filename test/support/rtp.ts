import type { TrackInput } from '../../media/recorder/input.ts';
import type { TrackFormat } from '../../media/rtp/depacketizers.ts';
import type { RtpPacket } from '../../media/rtp/packet.ts';

/** A packet as the reorder buffer takes it. Numbers beyond 16 and 32 bits wrap as they would on the wire. */
export function packet(sequence: number, fields: Partial<RtpPacket> = {}): RtpPacket {
  return {
    payloadType: 96,
    ssrc: 1,
    marker: false,
    payload: Buffer.from([0x41]),
    arrivalMs: 0,
    ...fields,
    sequence: sequence & 0xffff,
    timestamp: (fields.timestamp ?? 0) >>> 0,
  };
}

/** The bytes of an RTP packet (RFC 3550, 5.1). */
export function rtpBytes(sequence: number, timestamp: number, payload: Buffer, marker = false, payloadType = 96, ssrc = 1): Buffer {
  const head = Buffer.alloc(12);
  head[0] = 0x80;
  head[1] = (marker ? 0x80 : 0) | payloadType;
  head.writeUInt16BE(sequence & 0xffff, 2);
  head.writeUInt32BE(timestamp >>> 0, 4);
  head.writeUInt32BE(ssrc, 8);
  return Buffer.concat([head, payload]);
}

/** Real parameter sets: x264, 1280x720, baseline, level 3.1. */
export const SPS = Buffer.from('6742c01fda014016ec0440000003004000000f23c60ca8', 'hex');
export const PPS = Buffer.from('68ce0fc8', 'hex');

/** An H.264 track as the recorder is told of it, of one stream unless `layers` says otherwise. */
export function videoInput(more: Partial<TrackInput> = {}): TrackInput {
  const format = { kind: 'video' as const, mimeType: 'video/H264', clockRate: 90_000, channels: null, payloadType: 96 };
  return { ...format, rtxPayloadType: null, parameters: {}, layers: [], requestKeyFrame: () => undefined, ...more };
}

/** A captured track as the recorder is told of it. */
export function trackInput({ track, packets }: { track: TrackFormat; packets: Buffer[] }): TrackInput {
  const kind = track.mimeType.startsWith('video/') ? 'video' : 'audio';
  return videoInput({ ...track, kind, payloadType: (packets[0]?.[1] ?? 0) & 0x7f });
}

/** The payload of one packet that is a picture: a key frame comes with its parameter sets (STAP-A; RFC 6184, 5.7.1). */
export function picturePayload(key: boolean, last = 7): Buffer {
  const nal = Buffer.from([key ? 0x65 : 0x41, 0x88, 7, last]);
  if (!key) return nal;
  return Buffer.concat([Buffer.from([0x78, 0, SPS.length]), SPS, Buffer.from([0, PPS.length]), PPS, Buffer.from([0, nal.length]), nal]);
}
