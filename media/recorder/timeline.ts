import { AUDIO_TIMESCALE, VIDEO_TIMESCALE } from '../mp4/init.ts';
import type { Frame } from './intake.ts';

/** How far sound may be shifted at each fragment to stay with the picture: 5 ms, unheard. */
const SLEW_TICKS = (AUDIO_TIMESCALE * 5) / 1000;
/** Sound that should come so much later is not slewed there but put there. */
const JUMP_TICKS = AUDIO_TIMESCALE / 10;

/**
 * The take's own time line, on which samples are stored: it starts at 0 with the first recorded frame and runs with the
 * primary track's RTP clock, so that sample durations are exactly the sender's. Only the journal maps it to hub time.
 */
export class Timeline {
  #originMs: number | null = null;
  /** The primary track's newest frame: ties media time to hub time. */
  #reference: { hubMs: number; mediaMs: number } = { hubMs: 0, mediaMs: 0 };
  readonly #video: Run = { run: -1, firstTicks: 0, baseTicks: 0, endTicks: 0 };
  readonly #audio: Run = { run: -1, firstTicks: 0, baseTicks: 0, endTicks: 0 };

  get started(): boolean {
    return this.#originMs !== null;
  }

  /** The first frame to be recorded. */
  start(frame: Frame): void {
    this.#originMs ??= frame.capture.hubMs;
    if (this.#reference.hubMs === 0) this.#reference = { hubMs: frame.capture.hubMs, mediaMs: 0 };
  }

  /** Media time of a video frame, 90 kHz. Call in order. */
  videoTicks(frame: Frame): number {
    const ticks = place(this.#video, frame, Math.round(this.#mediaMs(frame) * (VIDEO_TIMESCALE / 1000)));
    this.#reference = { hubMs: frame.capture.hubMs, mediaMs: ticks / (VIDEO_TIMESCALE / 1000) };
    return ticks;
  }

  /** Media time of an audio frame, 48 kHz. At the first of a fragment it may be shifted to keep with the picture. */
  audioTicks(frame: Frame, firstOfFragment: boolean, primary: boolean): number {
    const ideal = Math.round(this.#mediaMs(frame) * (AUDIO_TIMESCALE / 1000));
    const ticks = place(this.#audio, frame, ideal);
    if (primary) {
      this.#reference = { hubMs: frame.capture.hubMs, mediaMs: ticks / (AUDIO_TIMESCALE / 1000) };
      return ticks;
    }
    if (!firstOfFragment) return ticks;
    const off = ideal - ticks;
    const shift = off > JUMP_TICKS ? off : Math.max(-SLEW_TICKS, Math.min(SLEW_TICKS, off));
    this.#audio.baseTicks += shift;
    this.#audio.endTicks += shift;
    return ticks + shift;
  }

  /** Media time of an audio frame, milliseconds, without taking it. */
  audioMs(frame: Frame): number {
    const run = this.#audio;
    if (run.run !== frame.run) return this.#mediaMs(frame);
    return Math.max(run.endTicks, run.baseTicks + frame.ticks - run.firstTicks) / (AUDIO_TIMESCALE / 1000);
  }

  #mediaMs(frame: Frame): number {
    return Math.max(0, this.#reference.mediaMs + frame.capture.hubMs - this.#reference.hubMs);
  }
}

type Run = { run: number; firstTicks: number; baseTicks: number; endTicks: number };

/** Within one numbering the RTP clock rules; a new numbering is put where its capture time says. */
function place(run: Run, frame: Frame, idealTicks: number): number {
  if (frame.run !== run.run) {
    run.run = frame.run;
    run.firstTicks = frame.ticks;
    run.baseTicks = Math.max(run.endTicks, idealTicks);
  }
  const ticks = Math.max(run.endTicks, run.baseTicks + frame.ticks - run.firstTicks);
  run.endTicks = ticks + 1;
  return ticks;
}
