import { spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';

/** One packet of a recorded source: its payload (base64) and its marker bit. */
export type RecordedPacket = { marker: boolean; payload: string };
/** One frame: RTP timestamp from 0; `bytes` is its size as an MP4 sample, by which it can be found again in a recording. */
export type RecordedFrame = { timestamp: number; bytes: number; packets: RecordedPacket[] };
/** `loopTicks`: what a timestamp grows by when the recording starts over. */
export type RecordedTrack = { frames: RecordedFrame[]; loopTicks: number };
export type RecordedSource = { video: RecordedTrack; audio: RecordedTrack };
export type Picture = { size: string; kbps: number };

export const FULL: Picture = { size: '1280x720', kbps: 2500 };
export const SMALL: Picture = { size: '640x360', kbps: 1000 };
/** Every so many frames is a key frame; the loop is a whole number of these. */
export const GOP_FRAMES = 30;
const SECONDS = 10;
const FPS = 30;
const BUSY = 'this machine was too busy, try again';

/**
 * Ten seconds of H.264 at 30 frames/s and Opus, as ffmpeg sends them over RTP, cut to start with a key frame and to loop
 * without a seam.
 */
export async function recordSource({ size, kbps }: Picture): Promise<RecordedSource> {
  const [video, audio] = await Promise.all([open(), open()]);
  const url = (socket: Socket): string => `rtp://127.0.0.1:${socket.address().port}?pkt_size=1200`;
  const length = `-t ${SECONDS + 2}`;
  const args = [
    `-v error -nostdin -re -f lavfi -i testsrc2=size=${size}:rate=${FPS} -re -f lavfi -i sine=sample_rate=48000`,
    `${length} -map 0:v -vf noise=alls=12:allf=t -c:v libx264 -profile:v baseline -preset ultrafast -tune zerolatency`,
    `-pix_fmt yuv420p -g ${GOP_FRAMES} -sc_threshold 0 -b:v ${kbps}k -maxrate ${kbps}k -bufsize ${kbps / 2}k -f rtp ${url(video.socket)}`,
    `${length} -map 1:a -c:a libopus -ac 2 -b:a 64k -f rtp ${url(audio.socket)}`,
  ];
  const child = spawn('ffmpeg', args.join(' ').split(' '), { stdio: ['ignore', 'ignore', 'inherit'] });
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`ffmpeg ended with code ${code}`))));
  });
  video.socket.close();
  audio.socket.close();
  return {
    video: cut(video.packets, SECONDS * 90_000, SECONDS * FPS, h264SampleBytes),
    audio: cut(audio.packets, SECONDS * 48_000, SECONDS * 50, (payload) => payload.length),
  };
}

async function open(): Promise<{ socket: Socket; packets: Buffer[] }> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
  const packets: Buffer[] = [];
  socket.on('message', (packet) => packets.push(packet));
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', () => resolve()));
  return { socket, packets };
}

/** The frames of one loop, timestamps from 0. */
function cut(packets: Buffer[], loopTicks: number, count: number, sampleBytes: (payload: Buffer) => number): RecordedTrack {
  const first = packets[0]?.readUInt32BE(4) ?? 0;
  const sequence = packets[0]?.readUInt16BE(2) ?? 0;
  const frames: RecordedFrame[] = [];
  for (const [i, packet] of packets.entries()) {
    if (((packet.readUInt16BE(2) - sequence - i) & 0xffff) !== 0) throw new Error(`a packet of the source was lost: ${BUSY}`);
    const timestamp = (packet.readUInt32BE(4) - first + 2 ** 32) % 2 ** 32;
    if (timestamp >= loopTicks) break;
    if (frames.at(-1)?.timestamp !== timestamp) frames.push({ timestamp, bytes: 0, packets: [] });
    const frame = frames.at(-1) as RecordedFrame;
    const payload = packet.subarray(12);
    frame.bytes += sampleBytes(payload);
    frame.packets.push({ marker: ((packet[1] as number) & 0x80) !== 0, payload: payload.toString('base64') });
  }
  if (frames.length !== count) throw new Error(`the source has ${frames.length} frames, not ${count}: ${BUSY}`);
  return { frames, loopTicks };
}

/** What an RTP payload (RFC 6184: single NAL unit, STAP-A, FU-A) adds to a sample with four bytes of length before each NAL unit. */
function h264SampleBytes(payload: Buffer): number {
  const type = (payload[0] as number) & 0x1f;
  if (type === 28) return payload.length - 2 + ((payload[1] as number) & 0x80 ? 5 : 0);
  if (type !== 24) return 4 + payload.length;
  let bytes = 0;
  for (let at = 1; at + 2 <= payload.length; at += 2 + payload.readUInt16BE(at)) bytes += 4 + payload.readUInt16BE(at);
  return bytes;
}
