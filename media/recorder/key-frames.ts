import { KeyFrameLead, nextTickMs } from '../time/grid.ts';

/** Pictures that are so late are waited for no longer: their encoder may have stopped by itself. */
const STALL_MS = 400;
/** Unless the pictures before came this many times slower: such a source is slow, not stuck. */
const STALL_STEPS = 3;
const LONGEST_STEP_MS = 2000;

/** Asks the sender for a key frame at each tick of the grid, as much ahead as its answers have shown to be right. */
export class KeyFrameAsker {
  readonly #segmentMs: number;
  readonly #nowMs: () => number;
  readonly #request: () => void;
  readonly #lead = new KeyFrameLead();
  #timer: NodeJS.Timeout | null = null;
  #open: { atMs: number; tickMs: number } | null = null;
  #pictures = 0;
  /** When the last picture came, how long after the one before, and how often one has been asked for since. */
  #stall: { sinceMs: number; stepMs: number; asked: number };

  constructor(segmentMs: number, nowMs: () => number, request: () => void) {
    this.#segmentMs = segmentMs;
    this.#nowMs = nowMs;
    this.#request = request;
    this.#stall = { sinceMs: nowMs(), stepMs: 0, asked: 0 };
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

  picture(arrivalMs: number): void {
    const stepMs = this.#pictures > 0 ? Math.min(LONGEST_STEP_MS, arrivalMs - this.#stall.sinceMs) : 0;
    this.#pictures += 1;
    this.#stall = { sinceMs: arrivalMs, stepMs, asked: 0 };
  }

  /**
   * Called a few times a second while pictures should come: where they stop, a key frame is asked for, then again after twice
   * the time. Chromium's encoder leaves out pictures for seconds after its estimate of the network had fallen for an instant,
   * as it does now and then when a connection is new (seen: 30 kbit/s for 100 ms, then nothing for 1.8 s at 2 Mbit/s); it
   * obeys a request at once.
   */
  watch(nowMs: number): void {
    const { sinceMs, stepMs, asked } = this.#stall;
    if (nowMs - sinceMs < Math.max(STALL_MS, STALL_STEPS * stepMs) * 2 ** asked) return;
    this.#stall.asked += 1;
    this.#request();
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
