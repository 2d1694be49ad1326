import type { Sample, TrackRun } from '../mp4/fragment.ts';
import { AUDIO_TRACK_ID, VIDEO_TIMESCALE, VIDEO_TRACK_ID } from '../mp4/init.ts';
import type { Frame } from './frame.ts';

/** What a packet of sound lasts where nothing says it: 20 ms, the usual of Opus and G.711 (RFC 7587, RFC 3551). */
export const usualAudioTicks = (clockRate: number): number => Math.round(clockRate / 50);

/** A frame and its place on the take's time line, in its track's timescale: when it is decoded. */
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
    samples.push({ data: frame.data, durationTicks, key: frame.key, compositionTicks: frame.compositionTicks });
    endTicks = ticks + durationTicks;
  });
  return { run: { trackId: VIDEO_TRACK_ID, baseTicks: taken[0]?.ticks ?? 0, samples }, endTicks };
}

/** Sound as one track's run: by the sender's own timestamps; the last as long as sound lately did. */
export function audioRun(taken: Placed[], next: Frame | null, usualTicks: number): { run: TrackRun; endTicks: number } {
  const samples: Sample[] = [];
  let endTicks = 0;
  taken.forEach(({ frame, ticks }, i) => {
    const follows = taken[i + 1]?.frame ?? next;
    const step = follows && follows.run === frame.run ? follows.ticks - frame.ticks : usualTicks;
    const durationTicks = step > 0 && step < frame.clockRate ? step : usualTicks;
    samples.push({ data: frame.data, durationTicks, key: true, compositionTicks: 0 });
    endTicks = ticks + durationTicks;
  });
  return { run: { trackId: AUDIO_TRACK_ID, baseTicks: taken[0]?.ticks ?? 0, samples }, endTicks };
}
