import { RtcpPacketConverter, RtcpRrPacket, RtcpTransportLayerFeedback, type RunLengthChunk, type TransportWideCC } from 'werift';
import { describe, expect, it } from 'vitest';
import { receiverReport, transportFeedback } from '../../../scripts/bench/live/feedback.ts';

describe('RTCP of the synthetic viewers, read by another implementation', () => {
  it('a receiver report', () => {
    const [packet] = RtcpPacketConverter.deSerialize(
      receiverReport(7, [
        { ssrc: 1, highest: 0x1_0002 },
        { ssrc: 2, highest: 9 },
      ]),
    );
    if (!(packet instanceof RtcpRrPacket)) throw new Error('no receiver report');
    expect(packet.ssrc).toBe(7);
    expect(packet.reports.map(({ ssrc, highestSequence, fractionLost }) => [ssrc, highestSequence, fractionLost])).toEqual([
      [1, 0x1_0002, 0],
      [2, 9, 0],
    ]);
  });

  it('transport-wide feedback: what came when, what did not, over the end of the numbers', () => {
    const ms = 64_000;
    const arrivals = [
      { sequence: 65_534, ms: ms + 1 },
      { sequence: 65_535, ms: ms + 2.5 },
      { sequence: 2, ms: ms + 200 },
      { sequence: 3, ms: ms + 199 },
    ];
    const [packet] = RtcpPacketConverter.deSerialize(transportFeedback(7, 8, 5, arrivals));
    if (!(packet instanceof RtcpTransportLayerFeedback)) throw new Error('no feedback');
    const feedback = packet.feedback as TransportWideCC;
    expect([feedback.senderSsrc, feedback.mediaSourceSsrc, feedback.fbPktCount]).toEqual([7, 8, 5]);
    expect([feedback.baseSequenceNumber, feedback.packetStatusCount]).toEqual([65_534, 6]);
    const chunks = feedback.packetChunks as RunLengthChunk[];
    expect(chunks.map(({ packetStatus, runLength }) => [packetStatus, runLength])).toEqual([
      [1, 2],
      [0, 2],
      [2, 2],
    ]);
    expect(feedback.referenceTime * 64).toBe(ms);
    expect(feedback.recvDeltas.map(({ delta }) => delta / 1000)).toEqual([1, 1.5, 197.5, -1]);
  });
});
