import type { types } from 'mediasoup';
import type { GatewayReason } from '../../protocol/gateway.ts';
import type { TrackSink } from '../../recorder/input.ts';
import type { HubClock } from '../../time/hub-clock.ts';
import type { CameraMeter } from './camera-meter.ts';
import { LiveProducers } from './live-producers.ts';
import type { LiveTargets, Plan } from './plan.ts';
import { reasonOfError } from './reasons.ts';
import { AttemptRecording, type DescribedTrack, type RecordingOwner } from './recording.ts';

export type AttemptOwner = Omit<RecordingOwner, 'end'> & {
  clock: HubClock;
  /** Learns what the stream tells of its camera. */
  meter: CameraMeter;
  /** Names the camera in RTCP. */
  cname: string;
  router: () => types.Router;
  /** Who was waited for has come. */
  arrived: () => void;
  /** Why somebody who came was not let in. */
  told: (reason: GatewayReason) => void;
};

/** How a stream comes in: what an attempt does in one language or another. */
export type Way = {
  /** How long a picture may have been under way before it is sent, which the hub cannot see. */
  heldMs: (plan: Plan) => number;
  /** From connecting to the end of the stream: why it ended. Nothing of it is left then. Throws `SourceRefusal`. */
  record: (attempt: Attempt) => Promise<GatewayReason>;
};

/** One try to record a camera, from connecting, or waiting for it, to the end of its stream. */
export class Attempt {
  readonly owner: AttemptOwner;
  readonly #way: Way;
  readonly #stop = new AbortController();
  readonly #live: LiveProducers;
  readonly #recording: AttemptRecording;
  /** What of the stream is watched; null until that is known. */
  #watched: Plan | null = null;
  /** Why it was ended from here. */
  #ended: GatewayReason | null = null;

  constructor(way: Way, owner: AttemptOwner) {
    this.owner = owner;
    this.#way = way;
    this.#live = new LiveProducers(owner.cname);
    this.#recording = new AttemptRecording({ ...owner, end: (reason) => this.end(reason) }, this.#live, way.heldMs);
  }

  /** Aborted when it shall end. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }
  /** Where ffmpeg sends what is watched. */
  get targets(): LiveTargets {
    return this.#live.targets;
  }

  /** Resolves with the reason when it is over and nothing of it is left. */
  async run(): Promise<GatewayReason> {
    try {
      const reason = await this.#way.record(this);
      return this.#ended ?? reason;
    } catch (error) {
      return this.#ended ?? reasonOfError(error);
    } finally {
      this.unwatch();
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  /** It must end, for this reason, unless there was one before. */
  end(reason: GatewayReason): void {
    this.#ended ??= reason;
    this.stop();
  }

  /** What the stream is made of is known: consoles may watch it. `watched`: what of it, if not all. */
  async begin(plan: Plan, watched: Plan = plan): Promise<void> {
    this.#watched = watched;
    this.owner.planned(plan);
    await this.#live.open(this.owner.router(), kindsOf(watched));
  }

  /** The SFU has a new worker: what is watched goes on there, the recording never stopped. */
  async rehome(router: types.Router): Promise<LiveProducers> {
    if (this.#watched) await this.#live.open(router, kindsOf(this.#watched));
    return this.#live;
  }

  /** Record a track of the stream; null for one that is not recorded. */
  addTrack(track: DescribedTrack, plan: Plan): TrackSink | null {
    return this.signal.aborted ? null : this.#recording.add(track, plan);
  }

  /** See `AttemptRecording.watch`. */
  watch(): NodeJS.Timeout {
    return this.#recording.watch();
  }

  /** Nobody can watch it any more. */
  unwatch(): void {
    this.#live.close();
  }
}

const kindsOf = ({ video, audio }: Plan): ('video' | 'audio')[] => [
  ...(video ? ['video' as const] : []),
  ...(audio ? ['audio' as const] : []),
];
