import type { types } from 'mediasoup';
import { mediaCodecs } from './codecs.ts';
import type { WorkerPool, WorkerSlot } from './workers.ts';

export type OperationRouter = { slot: WorkerSlot; router: types.Router; direct: types.DirectTransport };

/** An operation's router on the worker that has the fewest, and the way by which the recorder receives. */
export async function newRouter(workers: WorkerPool): Promise<OperationRouter> {
  const slot = workers.least();
  const router = await slot.worker.createRouter({ mediaCodecs });
  slot.routers += 1;
  const direct = await router.createDirectTransport();
  return { slot, router, direct };
}
