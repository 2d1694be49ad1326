import { fragment } from '../mp4/fragment.ts';
import { VIDEO_TIMESCALE, VIDEO_TRACK_ID } from '../mp4/init.ts';
import type { SlabPool } from '../rtp/slabs.ts';
import type { Withheld } from './frame.ts';

/** One side file's worth of pictures that could not be decoded. `write` is given to the writer; `done` gives their memory back. */
export type SideFile = { fromMs: number; toMs: number; frames: number; chunks: Buffer[]; done: () => void };

/** A side file is written when so much has gathered, or with the segment. */
const GATHER_BYTES = 1024 * 1024;
/** More than this is not kept while there is no take to keep it in. */
const MAX_BYTES = 4 * 1024 * 1024;
const USUAL_MS = 1000 / 30;
/** Stands for a picture of which only the timestamp is known: a sample without a byte makes ffmpeg refuse the file. */
const NOTHING = Buffer.alloc(4);

/**
 * Gathers pictures that arrived but cannot be decoded (damaged, or referring to what is lost): they stay out of the
 * segments, so that nobody takes smears for a picture, but they were sent and are kept beside them.
 */
export class WithheldFrames {
  readonly #memory: SlabPool;
  #held: Withheld[] = [];
  #bytes = 0;

  constructor(memory: SlabPool) {
    this.#memory = memory;
  }

  get full(): boolean {
    return this.#bytes >= GATHER_BYTES;
  }

  add(withheld: Withheld): void {
    this.#held.push(withheld);
    this.#bytes += withheld.unit.data.length;
    while (this.#bytes > MAX_BYTES) this.#free(this.#held.shift() as Withheld);
  }

  /** What has gathered, as one fragment; null when nothing has. `mediaMsAt`: the take's time line. */
  take(mediaMsAt: (hubMs: number) => number): SideFile | null {
    const held = this.#held;
    const first = held[0];
    const last = held.at(-1);
    if (!first || !last) return null;
    this.#held = [];
    this.#bytes = 0;
    const ticks = held.map(({ captureMs }) => Math.round((mediaMsAt(captureMs) * VIDEO_TIMESCALE) / 1000));
    const usual = Math.round((USUAL_MS * VIDEO_TIMESCALE) / 1000);
    const samples = held.map(({ unit }, i) => {
      const step = (ticks[i + 1] ?? Infinity) - (ticks[i] as number);
      const data = unit.data.length > 0 ? unit.data : NOTHING;
      return { data, key: unit.key, durationTicks: step > 0 && step < VIDEO_TIMESCALE ? step : usual, compositionTicks: 0 };
    });
    return {
      fromMs: first.captureMs,
      toMs: Math.max(first.captureMs, last.captureMs),
      frames: held.length,
      chunks: fragment(1, [{ trackId: VIDEO_TRACK_ID, baseTicks: ticks[0] as number, samples }]),
      done: () => held.forEach(({ unit }) => this.#memory.free(unit.data)),
    };
  }

  /** Nobody will write them. */
  discard(): void {
    while (this.#held.length > 0) this.#free(this.#held.shift() as Withheld);
  }

  #free({ unit }: Withheld): void {
    this.#bytes -= unit.data.length;
    this.#memory.free(unit.data);
  }
}
