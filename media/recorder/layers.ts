import type { Damage } from '../recordings/lines.ts';
import type { SlabPool } from '../rtp/slabs.ts';
import type { CaptureClock, SourceClock } from '../time/capture-clock.ts';
import type { SenderReport, TrackInput } from './input.ts';
import type { Frame, Withheld } from './frame.ts';
import { Intake } from './intake.ts';

export type LayersOutput = {
  frame: (frame: Frame) => void;
  withheld: (withheld: Withheld) => void;
  missing: (frames: number) => void;
  damage: (damage: Damage) => void;
  /** One more run of numbers begins: the next value, unique within the take. */
  nextRun: () => number;
  /** From the key frame captured then on, this layer is recorded. Told only where there are several. */
  layer: (hubMs: number, layer: number, layers: number) => void;
};

/** A layer flows when its last frame came no longer ago than this. */
const FLOWS_MS = 500;
/**
 * How long a key frame of a lower layer is held back for that of a higher one, which its encoder makes at the same time and
 * sends after it, as fast as the network is thought to bear. (Beside other loads 250 ms were seen not to be enough.)
 */
const HOLD_MS = 500;
/** A higher layer must have flowed for so long before a key frame is asked for its sake, and then not again for as long. */
const STEADY_MS = 600;
const ASK_EVERY_MS = 2000;
/** Captures closer than this are the same picture in two layers. */
const SAME_MS = 15;

/** `sinceMs`, `lastMs`: since when it flows, and its last decodable frame, hub time. */
type Layer = { intake: Intake; sinceMs: number; lastMs: number };
type Held = { layer: number; frames: Frame[]; untilMs: number };

/**
 * One track whose sender may send it in several simulcast layers, each a stream of its own. Recorded is the highest
 * layer that flows now: at its next key frame it takes over; when it stops, the highest that is left does. The top is
 * never waited for. (A plain simulcast consumer of the SFU was seen to stay on the lowest layer for 22 s.)
 */
export class Layers {
  readonly input: TrackInput;
  readonly #output: LayersOutput;
  readonly #memory: SlabPool;
  readonly #layers: Layer[];
  /** The only layer there is, or null: what nearly every packet asks for. */
  readonly #only: Intake | null;
  /** Index of the layer that is recorded. */
  #chosen = 0;
  #held: Held | null = null;
  /** Capture of the newest frame handed out. */
  #lastMs = -Infinity;
  #askedMs = 0;
  /** When the first layer came after a silence of all. */
  #beganMs = -Infinity;

  /** Throws `bad_request` for a codec that is not recorded. */
  constructor(input: TrackInput, source: SourceClock, memory: SlabPool, output: LayersOutput) {
    this.input = input;
    this.#output = output;
    this.#memory = memory;
    this.#layers = Array.from({ length: Math.max(1, input.layers.length) }, (_, index) => ({
      sinceMs: 0,
      lastMs: -Infinity,
      intake: new Intake(input, source, memory, {
        frame: (frame) => this.#frame(index, frame),
        withheld: (withheld) => (index === this.#chosen ? output.withheld(withheld) : memory.free(withheld.unit.data)),
        missing: (frames) => index === this.#chosen && output.missing(frames),
        damage: (damage) => index === this.#chosen && output.damage(damage),
        nextRun: output.nextRun,
      }),
    }));
    this.#only = this.#layers.length === 1 ? this.#intake : null;
  }

  /** Of the layer that is recorded. */
  get clock(): CaptureClock {
    return this.#intake.clock;
  }

  /** One packet, in `bytes` from `start` to `end`. */
  rtp(bytes: Buffer, arrivalMs: number, start = 0, end = bytes.length): void {
    if (this.#only) this.#only.rtp(bytes, arrivalMs, start, end);
    else if (end - start >= 12)
      this.#layers[this.input.layers.indexOf(bytes.readUInt32BE(start + 8))]?.intake.rtp(bytes, arrivalMs, start, end);
  }

  senderReport(report: SenderReport): void {
    if (this.#only) this.#only.senderReport(report);
    else this.#layers[this.input.layers.indexOf(report.ssrc)]?.intake.senderReport(report);
  }

  expire(nowMs: number): void {
    for (const { intake } of this.#layers) intake.expire(nowMs);
    if (this.#held && nowMs > this.#held.untilMs) this.#release();
  }

  flush(nowMs: number): void {
    for (const { intake } of this.#layers) intake.flush();
    this.#release();
    this.#intake.endDamage(nowMs);
  }

  /** What follows shall begin with a key frame. */
  needKey(nowMs: number): void {
    for (const { intake } of this.#layers) intake.needKey(nowMs);
  }

  get #intake(): Intake {
    return (this.#layers[this.#chosen] as Layer).intake;
  }

  #frame(index: number, frame: Frame): void {
    if (this.#only) {
      this.#output.frame(frame);
      return;
    }
    const layer = this.#layers[index] as Layer;
    const begins = frame.arrivalMs - layer.lastMs > FLOWS_MS;
    if (begins) layer.sinceMs = frame.arrivalMs;
    layer.lastMs = frame.arrivalMs;
    const best = this.#best(index, begins, frame.arrivalMs);
    if (this.#held?.layer === index) this.#held.frames.push(frame);
    else if (frame.key && frame.capture.hubMs > this.#lastMs + SAME_MS && this.#wanted(index, best, frame.arrivalMs))
      this.#keyFrame(index, frame, best);
    else if (index === this.#chosen && !this.#held) this.#hand(frame);
    else this.#memory.free(frame.data);
    this.#ask(frame.arrivalMs, best);
  }

  /** Is a key frame of this layer a place to go on from: the best there is, or at least better than one that is gone? */
  #wanted(index: number, best: number, nowMs: number): boolean {
    if (index >= best || index === this.#chosen) return true;
    return index > (this.#held?.layer ?? -1) && (this.#held !== null || !this.#flows(this.#chosen, nowMs));
  }

  #keyFrame(index: number, frame: Frame, best: number): void {
    if (index >= best) {
      this.#endHold(frame.capture.hubMs);
      this.#switch(index, frame);
      this.#hand(frame);
      return;
    }
    if (this.#held && this.#held.layer > index) {
      this.#memory.free(frame.data);
      return;
    }
    this.#endHold(frame.capture.hubMs);
    this.#held = { layer: index, frames: [frame], untilMs: frame.arrivalMs + HOLD_MS };
  }

  /** The higher layer's key frame did not come: go on with what there is. */
  #release(): void {
    this.#endHold(Infinity);
  }

  /** Hand out what is held of the time before `untilMs`; the rest is the same pictures as those that follow. */
  #endHold(untilMs: number): void {
    const held = this.#held;
    this.#held = null;
    for (const frame of held?.frames ?? []) {
      if (!held || frame.capture.hubMs >= untilMs - SAME_MS) {
        this.#memory.free(frame.data);
        continue;
      }
      this.#switch(held.layer, frame);
      this.#hand(frame);
    }
  }

  #switch(index: number, frame: Frame): void {
    if (index === this.#chosen && this.#lastMs !== -Infinity) return;
    this.#intake.endDamage(frame.capture.hubMs);
    this.#chosen = index;
    this.#output.layer(frame.capture.hubMs, index, this.#layers.length);
  }

  #hand(frame: Frame): void {
    this.#lastMs = Math.max(this.#lastMs, frame.capture.hubMs);
    this.#output.frame(frame);
  }

  /** A key frame (of all layers: encoders make them together) brings a better layer, or one that is left when ours has stopped. */
  #ask(nowMs: number, best: number): void {
    if (best === this.#chosen || this.#held || nowMs - this.#askedMs < ASK_EVERY_MS) return;
    const steady = nowMs - (this.#layers[best] as Layer).sinceMs > STEADY_MS;
    if (best > this.#chosen && !steady) return;
    this.#askedMs = nowMs;
    this.input.requestKeyFrame();
  }

  #flows(index: number, nowMs: number): boolean {
    return nowMs - (this.#layers[index] as Layer).intake.arrivedMs < FLOWS_MS;
  }

  /**
   * The highest layer that flows. Where this one is the first after a silence, nobody knows which will come: the top is
   * hoped for as long as a key frame may be held.
   */
  #best(first: number, begins: boolean, nowMs: number): number {
    const top = this.#layers.length - 1;
    const flowing = this.#layers.findLastIndex((_, index) => index !== first && this.#flows(index, nowMs));
    if (flowing < 0 && begins) this.#beganMs = nowMs;
    return nowMs - this.#beganMs < HOLD_MS ? top : Math.max(flowing, first);
  }
}
