import type { Damage, TakeLine } from './lines.ts';

export type ClockLine = Extract<TakeLine, { type: 'clock' }>;

/** Before so much media has come, a take's clock is still being learnt. */
const SETTLED_MS = 30_000;

/**
 * The `clock` line that knows most of a moment on its take's time line: the first one that was written after that moment
 * and after the clock had settled, else the last there is, since a later line knows more than an earlier one.
 */
export function clockFor(clocks: ClockLine[], mediaMs: number): ClockLine | null {
  return clocks.find((clock) => clock.mediaMs >= Math.max(mediaMs, SETTLED_MS)) ?? clocks.at(-1) ?? null;
}

/** Hub time of a moment on a take's time line, milliseconds. Null where there is no line: then the segment's own `startMs` stands. */
export function hubTimeAt(clocks: ClockLine[], mediaMs: number): number | null {
  const line = clockFor(clocks, mediaMs);
  if (!line) return null;
  return line.hubMs + (mediaMs - line.mediaMs) * (1 + line.driftPpm / 1e6);
}

/** A moment on a take's time line, and its hub time as it was known when its journal line was written. */
export type Anchor = { mediaMs: number; hubMs: number };

/**
 * A stretch of damage brought to what its take's journal knows of the clock now, so that it stays with the pictures that
 * `hubTimeAt` places: by the picture that ends it, since its length is known by the sender's timestamps. `anchors`: begins
 * of segments and `clock` lines, in order of media time.
 */
export function settledDamage(anchors: Anchor[], clocks: ClockLine[], damage: Damage): Damage {
  const toMs = settled(anchors, clocks, damage.toMs);
  return { ...damage, fromMs: toMs - (damage.toMs - damage.fromMs), toMs };
}

/** A hub time as it was known then, as it is known now: by way of the take's time line. */
function settled(anchors: Anchor[], clocks: ClockLine[], hubMs: number): number {
  const at = anchors.findLastIndex((anchor) => anchor.hubMs <= hubMs);
  const from = anchors[Math.max(0, at)];
  if (!from) return hubMs;
  const to = at < 0 ? undefined : anchors[at + 1];
  // between two readings of one moment, one of them corrected, no media passes
  const rate = to ? Math.max(0, to.mediaMs - from.mediaMs) / (to.hubMs - from.hubMs) : 1;
  return hubTimeAt(clocks, from.mediaMs + (hubMs - from.hubMs) * rate) ?? hubMs;
}
