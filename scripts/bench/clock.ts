/**
 * One true time for every process of a bench: CLOCK_MONOTONIC, which all processes of a machine share, on an anchor of
 * UTC that is read once and handed on. So no two of them differ by their own readings of the wall clock.
 */
// not from performance.now(): tying that to the monotonic clock takes two readings, between which a busy machine may pause us
const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** UTC at monotonic 0, milliseconds, as this process reads both. */
export const readAnchorMs = (): number => performance.timeOrigin + performance.now() - monotonicMs();

/** UTC milliseconds by that anchor. */
export const clockOf =
  (anchorMs: number): (() => number) =>
  () =>
    anchorMs + monotonicMs();
