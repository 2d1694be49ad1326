import type { MediaKind } from '../protocol/ids.ts';

const WINDOW_MS = 2000;

/** Bits and pictures a second of an angle, over the last seconds. */
export class Rate {
  #sinceMs = 0;
  #bytes = 0;
  #frames = 0;
  #bps = 0;
  #fps: number | null = null;

  get bps(): number {
    return Math.round(this.#bps);
  }
  /** Null while no pictures come. */
  get fps(): number | null {
    return this.#fps;
  }

  note(kind: MediaKind, sizeBytes: number): void {
    this.#bytes += sizeBytes;
    if (kind === 'video') this.#frames += 1;
  }

  /** Called a few times a second. */
  watch(nowMs: number): void {
    const passedMs = nowMs - this.#sinceMs;
    if (passedMs <= WINDOW_MS) return;
    // how long the first pictures took is not known
    this.#fps = this.#sinceMs === 0 || this.#frames === 0 ? null : Math.round((this.#frames * 10_000) / passedMs) / 10;
    this.#bps = (this.#bytes * 8000) / Math.max(1, passedMs);
    this.#sinceMs = nowMs;
    this.#bytes = 0;
    this.#frames = 0;
  }

  reset(): void {
    this.#sinceMs = 0;
    this.#bytes = 0;
    this.#frames = 0;
    this.#bps = 0;
    this.#fps = null;
  }
}
