import { reorderFrames } from '../mp4/sample-entry.ts';
import type { Damage } from '../recordings/lines.ts';
import type { AccessUnit } from '../rtp/access-unit.ts';
import type { CodecConfig, Depacketizer } from '../rtp/codec.ts';
import { DecodeOrder } from '../rtp/decode-order.ts';
import { createDepacketizer } from '../rtp/depacketizers.ts';
import { MissingFrames } from '../rtp/missing.ts';
import { blankPacket, kept, parseRtp, type RtpPacket } from '../rtp/packet.ts';
import { ReorderBuffer } from '../rtp/reorder.ts';
import { unwrapRtx } from '../rtp/rtx.ts';
import type { SlabPool } from '../rtp/slabs.ts';
import { Timeliness } from '../rtp/timeliness.ts';
import { Unwrapper } from '../rtp/unwrap.ts';
import { CaptureClock, type CaptureTime, type SourceClock } from '../time/capture-clock.ts';
import type { Frame, Withheld } from './frame.ts';
import type { SenderReport, TrackInput } from './input.ts';

export type IntakeOutput = {
  frame: (frame: Frame) => void;
  /** Arrived, but not decodable: damaged, or after a loss and before the next key frame. Its memory goes to whoever takes this. */
  withheld: (withheld: Withheld) => void;
  /** Frames that never arrived; of sound, packets. */
  missing: (frames: number) => void;
  /** Good pictures are back: what was lacking, and where. Before the frame that ends it. */
  damage: (damage: Damage) => void;
  /** One more run of numbers begins: the next value, unique within the track. */
  nextRun: () => number;
};

const KEY_REQUEST_EVERY_MS = 500;
/** Frames held for their order are let go when nothing has followed for so long. */
const ORDER_WAIT_MS = 300;

/**
 * One stream (SSRC) from RTP packets to decodable frames: order, depacketise, stamp with capture time, hold back what
 * cannot be decoded and ask for the key frame that ends it.
 */
export class Intake {
  readonly input: TrackInput;
  readonly #output: IntakeOutput;
  readonly #memory: SlabPool;
  #clock: CaptureClock;
  #ssrc: number | null = null;
  #stray: RtpPacket | null = null;
  readonly #packet = blankPacket();
  #reorder: ReorderBuffer;
  #depacketizer: Depacketizer;
  #unwrap = new Unwrapper(32);
  /** Frames that wait in it have their presentation time for `ticks`. */
  readonly #order: DecodeOrder<Frame>;
  readonly #missing = new MissingFrames();
  #run: number;
  #waitingForKey: boolean;
  /** The frames right behind a key frame may refer to ones before it, which a decoder that starts there never saw. */
  #skipLeading = false;
  #keyAskedMs = -Infinity;
  #arrivedMs = 0;
  readonly #timeliness: Timeliness;
  #ssrcRestart = false;
  readonly #placed = { ticks: -1, shownTicks: -1 };
  #shown: CodecConfig | null = null;
  /** Where good pictures ended, and what has been lacking since. */
  #goodUntilMs: number | null = null;
  /** The last good picture's timestamp, in order of showing, without wrap; null where the sender's numbering began anew since. */
  #goodTicks: number | null = null;
  #stepMs = 1000 / 30;
  #lacking: { fromMs: number; withheld: number; missing: number } | null = null;

  /** Frames are made in `memory`; whoever is done with one gives it back there. Throws `bad_request` for a codec that is not recorded. */
  constructor(input: TrackInput, source: SourceClock, memory: SlabPool, output: IntakeOutput) {
    this.input = input;
    this.#memory = memory;
    this.#output = output;
    this.#clock = new CaptureClock(source, input.clockRate, input.heldMs);
    this.#timeliness = new Timeliness(input.clockRate);
    this.#waitingForKey = input.kind === 'video';
    this.#run = output.nextRun();
    this.#order = new DecodeOrder((frame, ticks) => {
      frame.compositionTicks = frame.ticks - ticks;
      frame.ticks = ticks;
      output.frame(frame);
    });
    this.#reorder = this.#newReorder();
    this.#depacketizer = this.#newDepacketizer();
  }

  get clock(): CaptureClock {
    return this.#clock;
  }
  /** When its last frame came, hub time; 0 before the first. */
  get arrivedMs(): number {
    return this.#arrivedMs;
  }

  /** Take one packet, in `bytes` from `start` to `end`. Anything malformed or foreign is dropped without a sound: it says nothing. */
  rtp(bytes: Buffer, arrivalMs: number, start = 0, end = bytes.length): void {
    const { rtxPayloadType } = this.input;
    const isRtx = rtxPayloadType !== null && ((bytes[start + 1] ?? 0) & 0x7f) === rtxPayloadType;
    const packet = isRtx
      ? this.#retransmitted(bytes.subarray(start, end), arrivalMs)
      : parseRtp(bytes, arrivalMs, start, end, this.#packet);
    if (!packet || packet.payloadType !== this.input.payloadType) return;
    if (packet.ssrc !== this.#ssrc && this.#ssrc !== null) {
      // one stray packet, or a late one of the stream before, is no new stream: two in a row are
      const before = this.#stray;
      this.#stray = kept(packet);
      if (before?.ssrc !== packet.ssrc) return;
      this.#newSource();
      this.#reorder.push(before, before.arrivalMs);
    }
    this.#stray = null;
    this.#ssrc = packet.ssrc;
    this.#reorder.push(packet, arrivalMs);
  }

  senderReport(report: SenderReport): void {
    if (report.ssrc === this.#ssrc || this.#ssrc === null) this.#clock.report(report.rtpTimestamp, report.senderMs);
  }

  /** Give up gaps that have been waited for long enough. */
  expire(nowMs: number): void {
    this.#reorder.expire(nowMs);
    if (nowMs - this.#arrivedMs > ORDER_WAIT_MS) this.#order.flush();
  }

  flush(): void {
    this.#reorder.flush();
    this.#depacketizer.flush();
    this.#order.flush();
  }

  /** What follows shall begin with a key frame (the file it would refer to is closed). */
  needKey(nowMs: number): void {
    if (this.input.kind !== 'video') return;
    this.#order.flush();
    this.#waitingForKey = true;
    this.askForKey(nowMs);
  }

  askForKey(nowMs: number): void {
    if (nowMs - this.#keyAskedMs < KEY_REQUEST_EVERY_MS) return;
    this.#keyAskedMs = nowMs;
    this.input.requestKeyFrame();
  }

  /** What has been lacking since the last good picture, if anything, told as ending now: its stream is over or no longer recorded. */
  endDamage(toMs: number): void {
    const lacking = this.#lacking;
    this.#lacking = null;
    if (lacking) this.#output.damage({ ...lacking, toMs: Math.max(toMs, lacking.fromMs) });
  }

  /** The packet that a retransmission carries; null before the stream itself has begun. */
  #retransmitted(bytes: Buffer, arrivalMs: number): RtpPacket | null {
    const original = this.#ssrc === null ? null : unwrapRtx(bytes, this.input.payloadType, this.#ssrc);
    return original && parseRtp(original, arrivalMs);
  }

  #newSource(): void {
    this.flush();
    this.#reorder = this.#newReorder();
    this.#depacketizer = this.#newDepacketizer();
    this.#ssrcRestart = true;
  }

  #newReorder(): ReorderBuffer {
    return new ReorderBuffer((packet, lostBefore, restart) => {
      const again = restart || this.#ssrcRestart;
      this.#ssrcRestart = false;
      this.#depacketizer.push(packet, lostBefore, again);
    });
  }

  #newDepacketizer(): Depacketizer {
    return createDepacketizer(this.input, (unit) => this.#unit(unit), this.#memory);
  }

  #unit(unit: AccessUnit): void {
    const time = this.#timeliness.judge(unit, unit.restart);
    if (time === 'wild') {
      this.#untimely(unit);
      return;
    }
    unit.restart = time === 'restart';
    if (unit.restart) this.#restart();
    const shownTicks = this.#place(unit.timestamp);
    this.#arrivedMs = unit.arrivalMs;
    this.#clock.observe(unit.timestamp, unit.arrivalMs);
    const capture = this.#clock.captureTime(unit.timestamp);
    if (this.input.kind === 'audio') {
      const { config } = this.#depacketizer;
      const missing = unit.lostBefore + (unit.damaged ? 1 : 0);
      if (missing > 0) this.#output.missing(missing);
      if (unit.damaged) {
        this.#memory.free(unit.data);
        return;
      }
      this.#output.frame(this.#frame(unit, shownTicks, capture, config));
      return;
    }
    const missing = this.#missing.push(shownTicks, unit.lostBefore, this.#order.depth);
    if (missing > 0) {
      this.#lack(capture.hubMs).missing += missing;
      this.#output.missing(missing);
    }
    if (!this.#decodable(unit)) {
      this.#lack(capture.hubMs).withheld += 1;
      this.#output.withheld({ unit, captureMs: capture.hubMs, config: this.#depacketizer.config });
      return;
    }
    const config = unit.key ? this.#depacketizer.config : null;
    if (config !== null && config !== this.#shown) {
      this.#shown = config;
      this.#order.declare(reorderFrames(config));
    }
    if (this.#lacking) {
      this.#settleDamage(shownTicks, capture.hubMs);
      this.endDamage(capture.hubMs);
    }
    const stepMs = capture.hubMs - (this.#goodUntilMs ?? capture.hubMs) + this.#stepMs;
    if (stepMs > 0 && stepMs < 500) this.#stepMs = stepMs;
    this.#goodUntilMs = capture.hubMs + this.#stepMs;
    this.#goodTicks = Math.max(this.#goodTicks ?? shownTicks, shownTicks);
    this.#order.push(this.#frame(unit, shownTicks, capture, config), shownTicks);
  }

  /** A sender may repeat a picture with the same timestamp (Chromium, when its encoder begins anew): it is shown a tick later, not at once. */
  #place(timestamp: number): number {
    const ticks = this.#unwrap.next(timestamp);
    const last = this.#placed;
    last.shownTicks = ticks === last.ticks ? last.shownTicks + 1 : ticks;
    last.ticks = ticks;
    return last.shownTicks;
  }

  /** A frame whose time makes no sense is not placed anywhere. */
  #untimely(unit: AccessUnit): void {
    if (this.input.kind === 'audio') {
      this.#output.missing(1);
      this.#memory.free(unit.data);
      return;
    }
    this.#order.flush();
    this.#waitingForKey = true;
    this.askForKey(unit.arrivalMs);
    const captureMs = this.#goodUntilMs ?? unit.arrivalMs;
    this.#lack(captureMs).withheld += 1;
    this.#output.withheld({ unit, captureMs, config: this.#depacketizer.config });
  }

  #frame({ data, key, arrivalMs }: AccessUnit, ticks: number, capture: CaptureTime, config: CodecConfig | null): Frame {
    return { ticks, compositionTicks: 0, run: this.#run, data, key, capture, arrivalMs, config, clockRate: this.input.clockRate };
  }

  #restart(): void {
    this.#order.restart();
    this.#missing.restart();
    this.#run = this.#output.nextRun();
    this.#clock = this.#clock.restart();
    this.#unwrap = new Unwrapper(32);
    this.#goodTicks = null;
    this.#placed.ticks = -1;
  }

  /** How long pictures were lacking is known by the sender's timestamps, whatever has been learnt of its clock meanwhile. */
  #settleDamage(shownTicks: number, captureMs: number): void {
    if (!this.#lacking || this.#goodTicks === null) return;
    const sinceMs = ((shownTicks - this.#goodTicks) * 1000) / this.input.clockRate;
    if (sinceMs > 0) this.#lacking.fromMs = captureMs - Math.max(0, sinceMs - this.#stepMs);
  }

  #lack(captureMs: number): { fromMs: number; withheld: number; missing: number } {
    this.#lacking ??= { fromMs: this.#goodUntilMs ?? captureMs, withheld: 0, missing: 0 };
    return this.#lacking;
  }

  #decodable(unit: AccessUnit): boolean {
    if ((unit.damaged || unit.restart || unit.lostBefore > 0) && !this.#waitingForKey) {
      this.#waitingForKey = true;
      this.#order.flush();
    }
    if (this.#waitingForKey && unit.key && !unit.damaged && this.#depacketizer.config) {
      this.#waitingForKey = false;
      this.#skipLeading = true;
      return true;
    }
    if (this.#waitingForKey) {
      this.askForKey(unit.arrivalMs);
      return false;
    }
    if (unit.leading && this.#skipLeading) return false;
    this.#skipLeading &&= unit.key;
    return true;
  }
}
