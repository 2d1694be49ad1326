import type { Logger } from 'pino';
import type { MediaClient } from '../../media/protocol/channel.ts';
import type { MediaEvent } from '../../media/protocol/events.ts';
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
type OpenMove = Awaited<ReturnType<typeof openMoves>>[number];

/** A move that goes on and that nobody waits for is looked after so often. */
const AGAIN_MS = 2000;
const NONE: ReadonlySet<string> = new Set();

/**
 * Learns from the journals what became of moves that were asked for: the takes of both operations, and packages that are to be
 * made anew. While it knows of a move that has not come to its end, neither operation is sealed.
 */
export class MovedTakes {
  readonly #context: MovedTakesContext;
  /** Moves whose answer this process waits for. */
  readonly #asking = new Set<string>();
  #again: NodeJS.Timeout | null = null;
  #state: 'open' | 'closed' = 'open';

  constructor(context: MovedTakesContext) {
    this.#context = context;
  }

  /** `work` asks the media plane for a move, and waits for its answer. Throws what it throws. */
  async ask<T>(moveId: string, work: () => Promise<T>): Promise<T> {
    this.#asking.add(moveId);
    try {
      return await work();
    } catch (error) {
      this.#asking.delete(moveId);
      await this.follow(); // without an answer, it may go on
      throw error;
    } finally {
      this.#asking.delete(moveId);
    }
  }

  /** What the media plane has told, after the store has it. */
  async told(events: MediaEvent[]): Promise<void> {
    const over = events.flatMap((event) => (event.type === 'take.moved' ? [event.moveId] : []));
    if (over.length > 0) await this.follow(new Set(over));
  }

  /**
   * A move that no journal knows came to nothing, unless it is under way: asked for by this process, or known to the media plane
   * from before this process was started. `over`: of these the media plane has told that they are done. One whose journals
   * cannot be read now is looked at again later. Never throws.
   */
  async follow(over: ReadonlySet<string> = NONE): Promise<void> {
    const { store, media, log } = this.#context;
    try {
      const open = await openMoves(store);
      if (open.length === 0) return;
      // before the journals are read, so that none ends in between unseen
      const { moveIds } = await media.request('movesUnderWay', {});
      const goesOn = ({ moveId }: OpenMove): boolean => !over.has(moveId) && moveIds.includes(moveId);
      for (const move of open)
        if (over.has(move.moveId) || !(goesOn(move) || this.#asking.has(move.moveId))) await followMove(move, this.#context);
      if (open.some((move) => goesOn(move) && !this.#asking.has(move.moveId))) this.#againSoon();
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'moves of takes could not be looked after');
      if (media.up) this.#againSoon(); // else when it is back
    }
  }

  close(): void {
    this.#state = 'closed';
    if (this.#again) clearTimeout(this.#again);
  }

  #againSoon(): void {
    if (this.#state === 'closed') return;
    this.#again ??= setTimeout(() => {
      this.#again = null;
      void this.follow();
    }, AGAIN_MS);
  }
}

async function followMove({ moveId, operationId, toOperationId }: OpenMove, context: MovedTakesContext): Promise<void> {
  const { store, media, dataDir, nowMs, log, changed } = context;
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

/** An angle of a live operation that was made for a take: its state is the media plane's to tell. */
async function learnNewAngles({ operationId, endedMs, moves, angles }: RecordedOperation, store: Store, media: MediaClient): Promise<void> {
  if (endedMs !== null) return;
  const came = new Set(moves.flatMap(({ to }) => (to.operationId === operationId ? [to.angleId] : [])));
  for (const { angleId, name } of angles)
    if (came.has(angleId)) await saveAngleState(store, operationId, await media.request('addAngle', { operationId, angleId, name }));
}
