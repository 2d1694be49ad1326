import { pictureSize, reorderFrames } from '../../mp4/sample-entry.ts';
import { spsOrProfile } from '../../mp4/h264-config.ts';
import { parseAudioSpecificConfig } from '../../rtp/aac-config.ts';
import type { VideoConfig } from '../../rtp/codec.ts';
import { type Plan, type Stream, planOf } from '../gateway/plan.ts';
import { isSet, NAL, nalType, type StreamItem } from './items.ts';

/** Profiles that say how many pictures wait for their turn, by ffprobe's names; their pictures are 4:2:0 with 8 bits. */
const PROFILES: Record<number, string> = { 66: 'Baseline', 77: 'Main', 100: 'High', 110: 'High 10', 122: 'High 4:2:2' };
/** The other kind of track is waited for so long, by the stream's arrivals. */
const SETTLE_MS = 1000;
/** What was held back before comes at once; what comes later says when it was sent. */
const BURST_MS = 300;
const EMPTY = Buffer.alloc(0);
/** Timestamps that are looked at for B-frames which the parameter sets do not tell of. */
const LOOK_AT = 16;

/** Looks at the beginning of a pushed stream, and says what will be done with it. */
export class StreamPlanner {
  #video: Stream | null = null;
  #audio: Stream | null = null;
  #firstMs: number | null = null;
  readonly #pictures: number[] = [];

  /** Null until enough has come. Throws `SourceRefusal` for what cannot be recorded. */
  push(item: StreamItem, arrivalMs: number): Plan | null {
    this.#firstMs ??= arrivalMs;
    if (item.kind === 'unknown') this.#unknown(item);
    else if (item.kind === 'video') this.#picture(item);
    else this.#audio ??= soundOf(item.config);
    const waited = arrivalMs - this.#firstMs > SETTLE_MS;
    const both = this.#video !== null && this.#audio !== null && this.#pictures.length >= LOOK_AT;
    const settled = arrivalMs - this.#firstMs > BURST_MS;
    if (!(waited && (this.#video ?? this.#audio)) && !(both && settled)) return null;
    const streams = [...(this.#video ? [this.#reordered(this.#video)] : []), ...(this.#audio ? [this.#audio] : [])];
    return planOf({ streams });
  }

  #unknown({ track, codec }: Extract<StreamItem, { kind: 'unknown' }>): void {
    if (track === 'video') this.#video ??= { codec_type: 'video', codec_name: codec };
    else this.#audio ??= { codec_type: 'audio', codec_name: codec };
  }

  #picture({ codec, nals, ticks }: Extract<StreamItem, { kind: 'video' }>): void {
    if (this.#pictures.length < LOOK_AT && !nals.every((nal) => isSet(codec, nal))) this.#pictures.push(ticks);
    const sps = nals.find((nal) => nalType(codec, nal) === (codec === 'H264' ? NAL.h264Sps : NAL.h265Sps));
    if (!sps) return;
    const config: VideoConfig = codec === 'H264' ? { codec: 'h264', sps, pps: EMPTY } : { codec: 'h265', vps: EMPTY, sps, pps: EMPTY };
    this.#video = {
      codec_type: 'video',
      codec_name: codec === 'H264' ? 'h264' : 'hevc',
      ...profileOf(config),
      ...pictureSize(config),
      has_b_frames: reorderFrames(config),
    };
  }

  /** Pictures that are shown in another order than they come in, whatever the parameter sets say. */
  #reordered(video: Stream): Stream {
    const back = this.#pictures.some((ticks, i) => i > 0 && ((ticks - (this.#pictures[i - 1] ?? 0)) | 0) < 0);
    return { ...video, ...rateOf(this.#pictures), has_b_frames: Math.max(video.has_b_frames ?? 0, back ? 1 : 0) };
  }
}

function profileOf(config: VideoConfig): Stream {
  if (config.codec !== 'h264') return {};
  const { profile, compatibility, chroma, bitDepthLuma } = spsOrProfile(config.sps);
  const name = profile === 66 && compatibility & 0x40 ? 'Constrained Baseline' : (PROFILES[profile] ?? `profile ${profile}`);
  return { profile: name, pix_fmt: chroma <= 1 && bitDepthLuma === 8 ? 'yuv420p' : 'other' };
}

/** By steps that are near the usual one: at the end of what was looked at, pictures are lacking. A rate near a whole one is that, since times may be rounded to milliseconds. */
function rateOf(ticks: number[]): Stream {
  const sorted = ticks.map((each) => (each - (ticks[0] ?? 0)) | 0).toSorted((a, b) => a - b);
  const steps = sorted.slice(1).map((each, i) => each - (sorted[i] ?? 0));
  const usual = steps.toSorted((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0;
  const near = steps.filter((step) => step > 0.5 * usual && step < 1.5 * usual);
  if (near.length === 0) return {};
  const fps = (near.length * 90_000) / near.reduce((sum, step) => sum + step, 0);
  const whole = Math.round(fps);
  return { avg_frame_rate: `${Math.abs(fps - whole) < fps / 100 ? whole * 1000 : Math.round(fps * 1000)}/1000` };
}

function soundOf(config: Buffer): Stream {
  try {
    const { sampleRate, channels } = parseAudioSpecificConfig(config);
    return { codec_type: 'audio', codec_name: 'aac', sample_rate: String(sampleRate), channels };
  } catch {
    return { codec_type: 'audio', codec_name: 'AAC without configuration' };
  }
}
