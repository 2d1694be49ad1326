import { createWorker } from 'mediasoup';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mediaCodecs } from '../../media/sfu/codecs.ts';
import { Peer } from '../../media/sfu/peer.ts';
import type { WorkerSlot } from '../../media/sfu/workers.ts';

let slot: WorkerSlot;
beforeAll(async () => {
  const worker = await createWorker({ logLevel: 'none' });
  const listening = { protocol: 'udp', ip: '127.0.0.1' } as const;
  slot = { index: 0, worker, server: await worker.createWebRtcServer({ listenInfos: [listening] }), routers: 0 };
});
afterAll(() => slot.worker.close());

it('closed while the worker makes a transport for it, it leaves none: that would stay for as long as its operation', async () => {
  const router = await slot.worker.createRouter({ mediaCodecs });
  const peer = new Peer('peer-0001', 'op', 'owner', () => undefined);
  const made = peer.createTransport(slot, router);
  peer.close();
  await expect(made).rejects.toMatchObject({ code: 'gone', field: 'peerId' });
  expect((await slot.server.dump()).webRtcTransportIds).toEqual([]);
  expect((await router.dump()).transportIds).toEqual([]);
});
