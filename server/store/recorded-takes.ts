import type { RecordedAngle, RecordedOperation } from '../../media/recordings/read.ts';
import type { Store } from './database.ts';
import { angleState, insertAngle, saveTake } from './operations.ts';
import { saveMove } from './take-moves.ts';

/**
 * Takes and their moves, as the journals have them: those that were moved away are here no more, an angle that was made for
 * one that came is here. Once more changes nothing.
 */
export async function saveRecordedTakes(store: Store, recorded: RecordedOperation): Promise<void> {
  const { operationId, moves } = recorded;
  for (const move of moves) {
    await saveMove(store, move);
    const { from, to } = move;
    if (from.operationId === operationId) await removeTake(store, from);
    for (const place of [from, to]) {
      const angle = place.operationId === operationId ? recorded.angles.find(({ angleId }) => angleId === place.angleId) : undefined;
      if (angle) await saveMovedAngle(store, recorded, angle);
    }
  }
  for (const take of recorded.angles.flatMap(({ takes }) => takes)) {
    const frames = take.segments.reduce((sum, segment) => sum + segment.frames, 0);
    await saveTake(store, operationId, { ...take, segments: take.segments.length, frames });
  }
}

async function removeTake(
  store: Store,
  { operationId, angleId, takeId }: { operationId: string; angleId: string; takeId: string },
): Promise<void> {
  await store
    .deleteFrom('take')
    .where('operation_id', '=', operationId)
    .where('angle_id', '=', angleId)
    .where('take_id', '=', takeId)
    .execute();
}

/** The media plane tells of a live operation's angles; what is in an ended one's is counted in its journals. */
async function saveMovedAngle(store: Store, { operationId, endedMs }: RecordedOperation, angle: RecordedAngle): Promise<void> {
  const { angleId, name, takes } = angle;
  const find = store.selectFrom('angle').where('operation_id', '=', operationId).where('angle_id', '=', angleId).select('state');
  if (!(await find.executeTakeFirst())) await insertAngle(store, operationId, angleId, name);
  if (endedMs === null) return;
  const { state } = await find.executeTakeFirstOrThrow();
  const known = angleState(state, angleId, name, 'ended');
  const first = takes[0];
  const last = takes.at(-1)?.segments.at(-1);
  const sum = (key: 'frames' | 'withheld' | 'missing'): number => takes.reduce((total, { totals }) => total + (totals?.[key] ?? 0), 0);
  const counted = {
    ...known,
    takes: takes.length,
    segments: takes.reduce((total, { segments }) => total + segments.length, 0),
    frames: sum('frames'),
    withheldFrames: sum('withheld'),
    missingFrames: sum('missing'),
    sourceKind: known.sourceKind ?? first?.sourceKind ?? null,
    firstMediaMs: known.firstMediaMs ?? first?.startMs ?? null,
    alignmentErrorMs: known.alignmentErrorMs ?? last?.alignmentErrorMs ?? null,
    alignmentMethod: known.alignmentMethod ?? last?.method ?? null,
  };
  await store
    .updateTable('angle')
    .set({ state: JSON.stringify(counted) })
    .where('operation_id', '=', operationId)
    .where('angle_id', '=', angleId)
    .execute();
}
