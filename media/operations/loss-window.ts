export type PacketCounts = { expected: number; lost: number };
type Reading = PacketCounts & { atMs: number };

/** Loss is said of so long. */
const WINDOW_MS = 10_000;

/** What counters of a stream say of its last ten seconds. They may fall a little: a packet that comes late was not lost. */
export class LossWindow {
  #readings: Reading[] = [];

  note(counts: PacketCounts, atMs: number): void {
    const last = this.#readings.at(-1);
    if (last && counts.expected < last.expected) this.#readings = []; // another stream, counted anew
    this.#readings.push({ ...counts, atMs });
    // the one just outside the window is where it begins
    while ((this.#readings[1]?.atMs ?? atMs) <= atMs - WINDOW_MS) this.#readings.shift();
  }

  /** `percent`: null while nothing was to come. `packets`: all that were lost since counting began. */
  get loss(): { percent: number | null; packets: number } | null {
    const [first, last] = [this.#readings[0], this.#readings.at(-1)];
    if (!first || !last) return null;
    const from = this.#readings.length === 1 ? { expected: 0, lost: 0 } : first;
    const expected = last.expected - from.expected;
    const lost = Math.max(0, last.lost - from.lost);
    return { percent: expected === 0 ? null : Math.round(Math.min(1, lost / expected) * 1000) / 10, packets: last.lost };
  }
}
