import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import { join } from 'node:path';
import { createWorker, type types } from 'mediasoup';
import { mediaCodecs, recorderCapabilities } from '../../media/sfu/codecs.ts';
import { udpBound } from './proc.ts';
import { until } from './processes.ts';
import type { RelayTarget } from './relay.ts';
import type { SenderTrack } from './sender-order.ts';

/**
 * The usual recipe, in a process of its own: the same mediasoup worker, receiving as the hub does, a plain transport for
 * each producer, and one ffmpeg a stream that copies what it receives into HLS with fragmented MP4. With `ffmpeg: false`
 * it only takes the streams in, which is what both ways of recording have in common.
 */
export type RivalOrder = { streams: number; dir: string; segmentS: number; ffmpeg: boolean };

const PAYLOAD = { video: 96, audio: 97 } as const;
const FIRST_SSRC = 10_000;
/** As the hub asks for (media/sources/plain-rtp.ts), and for ffmpeg's sockets too. */
const RECEIVE_BYTES = 1 << 20;
const NACK = [
  { type: 'nack', parameter: '' },
  { type: 'nack', parameter: 'pli' },
];
const children: ChildProcess[] = [];

if (process.send) process.once('message', (value) => void run(value as RivalOrder));

async function run(order: RivalOrder): Promise<void> {
  process.once('disconnect', () => process.exit());
  process.once('SIGTERM', () => void stop());
  const worker = await createWorker({ logLevel: 'error' });
  const router = await worker.createRouter({ mediaCodecs });
  const targets: RelayTarget[] = [];
  for (let i = 0; i < order.streams; i += 1) {
    const video = await ingest(router, 'video', FIRST_SSRC + 2 * i);
    const audio = await ingest(router, 'audio', FIRST_SSRC + 2 * i + 1);
    if (order.ffmpeg) await record(router, [video.producer, audio.producer], join(order.dir, String(i)), order.segmentS);
    targets.push({ video: video.target, audio: audio.target });
  }
  process.send?.(targets);
}

async function ingest(
  router: types.Router,
  kind: 'video' | 'audio',
  ssrc: number,
): Promise<{ producer: types.Producer; target: SenderTrack }> {
  const listenInfo = { ip: '127.0.0.1', protocol: 'udp' as const, recvBufferSize: RECEIVE_BYTES };
  const transport = await router.createPlainTransport({ listenInfo, rtcpListenInfo: listenInfo, rtcpMux: false, comedia: true });
  const codec =
    kind === 'video'
      ? { mimeType: 'video/H264', clockRate: 90_000, parameters: { 'packetization-mode': 1, 'profile-level-id': '42e01f' } }
      : { mimeType: 'audio/opus', clockRate: 48_000, channels: 2, parameters: {} };
  const rtcpFeedback = kind === 'video' ? NACK : [];
  const rtpParameters = { codecs: [{ ...codec, payloadType: PAYLOAD[kind], rtcpFeedback }], encodings: [{ ssrc }] };
  const producer = await transport.produce({ kind, rtpParameters });
  const { tuple, rtcpTuple } = transport;
  return { producer, target: { port: tuple.localPort, rtcpPort: rtcpTuple?.localPort ?? 0, ssrc, payloadType: PAYLOAD[kind] } };
}

/**
 * One ffmpeg for one stream, fed by a plain transport a track. Its consumers ask for no congestion control, which would
 * only cost the worker: the recipe at its best.
 */
async function record(router: types.Router, producers: types.Producer[], dir: string, segmentS: number): Promise<void> {
  mkdirSync(dir, { recursive: true });
  const consumers: types.Consumer[] = [];
  const ports: number[] = [];
  let sdp = 'v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\n';
  for (const producer of producers) {
    const port = await evenPort();
    const transport = await router.createPlainTransport({ listenInfo: { ip: '127.0.0.1', protocol: 'udp' }, rtcpMux: false });
    await transport.connect({ ip: '127.0.0.1', port, rtcpPort: port + 1 });
    const rtpCapabilities = recorderCapabilities(router.rtpCapabilities);
    const consumer = await transport.consume({ producerId: producer.id, rtpCapabilities, paused: true });
    const [codec] = consumer.rtpParameters.codecs;
    if (!codec) throw new Error('a consumer without a codec');
    const { payloadType, clockRate, channels, mimeType } = codec;
    sdp += `m=${producer.kind} ${port} RTP/AVP ${payloadType}\n`;
    sdp += `a=rtpmap:${payloadType} ${mimeType.split('/')[1] ?? ''}/${clockRate}${channels ? `/${channels}` : ''}\n`;
    if (producer.kind === 'video') sdp += `a=fmtp:${payloadType} packetization-mode=1\n`;
    consumers.push(consumer);
    ports.push(port);
  }
  const path = join(dir, 'in.sdp');
  writeFileSync(path, sdp);
  const input = ['-v', 'error', '-nostdin', '-protocol_whitelist', 'file,udp,rtp', '-buffer_size', String(RECEIVE_BYTES), '-i', path];
  const hls = `-c copy -f hls -hls_time ${segmentS} -hls_segment_type fmp4 -hls_list_size 0`.split(' ');
  const output = [...hls, '-hls_segment_filename', join(dir, '%05d.m4s'), join(dir, 'index.m3u8')];
  children.push(spawn('ffmpeg', [...input, ...output], { stdio: ['ignore', 'ignore', 'ignore'] }));
  await until('ffmpeg listens', () => ports.every(udpBound));
  for (const consumer of consumers) await consumer.resume();
}

/** An even port that is free together with the next one. */
async function evenPort(): Promise<number> {
  for (;;) {
    const [first, second] = [createSocket('udp4'), createSocket('udp4')];
    try {
      const port = await bind(first, 0);
      if (port % 2 === 0 && (await bind(second, port + 1).catch(() => 0)) !== 0) return port;
    } finally {
      first.close();
      second.close();
    }
  }
}
function bind(socket: ReturnType<typeof createSocket>, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, '127.0.0.1', () => resolve(socket.address().port));
  });
}

/** As one stops a recorder: ask every ffmpeg to finish, then go. */
async function stop(): Promise<void> {
  const running = children.filter((child) => child.exitCode === null && child.signalCode === null);
  const gone = running.map((child) => new Promise<void>((resolve) => child.once('exit', () => resolve())));
  for (const child of running) child.kill('SIGTERM');
  await Promise.all(gone);
  process.exit(0);
}
