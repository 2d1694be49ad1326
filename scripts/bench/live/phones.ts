import { readFileSync, writeFileSync } from 'node:fs';
import { clockOf } from '../clock.ts';
import { AUDIO, type Media, noTruth, prepared, Track, type TrackOwner, VIDEO } from '../sender-stream.ts';
import type { RecordedSource } from '../source.ts';
import { HubSocket } from './hub-socket.ts';
import { WebRtcEnd } from './webrtc-end.ts';

/** `sourcePaths`: the same picture in each simulcast layer, the lowest first. `truthPath`: how many pictures each phone sent. */
export type PhonesOrder = { hubUrl: string; tokens: string[]; sourcePaths: string[]; truthPath: string; anchorMs: number };

const TICK_MS = 4;
const LINGER_MS = 300;
const PAYLOAD = { video: 96, audio: 111 };
const CODECS = {
  video: {
    mimeType: 'video/H264',
    payloadType: PAYLOAD.video,
    clockRate: 90_000,
    parameters: { 'packetization-mode': 1, 'profile-level-id': '42e01f', 'level-asymmetry-allowed': 1 },
    rtcpFeedback: [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }],
  },
  audio: { mimeType: 'audio/opus', payloadType: PAYLOAD.audio, clockRate: 48_000, channels: 2, parameters: {} },
};

if (process.send) process.once('message', (value) => void run(value as PhonesOrder));

/** A process of many phones, each with the hub's own signalling, its own DTLS and three layers of H.264 from recordings. */
async function run(order: PhonesOrder): Promise<void> {
  const sources = order.sourcePaths.map((path) => JSON.parse(readFileSync(path, 'utf8')) as RecordedSource);
  const [first] = sources as [RecordedSource];
  const media = { pictures: sources.map(({ video }) => prepared(video)), sound: prepared(first.audio), loopMs: first.video.loopTicks / 90 };
  const now = clockOf(order.anchorMs);
  const phones: Phone[] = [];
  for (const [i, token] of order.tokens.entries()) phones.push(await Phone.join(order.hubUrl, token, i, media, now));
  const beginMs = now() + 100;
  for (const [i, phone] of phones.entries()) phone.startMs = beginMs + (i * 1000) / phones.length; // so that key frames are spread
  const timer = setInterval(() => {
    const nowMs = now();
    for (const phone of phones) phone.due(nowMs);
  }, TICK_MS);
  process.once('SIGTERM', () => {
    clearInterval(timer);
    writeFileSync(order.truthPath, JSON.stringify(phones.map(({ truth }) => truth)));
    setTimeout(() => process.exit(0), LINGER_MS);
  });
  process.once('disconnect', () => process.exit(0));
  process.send?.('started');
}

class Phone implements TrackOwner {
  /** Of the highest layer. */
  readonly truth = noTruth();
  readonly order = { jitterMs: 0, nack: false };
  readonly now: () => number;
  startMs = Infinity;
  readonly #tracks: Track[];

  private constructor(end: WebRtcEnd, ssrcs: { video: number[]; audio: number }, media: Media, now: () => number) {
    this.now = now;
    const outlet = { rtp: (packet: Buffer) => end.sendRtp(packet), rtcp: (packet: Buffer) => end.sendRtcp(packet) };
    const { loopMs } = media;
    this.#tracks = ssrcs.video.map((ssrc, layer) => {
      const truth = layer === ssrcs.video.length - 1 ? this.truth : null;
      const pictures = media.pictures[layer] as Media['pictures'][number];
      return new Track(this, { ssrc, payloadType: PAYLOAD.video }, outlet, [pictures], { ...VIDEO, loopMs }, truth);
    });
    const facts = { ...AUDIO, loopMs };
    this.#tracks.push(new Track(this, { ssrc: ssrcs.audio, payloadType: PAYLOAD.audio }, outlet, [media.sound], facts, null));
  }

  static async join(hubUrl: string, token: string, i: number, media: Media, now: () => number): Promise<Phone> {
    const socket = await HubSocket.capture({ url: hubUrl }, token);
    await socket.ask('join', { peerId: socket.peerId });
    const transport = await socket.transport('send');
    const end = await WebRtcEnd.make();
    await socket.ask('connectTransport', { transportId: transport.id, dtlsParameters: end.local });
    await end.connect(transport);
    const ssrcs = { video: media.pictures.map((_, layer) => 1_000_000 + 10 * i + layer), audio: 2_000_000 + i };
    for (const kind of ['audio', 'video'] as const) {
      const encodings = [ssrcs[kind]].flat().map((ssrc) => ({ ssrc }));
      const rtpParameters = { codecs: [CODECS[kind]], encodings, rtcp: { cname: `phone-${i}` } };
      await socket.ask('produce', { transportId: transport.id, kind, rtpParameters });
    }
    return new Phone(end, ssrcs, media, now);
  }

  captureMs(mediaMs: number): number {
    return this.startMs + mediaMs;
  }

  at(nowMs: number): { mediaMs: number; senderMs: number } {
    return { mediaMs: nowMs - this.startMs, senderMs: nowMs };
  }

  due(nowMs: number): void {
    if (nowMs >= this.startMs) for (const track of this.#tracks) track.due(nowMs);
  }
}
