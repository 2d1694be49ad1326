import { messageOf } from '../errors.ts';
import { VIDEO_TRACK_ID } from '../mp4/init.ts';
import { type Fragment, readFragments, readInit } from '../mp4/read.ts';
import { type OperationLine, type SegmentLine, TakeLine } from './lines.ts';
import type { KnownTake } from './moves.ts';
import { clockFor } from './time-map.ts';
import { parseSegmentFile } from './paths.ts';
import { type Chained, readChain, readChecked, type Report } from './verify-files.ts';
import { checkTotals } from './verify-totals.ts';

const REMOVED = 'is missing: it was removed while the take was recorded';

export type AngleFigures = {
  angleId: string;
  name: string;
  takes: number;
  segments: number;
  /** Counted in the files, not in the journal. */
  frames: number;
  durationMs: number;
  sizeBytes: number;
  /** Worst alignment error of its segments, by what the journal knows now. */
  alignmentErrorMs: number;
};

export type TakeCheck = {
  dir: string;
  take: KnownTake;
  operation: Chained<OperationLine>[];
  segmentMs: number;
  ended: boolean;
  figures: AngleFigures;
  known: Set<string>;
  hashes: Map<string, string>;
  report: Report;
  progress?: (bytes: number) => void;
};

/** One take: its journal against the operation's, and every file that it knows. */
export async function checkTake(check: TakeCheck): Promise<void> {
  const { dir, take, operation, ended, figures, known, report } = check;
  const { angleId, takeId, movedIn } = take;
  const folder = `${angleId}/${takeId}`;
  const path = `${folder}/journal.ndjson`;
  figures.takes += 1;
  known.add(path);
  const lines = await readChain(dir, path, (value) => TakeLine.parse(value), report);
  if (lines.length === 0) {
    report(path, `take ${takeId} of angle ${angleId} is in the operation's journal, but its own journal is missing or empty`);
    return;
  }
  if (lines[0]?.head.hash !== take.firstHash) report(path, "line 0: is not the one that the operation's journal knows");
  for (const { line } of operation) {
    if (line.type !== 'take.head' && line.type !== 'take.ended' && line !== movedIn) continue;
    if (line.angleId !== angleId || line.takeId !== takeId) continue;
    const own = lines[line.headSeq];
    if (!own) report(path, `line ${line.headSeq}: is missing: the journal was cut off, the operation's journal knows this line`);
    else if (own.head.hash !== line.headHash) report(path, `line ${line.headSeq}: is not the one that the operation's journal knows`);
    if (line.type !== 'take.head' && lines.length - 1 > line.headSeq)
      report(path, `line ${line.headSeq + 1}: was added after the take had ended`);
  }
  if ((ended || movedIn) && lines.at(-1)?.line.type !== 'take.ended') report(path, 'the take does not end: its last line was cut off');
  const own = lines.map(({ line }) => line);
  // one that was moved here keeps the grid of the operation that it was recorded in, and may be older or newer than this one
  const grid = movedIn && own[0]?.type === 'take.started' ? own[0].segmentMs : check.segmentMs;
  for (const message of checkTotals(own, grid, movedIn ? null : endOf(operation))) report(path, message);
  await checkFiles({ ...check, segmentMs: grid }, folder, lines);
}

function endOf(operation: Chained<OperationLine>[]): number | null {
  for (const { line } of operation) if (line.type === 'operation.ended') return line.atMs;
  return null;
}

async function checkFiles(check: TakeCheck, folder: string, lines: Chained<TakeLine>[]): Promise<void> {
  const { dir, segmentMs, figures, known, hashes, report, progress } = check;
  const closed = new Set(lines.map(({ line }) => (line.type === 'segment' ? line.file : '')));
  const clocks = lines.flatMap(({ line }) => (line.type === 'clock' ? [line] : []));
  const removed = new Set(lines.map(({ line }) => (line.type === 'file.missing' ? line.file : '')));
  const inits = new Map<string, number>();
  const previous: Previous = { filmed: null, heard: null };
  for (const { line } of lines) {
    if (line.type === 'segment.opened' && !closed.has(line.file) && !check.ended) known.add(`${folder}/${line.file}`); // being written
    if (line.type !== 'init' && line.type !== 'segment' && line.type !== 'withheld') continue;
    const path = `${folder}/${line.file}`;
    known.add(path);
    const bytes = await readChecked(dir, path, line, removed.has(line.file) ? REMOVED : 'is missing', report);
    if (!bytes) continue;
    hashes.set(path, line.sha256);
    figures.sizeBytes += bytes.length;
    progress?.(bytes.length);
    try {
      if (line.type === 'init') {
        const tracks = readInit(bytes);
        inits.set(line.file, tracks.find((track) => track.kind === 'video')?.trackId ?? 0);
        continue;
      }
      if (line.type === 'withheld') {
        if (line.init !== null && !inits.get(line.init)) report(path, `its initialisation segment ${line.init} describes no picture`);
        const { pictures } = countSamples(readFragments(bytes).fragments, VIDEO_TRACK_ID);
        if (pictures !== line.frames) report(path, `has ${pictures} pictures, its journal says ${line.frames}`);
        continue;
      }
      figures.frames += checkSegment(line, bytes, inits.get(line.init), segmentMs, previous, (message) => report(path, message));
    } catch (error) {
      report(path, messageOf(error));
      continue;
    }
    figures.segments += 1;
    figures.durationMs += line.durationMs;
    figures.alignmentErrorMs = Math.max(figures.alignmentErrorMs, clockFor(clocks, line.mediaMs)?.errorMs ?? line.alignmentErrorMs);
  }
}

/** The last segment with pictures, and the last with sound. */
type Previous = { filmed: SegmentLine | null; heard: SegmentLine | null };

/** How many pictures it has. */
function checkSegment(
  line: SegmentLine,
  bytes: Buffer,
  trackId: number | undefined,
  segmentMs: number,
  previous: Previous,
  report: (message: string) => void,
): number {
  if (trackId === undefined) report(`its initialisation segment ${line.init} comes nowhere before it`);
  const named = parseSegmentFile(line.file);
  if (named?.cell !== line.cell || named.part !== line.part) report(`is named for another cell than ${line.cell}-${line.part}`);
  if (Math.floor(line.startMs / segmentMs) !== line.cell) report(`begins at ${line.startMs}, which is not in cell ${line.cell}`);
  if (Math.abs(line.startMs - line.cell * segmentMs - line.offsetMs) > 0.01) report('its offset does not fit its start');
  const { fragments, wholeBytes } = readFragments(bytes);
  const { pictures, sounds } = countSamples(fragments, trackId);
  // what came late, pictures or sound alone, may begin before what the other had gone on with
  const before = line.frames > 0 ? previous.filmed : previous.heard;
  if (before && line.mediaMs < before.mediaMs) report('is out of order');
  if (pictures > 0) previous.filmed = line;
  if (sounds > 0) previous.heard = line;
  if (wholeBytes !== bytes.length) report(`ends with ${bytes.length - wholeBytes} bytes that are no whole fragment`);
  if (fragments.length !== line.fragments) report(`has ${fragments.length} fragments, its journal says ${line.fragments}`);
  if (pictures !== line.frames) report(`has ${pictures} pictures, its journal says ${line.frames}`);
  return pictures;
}

function countSamples(fragments: Fragment[], videoTrackId: number | undefined): { pictures: number; sounds: number } {
  const counts = { pictures: 0, sounds: 0 };
  for (const { tracks } of fragments)
    for (const { trackId, samples } of tracks) counts[trackId === videoTrackId ? 'pictures' : 'sounds'] += samples;
  return counts;
}
