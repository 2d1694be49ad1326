import type { GatewayReason } from '../../protocol/gateway.ts';
import type { Attempt, Way } from '../gateway/attempt.ts';
import type { Plan } from '../gateway/plan.ts';
import { reasonOf, reasonOfError } from '../gateway/reasons.ts';
import { type StreamItem, TICKS_PER_MS } from './items.ts';
import { LivePipe } from './live-pipe.ts';
import { StreamPlanner } from './plan.ts';
import { StreamTap } from './tap.ts';

/** Who reads a stream. */
export type StreamSink = {
  item: (item: StreamItem, arrivalMs: number) => void;
  /** Nothing more comes; a reason where one is known. */
  ended: (reason: GatewayReason | null) => void;
  nowMs: () => number;
};
/** A stream that has come. */
export type StreamSource = {
  /** Its parts from now on; called once. */
  open: (sink: StreamSink) => void;
  /** Resolves when nothing of it is left. */
  close: () => void | Promise<void>;
};
/** Resolves when the stream is there. `told`: what is worth knowing meanwhile. Throws `SourceRefusal`. */
export type Connect = (signal: AbortSignal, told: (reason: GatewayReason) => void) => Promise<StreamSource>;

/** More is no burst, but a clock that began anew. */
const MOST_BURST_MS = 10_000;
/** Until it is known what the stream is made of, so much of it is held. */
const HELD_BYTES = 16 * 2 ** 20;
/**
 * What encoders hold back before they send cannot be seen from here: their look-ahead, B-frames, buffers. It is not
 * measured, since it is a setting of the encoder; so much is said as error.
 */
const ENCODER_MS = 500;

/** A stream whose container the hub reads itself: one ffmpeg makes what is watched, the recording does not pass through it. */
export function streamWay(connect: Connect): Way {
  return {
    heldMs: () => ENCODER_MS,
    record: async (attempt) => {
      const source = await connect(attempt.signal, (reason) => attempt.owner.told(reason));
      attempt.owner.arrived();
      return new StreamRun(attempt).record(source);
    },
  };
}

/** One stream, from its first part to its last. */
class StreamRun {
  readonly #attempt: Attempt;
  readonly #planner = new StreamPlanner();
  /** It is known what the stream is made of. */
  #planned = false;
  #held: { item: StreamItem; arrivalMs: number }[] | null = [];
  #heldBytes = 0;
  #tap: StreamTap | null = null;
  #pipe: LivePipe | null = null;

  constructor(attempt: Attempt) {
    this.#attempt = attempt;
  }

  async record(source: StreamSource): Promise<GatewayReason> {
    const { signal, owner } = this.#attempt;
    const watch = this.#attempt.watch();
    try {
      const reason = await new Promise<GatewayReason | null>((resolve) => {
        if (signal.aborted) resolve(null);
        signal.addEventListener('abort', () => resolve(null), { once: true });
        const nowMs = (): number => owner.clock.nowMs();
        source.open({ item: (item, arrivalMs) => this.#item(item, arrivalMs), ended: resolve, nowMs });
      });
      return reason ?? reasonOf('connection-lost');
    } finally {
      clearInterval(watch);
      await source.close();
      this.#attempt.stop(); // what had not begun yet does not any more
      this.#tap?.close();
      this.#attempt.unwatch();
      await this.#pipe?.close();
    }
  }

  #item(item: StreamItem, arrivalMs: number): void {
    if (this.#attempt.signal.aborted) return;
    if (!this.#held) {
      this.#tap?.item(item, arrivalMs);
      this.#pipe?.write(item);
      return;
    }
    this.#held.push({ item, arrivalMs });
    this.#heldBytes += bytesOf(item);
    if (this.#planned) {
      if (this.#heldBytes > 2 * HELD_BYTES) this.#attempt.end(reasonOf('failed', { why: 'the hub is not keeping up' }));
      return;
    }
    try {
      const plan = this.#planner.push(item, arrivalMs);
      if (plan) void this.#begin(plan);
      else if (this.#heldBytes > HELD_BYTES) this.#attempt.end(reasonOf('no-media'));
    } catch (error) {
      this.#attempt.end(reasonOfError(error));
    }
  }

  async #begin(plan: Plan): Promise<void> {
    this.#planned = true;
    try {
      await this.#attempt.begin(plan, heard(plan));
    } catch (error) {
      this.#attempt.end(reasonOfError(error));
    }
    if (this.#attempt.signal.aborted) return;
    this.#tap = new StreamTap((track) => this.#attempt.addTrack(track, plan));
    this.#pipe = new LivePipe(heard(plan), this.#attempt.targets);
    const held = this.#held ?? [];
    this.#held = null;
    this.#tap.open(held.map(({ item }) => item));
    const leastMs = leastDelay(held);
    for (const { item, arrivalMs } of held) {
      const lateMs = arrivalMs - (mediaMs(item) + leastMs);
      this.#item(item, lateMs > 0 && lateMs < MOST_BURST_MS ? arrivalMs - lateMs : arrivalMs);
    }
  }
}

const mediaMs = (item: StreamItem): number => (item.kind === 'unknown' ? Infinity : item.ticks / TICKS_PER_MS);

/**
 * What is looked at first comes in a burst: an encoder's buffer, a program that looks at a stream before it hands it on. Its
 * arrival says nothing of when it was sent; the least delay of what follows does.
 */
function leastDelay(held: { item: StreamItem; arrivalMs: number }[]): number {
  return held.reduce(
    (least, { item, arrivalMs }) => (item.kind === 'unknown' ? least : Math.min(least, arrivalMs - mediaMs(item))),
    Infinity,
  );
}

/** Sound that is not recorded is not read. */
const heard = (plan: Plan): Plan => ({ ...plan, audio: plan.audio?.recorded ? plan.audio : null });

function bytesOf(item: StreamItem): number {
  if (item.kind === 'video') return item.nals.reduce((sum, nal) => sum + nal.length + 64, 0);
  return item.kind === 'audio' ? item.frame.length + 128 : 128;
}
