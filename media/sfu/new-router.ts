import type { types } from 'mediasoup';
import { mediaCodecs } from './codecs.ts';
import type { WorkerPool, WorkerSlot } from './workers.ts';

/** A router on the worker that has the fewest, and the transport that packets are taken out of. */
export async function newRouter(workers: WorkerPool): Promise<{ slot: WorkerSlot; router: types.Router; direct: types.DirectTransport }> {
  const slot = workers.least();
  const router = await slot.worker.createRouter({ mediaCodecs });
  slot.routers += 1;
  const direct = await router.createDirectTransport();
  return { slot, router, direct };
}
