import { z } from 'zod';
import type { GatewayNote, GatewayState } from '../../protocol/gateway.ts';
import { SourceRefusal } from './reasons.ts';

/** The part of `ffprobe -show_streams -of json` that is used. */
export const Probed = z.object({
  streams: z.array(
    z.looseObject({
      codec_type: z.string().optional(),
      codec_name: z.string().optional(),
      profile: z.string().optional(),
      width: z.int().optional(),
      height: z.int().optional(),
      pix_fmt: z.string().optional(),
      has_b_frames: z.int().optional(),
      avg_frame_rate: z.string().optional(),
      r_frame_rate: z.string().optional(),
      sample_rate: z.string().optional(),
      channels: z.int().optional(),
    }),
  ),
});
export type Probed = z.infer<typeof Probed>;
export type Stream = Probed['streams'][number];

export type Plan = { video: GatewayState['video']; audio: GatewayState['audio']; notes: GatewayNote[] };

/** Names for people, of what the recorder takes. */
const VIDEO: Record<string, string> = { h264: 'H.264', hevc: 'H.265', vp8: 'VP8', vp9: 'VP9' };
const AUDIO: Record<string, string> = { aac: 'AAC', opus: 'Opus', pcm_alaw: 'G.711 A-law', pcm_mulaw: 'G.711 µ-law' };
const COPIED_PROFILES = /^(Constrained Baseline|Baseline|Main|High)$/;
const COPIED_PIXELS = /^yuvj?420p$/;

/**
 * What is done with a stream's tracks. A picture that cannot be recorded refuses the stream, sound that cannot is left
 * out and said. Throws `SourceRefusal`.
 */
export function planOf({ streams }: Probed): Plan {
  const picture = streams.find(({ codec_type, width }) => codec_type === 'video' && width !== 0);
  const sound = streams.find(({ codec_type }) => codec_type === 'audio');
  const notes: GatewayNote[] = [];
  const video = picture ? planPicture(picture) : null;
  const audio = sound ? planSound(sound) : null;
  if (!video && !audio?.recorded) {
    if (audio) throw new SourceRefusal('codec-not-recorded', { codec: audio.codec });
    throw new SourceRefusal('no-media');
  }
  if (video?.live === 'transcoded') {
    const codec = video.bFrames && video.codec === 'H.264' ? 'H.264 with B-frames' : video.codec;
    notes.push({ code: 'transcoding-live', facts: { codec, cores: 1 }, message: `${codec}: transcoding for live, up to 1 core` });
  }
  if (audio && !audio.recorded) notes.push(soundNotRecorded(audio.codec));
  return { video, audio, notes };
}

export function soundNotRecorded(codec: string): GatewayNote {
  return { code: 'sound-not-recorded', facts: { codec }, message: `${codec}: this sound cannot be recorded, the picture is` };
}

function planPicture(stream: Stream): NonNullable<GatewayState['video']> {
  const { codec_name: name = 'unknown', profile = null, width = 0, height = 0, pix_fmt: pixels = '' } = stream;
  const codec = VIDEO[name];
  if (!codec) throw new SourceRefusal('codec-not-recorded', { codec: shown(name) });
  const bFrames = (stream.has_b_frames ?? 0) > 0;
  const fits = name === 'h264' && !bFrames && COPIED_PROFILES.test(profile ?? '') && COPIED_PIXELS.test(pixels);
  const fps = rate(stream.avg_frame_rate) ?? rate(stream.r_frame_rate);
  return { codec, profile, width, height, fps, bFrames, live: fits ? 'copied' : 'transcoded' };
}

function planSound(stream: Stream): NonNullable<GatewayState['audio']> {
  const { codec_name: name = 'unknown', sample_rate: sampleRate = '0', channels = 0 } = stream;
  const codec = AUDIO[name];
  return {
    codec: codec ?? shown(name),
    sampleRate: Number(sampleRate),
    channels,
    recorded: codec !== undefined,
    live: name === 'opus' ? 'copied' : 'transcoded',
  };
}

/** A codec's name as ffprobe has it: it names itself, the stream cannot choose it. */
const shown = (name: string): string => name.replace(/[^\w.-]/g, '').slice(0, 40);

function rate(text: string | undefined): number | null {
  const [over = 0, under = 0] = (text ?? '').split('/').map(Number);
  const fps = over / under;
  return Number.isFinite(fps) && fps > 0 && fps < 250 ? Math.round(fps * 100) / 100 : null;
}

export type LiveTarget = { port: number; rtcpPort: number; ssrc: number; payloadType: number };
/** Null for what is not watched. */
export type LiveTargets = Record<'video' | 'audio', LiveTarget | null>;

const LIVE_WIDTH = 1280;
const DEFAULT_FPS = 25;

/** ffmpeg's outputs: what browsers can decode, to the SFU. Copied where it is that already. */
export function liveOutputs({ video, audio }: Plan, live: LiveTargets): string[] {
  const toSfu = ({ port, rtcpPort, ssrc, payloadType }: LiveTarget): string[] =>
    `-ssrc ${ssrc} -payload_type ${payloadType} -f rtp rtp://127.0.0.1:${port}?rtcpport=${rtcpPort}&pkt_size=1200`.split(' ');
  const args: string[] = [];
  if (video && live.video)
    args.push('-map', '0:V:0', '-an', ...(video.live === 'copied' ? COPY_PICTURE : encodePicture(video.fps)), ...toSfu(live.video));
  if (audio && live.audio) args.push('-map', '0:a:0', '-vn', ...(audio.live === 'copied' ? ['-c:a', 'copy'] : OPUS), ...toSfu(live.audio));
  return args;
}

/** The SFU forwards parameter sets only in band, where a camera may have them in its SDP alone. */
const COPY_PICTURE = '-c:v copy -bsf:v h264_mp4toannexb,dump_extra=freq=keyframe'.split(' ');
const OPUS = '-c:a libopus -ar 48000 -ac 2 -b:a 48k -frame_duration 20'.split(' ');

/** A key frame a second, since ffmpeg hears no request for one; frames as they come, not evened out. */
function encodePicture(fps: number | null): string[] {
  const gop = String(Math.max(1, Math.round(fps ?? DEFAULT_FPS)));
  const coder = '-c:v libx264 -preset ultrafast -tune zerolatency -profile:v baseline -pix_fmt yuv420p -threads 1';
  const rates = `-g ${gop} -keyint_min ${gop} -sc_threshold 0 -b:v 1500k -maxrate 2000k -bufsize 1000k -fps_mode passthrough`;
  return [...coder.split(' '), ...rates.split(' '), '-vf', `scale='min(${LIVE_WIDTH},iw)':-2`];
}
