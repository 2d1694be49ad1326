import { createWorker, type types } from 'mediasoup';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mediaCodecs } from '../../media/sfu/codecs.ts';
import { Attempt } from '../../media/sources/gateway/attempt.ts';
import { CameraMeter } from '../../media/sources/gateway/camera-meter.ts';
import { type StreamSink, streamWay } from '../../media/sources/stream/way.ts';
import { systemHubClock } from '../../media/time/hub-clock.ts';
import { ffmpegsOf } from '../support/gateways.ts';
import { until } from '../support/hub.ts';
import { itemsOf, messagesOf, pushed } from '../support/pushed-rtmp.ts';

let worker: types.Worker;
let router: types.Router;
beforeAll(async () => {
  worker = await createWorker({ logLevel: 'none' });
  router = await worker.createRouter({ mediaCodecs });
});
afterAll(() => worker.close());

it('a stream that ends while its live view is being opened leaves nothing behind, and begins nothing', async () => {
  let [opened, gone, begun, planned] = [0, 0, 0, 0];
  router.observer.on('newtransport', (transport) => {
    opened += 1;
    transport.observer.once('close', () => (gone += 1));
  });
  /** Enough of a real stream to know what it is made of, and its end. */
  const open = ({ item, ended }: StreamSink): void => {
    itemsOf(messagesOf(pushed)).forEach((each, i) => item(each, 1000 + i * 20));
    ended(null);
  };
  const way = streamWay(() => Promise.resolve({ open, close: () => undefined }));
  const attempt = new Attempt(way, {
    clock: systemHubClock(),
    meter: new CameraMeter(),
    cname: 'cam-test',
    router: () => router,
    arrived: () => undefined,
    told: () => undefined,
    planned: () => (planned += 1),
    running: () => undefined,
    begin: () => {
      begun += 1;
      throw new Error('it has ended');
    },
  });
  expect(await attempt.run()).toMatchObject({ code: 'connection-lost' });
  expect(planned).toBe(1);
  await until('pictures and sound are let go of', () => opened === 2 && gone === 2);
  await until('what was under way is over', async () => (await router.dump()).transportIds.length === 0);
  expect({ begun, left: ffmpegsOf(process.pid) }).toEqual({ begun: 0, left: [] });
});
