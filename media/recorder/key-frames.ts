import { KeyFrameLead, nextTickMs } from '../time/grid.ts';

/** Asks the sender for a key frame at each tick of the grid, as much ahead as its answers have shown to be right. */
export class KeyFrameAsker {
  readonly #segmentMs: number;
  readonly #nowMs: () => number;
  readonly #request: () => void;
  readonly #lead = new KeyFrameLead();
  #timer: NodeJS.Timeout | null = null;
  #open: { atMs: number; tickMs: number } | null = null;

  constructor(segmentMs: number, nowMs: () => number, request: () => void) {
    this.#segmentMs = segmentMs;
    this.#nowMs = nowMs;
    this.#request = request;
    this.#schedule(nextTickMs(nowMs(), segmentMs));
  }

  /** A key frame has arrived: learn from it; one captured before its tick is asked for again. */
  keyFrame(captureMs: number, arrivalMs: number): void {
    const open = this.#open;
    if (!open || arrivalMs <= open.atMs || captureMs < open.atMs - 250) return;
    this.#open = null;
    this.#lead.answered(open.atMs, captureMs);
    if (captureMs < open.tickMs) this.#ask(open.tickMs);
  }

  close(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #schedule(tickMs: number): void {
    const waitMs = Math.max(0, tickMs - this.#lead.leadMs - this.#nowMs());
    this.#timer = setTimeout(() => {
      this.#ask(tickMs);
      this.#schedule(Math.max(tickMs + this.#segmentMs, nextTickMs(this.#nowMs(), this.#segmentMs)));
    }, waitMs);
  }

  #ask(tickMs: number): void {
    this.#open = { atMs: this.#nowMs(), tickMs };
    this.#request();
  }
}
