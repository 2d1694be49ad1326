import { join } from 'node:path';
import { expect, type TestContext } from 'vitest';
import { type ClockFrame, readTake } from './clock-picture.ts';

type Line = Record<string, unknown>;
/** True time of a picture, and by how much the journal's hub time is later, milliseconds. */
export type Stamped = { trueMs: number; errorMs: number };

/** Hub time of a media time by its segment's start: segments in order, the last that begins before. */
export function bySegments(journal: Line[]): (mediaMs: number) => number {
  const segments = journal.filter((line) => line['type'] === 'segment');
  return (mediaMs) => {
    const found = segments.findLast((line) => Number(line['mediaMs']) <= mediaMs + 0.5) ?? segments[0];
    return Number(found?.['startMs']) + mediaMs - Number(found?.['mediaMs']);
  };
}

/** Hub time of a media time by what a player is told: EXT-X-PROGRAM-DATE-TIME of the segment in the playlist. */
export function byPlaylist(journal: Line[], playlist: string): (mediaMs: number) => number {
  const dates = new Map(
    [...playlist.matchAll(/#EXT-X-PROGRAM-DATE-TIME:(\S+)\n#EXTINF:.*\n(\S+)/g)].map(([, date = '', uri = '']) => [uri, Date.parse(date)]),
  );
  const told = journal.filter((line) => line['type'] === 'segment' && dates.has(`0001/${String(line['file'])}`));
  return bySegments(told.map((line) => ({ ...line, startMs: dates.get(`0001/${String(line['file'])}`) })));
}

/** Hub time of a media time by `clock` lines, by the rule of docs/recordings.md: the first at or after it and after 30 s, else the last. */
export function byClockLines(journal: Line[]): (mediaMs: number) => number {
  const clocks = journal.filter((line) => line['type'] === 'clock');
  return (mediaMs) => {
    const line = clocks.find((candidate) => Number(candidate['mediaMs']) >= Math.max(mediaMs, 30_000)) ?? clocks.at(-1);
    return Number(line?.['hubMs']) + (mediaMs - Number(line?.['mediaMs'])) * (1 + Number(line?.['driftPpm']) / 1e6);
  };
}

/** Pictures whose clock could be read, stamped. */
export function stamp(frames: ClockFrame[], toHubMs: (mediaMs: number) => number): Stamped[] {
  return frames.flatMap(({ mediaMs, codedMs }) => (codedMs === null ? [] : [{ trueMs: codedMs, errorMs: toHubMs(mediaMs) - codedMs }]));
}

/**
 * The same instant in two recordings: for every picture of one, the picture of the other that was taken next to it, over
 * the whole time that both have; how far their stamps are apart beyond what the instants are. Milliseconds, absolute.
 */
export function apart(one: Stamped[], other: Stamped[]): number[] {
  const from = Math.max(one[0]?.trueMs ?? 0, other[0]?.trueMs ?? 0);
  const to = Math.min(one.at(-1)?.trueMs ?? 0, other.at(-1)?.trueMs ?? 0);
  const sorted = other.toSorted((a, b) => a.trueMs - b.trueMs);
  let next = 0;
  return one
    .filter(({ trueMs }) => trueMs >= from && trueMs <= to)
    .toSorted((a, b) => a.trueMs - b.trueMs)
    .map(({ trueMs, errorMs }) => {
      const away = (i: number): number => Math.abs((sorted[i]?.trueMs ?? Infinity) - trueMs);
      while (away(next + 1) <= away(next)) next += 1;
      return Math.abs(errorMs - (sorted[next] as Stamped).errorMs);
    });
}

/** Percentile by nearest rank. */
export function percentile(values: number[], per: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((sorted.length * per) / 100) - 1)] ?? Number.NaN;
}

/** The longest step between two pictures of a take, true time. Every picture the journal counts must be readable, each later than the one before. */
export async function longestStepMs(takeDir: string, segments: { frames: number }[], context: TestContext): Promise<number> {
  const pictures = readTake(join(takeDir, 'journal.ndjson'));
  const times = pictures.map(({ codedMs }) => codedMs);
  expect(times.length).toBe(segments.reduce((sum, { frames }) => sum + frames, 0));
  expect(times.filter((time) => time === null)).toEqual([]);
  const steps = times.slice(1).map((time, i) => Number(time) - Number(times[i]));
  // asked for a key frame between two pictures, Chromium sends the one it has again, a millisecond later at least; no picture is recorded twice
  const again = (i: number): boolean => steps[i] === 0 && Number(pictures[i + 1]?.mediaMs) - Number(pictures[i]?.mediaMs) > 0.9;
  const wrong = steps.flatMap((step, i) =>
    step > 0 || again(i) ? [] : [`${step} ms from media time ${pictures[i]?.mediaMs} to ${pictures[i + 1]?.mediaMs}`],
  );
  expect(wrong).toEqual([]);
  expect(steps.filter((_, i) => again(i)).length).toBeLessThan(steps.length / 50);
  const longestMs = Math.max(...steps);
  const atMs = Number(times[steps.indexOf(longestMs)]) - Number(times[0]);
  await context.annotate(`longest step ${longestMs} ms, ${atMs} ms after the first of ${times.length} pictures`);
  return longestMs;
}
