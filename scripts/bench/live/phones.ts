import { randomInt } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { clockOf } from '../clock.ts';
import { feedbackIn, senderReport } from '../rtcp.ts';
import { AUDIO, prepared, VIDEO } from '../sender-stream.ts';
import { GOP_FRAMES, type RecordedSource } from '../source.ts';
import { HubSocket } from './hub-socket.ts';
import { type ReplaySource, type ReplayStream, SrtpReplay } from './srtp-replay.ts';
import { WebRtcEnd } from './webrtc-end.ts';

/**
 * `sourcePaths`: the same picture in each simulcast layer, the lowest first. `program`: of `buildReplay`; `dir`: its folder.
 * `truthPath`: what each phone sent of its highest layer.
 */
export type PhonesOrder = {
  hubUrl: string;
  tokens: string[];
  sourcePaths: string[];
  program: string;
  dir: string;
  truthPath: string;
  anchorMs: number;
};

const PAYLOAD = { video: 96, audio: 111 };
const CODECS = {
  video: {
    mimeType: 'video/H264',
    payloadType: PAYLOAD.video,
    clockRate: VIDEO.clockRate,
    parameters: { 'packetization-mode': 1, 'profile-level-id': '42e01f', 'level-asymmetry-allowed': 1 },
    rtcpFeedback: [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }],
  },
  audio: { mimeType: 'audio/opus', payloadType: PAYLOAD.audio, clockRate: AUDIO.clockRate, channels: 2, parameters: {} },
};

process.noDeprecation = true; // of the number of a datagram socket: there is no other way to hand one on
if (process.send) process.once('message', (value) => void run(value as PhonesOrder));

/** A process of many phones, each with the hub's own signalling, its own DTLS and three layers of H.264 from recordings; NACKs and requests for key frames are answered. */
async function run(order: PhonesOrder): Promise<void> {
  const recorded = order.sourcePaths.map((path) => JSON.parse(readFileSync(path, 'utf8')) as RecordedSource);
  const [{ audio, video }] = recorded as [RecordedSource];
  const sources: ReplaySource[] = [
    ...recorded.map(({ video }) => ({
      frames: prepared(video),
      clockRate: VIDEO.clockRate,
      loopTicks: video.loopTicks,
      gopFrames: GOP_FRAMES,
    })),
    { frames: prepared(audio), clockRate: AUDIO.clockRate, loopTicks: (video.loopTicks * AUDIO.clockRate) / VIDEO.clockRate, gopFrames: 0 },
  ];
  const now = clockOf(order.anchorMs);
  const phones: Phone[] = [];
  for (const [i, token] of order.tokens.entries()) phones.push(await Phone.join(order.hubUrl, token, i, recorded.length));
  const beginMs = now() + 200;
  // starts are spread over a second, so that key frames are
  const streams = phones.flatMap((phone, i) => phone.streams(beginMs + (i * 1000) / phones.length));
  const ends = phones.map(({ end }) => end.sender);
  const replay = new SrtpReplay(order.program, order.dir, order.anchorMs, sources, ends, streams);
  const indexes = new Map(streams.map(({ ssrc }, index) => [ssrc, index]));
  const known = (ssrc: number, act: (index: number) => void): void => {
    const index = indexes.get(ssrc);
    if (index !== undefined) act(index);
  };
  for (const phone of phones) {
    phone.end.onFeedback((packet) => {
      const { nacked, keyFrames } = feedbackIn(packet);
      for (const { ssrc, sequence } of nacked) known(ssrc, (index) => replay.resend(index, sequence));
      for (const ssrc of keyFrames) known(ssrc, (index) => replay.keyFrame(index));
    });
    phone.report(now);
  }
  process.once('SIGTERM', () => void finish(replay, recorded.length, order.truthPath));
  process.once('disconnect', () => process.exit(0));
  process.send?.('started');
}

async function finish(replay: SrtpReplay, layers: number, truthPath: string): Promise<void> {
  const truths = await replay.end();
  const top = truths.filter((_, i) => i % (layers + 1) === layers - 1);
  writeFileSync(truthPath, JSON.stringify(top));
  process.exit(0);
}

class Phone {
  readonly end: WebRtcEnd;
  readonly #index: number;
  readonly #layers: number;
  #streams: ReplayStream[] = [];

  private constructor(end: WebRtcEnd, index: number, layers: number) {
    this.end = end;
    this.#index = index;
    this.#layers = layers;
  }

  static async join(hubUrl: string, token: string, index: number, layers: number): Promise<Phone> {
    const socket = await HubSocket.capture({ url: hubUrl }, token);
    await socket.ask('join', { peerId: socket.peerId });
    const transport = await socket.transport('send');
    const end = await WebRtcEnd.make();
    await socket.ask('connectTransport', { transportId: transport.id, dtlsParameters: end.local });
    await end.connect(transport);
    const phone = new Phone(end, index, layers);
    for (const kind of ['audio', 'video'] as const) {
      const encodings = phone.#ssrcs(kind).map((ssrc) => ({ ssrc }));
      const rtpParameters = { codecs: [CODECS[kind]], encodings, rtcp: { cname: `phone-${index}` } };
      await socket.ask('produce', { transportId: transport.id, kind, rtpParameters });
    }
    return phone;
  }

  #ssrcs(kind: 'audio' | 'video'): number[] {
    if (kind === 'audio') return [2_000_000 + this.#index];
    return Array.from({ length: this.#layers }, (_, layer) => 1_000_000 + 10 * this.#index + layer);
  }

  /** Its layers, the lowest first, and its sound, as numbered among the sources. */
  streams(startMs: number): ReplayStream[] {
    const ssrcs = [...this.#ssrcs('video'), ...this.#ssrcs('audio')];
    this.#streams = ssrcs.map((ssrc, source) => {
      const payloadType = source < this.#layers ? PAYLOAD.video : PAYLOAD.audio;
      return { phone: this.#index, source, ssrc, payloadType, firstTimestamp: randomInt(2 ** 32), startMs };
    });
    return this.#streams;
  }

  /** Sender reports as often as a browser sends them, from now on. */
  report(now: () => number): void {
    for (const [i, { ssrc, firstTimestamp, startMs }] of this.#streams.entries()) {
      const { clockRate, reportEveryMs } = i < this.#layers ? VIDEO : AUDIO;
      const send = (): void => {
        const senderMs = now();
        const rtpTimestamp = firstTimestamp + Math.round(((senderMs - startMs) * clockRate) / 1000);
        if (senderMs > startMs) this.end.sendRtcp(senderReport({ ssrc, senderMs, rtpTimestamp, packets: 0, octets: 0 }));
      };
      setTimeout(send, 1500); // the first soon after the first picture
      setInterval(send, reportEveryMs);
    }
  }
}
