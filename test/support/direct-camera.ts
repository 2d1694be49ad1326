import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { TrackInput, TrackSink } from '../../media/recorder/input.ts';
import { isRtcp, trackOf } from './ffmpeg-rtp.ts';

/** Seconds between 1900 (NTP, RFC 5905) and 1970. */
const NTP_UNIX_S = 2_208_988_800;

/**
 * A camera whose stream goes to a take directly, as a camera gateway hands it over for codecs that the SFU does not
 * carry: ffmpeg sends each track over RTP, with its sender reports, to a socket of its own. `addTrack` is asked for each
 * track once its SDP is known; what arrives before waits. Resolves when ffmpeg has sent everything.
 */
export async function filmDirectly(
  args: { video: string[] | null; audio: string[] | null },
  addTrack: (input: TrackInput) => TrackSink,
): Promise<void> {
  const kinds = (['video', 'audio'] as const).filter((kind) => args[kind] !== null);
  const sockets = await Promise.all(kinds.map(listen));
  const command = ['-v', 'error', '-nostdin'];
  for (const kind of kinds) command.push('-re', ...inputOf(args[kind] ?? []));
  kinds.forEach((kind, i) => {
    const port = sockets[i]?.address().port ?? 0;
    command.push('-map', `${i}:0`, ...outputOf(args[kind] ?? []), '-f', 'rtp', `rtp://127.0.0.1:${port}?rtcpport=${port}&pkt_size=1200`);
  });
  const ffmpeg = spawn('ffmpeg', command, { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { out: '', error: '' };
  ffmpeg.stdout.on('data', (text: Buffer) => (said.out += text.toString()));
  ffmpeg.stderr.on('data', (text: Buffer) => (said.error += text.toString()));
  const early = sockets.map((socket) => {
    const packets: { bytes: Buffer; atMs: number }[] = [];
    socket.on('message', (bytes) => packets.push({ bytes, atMs: nowMs() }));
    return packets;
  });
  await sdpOf(ffmpeg, () => said.out, kinds.length);
  const sections = said.out.split(/^(?=m=)/m).slice(1);
  kinds.forEach((kind, i) => {
    const track = trackOf(sections[i] ?? '');
    const payloadType = Number(/^m=\w+ \d+ \S+ (\d+)/.exec(sections[i] ?? '')?.[1]);
    const sink = addTrack({ kind, ...track, payloadType, rtxPayloadType: null, layers: [], requestKeyFrame: () => undefined });
    const socket = sockets[i] as Socket;
    socket.removeAllListeners('message');
    for (const { bytes, atMs } of early[i] ?? []) hand(sink, bytes, atMs);
    socket.on('message', (bytes) => hand(sink, bytes, nowMs()));
  });
  if (ffmpeg.exitCode === null) await once(ffmpeg, 'close');
  for (const socket of sockets) await drain(socket);
  if (ffmpeg.exitCode !== 0) throw new Error(`ffmpeg ended with ${ffmpeg.exitCode}: ${said.error}`);
}

const nowMs = (): number => performance.timeOrigin + performance.now();

/** Everything up to and with the input is the input's. */
const inputOf = (args: string[]): string[] => args.slice(0, args.indexOf('-i') + 2);
const outputOf = (args: string[]): string[] => args.slice(args.indexOf('-i') + 2);

async function listen(): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

async function sdpOf(ffmpeg: ChildProcess, text: () => string, tracks: number): Promise<void> {
  while ((text().match(/^m=/gm) ?? []).length < tracks || !text().endsWith('\n'))
    await Promise.race([once(ffmpeg.stdout as NodeJS.EventEmitter, 'data'), once(ffmpeg, 'close')]);
}

function hand(sink: TrackSink, bytes: Buffer, atMs: number): void {
  if (!isRtcp(bytes)) {
    sink.rtp(bytes, atMs);
    return;
  }
  if (bytes[1] !== 200 || bytes.length < 20) return; // a sender report (RFC 3550, 6.4.1)
  const senderMs = (bytes.readUInt32BE(8) - NTP_UNIX_S) * 1000 + (bytes.readUInt32BE(12) / 2 ** 32) * 1000;
  sink.senderReport({ ssrc: bytes.readUInt32BE(4), senderMs, rtpTimestamp: bytes.readUInt32BE(16) }, atMs);
}

/** What lies in the socket's buffer is delivered before a datagram sent after it. */
async function drain(socket: Socket): Promise<void> {
  const drained = new Promise<void>((resolve) => socket.on('message', (bytes) => bytes.length === 1 && resolve()));
  socket.send(Buffer.from([0]), socket.address().port, '127.0.0.1');
  await drained;
  socket.close();
}
