import type { types } from 'mediasoup';
import type { TrackInput, TrackSink } from '../recorder/input.ts';
import type { HubClock } from '../time/hub-clock.ts';
import { ntpMs } from '../time/ntp.ts';
import { recorderCapabilities } from './codecs.ts';
import { tapPackets } from './packet-tap.ts';

/** The least round trip counts: it is looked for eagerly at first, then now and then. */
const ROUND_TRIP_MS = { first: 2000, for: 20_000, later: 15_000 };

type SrInfo = { ssrc: number; ntpSec: number; ntpFrac: number; rtpTs: number };

/**
 * Hands one producer's packets to a recorder's sink: a consumer on a DirectTransport that forwards every stream as it
 * came. Closes by itself with its producer.
 */
export async function tap(
  transport: types.DirectTransport,
  router: types.Router,
  producer: types.Producer,
  clock: HubClock,
  attach: (input: TrackInput) => TrackSink,
): Promise<void> {
  const consumer = await transport.consume({
    producerId: producer.id,
    rtpCapabilities: recorderCapabilities(router.rtpCapabilities),
    pipe: true,
    paused: true,
  });
  // read once: every reading of these parameters clones them
  const { codecs, encodings } = consumer.rtpParameters;
  const layers = (encodings ?? []).map((encoding) => encoding.ssrc ?? 0);
  const [codec] = codecs;
  if (!codec) throw new Error('a consumer without a codec');
  const sink = attach({
    kind: producer.kind,
    mimeType: codec.mimeType,
    clockRate: codec.clockRate,
    channels: codec.channels ?? null,
    payloadType: codec.payloadType,
    rtxPayloadType: null,
    parameters: producer.rtpParameters.codecs[0]?.parameters ?? {},
    layers,
    requestKeyFrame: () => void consumer.requestKeyFrame().catch(() => undefined), // fails only when it is closed
  });
  tapPackets(consumer, (bytes, start, end) => sink.rtp(bytes, clock.nowMs(), start, end));
  producer.on('trace', (trace) => {
    if (trace.type !== 'sr') return;
    const info = trace.info as SrInfo;
    const ssrc = recordedSsrc(producer, layers, info.ssrc);
    if (ssrc === null) return;
    const senderMs = ntpMs(info.ntpSec, info.ntpFrac);
    sink.senderReport({ ssrc, senderMs, rtpTimestamp: info.rtpTs }, clock.fromMonotonicMs(trace.timestamp));
  });
  producer.observer.on('pause', () => sink.setPaused(true));
  producer.observer.on('resume', () => sink.setPaused(false));
  const stopReading = readRoundTrips(producer, sink);
  consumer.observer.once('close', () => {
    stopReading();
    sink.close();
  });
  await producer.enableTraceEvent(['sr']);
  await consumer.resume();
}

/** The recorder sees each layer under an SSRC of its own; reports carry the sender's, which a browser tells by packets only. */
function recordedSsrc(producer: types.Producer, layers: number[], sent: number): number | null {
  if (layers.length === 1) return layers[0] ?? null;
  const index = producer.score.find((stream) => stream.ssrc === sent)?.encodingIdx;
  return index === undefined ? null : (layers[index] ?? null);
}

/** Returns what ends it. */
function readRoundTrips(producer: types.Producer, sink: TrackSink): () => void {
  let readings = 0;
  const read = (): void => {
    readings += 1;
    void readRoundTrip(producer, sink);
    if (readings !== ROUND_TRIP_MS.for / ROUND_TRIP_MS.first) return;
    clearInterval(timer);
    timer = setInterval(read, ROUND_TRIP_MS.later);
  };
  let timer = setInterval(read, ROUND_TRIP_MS.first);
  return () => clearInterval(timer);
}

async function readRoundTrip(producer: types.Producer, sink: TrackSink): Promise<void> {
  if (producer.closed) return;
  try {
    for (const stat of await producer.getStats()) if (stat.roundTripTime) sink.roundTrip(stat.roundTripTime);
  } catch {
    // closed meanwhile
  }
}
