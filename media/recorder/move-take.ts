import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HubError, messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { MoveOrder, TakePlace } from '../protocol/moves.ts';
import { syncDir } from '../recordings/journal.ts';
import { takeDir } from '../recordings/paths.ts';
import { checkMove } from './move-check.ts';
import type { MoveSide } from './move-side.ts';

/**
 * Move a take: first the line of the operation that it leaves, then the line of the one that it comes to, then its folder,
 * which is renamed and never written to. Whatever fails before the folder is renamed is undone, by a line in each journal
 * that tells of the move; where the hub dies in between, `settleMoves` does so on start, or finishes it. Both sides may be
 * the same. Throws as `checkMove`, and what the disk says.
 */
export async function moveTake(order: MoveOrder, from: MoveSide, to: MoveSide, nowMs: () => number, log: Log): Promise<TakePlace> {
  const { take, counts } = await checkMove(order, from, to);
  const { moveId, by, reason, toAngleName } = order;
  const { angleId, takeId } = order.from;
  const toAngleId = order.to.angleId;
  if (toAngleName !== null) await to.addAngle(toAngleId, toAngleName, nowMs());
  const toTakeId = to.nextTakeId(toAngleId);
  const [here, there] = [takeDir(from.dir, angleId, takeId), takeDir(to.dir, toAngleId, toTakeId)];
  if (existsSync(there)) throw new HubError('internal', `${there} is there already`);
  const shared = { moveId, headSeq: take.end.seq, headHash: take.end.hash, by, reason, atMs: nowMs() };
  const target = { toOperationId: to.operationId, toAngleId, toTakeId };
  await from.write({ type: 'take.moved-out', ...shared, angleId, takeId, ...target });
  const told = [from];
  try {
    await makeDir(dirname(there));
    if (to !== from) told.unshift(to);
    const origin = { fromOperationId: from.operationId, fromAngleId: angleId, fromTakeId: takeId };
    const { sourceKind, startMs, firstHash } = take;
    await to.write({ type: 'take.moved-in', ...shared, angleId: toAngleId, takeId: toTakeId, ...origin, sourceKind, startMs, firstHash });
    await rename(here, there);
  } catch (error) {
    await undo(moveId, told, nowMs()).catch((failure: unknown) =>
      log.error({ err: failure, moveId }, 'a move of a take could not be undone, the next start does it'),
    );
    const code = error instanceof HubError ? error.code : 'internal';
    throw new HubError(code, `the take could not be moved, it is where it was: ${messageOf(error)}`, { cause: error });
  }
  await syncBoth(here, there).catch((error: unknown) => log.error({ err: error, moveId }, 'the disk has not confirmed a move of a take'));
  from.count(angleId, counts, -1);
  to.count(toAngleId, counts, 1);
  return { operationId: to.operationId, angleId: toAngleId, takeId: toTakeId };
}

/** The folder is not there yet, the lines are: the second half of a move. */
export async function renameTake(here: string, there: string): Promise<void> {
  await makeDir(dirname(there));
  await rename(here, there);
  await syncBoth(here, there);
}

/** The side that the take came to first: while its line stands, it could be taken for moved. */
async function undo(moveId: string, told: MoveSide[], atMs: number): Promise<void> {
  for (const side of told) await side.write({ type: 'take.move-undone', moveId, atMs });
}

async function makeDir(angleDir: string): Promise<void> {
  if (await mkdir(angleDir, { recursive: true, mode: 0o750 })) await syncDir(dirname(angleDir));
}

async function syncBoth(here: string, there: string): Promise<void> {
  await syncDir(dirname(there));
  await syncDir(dirname(here));
}
