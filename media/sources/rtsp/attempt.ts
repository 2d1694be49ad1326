import type { types } from 'mediasoup';
import { messageOf } from '../../errors.ts';
import type { GatewayReason } from '../../protocol/gateway.ts';
import type { HubClock } from '../../time/hub-clock.ts';
import { AttemptRecording, type RecordingOwner } from '../gateway/recording.ts';
import type { CameraMeter } from '../gateway/camera-meter.ts';
import { FfmpegProcess } from '../gateway/ffmpeg-process.ts';
import type { AllowedNetworks, SourceAddress } from '../gateway/address.ts';
import { type Feed, openFeed } from './feed.ts';
import { liveOutputs, type Plan, planOf, Probed } from '../gateway/plan.ts';
import { reasonOf, reasonOfExit, SourceRefusal } from '../gateway/reasons.ts';
import { LiveProducers } from '../gateway/live-producers.ts';
import { RtspTap } from './tap.ts';

export type AttemptOwner = Omit<RecordingOwner, 'end'> & {
  clock: HubClock;
  /** Learns what the stream tells of its camera. */
  meter: CameraMeter;
  /** Names the camera in RTCP. */
  cname: string;
  networks: AllowedNetworks;
  router: () => types.Router;
  /** Who was waited for has come. */
  arrived: () => void;
  /** Why somebody who came was not let in. */
  told: (reason: GatewayReason) => void;
};
/** One try to record a camera, from connecting to the end of its stream. */
export type Attempt = {
  /** Resolves with the reason when it is over and nothing of it is left. */
  run: () => Promise<GatewayReason>;
  stop: () => void;
  /** The SFU has a new worker: what is watched goes on there, the recording never stopped. */
  rehome: (router: types.Router) => Promise<LiveProducers>;
};

const PROBE_MS = 12_000;
/**
 * How long a picture may have been under way before it is sent, which the hub cannot see. Measured with the time in the
 * picture (test/integration/gateway-rtsp.test.ts): 0.4 ms through an encoder that holds nothing back, 198 ms through one
 * with three B-frames at 30 pictures a second. What a camera's sensor takes comes on top, and is allowed for.
 */
const CAMERA_MS = 100;
const B_FRAMES_MS = 200;

/** One try to fetch a camera by RTSP. */
export class GatewayAttempt implements Attempt {
  readonly #address: SourceAddress;
  readonly #owner: AttemptOwner;
  readonly #stop = new AbortController();
  readonly #live: LiveProducers;
  readonly #recording: AttemptRecording;
  #plan: Plan | null = null;
  /** Why it was ended from here. */
  #ended: GatewayReason | null = null;

  constructor(address: SourceAddress, owner: AttemptOwner) {
    this.#address = address;
    this.#owner = owner;
    this.#live = new LiveProducers(owner.cname);
    const heldMs = ({ video }: Plan): number => CAMERA_MS + (video?.bFrames ? B_FRAMES_MS : 0);
    this.#recording = new AttemptRecording({ ...owner, end: (reason) => this.#end(reason) }, this.#live, heldMs);
  }

  async run(): Promise<GatewayReason> {
    try {
      this.#plan = await this.#probe(await this.#feed(null));
      this.#owner.planned(this.#plan);
      return await this.#record(this.#plan);
    } catch (error) {
      if (error instanceof SourceRefusal) return this.#ended ?? error.reason;
      return reasonOf('failed', { why: messageOf(error).slice(0, 200) });
    } finally {
      this.#live.close();
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  async rehome(router: types.Router): Promise<LiveProducers> {
    if (this.#plan) await this.#live.open(router, kindsOf(this.#plan));
    return this.#live;
  }

  #feed(tap: RtspTap | null): Promise<Feed> {
    return openFeed(this.#address, this.#owner.networks, tap, this.#stop.signal);
  }

  async #probe(feed: Feed): Promise<Plan> {
    const ffprobe = new FfmpegProcess('ffprobe', ['-v', 'error', '-show_streams', '-of', 'json', ...feed.args]);
    const stop = (): void => void ffprobe.stop();
    this.#stop.signal.addEventListener('abort', stop);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      stop();
    }, PROBE_MS);
    try {
      const text = await ffprobe.output();
      const refusal = feed.refusal();
      if (refusal) throw new SourceRefusal(refusal);
      if (this.#stop.signal.aborted) throw new SourceRefusal('connection-lost');
      if (late) throw new SourceRefusal('timed-out');
      const code = await ffprobe.exited;
      if (code !== 0) throw new SourceRefusal(reasonOfExit(code, ffprobe.words));
      return planOf(Probed.parse(JSON.parse(text)));
    } finally {
      clearTimeout(timer);
      this.#stop.signal.removeEventListener('abort', stop);
      await ffprobe.stop();
      feed.close();
    }
  }

  async #record(plan: Plan): Promise<GatewayReason> {
    await this.#live.open(this.#owner.router(), kindsOf(plan));
    const tap = new RtspTap(this.#owner.clock, this.#owner.meter, (track) =>
      this.#stop.signal.aborted ? null : this.#recording.add(track, plan),
    );
    const feed = await this.#feed(tap);
    const outputs = liveOutputs(plan, { video: this.#live.target('video'), audio: this.#live.target('audio') });
    const ffmpeg = new FfmpegProcess('ffmpeg', ['-v', 'error', '-nostats', '-nostdin', ...feed.args, ...outputs]);
    const stop = (): void => void ffmpeg.stop();
    if (this.#stop.signal.aborted) stop();
    this.#stop.signal.addEventListener('abort', stop);
    const watch = this.#recording.watch();
    const code = await ffmpeg.exited;
    clearInterval(watch);
    tap.close();
    feed.close();
    return this.#ended ?? feed.refusal() ?? reasonOfExit(code, ffmpeg.words);
  }

  #end(reason: GatewayReason): void {
    this.#ended ??= reason;
    this.stop();
  }
}

export const kindsOf = ({ video, audio }: Plan): ('video' | 'audio')[] => [
  ...(video ? ['video' as const] : []),
  ...(audio ? ['audio' as const] : []),
];
