import type { AccessUnit } from '../rtp/access-unit.ts';
import type { Depacketizer } from '../rtp/codec.ts';
import { createDepacketizer } from '../rtp/depacketizers.ts';
import { parseRtp, type RtpPacket } from '../rtp/packet.ts';
import { ReorderBuffer } from '../rtp/reorder.ts';
import type { SlabPool } from '../rtp/slabs.ts';
import { Unwrapper } from '../rtp/unwrap.ts';
import { CaptureClock, type CaptureTime, type SourceClock } from '../time/capture-clock.ts';
import type { SenderReport, TrackInput } from './input.ts';

export type ParameterSets = { sps: Buffer; pps: Buffer };

/** One frame that can be decoded, with the moment it was captured. */
export type Frame = {
  /** RTP timestamp without wrap, in the track's clock rate; comparable within one `run`. */
  ticks: number;
  /** Counts the sender's restarts of its numbering. */
  run: number;
  data: Buffer;
  key: boolean;
  capture: CaptureTime;
  arrivalMs: number;
  /** Of video key frames: the parameter sets they were sent with. */
  sets: ParameterSets | null;
};

export type IntakeOutput = {
  frame: (frame: Frame) => void;
  /** Arrived, but not decodable: damaged, or after a loss and before the next key frame. */
  withheld: (unit: AccessUnit) => void;
  /** Frames that never arrived. */
  missing: (frames: number) => void;
};

const KEY_REQUEST_EVERY_MS = 500;

/**
 * One track from RTP packets to decodable frames: order, depacketise, stamp with capture time, hold back what cannot be
 * decoded and ask for the key frame that ends it.
 */
export class Intake {
  readonly input: TrackInput;
  readonly #output: IntakeOutput;
  readonly #memory: SlabPool;
  #clock: CaptureClock;
  #ssrc: number | null = null;
  #reorder: ReorderBuffer;
  #h264: Depacketizer | null;
  #unwrap = new Unwrapper(32);
  #run = 0;
  #waitingForKey: boolean;
  #keyAskedMs = -Infinity;
  #lastTicks: number | null = null;
  #stepTicks: number | null = null;
  #ssrcRestart = false;

  /** Frames are made in `memory`; whoever is done with one gives it back there. */
  constructor(input: TrackInput, source: SourceClock, memory: SlabPool, output: IntakeOutput) {
    this.input = input;
    this.#memory = memory;
    this.#output = output;
    this.#clock = new CaptureClock(source, input.clockRate);
    this.#waitingForKey = input.kind === 'video';
    this.#reorder = this.#newReorder();
    this.#h264 = this.#newDepacketizer();
  }

  get clock(): CaptureClock {
    return this.#clock;
  }

  /** Take one packet. Anything malformed or foreign is dropped without a sound: it says nothing. */
  rtp(bytes: Buffer, arrivalMs: number): void {
    const packet = parseRtp(bytes, arrivalMs);
    if (!packet || packet.payloadType !== this.input.payloadType) return;
    if (packet.ssrc !== this.#ssrc) this.#newSource(packet);
    this.#reorder.push(packet, arrivalMs);
  }

  senderReport(report: SenderReport): void {
    if (report.ssrc === this.#ssrc || this.#ssrc === null) this.#clock.report(report.rtpTimestamp, report.senderMs);
  }

  /** Give up gaps that have been waited for long enough. */
  expire(nowMs: number): void {
    this.#reorder.expire(nowMs);
  }

  flush(nowMs: number): void {
    this.#reorder.flush(nowMs);
    this.#h264?.flush();
  }

  /** What follows shall begin with a key frame (the file it would refer to is closed). */
  needKey(nowMs: number): void {
    if (this.input.kind !== 'video') return;
    this.#waitingForKey = true;
    this.#askForKey(nowMs);
  }

  #newSource(packet: RtpPacket): void {
    if (this.#ssrc !== null) {
      this.flush(packet.arrivalMs);
      this.#reorder = this.#newReorder();
      this.#h264 = this.#newDepacketizer();
      this.#ssrcRestart = true;
    }
    this.#ssrc = packet.ssrc;
  }

  #newReorder(): ReorderBuffer {
    return new ReorderBuffer((packet, lostBefore, restart) => {
      const again = restart || this.#ssrcRestart;
      this.#ssrcRestart = false;
      if (this.#h264) this.#h264.push(packet, lostBefore, again);
      else if (packet.payload.length > 0) this.#unit(this.#opusUnit(packet, lostBefore, again));
    });
  }

  #newDepacketizer(): Depacketizer | null {
    if (this.input.kind === 'audio') return null;
    const { mimeType, clockRate, channels, parameterSets } = this.input;
    const parameters = { 'sprop-parameter-sets': parameterSets };
    return createDepacketizer({ mimeType, clockRate, channels, parameters }, (unit) => this.#unit(unit), this.#memory);
  }

  #unit(unit: AccessUnit): void {
    if (unit.restart) {
      this.#run += 1;
      this.#clock = this.#clock.restart();
      this.#unwrap = new Unwrapper(32);
      this.#lastTicks = null;
    }
    const ticks = this.#unwrap.next(unit.timestamp);
    this.#clock.observe(unit.timestamp, unit.arrivalMs);
    this.#countMissing(unit, ticks);
    if (this.input.kind === 'video' && !this.#decodable(unit)) {
      this.#output.withheld(unit);
      this.#memory.free(unit.data);
      return;
    }
    const config = this.#h264?.config;
    const sets = unit.key && config?.codec === 'h264' ? config : null;
    const capture = this.#clock.captureTime(unit.timestamp);
    this.#output.frame({ ticks, run: this.#run, data: unit.data, key: unit.key, capture, arrivalMs: unit.arrivalMs, sets });
  }

  #decodable(unit: AccessUnit): boolean {
    if (unit.damaged || unit.restart || unit.lostBefore > 0) this.#waitingForKey = true;
    if (this.#waitingForKey && unit.key && !unit.damaged && this.#h264?.config) this.#waitingForKey = false;
    if (this.#waitingForKey) this.#askForKey(unit.arrivalMs);
    return !this.#waitingForKey;
  }

  #askForKey(nowMs: number): void {
    if (nowMs - this.#keyAskedMs < KEY_REQUEST_EVERY_MS) return;
    this.#keyAskedMs = nowMs;
    this.input.requestKeyFrame();
  }

  /** Whole frames that a loss swallowed show as timestamp steps longer than the usual one. */
  #countMissing(unit: AccessUnit, ticks: number): void {
    const last = this.#lastTicks;
    this.#lastTicks = last === null ? ticks : Math.max(last, ticks);
    if (last === null || ticks <= last) return;
    const step = ticks - last;
    if (unit.lostBefore === 0) {
      this.#stepTicks = this.#stepTicks === null ? step : this.#stepTicks + (step - this.#stepTicks) / 8;
    } else if (this.#stepTicks !== null && step > this.#stepTicks * 1.5) {
      this.#output.missing(Math.round(step / this.#stepTicks) - 1);
    }
  }

  #opusUnit(packet: RtpPacket, lostBefore: number, restart: boolean): AccessUnit {
    const { timestamp, payload, arrivalMs } = packet;
    // copied: a slice would keep the whole slab that its packet came in
    const data = this.#memory.take(payload.length);
    payload.copy(data);
    return { timestamp, data, key: true, damaged: false, lostBefore, restart, arrivalMs };
  }
}
