import { kept, type RtpPacket } from './packet.ts';
import { Unwrapper } from './unwrap.ts';

/** What comes out, in order. `lostBefore`: packets between the one before and this that never came in time. `restart`: the sender began a new numbering. */
export type ReorderOutput = (packet: RtpPacket, lostBefore: number, restart: boolean) => void;

export type ReorderCounters = { received: number; duplicates: number; late: number; lost: number; restarts: number };

const SLOTS = 4096;
/** RFC 3550, A.1: a jump further than this is a restart once two packets in a row confirm it. */
const MAX_DROPOUT = 3000;
/** A silence of so long may hide more packets than any gap. */
const OUTAGE_MS = 2000;
const MIN_WAIT_MS = 60;
/** While gaps do get filled, a second request must have the time that the first had: mediasoup asks again after a round trip. */
const FILLED_WAIT_MS = 300;
const FILLED_RECENTLY_MS = 10_000;
const MAX_WAIT_MS = 1000;
const FIRST_WAIT_MS = 300;

/**
 * Puts one SSRC's packets in order. A gap is waited for as long as retransmissions have lately taken (half as long
 * again, 60 ms to 1 s), then given up. Holds copies, of 4096 packets at most; one that is next in order passes as it is.
 */
export class ReorderBuffer {
  readonly counters: ReorderCounters = { received: 0, duplicates: 0, late: 0, lost: 0, restarts: 0 };
  readonly #slots: (RtpPacket | null)[] = new Array<RtpPacket | null>(SLOTS).fill(null);
  readonly #unwrap = new Unwrapper(16);
  readonly #output: ReorderOutput;
  #expected: number | null = null;
  #held = 0;
  #highest = 0;
  #gapSinceMs = 0;
  #recoveryMs = FIRST_WAIT_MS / 1.5;
  /** When a gap was last filled, and when we were last asked. */
  #filledMs = -Infinity;
  #nowMs = 0;
  /** When the numbers last given up were given up, to learn from what still comes. */
  #gaveUp: { from: number; to: number; sinceMs: number } | null = null;
  #suspect: RtpPacket | null = null;
  /** Of the newest packet handed out (none yet: -1), and what was lost behind it in an outage too long to be a gap. */
  readonly #last = { timestamp: -1, arrivalMs: 0.5 };
  #outageLost = 0;
  #restarting = false;

  constructor(output: ReorderOutput) {
    this.#output = output;
  }

  /** How long a gap is waited for at present. */
  get waitMs(): number {
    const leastMs = this.#nowMs - this.#filledMs < FILLED_RECENTLY_MS ? FILLED_WAIT_MS : MIN_WAIT_MS;
    return Math.min(MAX_WAIT_MS, Math.max(leastMs, this.#recoveryMs * 1.5));
  }

  push(packet: RtpPacket, nowMs: number): void {
    this.counters.received += 1;
    if (this.#expected === null) {
      this.#expected = this.#unwrap.next(packet.sequence);
      this.#highest = this.#expected - 1;
    }
    const number = this.#unwrap.peek(packet.sequence);
    const ahead = number - this.#expected;
    if (ahead >= MAX_DROPOUT || ahead < -MAX_DROPOUT) {
      this.#suspectRestart(packet, nowMs);
      return;
    }
    this.#suspect = null;
    if (ahead < 0) {
      this.#late(number, nowMs);
      return;
    }
    const slot = number % SLOTS;
    if (this.#slots[slot]) {
      this.counters.duplicates += 1;
      return;
    }
    if (this.#held > 0 && number < this.#highest) {
      this.#filledMs = nowMs;
      this.#recoveryMs = Math.max(this.#recoveryMs * 0.99, nowMs - this.#nextHeld(number + 1).arrivalMs);
    }
    if (number > this.#highest) {
      this.#highest = number;
      this.#unwrap.next(packet.sequence);
    }
    if (ahead === 0) {
      this.#hand(packet, 0);
      if (this.#held > 0) this.#drain(0);
    } else {
      if (this.#held === 0) this.#gapSinceMs = nowMs;
      this.#slots[slot] = kept(packet);
      this.#held += 1;
    }
    this.expire(nowMs);
  }

  /** Give up gaps that have been waited for long enough. Call it now and then: nothing here has a timer. */
  expire(nowMs: number): void {
    this.#nowMs = nowMs;
    while (this.#held > 0 && nowMs - this.#gapSinceMs >= this.waitMs) this.#skipGap();
  }

  /** Hand out all that is held, gaps given up. */
  flush(): void {
    while (this.#held > 0) this.#skipGap();
  }

  #skipGap(): void {
    const from = this.#expected as number;
    let next = from;
    while (!this.#slots[next % SLOTS]) next += 1;
    this.#gaveUp = { from, to: next, sinceMs: this.#gapSinceMs };
    this.#recoveryMs *= 0.9;
    this.counters.lost += next - from;
    this.#expected = next;
    this.#drain(next - from);
  }

  /** Hand out all that lies ready. */
  #drain(lostBefore: number): void {
    let lost = lostBefore;
    for (;;) {
      const slot = (this.#expected as number) % SLOTS;
      const packet = this.#slots[slot];
      if (!packet) break;
      this.#slots[slot] = null;
      this.#held -= 1;
      this.#hand(packet, lost);
      lost = 0;
    }
    // a gap further on has been one since the packet behind it came, not since now: waits must not add up
    if (this.#held > 0) this.#gapSinceMs = this.#nextHeld(this.#expected as number).arrivalMs;
  }

  #hand(packet: RtpPacket, lostBefore: number): void {
    const lost = lostBefore + this.#outageLost;
    const restart = this.#restarting;
    this.#outageLost = 0;
    this.#restarting = false;
    this.#expected = (this.#expected as number) + 1;
    this.#last.timestamp = packet.timestamp;
    this.#last.arrivalMs = packet.arrivalMs;
    this.#output(packet, lost, restart);
  }

  /** The first packet held from this number on; there must be one. */
  #nextHeld(number: number): RtpPacket {
    let next = number;
    while (!this.#slots[next % SLOTS]) next += 1;
    return this.#slots[next % SLOTS] as RtpPacket;
  }

  #late(number: number, nowMs: number): void {
    const gap = this.#gaveUp;
    if (gap && number >= gap.from && number < gap.to) {
      this.counters.late += 1;
      this.#recoveryMs = Math.max(this.#recoveryMs, Math.min(MAX_WAIT_MS, nowMs - gap.sinceMs));
    } else {
      this.counters.duplicates += 1;
    }
  }

  /** Nothing came for long, and time has gone on in the stream as well: it is the same numbering, with a great hole. */
  #wasOutage(packet: RtpPacket): boolean {
    const last = this.#last;
    if (last.timestamp < 0 || packet.arrivalMs - last.arrivalMs < OUTAGE_MS) return false;
    return ((packet.timestamp - last.timestamp) | 0) > 0;
  }

  #suspectRestart(packet: RtpPacket, nowMs: number): void {
    const before = this.#suspect;
    this.#suspect = kept(packet);
    if (!before || packet.sequence !== ((before.sequence + 1) & 0xffff)) return;
    this.flush();
    this.#suspect = null;
    const lost = this.#unwrap.peek(before.sequence) - (this.#expected as number);
    if (lost > 0 && this.#wasOutage(before)) {
      this.counters.lost += lost;
      this.#outageLost = lost;
    } else {
      this.counters.restarts += 1;
      this.#restarting = true;
    }
    this.#expected = this.#unwrap.next(before.sequence);
    this.#highest = this.#expected - 1;
    this.counters.received -= 2;
    this.push(before, nowMs);
    this.push(packet, nowMs);
  }
}
