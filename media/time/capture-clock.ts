import { Unwrapper } from '../rtp/unwrap.ts';
import { DelayEnvelope } from './envelope.ts';
import { SenderFit } from './sender-fit.ts';

export type CaptureMethod = 'sender-report' | 'arrival';
/** A capture time in hub time, and how far it may be off. */
export type CaptureTime = { hubMs: number; errorMs: number; method: CaptureMethod };

/** Unknown transit on a path whose round trip nobody measured: said as error, not corrected for. */
const UNKNOWN_TRANSIT_MS = 5;
/** No delay explains more between two tracks of one source. */
const STEP_MS = 1000;

/**
 * What the tracks of one source share: its wall clock against hub time. One envelope for audio and video keeps them
 * together by construction, whatever their own delays.
 */
export class SourceClock {
  readonly envelope = new DelayEnvelope();
  #roundTripMs: number | null = null;

  /** The least round trip seen; half of it is taken as the least transit. */
  noteRoundTrip(roundTripMs: number): void {
    if (roundTripMs > 0) this.#roundTripMs = Math.min(this.#roundTripMs ?? Infinity, roundTripMs);
  }
  get leastTransitMs(): number {
    return (this.#roundTripMs ?? 0) / 2;
  }
  /** An asymmetric path can hide up to half its round trip. */
  get transitErrorMs(): number {
    return this.#roundTripMs === null ? UNKNOWN_TRANSIT_MS : this.#roundTripMs / 2;
  }
}

/**
 * Capture time of one track's frames. Until the first sender report: arrival less the least transit seen, over the RTP
 * clock itself; never the sender's clock alone.
 */
export class CaptureClock {
  readonly #source: SourceClock;
  readonly #heldMs: number;
  readonly #fit: SenderFit;
  readonly #byArrival = new DelayEnvelope();
  readonly #unwrap = new Unwrapper(32);
  readonly #msPerTick: number;
  #newest: { ticks: number; arrivalMs: number } | null = null;

  /** `heldMs`: how long the source may hold back what it sends, unseen. */
  constructor(source: SourceClock, clockRate: number, heldMs = 0) {
    this.#source = source;
    this.#heldMs = heldMs;
    this.#fit = new SenderFit(clockRate);
    this.#msPerTick = 1000 / clockRate;
  }

  /** Rate of hub time against the media clock as measured, parts per million. */
  get driftPpm(): number {
    if (!this.#fit.ready) return this.#byArrival.ready ? this.#byArrival.driftPpm : 0;
    return this.#fit.driftPpm + (this.#source.envelope.ready ? this.#source.envelope.driftPpm : 0);
  }
  /** By how much the sender's own clock has been seen to step, all in all. */
  get senderSteppedMs(): number {
    return this.#fit.steppedMs;
  }
  /** The sender's clock less hub time, at a hub time; null before it has told its clock. */
  senderOffsetMs(hubMs: number): number | null {
    const { envelope, leastTransitMs } = this.#source;
    if (!this.#fit.ready || !envelope.ready) return null;
    // one step of the fixed point is enough: the rates differ by parts per million
    const senderMs = hubMs + leastTransitMs - (envelope.toHubMs(hubMs) - hubMs);
    return senderMs + this.#fit.steppedMs - hubMs;
  }

  report(rtpTimestamp: number, senderMs: number): void {
    const first = !this.#fit.ready;
    if (first) this.#fit.assumeStepped(this.#steppedBefore(rtpTimestamp, senderMs));
    this.#fit.add(rtpTimestamp, senderMs);
    if (first) this.#carryOver();
  }

  /** By how much the sender's clock, as this first report has it, is off from what the source's other tracks have taught: a step that this one has not seen. */
  #steppedBefore(rtpTimestamp: number, reportMs: number): number {
    const { envelope } = this.#source;
    const seen = this.#newest;
    if (!seen || !envelope.ready) return 0;
    const senderMs = reportMs + (seen.ticks - this.#unwrap.peek(rtpTimestamp)) * this.#msPerTick;
    const offMs = envelope.toHubMs(senderMs) - seen.arrivalMs;
    return Math.abs(offMs) > STEP_MS ? offMs : 0;
  }

  /** A frame has arrived: learn from it. */
  observe(rtpTimestamp: number, arrivalMs: number): void {
    const ticks = this.#unwrap.next(rtpTimestamp);
    this.#newest = { ticks, arrivalMs };
    const senderMs = this.#fit.toSenderMs(rtpTimestamp);
    if (senderMs === null) this.#byArrival.add(ticks * this.#msPerTick, arrivalMs);
    else this.#source.envelope.add(senderMs, arrivalMs);
  }

  /** Capture time of a frame that has been observed, by all that is known now. */
  captureTime(rtpTimestamp: number): CaptureTime {
    const senderMs = this.#fit.toSenderMs(rtpTimestamp);
    const { envelope, leastTransitMs, transitErrorMs } = this.#source;
    if (senderMs !== null && envelope.ready) {
      return {
        hubMs: envelope.toHubMs(senderMs) - leastTransitMs,
        errorMs: this.#fit.residualMs + envelope.spreadMs + envelope.youngErrorMs + transitErrorMs + this.#heldMs,
        method: 'sender-report',
      };
    }
    return {
      hubMs: this.#byArrival.toHubMs(this.#unwrap.peek(rtpTimestamp) * this.#msPerTick) - leastTransitMs,
      errorMs: this.#byArrival.spreadMs + this.#byArrival.youngErrorMs + transitErrorMs + this.#heldMs,
      method: 'arrival',
    };
  }

  /** The first report tells the sender's clock of the frames before it too: what their delays taught is kept. */
  #carryOver(): void {
    for (const { x, y } of this.#byArrival.points) {
      const senderMs = this.#fit.toSenderMs(Math.round(x / this.#msPerTick) % 2 ** 32);
      if (senderMs !== null) this.#source.envelope.add(senderMs, x + y);
    }
  }

  /** A new numbering: the RTP clock starts elsewhere, what was learnt of it is void. */
  restart(): CaptureClock {
    return new CaptureClock(this.#source, 1000 / this.#msPerTick, this.#heldMs);
  }
}
