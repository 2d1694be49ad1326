import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HubError } from '../errors.ts';
import type { MoveOrder } from '../protocol/moves.ts';
import { TALK_ANGLE } from '../protocol/talk.ts';
import type { ChainHead } from '../recordings/chain.ts';
import { readJournal } from '../recordings/journal.ts';
import { TakeLine } from '../recordings/lines.ts';
import { type KnownTake, knownTakes } from '../recordings/moves.ts';
import { takeDir, takeJournal } from '../recordings/paths.ts';
import { readOperation, readOperationLines, type RecordedTake, segmentStartMs } from '../recordings/read.ts';
import type { MoveSide, TakeCounts } from './move-side.ts';

/** What is moved: as its operation's journal knows it, with what is in it. */
export type Leaving = { take: KnownTake & { end: ChainHead }; counts: TakeCounts };

/** Takes of one angle follow one another; so far their estimated times may overlap nevertheless. */
const OVERLAP_MS = 1000;
/** All angles of an operation are shown over one stretch of time: a take from another week would make that stretch empty hours. */
const MAX_AWAY_MS = 24 * 3_600_000;

const conflict = (field: string, message: string): HubError => new HubError('conflict', `${field}: ${message}`, { field });

/** Whether the take may go there. Nothing is written. Throws `not_found`, `conflict` naming the field, `corrupt`. */
export async function checkMove(order: MoveOrder, from: MoveSide, to: MoveSide): Promise<Leaving> {
  const { angleId, takeId } = order.from;
  const { angleId: toAngleId } = order.to;
  if (angleId === TALK_ANGLE) throw conflict('angleId', 'what commanders said stays where it was said');
  if (toAngleId === TALK_ANGLE) throw conflict('toAngleId', 'this angle is for what commanders say');
  if (from.operationId === to.operationId && angleId === toAngleId) throw conflict('toAngleId', 'the take is there already');
  const take = knownTakes(await readOperationLines(from.dir)).find((each) => each.angleId === angleId && each.takeId === takeId);
  if (!take) throw new HubError('not_found', `there is no take ${takeId} of angle ${angleId}`, { field: 'takeId' });
  const { end, movedOut } = take;
  if (movedOut) throw conflict('takeId', `it was moved to ${movedOut.toOperationId} already`);
  if (!end) throw conflict('takeId', 'it is still being recorded: stop it first');
  await checkHead(takeDir(from.dir, angleId, takeId), end);
  const source = await readOperation(from.dir);
  const recorded = source.angles.find((angle) => angle.angleId === angleId)?.takes.find((each) => each.takeId === takeId);
  if (!recorded) throw new HubError('not_found', `take ${takeId} of angle ${angleId} is not on the disk`, { field: 'takeId' });
  await checkTarget(order, to, spanOf(recorded));
  if ((await stat(from.dir)).dev !== (await stat(to.dir)).dev || (await otherDisk(from.dir, join(to.dir, toAngleId))))
    throw conflict('toOperationId', 'it is recorded on another disk: takes are moved on one disk only');
  const { frames = 0, withheld = 0, missing = 0 } = recorded.totals ?? {};
  return { take: { ...take, end }, counts: { segments: recorded.segments.length, frames, withheld, missing } };
}

async function checkTarget({ to: { angleId }, toAngleName }: MoveOrder, to: MoveSide, moved: Span): Promise<void> {
  const target = await readOperation(to.dir);
  const angle = target.angles.find((each) => each.angleId === angleId);
  if (toAngleName === null && !angle) throw conflict('toAngleId', `operation ${to.operationId} has no angle ${angleId}`);
  if (toAngleName !== null && angle) throw conflict('toAngleId', `there is an angle ${angleId} already`);
  const awayMs = Math.max(target.openedMs - moved.endMs, target.endedMs === null ? 0 : moved.startMs - target.endedMs);
  if (awayMs > MAX_AWAY_MS) throw conflict('day-away', 'the take was filmed more than a day away from this operation');
  for (const { startMs, endMs } of angle?.takes.map(spanOf) ?? [])
    if (Math.min(endMs, moved.endMs) - Math.max(startMs, moved.startMs) > OVERLAP_MS)
      throw conflict('same-time', 'this angle has a take of the same time: choose another angle, or a new one');
}

type Span = { startMs: number; endMs: number };
function spanOf(take: RecordedTake): Span {
  const first = take.segments[0];
  const last = take.segments.at(-1);
  if (!first || !last) return { startMs: take.startMs, endMs: take.endMs ?? Infinity };
  return {
    startMs: segmentStartMs(take, first),
    endMs: take.endMs === null ? Infinity : segmentStartMs(take, last) + last.durationMs,
  };
}

/** The take's journal ends with the line that the operation's journal knows. */
async function checkHead(dir: string, end: ChainHead): Promise<void> {
  const { head, tornBytes } = readJournal(await readFile(takeJournal(dir)), (value) => TakeLine.parse(value));
  if (tornBytes > 0 || head.seq !== end.seq || head.hash !== end.hash)
    throw new HubError('corrupt', `the journal of ${dir} does not end with the line that its operation's journal knows`, {
      field: 'takeId',
    });
}

const otherDisk = async (dir: string, angleDir: string): Promise<boolean> =>
  existsSync(angleDir) && (await stat(angleDir)).dev !== (await stat(dir)).dev;
