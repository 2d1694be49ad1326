import type { Damage, TakeLine } from './lines.ts';
import { hubTimeAt } from './time-map.ts';

/** Times in journals are rounded to a microsecond, each by itself. */
const ROUNDING_MS = 0.01;
/** So far may times disagree that were estimated at different moments, beside what the journal itself says they may be off. */
const CLOCK_MS = 1000;

/**
 * Whether a take's journal agrees with itself: what its segments say against its totals, and where damage lies. `endedMs`:
 * end of the operation, null while it is live. Returns what is wrong, in words; checks nothing but the lines.
 */
export function checkTotals(lines: TakeLine[], segmentMs: number, endedMs: number | null): string[] {
  const segments = lines.filter((line) => line.type === 'segment');
  const wrong: string[] = [];
  for (const segment of segments) {
    const overrunMs = Math.max(0, segment.startMs + segment.durationMs - (segment.cell + 1) * segmentMs);
    if (Math.abs(overrunMs - segment.overrunMs) > ROUNDING_MS)
      wrong.push(`${segment.file} runs ${overrunMs.toFixed(3)} ms beyond its cell, its line says ${segment.overrunMs}`);
  }
  const ended = lines.find((line) => line.type === 'take.ended');
  if (ended) {
    const sum = (key: 'frames' | 'withheld' | 'missing'): number => segments.reduce((total, segment) => total + segment[key], 0);
    if (segments.length !== ended.segments) wrong.push(`has ${segments.length} segments, its last line says ${ended.segments}`);
    if (sum('frames') !== ended.frames) wrong.push(`its segments have ${sum('frames')} frames, its last line says ${ended.frames}`);
    for (const key of ['withheld', 'missing'] as const)
      if (sum(key) > ended[key]) wrong.push(`its segments have ${sum(key)} ${key} frames, its last line only ${ended[key]}`);
    const kept = lines.reduce((total, line) => total + (line.type === 'withheld' ? line.frames : 0), 0);
    if (kept > ended.withheld) wrong.push(`its side files have ${kept} frames, its last line only ${ended.withheld} withheld`);
  }
  const began = lines[0]?.type === 'take.started' ? lines[0].atMs : -Infinity;
  // what is learnt of the clock later may place the beginning earlier than its line does, and damage is told by what is known then
  const clocks = lines.filter((line) => line.type === 'clock');
  const started = Math.min(began, hubTimeAt(clocks, segments[0]?.mediaMs ?? 0) ?? began);
  const damage = [...segments.flatMap((segment) => segment.damage), ...(ended?.damage ?? [])];
  const slackMs = Math.max(0, ...segments.map(({ alignmentErrorMs }) => alignmentErrorMs)) + CLOCK_MS;
  return [
    ...wrong,
    ...checkDamage(damage, started - slackMs, (ended?.atMs ?? Infinity) + slackMs, (endedMs ?? Infinity) + slackMs, slackMs),
  ];
}

/**
 * Stretches follow one another. One may begin before the take's first picture (what came before could not be decoded)
 * and end after its last (nothing good followed), but none lies wholly outside the take or goes on after the operation.
 */
function checkDamage(damage: Damage[], fromMs: number, toMs: number, operationEndMs: number, slackMs: number): string[] {
  const wrong: string[] = [];
  let previousMs = -Infinity;
  for (const stretch of damage) {
    if (stretch.toMs < stretch.fromMs) wrong.push(`damage at ${stretch.fromMs} ends before it begins`);
    if (stretch.fromMs < previousMs - slackMs) wrong.push(`damage at ${stretch.fromMs} is out of order`);
    if (stretch.withheld + stretch.missing === 0) wrong.push(`damage at ${stretch.fromMs} lacks no frame`);
    if (stretch.toMs < fromMs || stretch.fromMs > toMs || stretch.toMs > operationEndMs)
      wrong.push(`damage at ${stretch.fromMs} lies outside the take`);
    previousMs = stretch.fromMs;
  }
  return wrong;
}
