import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClockLine } from '../../media/recordings/time-map.ts';
import { angleName } from './hub-side.ts';
import { picturesOf, type Sample, soundsOf } from './recorded.ts';

/** What the benches use of a take's journal (docs/recordings.md); the chain of hashes is checked by `verifyOperation`. */
export type Segment = { type: 'segment'; file: string; init: string; startMs: number; mediaMs: number; withheld: number; missing: number };
type Ended = { type: 'take.ended'; frames: number; withheld: number; missing: number };
type Line = Segment | ClockLine | Ended | { type: 'other' };

export type HubTake = {
  dir: string;
  segments: { line: Segment; pictures: Sample[]; sounds: Sample[] }[];
  clocks: ClockLine[];
  /** As the take's last line has them. */
  withheld: number;
  missing: number;
};

/** The takes of the i-th stream, in order, read from the disk. */
export const hubTakes = (operationDir: string, i: number): HubTake[] => takesIn(join(operationDir, angleName(i)));

/** The takes of an angle's folder, in order. */
export function takesIn(angleDir: string): HubTake[] {
  return readdirSync(angleDir)
    .toSorted()
    .map((takeId) => readTake(join(angleDir, takeId)));
}

export const picturesOfTake = (take: HubTake): Sample[] => take.segments.flatMap(({ pictures }) => pictures);

function readTake(dir: string): HubTake {
  const text = readFileSync(join(dir, 'journal.ndjson'), 'utf8');
  const lines = text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);
  const segments = lines
    .filter((line) => line.type === 'segment')
    .map((line) => {
      const bytes = readFileSync(join(dir, line.file));
      return { line, pictures: picturesOf(bytes), sounds: soundsOf(bytes) };
    });
  const clocks = lines.filter((line) => line.type === 'clock').filter((line) => line.kind === 'video');
  const ended = lines.find((line) => line.type === 'take.ended');
  return { dir, segments, clocks, withheld: ended?.withheld ?? 0, missing: ended?.missing ?? 0 };
}
