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
const textOf = (bytes: Buffer, start = 0, end = bytes.length): string => parseRtp(bytes, 0, start, end)?.payload.toString() ?? '';
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
    tapPackets(consumer, (...packet) => tapped.push(textOf(...packet)));
    other.on('rtp', (packet) => documented.push(textOf(packet)));
    for (let i = 1; i <= 500; i += 1) send(producer, i);
    await until('all have come both ways', () => tapped.length === 500 && documented.length === 500);
    expect(tapped).toEqual(documented);
    expect(tapped[499]).toBe('packet 500');
  });

  it('come whole wherever a read of the socket cuts them, and end with their consumer', async () => {
    const producer = await produce();
    const consumer = await consume(producer);
    const texts: string[] = [];
    tapPackets(consumer, (...packet) => texts.push(textOf(...packet)));
    const long = 'x'.repeat(1100);
    const count = 3000; // several times what is read at once
    for (let i = 1; i <= count; i += 1) producer.send(rtpBytes(i, i * 960, Buffer.from(`packet ${i} ${long}`), false, 111, SSRC));
    await until('all have come', () => texts.length === count);
    texts.forEach((text, i) => expect(text).toBe(`packet ${i + 1} ${long}`));
    consumer.close();
    const last = await consume(await produce());
    const seen: string[] = [];
    tapPackets(last, (...packet) => seen.push(textOf(...packet)));
    send(producer, count + 1);
    await worker.getResourceUsage(); // what was sent before this has been handed on
    expect(texts).toHaveLength(count);
    expect(seen).toHaveLength(0);
  });

  it('leave everything else to mediasoup, however long it is', async () => {
    const answers = await Promise.all(Array.from({ length: 200 }, () => router.dump()));
    expect(answers.map(({ id }) => id)).toEqual(answers.map(() => router.id));
    const many = await worker.createRouter({ mediaCodecs });
    const transports = await Promise.all(Array.from({ length: 1500 }, () => many.createDirectTransport()));
    const dump = await many.dump(); // longer than the buffer that is read into
    expect(dump.transportIds.toSorted()).toEqual(transports.map(({ id }) => id).toSorted());
    many.close();
  });

  it('end with their worker, of which mediasoup is told', async () => {
    const other = await createWorker({ logLevel: 'none' });
    const gone = new Promise<void>((resolve) => void other.on('subprocessclose', () => resolve()));
    other.close();
    await gone;
  });
});
