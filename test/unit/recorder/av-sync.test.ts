import { describe, expect, it } from 'vitest';
import type { Frame } from '../../../media/recorder/frame.ts';
import { Timeline } from '../../../media/recorder/timeline.ts';
import { CaptureClock, SourceClock } from '../../../media/time/capture-clock.ts';
import { noise } from '../../support/noise.ts';

const HOURS = 4;
const START_MS = 1_800_000_000_000;

/** One track of a made-up device: its own oscillator, reports by the device's wall clock. */
function track(source: SourceClock, clockRate: number, ppm: number, seed: number) {
  const clock = new CaptureClock(source, clockRate);
  const random = noise(seed);
  const firstTimestamp = 4_294_900_000; // wraps within a second
  const ticksAt = (trueMs: number): number => Math.round((trueMs * clockRate * (1 + ppm / 1e6)) / 1000);
  return {
    clock,
    report: (trueMs: number, senderMs: number): void => clock.report((firstTimestamp + ticksAt(trueMs)) % 2 ** 32, senderMs),
    frame: (trueMs: number): Frame => {
      const ticks = ticksAt(trueMs);
      const timestamp = (firstTimestamp + ticks) % 2 ** 32;
      const arrivalMs = START_MS + trueMs + 15 + random() * 25;
      clock.observe(timestamp, arrivalMs);
      const capture = clock.captureTime(timestamp);
      return { ticks, compositionTicks: 0, run: 0, data: Buffer.alloc(0), key: true, capture, arrivalMs, config: null, clockRate };
    },
  };
}

describe('sound and picture of one source', () => {
  for (const { name, videoPpm, audioPpm, wallPpm, stepMs } of [
    { name: 'whose sound card runs 120 ppm off its picture', videoPpm: 40, audioPpm: -80, wallPpm: 30, stepMs: 0 },
    { name: 'whose clock is hours wrong, drifts by 200 ppm and jumps by 5 s', videoPpm: 200, audioPpm: 200, wallPpm: 200, stepMs: 5000 },
  ])
    it(`stay within 20 ms of each other for ${HOURS} hours: a device ${name}`, () => {
      const source = new SourceClock();
      const video = track(source, 90_000, videoPpm, 1);
      const audio = track(source, 48_000, audioPpm, 2);
      const timeline = new Timeline();
      const endMs = HOURS * 3_600_000;
      const wall = (trueMs: number): number => START_MS + 7 * 3_600_000 + trueMs * (1 + wallPpm / 1e6) + (trueMs > endMs / 2 ? stepMs : 0);
      let worstMs = 0;
      let shown = { trueMs: 0, mediaMs: 0 };
      let audioMs = 0;
      let fragmentMs = -1;
      for (let i = 0; (i * 1000) / 30 < endMs; i += 1) {
        const trueMs = (i * 1000) / 30;
        if (i % 30 === 0) video.report(trueMs, wall(trueMs));
        const frame = video.frame(trueMs);
        timeline.start(frame);
        shown = { trueMs, mediaMs: timeline.videoTicks(frame) / 90 };
        for (; audioMs <= trueMs; audioMs += 20) {
          if (audioMs % 5000 === 0) audio.report(audioMs, wall(audioMs));
          const first = Math.floor(audioMs / 500) !== fragmentMs;
          fragmentMs = Math.floor(audioMs / 500);
          const heardMs = timeline.audioTicks(audio.frame(audioMs), first, false) / 48;
          const apartMs = heardMs - shown.mediaMs - (audioMs - shown.trueMs);
          if (trueMs > 0) worstMs = Math.max(worstMs, Math.abs(apartMs));
        }
      }
      expect(worstMs).toBeLessThanOrEqual(20);
    });
});
