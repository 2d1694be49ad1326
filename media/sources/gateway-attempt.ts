import type { types } from 'mediasoup';
import { messageOf } from '../errors.ts';
import type { GatewayReason } from '../protocol/gateway.ts';
import type { TrackInput, TrackSink } from '../recorder/input.ts';
import type { HubClock } from '../time/hub-clock.ts';
import { FfmpegProcess } from './ffmpeg-process.ts';
import type { Connection, Connector } from './gateway-feed.ts';
import { outputsOf, type Plan, planOf, Probed } from './gateway-plan.ts';
import { reasonOf, reasonOfWords, SourceRefusal } from './gateway-reasons.ts';
import { LiveProducers } from './live-producers.ts';
import { RtspInlet } from './rtsp-inlet.ts';

/** What fills the angle while an attempt succeeds. */
export type Recording = {
  addTrack: (input: TrackInput) => TrackSink;
  /** How long no packet has come, milliseconds; null before the first. */
  readonly idleMs: number | null;
};
export type AttemptOwner = {
  clock: HubClock;
  /** Names the camera in RTCP. */
  cname: string;
  router: () => types.Router;
  connected: () => void;
  planned: (plan: Plan) => void;
  /** The stream begins. A HubError refuses to record it. */
  begin: (live: LiveProducers) => Recording;
  /** The first packet has come. */
  running: () => void;
};

const PROBE_MS = 12_000;
const START_MS = 15_000;
/** No packet for so long, and ffmpeg is taken for stuck. */
export const STALL_MS = 6000;
const WATCH_MS = 250;

/** One try to record a camera, from connecting to the end of its stream. */
export class GatewayAttempt {
  readonly #owner: AttemptOwner;
  readonly #stop = new AbortController();
  readonly #live: LiveProducers;
  #recording: Recording | null = null;
  #plan: Plan | null = null;
  #stalled: GatewayReason | null = null;

  constructor(owner: AttemptOwner) {
    this.#owner = owner;
    this.#live = new LiveProducers(owner.cname);
  }

  /** Resolves with the reason when it is over and nothing of it is left. */
  async run(connector: Connector): Promise<GatewayReason> {
    let connection: Connection | null = null;
    try {
      connection = await connector.connect(this.#stop.signal);
      this.#owner.connected();
      this.#plan = await this.#probe(connection);
      this.#owner.planned(this.#plan);
      return await this.#record(connection, this.#plan);
    } catch (error) {
      if (error instanceof SourceRefusal) return error.reason;
      return reasonOf('failed', { why: messageOf(error).slice(0, 200) });
    } finally {
      this.#live.close();
      connection?.close();
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

  async #probe(connection: Connection): Promise<Plan> {
    const feed = await connection.feed('probe', this.#stop.signal);
    const ffprobe = new FfmpegProcess('ffprobe', ['-v', 'error', '-show_streams', '-of', 'json', ...feed.args], feed);
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
      if (refusal) throw new SourceRefusal(refusal.code, refusal.facts);
      if (this.#stop.signal.aborted) throw new SourceRefusal('connection-lost');
      if (late) throw new SourceRefusal('timed-out');
      if ((await ffprobe.exited) !== 0) throw wordsRefusal(ffprobe.words);
      return planOf(Probed.parse(JSON.parse(text)));
    } finally {
      clearTimeout(timer);
      this.#stop.signal.removeEventListener('abort', stop);
      await ffprobe.stop();
      feed.close();
    }
  }

  async #record(connection: Connection, plan: Plan): Promise<GatewayReason> {
    await this.#live.open(this.#owner.router(), kindsOf(plan));
    const inlet = await RtspInlet.open(this.#owner.clock, (input) => {
      this.#recording ??= this.#owner.begin(this.#live);
      return this.#recording.addTrack(input);
    });
    const feed = await connection.feed('run', this.#stop.signal).catch((error: unknown) => {
      inlet.close();
      throw error;
    });
    const targets = {
      record: (kind: string) => inlet.url(kind),
      live: { video: this.#live.target('video'), audio: this.#live.target('audio') },
    };
    const args = ['-v', 'error', '-nostats', ...(feed.stdin ? [] : ['-nostdin']), ...feed.args, ...outputsOf(plan, targets)];
    const ffmpeg = new FfmpegProcess('ffmpeg', args, feed);
    const stop = (): void => void ffmpeg.stop();
    if (this.#stop.signal.aborted) stop();
    this.#stop.signal.addEventListener('abort', stop);
    const watch = this.#watch(stop);
    await ffmpeg.exited;
    clearInterval(watch);
    inlet.close();
    feed.close();
    if (inlet.error !== null) return reasonOf('not-recordable', { why: messageOf(inlet.error) });
    return this.#stalled ?? feed.refusal() ?? reasonOfWords(ffmpeg.words);
  }

  /** A stream that never begins, or stands still, is ended. */
  #watch(stop: () => void): NodeJS.Timeout {
    const startedMs = performance.now();
    let running = false;
    return setInterval(() => {
      const idleMs = this.#recording?.idleMs ?? null;
      if (idleMs !== null && !running) {
        running = true;
        this.#owner.running();
      }
      if (this.#stalled) return;
      if (idleMs === null ? performance.now() - startedMs > START_MS : idleMs > STALL_MS) {
        this.#stalled = idleMs === null ? reasonOf('timed-out') : reasonOf('stalled', { seconds: STALL_MS / 1000 });
        stop();
      }
    }, WATCH_MS);
  }
}

const kindsOf = ({ video, audio }: Plan): ('video' | 'audio')[] => [
  ...(video ? ['video' as const] : []),
  ...(audio ? ['audio' as const] : []),
];

function wordsRefusal(words: string): SourceRefusal {
  const { code, facts } = reasonOfWords(words);
  return new SourceRefusal(code, facts);
}
