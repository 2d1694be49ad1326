import { spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';

/** One packet of the recorded source: its payload and everything that a copy of it needs. */
export type RecordedPacket = { marker: boolean; timestamp: number; payload: string };
/** `loopTicks`: what a timestamp grows by when the recording starts over. `frames` counts timestamps. */
export type RecordedTrack = { packets: RecordedPacket[]; loopTicks: number; frames: number };
export type RecordedSource = { video: RecordedTrack; audio: RecordedTrack; seconds: number };

const SECONDS = 10;
const FPS = 30;

/**
 * Ten seconds of 720p30 H.264 at 2.5 Mbit/s and Opus, as ffmpeg sends them over RTP, cut to start with a key frame and
 * to loop without a seam.
 */
export async function recordSource(): Promise<RecordedSource> {
  const [video, audio] = await Promise.all([open(), open()]);
  const port = (socket: Socket): number => socket.address().port;
  const url = (socket: Socket): string => `rtp://127.0.0.1:${port(socket)}?pkt_size=1200`;
  const args = [
    '-v',
    'error',
    '-nostdin',
    '-re',
    '-f',
    'lavfi',
    '-i',
    'testsrc2=size=1280x720:rate=30',
    '-re',
    '-f',
    'lavfi',
    '-i',
    'sine=sample_rate=48000',
  ];
  args.push(
    '-t',
    String(SECONDS + 2),
    '-map',
    '0:v',
    '-vf',
    'noise=alls=12:allf=t',
    '-c:v',
    'libx264',
    '-profile:v',
    'baseline',
    '-preset',
    'ultrafast',
  );
  args.push(
    '-tune',
    'zerolatency',
    '-pix_fmt',
    'yuv420p',
    '-g',
    '30',
    '-sc_threshold',
    '0',
    '-b:v',
    '2500k',
    '-maxrate',
    '2500k',
    '-bufsize',
    '1250k',
  );
  args.push(
    '-f',
    'rtp',
    url(video.socket),
    '-t',
    String(SECONDS + 2),
    '-map',
    '1:a',
    '-c:a',
    'libopus',
    '-ac',
    '2',
    '-b:a',
    '64k',
    '-f',
    'rtp',
    url(audio.socket),
  );
  const child = spawn('ffmpeg', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`ffmpeg ended with code ${code}`))));
  });
  video.socket.close();
  audio.socket.close();
  return {
    seconds: SECONDS,
    video: cut(video.packets, SECONDS * 90_000, SECONDS * FPS),
    audio: cut(audio.packets, SECONDS * 48_000, SECONDS * 50),
  };
}

async function open(): Promise<{ socket: Socket; packets: Buffer[] }> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
  const packets: Buffer[] = [];
  socket.on('message', (packet) => packets.push(packet));
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', () => resolve()));
  return { socket, packets };
}

/** The packets of one loop, timestamps from 0. */
function cut(packets: Buffer[], loopTicks: number, frames: number): RecordedTrack {
  const first = packets[0]?.readUInt32BE(4) ?? 0;
  const kept = packets
    .map((packet) => ({
      marker: ((packet[1] as number) & 0x80) !== 0,
      timestamp: (packet.readUInt32BE(4) - first + 2 ** 32) % 2 ** 32,
      payload: packet.subarray(12).toString('base64'),
    }))
    .filter(({ timestamp }) => timestamp < loopTicks);
  const found = new Set(kept.map(({ timestamp }) => timestamp)).size;
  if (found !== frames) throw new Error(`the source has ${found} frames, not ${frames}: this machine was too busy, try again`);
  return { packets: kept, loopTicks, frames };
}
