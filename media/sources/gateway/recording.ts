import { HubError, messageOf } from '../../errors.ts';
import type { GatewayReason } from '../../protocol/gateway.ts';
import type { TrackInput, TrackSink } from '../../recorder/input.ts';
import { type Plan, soundNotRecorded } from './plan.ts';
import { reasonOf } from './reasons.ts';
import type { LiveProducers } from './live-producers.ts';

/** A track as the stream describes it. */
export type DescribedTrack = Omit<TrackInput, 'requestKeyFrame' | 'heldMs'>;

/** What fills the angle while an attempt succeeds. */
export type Recording = {
  addTrack: (input: TrackInput) => TrackSink;
  /** How long no packet has come, milliseconds; null before the first. */
  readonly idleMs: number | null;
};
export type RecordingOwner = {
  planned: (plan: Plan) => void;
  /** The stream begins. A HubError refuses to record it. */
  begin: (live: LiveProducers) => Recording;
  /** The first packet has come. */
  running: () => void;
  /** It must end, for this reason. */
  end: (reason: GatewayReason) => void;
};

const START_MS = 15_000;
/** No packet for so long, and the way to the camera is taken for stuck. */
const STALL_MS = 6000;
const WATCH_MS = 250;

/** One attempt's recording: its tracks as they come, and a watch over what does not. */
export class AttemptRecording {
  readonly #owner: RecordingOwner;
  readonly #live: LiveProducers;
  readonly #heldMs: (plan: Plan) => number;
  #recording: Recording | null = null;

  /** `heldMs`: how long a picture may have been under way before it is sent, which the hub cannot see. */
  constructor(owner: RecordingOwner, live: LiveProducers, heldMs: (plan: Plan) => number) {
    this.#owner = owner;
    this.#live = live;
    this.#heldMs = heldMs;
  }

  /** A track of the stream; the first begins the recording. Null where it is not recorded: sound is left out then, a picture ends the attempt. */
  add(track: DescribedTrack, plan: Plan): TrackSink | null {
    try {
      this.#recording ??= this.#owner.begin(this.#live);
      return this.#recording.addTrack({ ...track, heldMs: this.#heldMs(plan), requestKeyFrame: () => undefined });
    } catch (error) {
      const unknown = error instanceof HubError && error.code === 'bad_request';
      if (!unknown) this.#owner.end(reasonOf('not-recordable', { why: messageOf(error) }));
      else if (track.kind === 'video') this.#owner.end(reasonOf('codec-not-recorded', { codec: track.mimeType }));
      else if (plan.audio?.recorded)
        this.#owner.planned({
          ...plan,
          audio: { ...plan.audio, recorded: false },
          notes: [...plan.notes, soundNotRecorded(track.mimeType)],
        });
      return null;
    }
  }

  /** A stream that never begins, or stands still, is ended. The timer is the caller's to clear. */
  watch(): NodeJS.Timeout {
    const startedMs = performance.now();
    let running = false;
    return setInterval(() => {
      const idleMs = this.#recording?.idleMs ?? null;
      if (idleMs !== null && !running) {
        running = true;
        this.#owner.running();
      }
      if (idleMs === null && performance.now() - startedMs > START_MS) this.#owner.end(reasonOf('timed-out'));
      if (idleMs !== null && idleMs > STALL_MS) this.#owner.end(reasonOf('stalled', { seconds: STALL_MS / 1000 }));
    }, WATCH_MS);
  }
}
