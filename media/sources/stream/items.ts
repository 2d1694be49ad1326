import type { DescribedTrack } from '../gateway/recording.ts';

export type PictureCodec = 'H264' | 'H265';
/** What a pushed stream is made of, whatever it is wrapped in. Times: 90 kHz, 32 bits, of when it is shown; one clock for all. */
export type StreamItem =
  /** The NAL units of one picture, or parameter sets alone. */
  | { kind: 'video'; codec: PictureCodec; nals: Buffer[]; ticks: number }
  /** One AAC frame with its AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1). */
  | { kind: 'audio'; config: Buffer; frame: Buffer; ticks: number }
  /** A track that is not recorded. */
  | { kind: 'unknown'; track: 'video' | 'audio'; codec: string };

export const TICKS_PER_MS = 90;
export const TICKS = 2 ** 32;

export const NAL = { h264Sps: 7, h264Pps: 8, h264Idr: 5, h265Vps: 32, h265Sps: 33, h265Pps: 34 } as const;
export const nalType = (codec: PictureCodec, nal: Buffer): number =>
  codec === 'H264' ? (nal[0] ?? 0) & 0x1f : ((nal[0] ?? 0) >> 1) & 0x3f;

/** Those of ITU-T H.264 and H.265: types above them mean something in RTP only (RFC 6184, 5.2; RFC 7798, 4.4). */
export function isNal(codec: PictureCodec, nal: Buffer): boolean {
  const type = nalType(codec, nal);
  return codec === 'H264' ? nal.length > 1 && type > 0 && type < 24 : nal.length > 2 && type < 48;
}

export function isKeyNal(codec: PictureCodec, nal: Buffer): boolean {
  const type = nalType(codec, nal);
  return codec === 'H264' ? type === NAL.h264Idr : type >= 16 && type <= 21;
}

export function isSet(codec: PictureCodec, nal: Buffer): boolean {
  const type = nalType(codec, nal);
  return codec === 'H264' ? type === NAL.h264Sps || type === NAL.h264Pps : type >= NAL.h265Vps && type <= NAL.h265Pps;
}

/** As if SDP had told of it. The clock of sound is its sampling rate. */
export function trackOf(item: Exclude<StreamItem, { kind: 'unknown' }>, sampleRate: number): DescribedTrack {
  const common = { rtxPayloadType: null, layers: [] };
  if (item.kind === 'video')
    return {
      ...common,
      kind: 'video',
      mimeType: `video/${item.codec}`,
      clockRate: 90_000,
      channels: null,
      payloadType: 96,
      parameters: {},
    };
  const lengths = { sizelength: '13', indexlength: '3', indexdeltalength: '3' };
  const parameters = { mode: 'AAC-hbr', ...lengths, config: item.config.toString('hex') };
  return { ...common, kind: 'audio', mimeType: 'audio/mpeg4-generic', clockRate: sampleRate, channels: null, payloadType: 97, parameters };
}
