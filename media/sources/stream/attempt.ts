import type { types } from 'mediasoup';
import { messageOf } from '../../errors.ts';
import type { GatewayReason } from '../../protocol/gateway.ts';
import { AttemptRecording } from '../gateway/recording.ts';
import { type Attempt, type AttemptOwner, kindsOf } from '../rtsp/attempt.ts';
import type { Plan } from '../gateway/plan.ts';
import { reasonOf, SourceRefusal } from '../gateway/reasons.ts';
import { LivePipe } from './live-pipe.ts';
import { LiveProducers } from '../gateway/live-producers.ts';
import { type StreamItem, TICKS_PER_MS } from './items.ts';
import { StreamPlanner } from './plan.ts';
import { StreamTap } from './tap.ts';

/** A stream that has come. */
export type StreamSource = {
  /** Its parts from now on; called once. `ended`: nothing more comes; a reason where one is known. */
  open: (sink: {
    item: (item: StreamItem, arrivalMs: number) => void;
    ended: (reason: GatewayReason | null) => void;
    nowMs: () => number;
  }) => void;
  /** Resolves when nothing of it is left. */
  close: () => void | Promise<void>;
};
/** The way to a stream. */
export type StreamConnector = {
  /** Resolves when the stream is there. `told`: what is worth knowing meanwhile. Throws `SourceRefusal`. */
  connect: (signal: AbortSignal, told: (reason: GatewayReason) => void) => Promise<StreamSource>;
  /** Resolves when nothing of it is left. */
  close: () => Promise<void>;
};

/** More is no burst, but a clock that began anew. */
const MOST_BURST_MS = 10_000;
/** Until it is known what the stream is made of, so much of it is held. */
const HELD_BYTES = 16 * 2 ** 20;
/**
 * What encoders hold back before they send cannot be seen from here: their look-ahead, B-frames, buffers. It is not
 * measured, since it is a setting of the encoder; so much is said as error.
 */
const ENCODER_MS = 500;

/** One try to record a stream whose container the hub reads itself: from waiting for it to its end. */
export class StreamAttempt implements Attempt {
  readonly #connector: StreamConnector;
  readonly #owner: AttemptOwner;
  readonly #stop = new AbortController();
  readonly #live: LiveProducers;
  readonly #recording: AttemptRecording;
  readonly #planner = new StreamPlanner();
  #plan: Plan | null = null;
  #held: { item: StreamItem; arrivalMs: number }[] | null = [];
  #heldBytes = 0;
  #tap: StreamTap | null = null;
  #pipe: LivePipe | null = null;
  /** Why it was ended from here. */
  #ended: GatewayReason | null = null;

  constructor(connector: StreamConnector, owner: AttemptOwner) {
    this.#connector = connector;
    this.#owner = owner;
    this.#live = new LiveProducers(owner.cname);
    this.#recording = new AttemptRecording({ ...owner, end: (reason) => this.#end(reason) }, this.#live, () => ENCODER_MS);
  }

  async run(): Promise<GatewayReason> {
    try {
      const source = await this.#connector.connect(this.#stop.signal, (reason) => this.#owner.told(reason));
      this.#owner.arrived();
      return await this.#record(source);
    } catch (error) {
      if (error instanceof SourceRefusal) return this.#ended ?? error.reason;
      return reasonOf('failed', { why: messageOf(error).slice(0, 200) });
    } finally {
      this.#tap?.close();
      this.#live.close();
      await this.#pipe?.close();
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  async rehome(router: types.Router): Promise<LiveProducers> {
    if (this.#plan) await this.#live.open(router, kindsOf(heard(this.#plan)));
    return this.#live;
  }

  async #record(source: StreamSource): Promise<GatewayReason> {
    const watch = this.#recording.watch();
    try {
      const reason = await new Promise<GatewayReason | null>((resolve) => {
        if (this.#stop.signal.aborted) resolve(null);
        this.#stop.signal.addEventListener('abort', () => resolve(null), { once: true });
        const nowMs = (): number => this.#owner.clock.nowMs();
        source.open({ item: (item, arrivalMs) => this.#item(item, arrivalMs), ended: resolve, nowMs });
      });
      return this.#ended ?? reason ?? reasonOf('connection-lost');
    } finally {
      clearInterval(watch);
      await source.close();
    }
  }

  #item(item: StreamItem, arrivalMs: number): void {
    if (this.#stop.signal.aborted) return;
    if (!this.#held) {
      this.#tap?.item(item, arrivalMs);
      this.#pipe?.write(item);
      return;
    }
    this.#held.push({ item, arrivalMs });
    this.#heldBytes += bytesOf(item);
    if (this.#plan) {
      if (this.#heldBytes > 2 * HELD_BYTES) this.#end(reasonOf('failed', { why: 'the hub is not keeping up' }));
      return;
    }
    try {
      const plan = this.#planner.push(item, arrivalMs);
      if (plan) void this.#begin(plan);
      else if (this.#heldBytes > HELD_BYTES) this.#end(reasonOf('no-media'));
    } catch (error) {
      this.#end(error instanceof SourceRefusal ? error.reason : reasonOf('failed', { why: messageOf(error).slice(0, 200) }));
    }
  }

  async #begin(plan: Plan): Promise<void> {
    this.#plan = plan;
    this.#owner.planned(plan);
    try {
      await this.#live.open(this.#owner.router(), kindsOf(heard(plan)));
    } catch (error) {
      this.#end(reasonOf('failed', { why: messageOf(error).slice(0, 200) }));
    }
    if (this.#stop.signal.aborted) return;
    this.#tap = new StreamTap((track) => (this.#stop.signal.aborted ? null : this.#recording.add(track, plan)));
    this.#pipe = new LivePipe(heard(plan), { video: this.#live.target('video'), audio: this.#live.target('audio') });
    const held = this.#held ?? [];
    this.#held = null;
    this.#tap.open(held.map(({ item }) => item));
    const leastMs = leastDelay(held);
    for (const { item, arrivalMs } of held) {
      const lateMs = arrivalMs - (mediaMs(item) + leastMs);
      this.#item(item, lateMs > 0 && lateMs < MOST_BURST_MS ? arrivalMs - lateMs : arrivalMs);
    }
  }

  #end(reason: GatewayReason): void {
    this.#ended ??= reason;
    this.stop();
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
