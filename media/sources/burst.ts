/** Behind the last that came sooner than all before, nothing is held for longer. */
const SETTLED_MS = 250;
const MOST_MS = 4000;
/** By less, a delay is not taken for a smaller one. */
const NOISE_MS = 20;

type Held = { packet: Buffer; streamMs: number; arrivalMs: number };

/**
 * The beginning of a stream that was looked at first comes in a burst, seconds late: its packets say nothing of when it was
 * sent. They are held until the burst is over, and get the arrival that the least delay seen gives them; what comes later
 * keeps its own.
 */
export class Burst {
  readonly #out: (packet: Buffer, arrivalMs: number) => void;
  readonly #msPerTick: number;
  #held: Held[] | null = [];
  #first = 0;
  #least = Infinity;
  #leastAtMs = 0;

  constructor(clockRate: number, out: (packet: Buffer, arrivalMs: number) => void) {
    this.#msPerTick = 1000 / clockRate;
    this.#out = out;
  }

  /** One RTP packet; its memory may be used again afterwards. */
  push(packet: Buffer, arrivalMs: number): void {
    if (!this.#held || packet.length < 12) {
      this.#out(packet, arrivalMs);
      return;
    }
    const ticks = packet.readUInt32BE(4);
    if (this.#held.length === 0) this.#first = ticks;
    const streamMs = ((ticks - this.#first) | 0) * this.#msPerTick;
    this.#held.push({ packet: Buffer.from(packet), streamMs, arrivalMs });
    const delayMs = arrivalMs - streamMs;
    if (delayMs < this.#least - NOISE_MS) this.#leastAtMs = arrivalMs;
    this.#least = Math.min(this.#least, delayMs);
    const sinceMs = arrivalMs - (this.#held[0]?.arrivalMs ?? arrivalMs);
    if (arrivalMs - this.#leastAtMs > SETTLED_MS || sinceMs > MOST_MS) this.flush();
  }

  /** Nothing is held any more. */
  flush(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const { packet, streamMs, arrivalMs } of held) this.#out(packet, Math.min(arrivalMs, streamMs + this.#least));
  }
}
