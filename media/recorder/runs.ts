import type { Sample, TrackRun } from '../mp4/fragment.ts';
import { AUDIO_TIMESCALE, AUDIO_TRACK_ID, VIDEO_TIMESCALE, VIDEO_TRACK_ID } from '../mp4/init.ts';
import type { Frame } from './intake.ts';

export const NOMINAL_AUDIO_TICKS = AUDIO_TIMESCALE / 50;

/** A frame and its place on the take's time line, in its track's timescale. */
export type Placed = { frame: Frame; ticks: number };

/**
 * Pictures as one track's run of a fragment: each lasts until the next; the last of all, and one before a hole of more
 * than a second, as long as pictures lately did. `endTicks` is where the last one ends.
 */
export function videoRun(taken: Placed[], nextTicks: number | null, usualTicks: number): { run: TrackRun; endTicks: number } {
  const samples: Sample[] = [];
  let endTicks = 0;
  taken.forEach(({ frame, ticks }, i) => {
    const untilNext = (taken[i + 1]?.ticks ?? nextTicks ?? Infinity) - ticks;
    const durationTicks = untilNext > VIDEO_TIMESCALE ? Math.round(usualTicks) : untilNext;
    samples.push({ data: frame.data, durationTicks, key: frame.key, compositionTicks: 0 });
    endTicks = ticks + durationTicks;
  });
  return { run: { trackId: VIDEO_TRACK_ID, baseTicks: taken[0]?.ticks ?? 0, samples }, endTicks };
}

/** Sound as one track's run: by the sender's own timestamps, 20 ms where they say nothing. */
export function audioRun(taken: Placed[]): { run: TrackRun; endTicks: number } {
  const samples: Sample[] = [];
  let endTicks = 0;
  taken.forEach(({ frame, ticks }, i) => {
    const next = taken[i + 1]?.frame;
    const step = next && next.run === frame.run ? next.ticks - frame.ticks : NOMINAL_AUDIO_TICKS;
    const durationTicks = step > 0 && step < AUDIO_TIMESCALE ? step : NOMINAL_AUDIO_TICKS;
    samples.push({ data: frame.data, durationTicks, key: true, compositionTicks: 0 });
    endTicks = ticks + durationTicks;
  });
  return { run: { trackId: AUDIO_TRACK_ID, baseTicks: taken[0]?.ticks ?? 0, samples }, endTicks };
}
