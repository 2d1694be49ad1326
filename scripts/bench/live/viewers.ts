import { type Arrival, receiverReport, transportFeedback } from './feedback.ts';
import { HubSocket } from './hub-socket.ts';
import { isRtcp, WebRtcEnd } from './webrtc-end.ts';

/** `angleIds`: what each viewer has in sight. */
export type ViewersOrder = { hubUrl: string; operationId: string; angleIds: string[]; viewers: number; heightPx: number };
/** Of all viewers since the start: packets, and what the streams' sequence numbers say is lacking. */
export type ViewersReport = { streams: number; packets: number; lost: number };

const FEEDBACK_MS = 100;
const REPORT_MS = 1000;
const BLOCKS = 31;
const TRANSPORT_WIDE = 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01';

type Stream = { ssrc: number; highest: number; first: number; packets: number };

if (process.send) process.once('message', (value) => void run(value as ViewersOrder));

/** A process of many consoles that watch a grid: they signal as the page does, receive, and answer with RTCP; nothing is decoded. */
async function run(order: ViewersOrder): Promise<void> {
  const sinks: Sink[] = [];
  for (let i = 0; i < order.viewers; i += 1) sinks.push(await Sink.join(order, i));
  process.on('message', () => {
    const streams = sinks.flatMap((sink) => sink.streams);
    const packets = streams.reduce((sum, each) => sum + each.packets, 0);
    const expected = streams.reduce((sum, each) => sum + each.highest - each.first + 1, 0);
    process.send?.({ streams: streams.length, packets, lost: expected - packets } satisfies ViewersReport);
  });
  process.once('SIGTERM', () => process.exit(0));
  process.once('disconnect', () => process.exit(0));
  process.send?.('started');
}

class Sink {
  readonly #end: WebRtcEnd;
  readonly #ssrc: number;
  readonly #streams = new Map<number, Stream>();
  readonly #extensionId: number | null;
  /** Of what it has asked for; the SFU sends padding to probe the network, too. */
  readonly #wanted: Set<number>;
  #arrivals: Arrival[] = [];
  #count = 0;

  private constructor(end: WebRtcEnd, ssrc: number, extensionId: number | null, wanted: Set<number>) {
    this.#end = end;
    this.#ssrc = ssrc;
    this.#extensionId = extensionId;
    this.#wanted = wanted;
    end.onPacket((packet) => this.#packet(packet));
    setInterval(() => this.#feedback(), FEEDBACK_MS);
    setInterval(() => this.#report(), REPORT_MS);
  }

  static async join({ hubUrl, operationId, angleIds, heightPx }: ViewersOrder, i: number): Promise<Sink> {
    const socket = await HubSocket.console({ url: hubUrl });
    const { rtpCapabilities } = await socket.ask('join', { peerId: socket.peerId, operationId });
    const transport = await socket.transport('recv');
    const end = await WebRtcEnd.make();
    await socket.ask('connectTransport', { transportId: transport.id, dtlsParameters: end.local });
    await end.connect(transport);
    let extensionId: number | null = null;
    const wanted = new Set<number>();
    for (const [at, angleId] of angleIds.entries()) {
      const { consumers } = await socket.ask('consume', { transportId: transport.id, angleId, rtpCapabilities });
      for (const { consumerId, kind, rtpParameters } of consumers) {
        const extensions = rtpParameters['headerExtensions'] as { uri: string; id: number }[];
        extensionId ??= extensions.find(({ uri }) => uri === TRANSPORT_WIDE)?.id ?? null;
        for (const { ssrc } of rtpParameters['encodings'] as { ssrc: number }[]) wanted.add(ssrc);
        if (kind === 'video') await socket.ask('showConsumer', { consumerId, heightPx });
        else if (at === 0) await socket.ask('resumeConsumer', { consumerId }); // as the page: of one angle at most
      }
    }
    return new Sink(end, 3_000_000 + i, extensionId, wanted);
  }

  get streams(): Stream[] {
    return [...this.#streams.values()];
  }

  #packet(packet: Buffer): void {
    if (isRtcp(packet)) return;
    this.#noteArrival(packet);
    const ssrc = packet.readUInt32BE(8);
    if (!this.#wanted.has(ssrc)) return;
    const sequence = packet.readUInt16BE(2);
    let stream = this.#streams.get(ssrc);
    if (!stream) this.#streams.set(ssrc, (stream = { ssrc, first: sequence, highest: sequence - 1, packets: 0 }));
    stream.packets += 1;
    const ahead = ((sequence - stream.highest + 0x8000) & 0xffff) - 0x8000;
    if (ahead > 0) stream.highest += ahead;
  }

  #noteArrival(packet: Buffer): void {
    const sequence = this.#extensionId === null ? null : transportSequence(packet, this.#extensionId);
    if (sequence !== null) this.#arrivals.push({ sequence, ms: performance.now() });
  }

  #feedback(): void {
    if (this.#arrivals.length === 0) return;
    const arrivals = this.#arrivals;
    this.#arrivals = [];
    const [first] = arrivals as [Arrival];
    const ahead = ({ sequence }: Arrival): number => ((sequence - first.sequence + 0x8000) & 0xffff) - 0x8000;
    const inOrder = arrivals.toSorted((one, other) => ahead(one) - ahead(other));
    this.#end.sendRtcp(transportFeedback(this.#ssrc, this.streams[0]?.ssrc ?? 0, this.#count, inOrder));
    this.#count += 1;
  }

  #report(): void {
    const { streams } = this;
    for (let at = 0; at < streams.length; at += BLOCKS) this.#end.sendRtcp(receiverReport(this.#ssrc, streams.slice(at, at + BLOCKS)));
  }
}

/** The transport-wide sequence number in the header's extension (RFC 8285, one-byte elements), which SRTP leaves in clear. */
function transportSequence(packet: Buffer, id: number): number | null {
  const first = packet[0] as number;
  if ((first & 0x10) === 0) return null;
  let at = 12 + 4 * (first & 0x0f);
  if (packet.readUInt16BE(at) !== 0xbede) return null;
  const end = at + 4 + 4 * packet.readUInt16BE(at + 2);
  for (at += 4; at < end;) {
    const byte = packet[at] as number;
    if (byte === 0) at += 1;
    else if (byte >> 4 === id) return packet.readUInt16BE(at + 1);
    else at += 2 + (byte & 0x0f);
  }
  return null;
}
