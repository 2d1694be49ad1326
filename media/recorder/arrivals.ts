/** A track silent for so long no longer holds up the other. */
const STALL_MS = 1000;

/** When frames of a take's two tracks last came, hub time. */
export class Arrivals {
  #firstMs = Infinity;
  #videoMs = -Infinity;
  #audioMs = -Infinity;

  get firstMs(): number {
    return this.#firstMs;
  }

  video(atMs: number): void {
    this.#videoMs = atMs;
    this.#firstMs = Math.min(this.#firstMs, atMs);
  }
  audio(atMs: number): void {
    this.#audioMs = atMs;
    this.#firstMs = Math.min(this.#firstMs, atMs);
  }

  /** How long nothing has come. */
  idleMs(nowMs: number): number {
    return nowMs - Math.max(this.#videoMs, this.#audioMs);
  }
  videoStalled(nowMs: number): boolean {
    return nowMs - Math.max(this.#videoMs, this.#firstMs) > STALL_MS;
  }
  audioAlive(nowMs: number): boolean {
    return nowMs - this.#audioMs < 2 * STALL_MS;
  }
}
