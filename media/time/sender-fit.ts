import { Unwrapper } from '../rtp/unwrap.ts';

const KEEP = 20;
/** Below this span a slope fitted to a few reports says less than the nominal clock rate does. */
const SLOPE_SPAN_MS = 10_000;
const MAX_DRIFT = 1e-3;
const OUTLIER_FLOOR_MS = 15;
const REJECTS_MAKE_A_STEP = 3;

type Report = { ticks: number; senderMs: number };

/**
 * Fit (a): RTP timestamp → the sender's clock, by linear regression over the last 20 sender reports (RFC 3550, 6.4.1).
 * A report far off the line is rejected; three in a row that agree are a step of the sender's clock, which is measured
 * and taken out again: `toSenderMs` runs on through it, since a step says nothing about when pictures were taken.
 */
export class SenderFit {
  readonly #ticksPerMs: number;
  readonly #unwrap = new Unwrapper(32);
  #reports: Report[] = [];
  #rejected: Report[] = [];
  #steppedMs = 0;
  #line: { ticks: number; senderMs: number; msPerTick: number } | null = null;
  #residualMs = 0;

  constructor(clockRate: number) {
    this.#ticksPerMs = clockRate / 1000;
  }

  get ready(): boolean {
    return this.#line !== null;
  }
  /** 95th percentile of the reports' distance from the line, milliseconds. */
  get residualMs(): number {
    return this.#residualMs;
  }
  /** The sender's RTP clock against its own wall clock, parts per million. */
  get driftPpm(): number {
    return this.#line ? (this.#line.msPerTick * this.#ticksPerMs - 1) * 1e6 : 0;
  }
  get steppedMs(): number {
    return this.#steppedMs;
  }

  /** Before the first report: so far its clock is known to have stepped already. */
  assumeStepped(steppedMs: number): void {
    this.#steppedMs = steppedMs;
  }

  add(rtpTimestamp: number, reportMs: number): void {
    const report = { ticks: this.#unwrap.next(rtpTimestamp), senderMs: reportMs - this.#steppedMs };
    const last = this.#reports.at(-1);
    if (last && report.ticks < last.ticks) return; // an old report, late
    if (this.#line && Math.abs(report.senderMs - this.#at(report.ticks)) > Math.max(OUTLIER_FLOOR_MS, 4 * this.#residualMs)) {
      this.#reject(report);
      return;
    }
    this.#rejected = [];
    this.#reports.push(report);
    if (this.#reports.length > KEEP) this.#reports.shift();
    this.#fit();
  }

  /** The sender's clock (steps taken out) at an RTP timestamp near the last report, milliseconds; null before the first report. */
  toSenderMs(rtpTimestamp: number): number | null {
    return this.#line ? this.#at(this.#unwrap.peek(rtpTimestamp)) : null;
  }

  #reject(report: Report): void {
    this.#rejected.push(report);
    if (this.#rejected.length < REJECTS_MAKE_A_STEP) return;
    const offsets = this.#rejected.map((r) => r.senderMs - this.#at(r.ticks));
    const spread = Math.max(...offsets) - Math.min(...offsets);
    if (spread > 2 * OUTLIER_FLOOR_MS) {
      this.#rejected.shift();
      return;
    }
    if (this.#reports.length < REJECTS_MAKE_A_STEP) {
      // of the first reports the many are right, not the first
      this.#reports = this.#rejected;
      this.#rejected = [];
      this.#fit();
      return;
    }
    const stepMs = offsets.toSorted((a, b) => a - b)[1] as number;
    this.#steppedMs += stepMs;
    for (const r of this.#rejected) this.#reports.push({ ticks: r.ticks, senderMs: r.senderMs - stepMs });
    this.#reports = this.#reports.slice(-KEEP);
    this.#rejected = [];
    this.#fit();
  }

  #at(ticks: number): number {
    const line = this.#line as { ticks: number; senderMs: number; msPerTick: number };
    return line.senderMs + (ticks - line.ticks) * line.msPerTick;
  }

  #fit(): void {
    const n = this.#reports.length;
    let meanTicks = 0;
    let meanMs = 0;
    for (const r of this.#reports) {
      meanTicks += r.ticks / n;
      meanMs += r.senderMs / n;
    }
    const nominal = 1 / this.#ticksPerMs;
    let msPerTick = nominal;
    const first = this.#reports[0] as Report;
    const last = this.#reports[n - 1] as Report;
    if (last.senderMs - first.senderMs >= SLOPE_SPAN_MS) {
      let xy = 0;
      let xx = 0;
      for (const r of this.#reports) {
        xy += (r.ticks - meanTicks) * (r.senderMs - meanMs);
        xx += (r.ticks - meanTicks) ** 2;
      }
      const slope = xy / xx;
      if (Math.abs(slope / nominal - 1) <= MAX_DRIFT) msPerTick = slope;
    }
    this.#line = { ticks: meanTicks, senderMs: meanMs, msPerTick };
    const residuals = this.#reports.map((r) => Math.abs(r.senderMs - this.#at(r.ticks))).toSorted((a, b) => a - b);
    this.#residualMs = residuals[Math.min(n - 1, Math.floor(n * 0.95))] as number;
  }
}
