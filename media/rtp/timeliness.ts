type Moment = { timestamp: number; arrivalMs: number };

/** Timestamps and arrivals that drift apart so far belong to two numberings: no outage that a take outlives explains it. */
const RUNAWAY_MS = 10_000;
/** Reordered frames go back in time, but never by so much. */
const BACK_MS = 1000;

/**
 * Whether a frame's timestamp fits the ones before it. One that does not is an error of its sender; a second that goes with
 * the first such is a sender whose timestamps begin elsewhere.
 */
export class Timeliness {
  readonly #clockRate: number;
  /** The last frame whose time made sense, and one since whose did not. */
  #newest: Moment | null = null;
  #suspect: Moment | null = null;

  constructor(clockRate: number) {
    this.#clockRate = clockRate;
  }

  /** `restart`: the sender is known to have begun anew, so that the frame stands for itself. */
  judge({ timestamp, arrivalMs }: Moment, restart: boolean): 'fits' | 'restart' | 'wild' {
    const moment = { timestamp, arrivalMs };
    const suspect = this.#suspect;
    this.#suspect = null;
    const fits = restart || !this.#newest || this.#follows(moment, this.#newest);
    if (!fits && !(suspect && this.#follows(moment, suspect))) {
      this.#suspect = moment;
      return 'wild';
    }
    this.#newest = moment;
    return fits && !restart ? 'fits' : 'restart';
  }

  #follows(moment: Moment, from: Moment): boolean {
    const byTimeMs = (((moment.timestamp - from.timestamp) | 0) * 1000) / this.#clockRate;
    return Math.abs(byTimeMs - (moment.arrivalMs - from.arrivalMs)) < RUNAWAY_MS && byTimeMs > -BACK_MS;
  }
}
