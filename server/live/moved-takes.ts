import type { Logger } from 'pino';
import type { MediaClient } from '../../media/protocol/channel.ts';
import { operationDir } from '../../media/recordings/paths.ts';
import { readOperation, type RecordedOperation } from '../../media/recordings/read.ts';
import { messageOf } from '../../media/errors.ts';
import { repack } from '../store/archive-jobs.ts';
import type { Store } from '../store/database.ts';
import { saveAngleState } from '../store/operations.ts';
import { saveRecordedTakes } from '../store/recorded-takes.ts';
import { dropMove, openMoves } from '../store/take-moves.ts';

export type MovedTakesContext = {
  store: Store;
  media: MediaClient;
  dataDir: string;
  nowMs: () => number;
  log: Logger;
  changed: (operationId: string) => void;
};

/**
 * Learn from the journals what became of moves that were asked for: the takes of both operations, and packages that are to be
 * made anew. One that no journal knows came to nothing. One whose journals cannot be read now is looked at again later.
 */
export async function followMoves({ store, media, dataDir, nowMs, log, changed }: MovedTakesContext): Promise<void> {
  for (const { moveId, operationId, toOperationId } of await openMoves(store)) {
    const ids = [...new Set([operationId, toOperationId])];
    try {
      const recorded = await Promise.all(ids.map((id) => readOperation(operationDir(dataDir, id))));
      const done = recorded.some(({ moves }) => moves.some((move) => move.moveId === moveId));
      await store.transaction().execute(async (tx) => {
        for (const operation of recorded) await saveRecordedTakes(tx, operation);
        if (done) for (const id of ids) await repack(tx, id, nowMs());
        else await dropMove(tx, moveId);
      });
      for (const operation of recorded) await learnNewAngles(operation, store, media);
      for (const id of ids) changed(id);
    } catch (error) {
      log.error({ moveId, reason: messageOf(error) }, 'what became of a move of a take cannot be read');
    }
  }
}

/** An angle of a live operation that was made for a take: its state is the media plane's to tell. */
async function learnNewAngles({ operationId, endedMs, moves, angles }: RecordedOperation, store: Store, media: MediaClient): Promise<void> {
  if (endedMs !== null) return;
  const came = new Set(moves.flatMap(({ to }) => (to.operationId === operationId ? [to.angleId] : [])));
  for (const { angleId, name } of angles)
    if (came.has(angleId)) await saveAngleState(store, operationId, await media.request('addAngle', { operationId, angleId, name }));
}
