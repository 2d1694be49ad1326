import { VIDEO_TIMESCALE } from '../mp4/init.ts';
import type { Frame } from './frame.ts';

/** How far sound may be shifted at each fragment to stay with the picture: 5 ms, unheard. */
const SLEW_MS = 5;
/** Sound that should come so much later is not slewed there but put there. */
const JUMP_MS = 100;

/**
 * The take's own time line, on which samples are stored: it starts at 0 with the decoding of the first recorded frame and runs with the
 * primary track's RTP clock, so that sample durations are exactly the sender's. Only the journal maps it to hub time.
 */
export class Timeline {
  #originMs: number | null = null;
  /** The primary track's newest frame: ties media time to hub time. */
  #reference: { hubMs: number; mediaMs: number } = { hubMs: 0, mediaMs: 0 };
  readonly #video: Run = { run: -1, firstTicks: 0, baseTicks: 0, endTicks: 0, rate: VIDEO_TIMESCALE };
  readonly #audio: Run = { run: -1, firstTicks: 0, baseTicks: 0, endTicks: 0, rate: 0 };

  get started(): boolean {
    return this.#originMs !== null;
  }

  /** The first frame to be recorded. */
  start(frame: Frame): void {
    this.#originMs ??= frame.capture.hubMs;
    // no decode time may be negative
    const mediaMs = (frame.compositionTicks * 1000) / frame.clockRate;
    if (this.#reference.hubMs === 0) this.#reference = { hubMs: frame.capture.hubMs, mediaMs };
  }

  /** Media time at which a video frame is decoded, 90 kHz. Call in order. */
  videoTicks(frame: Frame): number {
    const ticks = place(this.#video, frame, this.#mediaMs(frame) - (frame.compositionTicks * 1000) / VIDEO_TIMESCALE);
    this.#reference = { hubMs: frame.capture.hubMs, mediaMs: ((ticks + frame.compositionTicks) * 1000) / VIDEO_TIMESCALE };
    return ticks;
  }

  /** Media time of an audio frame, in its own clock rate. At the first of a fragment it may be shifted to keep with the picture. */
  audioTicks(frame: Frame, firstOfFragment: boolean, primary: boolean): number {
    const idealMs = this.#mediaMs(frame);
    const ticks = place(this.#audio, frame, idealMs);
    if (primary) {
      this.#reference = { hubMs: frame.capture.hubMs, mediaMs: (ticks * 1000) / frame.clockRate };
      return ticks;
    }
    if (!firstOfFragment) return ticks;
    const ticksOf = (ms: number): number => Math.round((ms * frame.clockRate) / 1000);
    const off = ticksOf(idealMs) - ticks;
    const slew = ticksOf(SLEW_MS);
    const shift = off > ticksOf(JUMP_MS) ? off : Math.max(-slew, Math.min(slew, off));
    this.#audio.baseTicks += shift;
    this.#audio.endTicks += shift;
    return ticks + shift;
  }

  /** Media time of an audio frame, milliseconds, without taking it. */
  audioMs(frame: Frame): number {
    const run = this.#audio;
    if (run.run !== frame.run) return this.#mediaMs(frame);
    return (Math.max(run.endTicks, run.baseTicks + frame.ticks - run.firstTicks) * 1000) / run.rate;
  }

  /** Media time of a moment in hub time, milliseconds; never before the beginning. */
  mediaMsAt(hubMs: number): number {
    return Math.max(0, this.#reference.mediaMs + hubMs - this.#reference.hubMs);
  }

  #mediaMs(frame: Frame): number {
    return this.mediaMsAt(frame.capture.hubMs);
  }
}

type Run = { run: number; firstTicks: number; baseTicks: number; endTicks: number; rate: number };

/** Within one numbering the RTP clock rules; a new numbering is put where its capture time says. */
function place(run: Run, frame: Frame, idealMs: number): number {
  if (frame.run !== run.run) {
    const endTicks = run.rate === frame.clockRate ? run.endTicks : Math.ceil((run.endTicks * frame.clockRate) / Math.max(1, run.rate));
    run.run = frame.run;
    run.rate = frame.clockRate;
    run.firstTicks = frame.ticks;
    run.baseTicks = Math.max(endTicks, Math.round((idealMs * frame.clockRate) / 1000));
    run.endTicks = endTicks;
  }
  const ticks = Math.max(run.endTicks, run.baseTicks + frame.ticks - run.firstTicks);
  run.endTicks = ticks + 1;
  return ticks;
}
