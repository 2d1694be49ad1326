import type { types } from 'mediasoup';
import { HubError, messageOf } from '../errors.ts';
import type { GatewayReason } from '../protocol/gateway.ts';
import type { TrackInput, TrackSink } from '../recorder/input.ts';
import type { HubClock } from '../time/hub-clock.ts';
import type { CameraMeter } from './camera-meter.ts';
import { FfmpegProcess } from './ffmpeg-process.ts';
import type { AllowedNetworks, SourceAddress } from './gateway-address.ts';
import { type Feed, openFeed } from './gateway-feed.ts';
import { liveOutputs, type Plan, planOf, Probed, soundNotRecorded } from './gateway-plan.ts';
import { reasonOf, reasonOfExit, SourceRefusal } from './gateway-reasons.ts';
import { LiveProducers } from './live-producers.ts';
import { RtspTap } from './rtsp-tap.ts';
import type { SdpTrack } from './sdp.ts';

/** What fills the angle while an attempt succeeds. */
export type Recording = {
  addTrack: (input: TrackInput) => TrackSink;
  /** How long no packet has come, milliseconds; null before the first. */
  readonly idleMs: number | null;
};
export type AttemptOwner = {
  clock: HubClock;
  /** Learns what the stream tells of its camera. */
  meter: CameraMeter;
  /** Names the camera in RTCP. */
  cname: string;
  networks: AllowedNetworks;
  router: () => types.Router;
  planned: (plan: Plan) => void;
  /** The stream begins. A HubError refuses to record it. */
  begin: (live: LiveProducers) => Recording;
  /** The first packet has come. */
  running: () => void;
};

const PROBE_MS = 12_000;
const START_MS = 15_000;
/** No packet for so long, and ffmpeg is taken for stuck. */
const STALL_MS = 6000;
const WATCH_MS = 250;
/**
 * How long a picture may have been under way before it is sent, which the hub cannot see. Measured with the time in the
 * picture (test/integration/gateway-rtsp.test.ts): 0.4 ms through an encoder that holds nothing back, 198 ms through one
 * with three B-frames at 30 pictures a second. What a camera's sensor takes comes on top, and is allowed for.
 */
const CAMERA_MS = 100;
const B_FRAMES_MS = 200;

/** One try to record a camera, from connecting to the end of its stream. */
export class GatewayAttempt {
  readonly #owner: AttemptOwner;
  readonly #stop = new AbortController();
  readonly #live: LiveProducers;
  #recording: Recording | null = null;
  #plan: Plan | null = null;
  /** Why it was ended from here. */
  #ended: GatewayReason | null = null;

  constructor(owner: AttemptOwner) {
    this.#owner = owner;
    this.#live = new LiveProducers(owner.cname);
  }

  /** Resolves with the reason when it is over and nothing of it is left. */
  async run(address: SourceAddress): Promise<GatewayReason> {
    try {
      this.#plan = await this.#probe(await this.#feed(address, null));
      this.#owner.planned(this.#plan);
      return await this.#record(address, this.#plan);
    } catch (error) {
      if (error instanceof SourceRefusal) return this.#ended ?? error.reason;
      return reasonOf('failed', { why: messageOf(error).slice(0, 200) });
    } finally {
      this.#live.close();
    }
  }

  /** End it; `run` resolves soon. */
  stop(): void {
    this.#stop.abort();
  }

  /** The SFU has a new worker: what is watched goes on there, the recording never stopped. */
  async rehome(router: types.Router): Promise<LiveProducers> {
    if (this.#plan) await this.#live.open(router, kindsOf(this.#plan));
    return this.#live;
  }

  #feed(address: SourceAddress, tap: RtspTap | null): Promise<Feed> {
    return openFeed(address, this.#owner.networks, tap, this.#stop.signal);
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

  async #record(address: SourceAddress, plan: Plan): Promise<GatewayReason> {
    await this.#live.open(this.#owner.router(), kindsOf(plan));
    const tap = new RtspTap(this.#owner.clock, this.#owner.meter, (track) => this.#add(track, plan));
    const feed = await this.#feed(address, tap);
    const outputs = liveOutputs(plan, { video: this.#live.target('video'), audio: this.#live.target('audio') });
    const ffmpeg = new FfmpegProcess('ffmpeg', ['-v', 'error', '-nostats', '-nostdin', ...feed.args, ...outputs]);
    const stop = (): void => void ffmpeg.stop();
    if (this.#stop.signal.aborted) stop();
    this.#stop.signal.addEventListener('abort', stop);
    const watch = this.#watch();
    const code = await ffmpeg.exited;
    clearInterval(watch);
    tap.close();
    feed.close();
    return this.#ended ?? feed.refusal() ?? reasonOfExit(code, ffmpeg.words);
  }

  /** A track of the camera's; the first begins the recording. Sound that cannot be recorded is left out. */
  #add(track: SdpTrack, plan: Plan): TrackSink | null {
    if (this.#stop.signal.aborted) return null;
    try {
      this.#recording ??= this.#owner.begin(this.#live);
      const heldMs = CAMERA_MS + (plan.video?.bFrames ? B_FRAMES_MS : 0);
      return this.#recording.addTrack({ ...track, heldMs, requestKeyFrame: () => undefined });
    } catch (error) {
      const unknown = error instanceof HubError && error.code === 'bad_request';
      if (!unknown) this.#end(reasonOf('not-recordable', { why: messageOf(error) }));
      else if (track.kind === 'video') this.#end(reasonOf('codec-not-recorded', { codec: track.mimeType }));
      else if (plan.audio?.recorded)
        this.#owner.planned({
          ...plan,
          audio: { ...plan.audio, recorded: false },
          notes: [...plan.notes, soundNotRecorded(track.mimeType)],
        });
      return null;
    }
  }

  #end(reason: GatewayReason): void {
    this.#ended ??= reason;
    this.stop();
  }

  /** A stream that never begins, or stands still, is ended. */
  #watch(): NodeJS.Timeout {
    const startedMs = performance.now();
    let running = false;
    return setInterval(() => {
      const idleMs = this.#recording?.idleMs ?? null;
      if (idleMs !== null && !running) {
        running = true;
        this.#owner.running();
      }
      if (idleMs === null && performance.now() - startedMs > START_MS) this.#end(reasonOf('timed-out'));
      if (idleMs !== null && idleMs > STALL_MS) this.#end(reasonOf('stalled', { seconds: STALL_MS / 1000 }));
    }, WATCH_MS);
  }
}

const kindsOf = ({ video, audio }: Plan): ('video' | 'audio')[] => [
  ...(video ? ['video' as const] : []),
  ...(audio ? ['audio' as const] : []),
];
