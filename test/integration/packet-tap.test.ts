import { createWorker, type types } from 'mediasoup';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRtp } from '../../media/rtp/packet.ts';
import { mediaCodecs } from '../../media/sfu/codecs.ts';
import { tapPackets, tapsDirectly } from '../../media/sfu/packet-tap.ts';
import { until } from '../support/hub.ts';
import { rtpBytes } from '../support/rtp.ts';

let worker: types.Worker;
let router: types.Router;
beforeAll(async () => {
  worker = await createWorker({ logLevel: 'none' });
  router = await worker.createRouter({ mediaCodecs });
});
afterAll(() => worker.close());

const SSRC = 4242;

/** A producer of sound on a DirectTransport. */
async function produce(): Promise<types.Producer> {
  const transport = await router.createDirectTransport();
  const codec = { mimeType: 'audio/opus', clockRate: 48_000, channels: 2, payloadType: 111, parameters: {}, rtcpFeedback: [] };
  return transport.produce({ kind: 'audio', rtpParameters: { codecs: [codec], encodings: [{ ssrc: SSRC }] } });
}
async function consume(producer: types.Producer): Promise<types.Consumer> {
  const transport = await router.createDirectTransport();
  return transport.consume({ producerId: producer.id, rtpCapabilities: router.rtpCapabilities, pipe: true });
}
const textOf = (packet: Buffer): string => parseRtp(packet, 0)?.payload.toString() ?? '';
const send = (producer: types.Producer, i: number): void =>
  producer.send(rtpBytes(i, i * 960, Buffer.from(`packet ${i}`), false, 111, SSRC));

describe('packets for the recorder', () => {
  it('take the short way through the version of mediasoup that is pinned', () => {
    expect(tapsDirectly).toBe(true);
  });

  it('are the same, in number, order and bytes, as those of the documented event', async () => {
    const producer = await produce();
    const [consumer, other] = [await consume(producer), await consume(producer)];
    const tapped: string[] = [];
    const documented: string[] = [];
    tapPackets(consumer, (packet) => tapped.push(textOf(packet)));
    other.on('rtp', (packet) => documented.push(textOf(packet)));
    for (let i = 1; i <= 500; i += 1) send(producer, i);
    await until('all have come both ways', () => tapped.length === 500 && documented.length === 500);
    expect(tapped).toEqual(documented);
    expect(tapped[499]).toBe('packet 500');
  });

  it('stay what they were, whatever comes after them, and end with their consumer', async () => {
    const producer = await produce();
    const consumer = await consume(producer);
    const kept: Buffer[] = [];
    tapPackets(consumer, (packet) => kept.push(packet));
    for (let i = 1; i <= 2000; i += 1) send(producer, i);
    await until('all have come', () => kept.length === 2000);
    kept.forEach((packet, i) => expect(textOf(packet)).toBe(`packet ${i + 1}`));
    consumer.close();
    const last = await consume(await produce());
    const seen: Buffer[] = [];
    tapPackets(last, (packet) => seen.push(packet));
    send(producer, 2001);
    await worker.getResourceUsage(); // what was sent before this has been handed on
    expect(kept).toHaveLength(2000);
    expect(seen).toHaveLength(0);
  });
});
