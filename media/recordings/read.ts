import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { HubError } from '../errors.ts';
import type { Cause, SourceKind } from '../protocol/ids.ts';
import { Incidents } from '../protocol/incidents.ts';
import { KeptPreflight } from '../protocol/preflight.ts';
import type { Mark } from '../protocol/marks.ts';
import type { Message } from '../protocol/messages.ts';
import type { TakeMove } from '../protocol/moves.ts';
import type { Still } from '../protocol/stills.ts';
import type { Interruption } from '../protocol/state.ts';
import { knownAngles } from './angles.ts';
import { readJournal } from './journal.ts';
import { type Damage, OperationLine, type SegmentLine, TakeLine, type TrackInfo } from './lines.ts';
import { marksOf } from './marks.ts';
import { messagesOf } from './messages.ts';
import { type KnownTake, knownTakes, movesOf } from './moves.ts';
import { stillsOf } from './stills.ts';
import { operationJournal, takeDir, takeJournal } from './paths.ts';
import { type Anchor, type ClockLine, hubTimeAt, settledDamage } from './time-map.ts';

export type RecordedTake = {
  angleId: string;
  takeId: string;
  sourceKind: SourceKind;
  startMs: number;
  endMs: number | null;
  reason: Cause | null;
  segments: SegmentLine[];
  /** What each initialisation segment of the take describes. */
  tracks: Map<string, TrackInfo[]>;
  clocks: ClockLine[];
  /** Where pictures are lacking, in order, by all that the journal knows of the clock. */
  damage: Damage[];
  /** Of the whole take; null while it runs. */
  totals: { frames: number; withheld: number; missing: number } | null;
};
export type RecordedAngle = { angleId: string; name: string; takes: RecordedTake[] };
export type RecordedOperation = {
  operationId: string;
  name: string;
  openedMs: number;
  endedMs: number | null;
  segmentMs: number;
  angles: RecordedAngle[];
  interruptions: Interruption[];
  marks: Mark[];
  stills: Still[];
  messages: Message[];
  /** Takes that were moved from here or to here. */
  moves: TakeMove[];
};

/**
 * What the journals say of an operation, live or ended. Checks their chains as it reads; a last line that is still
 * being written is left out. Throws `not_found` or `corrupt`.
 */
export async function readOperation(dir: string): Promise<RecordedOperation> {
  try {
    return await readOnce(dir);
  } catch (error) {
    // a take may have been moved between its operation's journal and its own
    if (error instanceof HubError && error.code === 'not_found') return readOnce(dir);
    throw error;
  }
}

async function readOnce(dir: string): Promise<RecordedOperation> {
  const lines = await readOperationLines(dir);
  const opened = lines[0];
  if (opened?.type !== 'operation.opened') throw new HubError('corrupt', `${operationJournal(dir)} does not begin with an operation`);
  const angles = Array.from(knownAngles(lines), ([angleId, name]): RecordedAngle => ({ angleId, name, takes: [] }));
  const interruptions = new Map<string, Interruption>();
  let endedMs: number | null = null;
  for (const line of lines) {
    if (line.type === 'interruption.opened' || line.type === 'interruption.closed') {
      const { interruptionId: id, angleId, startMs, cause } = line;
      interruptions.set(id, { id, angleId, startMs, endMs: line.type === 'interruption.closed' ? line.endMs : null, cause });
    } else if (line.type === 'operation.ended') endedMs = line.atMs;
  }
  for (const take of knownTakes(lines)) {
    const found = take.movedOut ? null : await readTake(dir, take);
    if (found) angles.find(({ angleId }) => angleId === take.angleId)?.takes.push(found);
  }
  for (const { takes } of angles) takes.sort((a, b) => a.startMs - b.startMs);
  const { operationId, name, atMs: openedMs, segmentMs } = opened;
  const notes = { moves: movesOf(operationId, lines), marks: marksOf(lines), stills: stillsOf(lines), messages: messagesOf(lines) };
  return { operationId, name, openedMs, endedMs, segmentMs, angles, interruptions: [...interruptions.values()], ...notes };
}

/** What an operation's journal keeps of pages in the background and of takeovers, in order. Throws `not_found` or `corrupt`. */
export async function readIncidents(dir: string): Promise<Incidents> {
  const lines = await readOperationLines(dir);
  const hidden = lines.filter(({ type }) => type === 'source.hidden');
  return Incidents.parse({ hidden, takeovers: lines.filter(({ type }) => type === 'takeover') });
}

/** The checks before duty that an operation's journal keeps, in order. Throws `not_found` or `corrupt`. */
export async function readPreflights(dir: string): Promise<KeptPreflight[]> {
  const lines = await readOperationLines(dir);
  return lines.flatMap((line) => (line.type === 'preflight' ? [KeptPreflight.parse(line)] : []));
}

/** Null for one that is being moved here and has not come yet. Throws `not_found` or `corrupt`. */
async function readTake(dir: string, { angleId, takeId, sourceKind, startMs, movedIn }: KnownTake): Promise<RecordedTake | null> {
  const path = takeJournal(takeDir(dir, angleId, takeId));
  if (movedIn && !existsSync(path)) return null;
  const lines = await readLines(path, (value) => TakeLine.parse(value));
  const segments = lines.filter((line) => line.type === 'segment');
  const ended = lines.find((line) => line.type === 'take.ended');
  const tracks = new Map(lines.flatMap((line) => (line.type === 'init' ? [[line.file, line.tracks] as const] : [])));
  const clocks = lines.filter((line) => line.type === 'clock');
  const damage = [...segments.flatMap((segment) => segment.damage), ...(ended?.damage ?? [])];
  const anchors = lines.flatMap((line): Anchor[] => {
    if (line.type === 'segment.opened') return [{ mediaMs: line.mediaMs, hubMs: line.startMs }];
    return line.type === 'clock' ? [{ mediaMs: line.mediaMs, hubMs: line.hubMs }] : [];
  });
  return {
    angleId,
    takeId,
    sourceKind,
    startMs,
    endMs: ended?.atMs ?? null,
    reason: ended?.reason ?? null,
    segments,
    tracks,
    clocks,
    totals: ended ? { frames: ended.frames, withheld: ended.withheld, missing: ended.missing } : null,
    damage: damage.map((stretch) => settledDamage(anchors, clocks, stretch)),
  };
}

/** Hub time at which a segment's first frame was captured, by all that its take's journal knows now. */
export function segmentStartMs(take: RecordedTake, segment: SegmentLine): number {
  return hubTimeAt(take.clocks, segment.mediaMs) ?? segment.startMs;
}

/** Whether a segment carries pictures, or sound alone. */
export function hasPictures(take: RecordedTake, segment: SegmentLine): boolean {
  return take.tracks.get(segment.init)?.some((track) => track.kind === 'video') ?? false;
}

/** The whole lines of an operation's journal, their chain checked. Throws `not_found` or `corrupt`. */
export function readOperationLines(dir: string): Promise<OperationLine[]> {
  return readLines(operationJournal(dir), (value) => OperationLine.parse(value));
}

async function readLines<Line>(path: string, parse: (value: unknown) => Line): Promise<Line[]> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new HubError(missing ? 'not_found' : 'internal', `${path} cannot be read`, { cause: error });
  }
  try {
    return readJournal(bytes, parse).lines;
  } catch (error) {
    if (error instanceof HubError) throw new HubError(error.code, `${path}: ${error.message}`, { cause: error });
    throw error;
  }
}
