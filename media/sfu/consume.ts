import type { types } from 'mediasoup';
import type { ResultOf } from '../protocol/requests.ts';
import type { Peer } from './peer.ts';

type Wanted = { angleId: string; producers: types.Producer[]; rtpCapabilities: types.RtpCapabilities };

/** A paused consumer of each producer that the client can decode. `closed` is told which one ended. */
export async function consumeAll(
  router: types.Router,
  peer: Peer,
  transportId: string,
  { angleId, producers, rtpCapabilities }: Wanted,
  closed: (consumerId: string) => void,
): Promise<ResultOf<'consume'>['consumers']> {
  const consumers: ResultOf<'consume'>['consumers'] = [];
  for (const producer of producers) {
    if (!router.canConsume({ producerId: producer.id, rtpCapabilities })) continue;
    const { id, kind, rtpParameters } = await peer.consume(transportId, producer, rtpCapabilities, closed);
    consumers.push({ consumerId: id, producerId: producer.id, angleId, kind, rtpParameters });
  }
  return consumers;
}
