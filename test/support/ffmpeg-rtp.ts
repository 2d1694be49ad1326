import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { TrackFormat } from '../../media/rtp/depacketizers.ts';

export type SentRtp = { packets: Buffer[]; track: TrackFormat };

/**
 * Real RTP: what ffmpeg sends for these arguments (input and encoder), in real time, and the track as its SDP describes
 * it. Rejects when ffmpeg fails; sequence numbers must be checked by whoever cannot do with loss.
 */
export async function ffmpegRtp(args: string[], packetBytes = 1200): Promise<SentRtp> {
  const packets: Buffer[] = [];
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 }).on('message', (packet) => packets.push(packet));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const url = `rtp://127.0.0.1:${socket.address().port}?pkt_size=${packetBytes}`;
  const ffmpeg = spawn('ffmpeg', ['-v', 'error', '-re', ...args, '-f', 'rtp', url], { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { out: '', error: '' };
  ffmpeg.stdout.on('data', (text: Buffer) => (said.out += text.toString()));
  ffmpeg.stderr.on('data', (text: Buffer) => (said.error += text.toString()));
  const [code] = (await once(ffmpeg, 'close')) as [number];
  // what lies in the socket's buffer is delivered before a datagram sent after it
  socket.send(Buffer.from([0]), socket.address().port, '127.0.0.1');
  while (packets.at(-1)?.length !== 1) await once(socket, 'message');
  socket.close();
  packets.pop();
  if (code !== 0) throw new Error(`ffmpeg ended with ${code}: ${said.error}`);
  return { packets: packets.filter((packet) => !isRtcp(packet)), track: trackOf(said.out) };
}

/** Payload types 72 to 76 are RTCP's (RFC 5761, 4). */
export function isRtcp(packet: Buffer): boolean {
  const type = (packet[1] ?? 0) & 0x7f;
  return type >= 72 && type <= 76;
}

/** The one track of an SDP (RFC 8866, 6.6 and 6.15); payload types without `rtpmap` are RFC 3551's. */
export function trackOf(sdp: string): TrackFormat {
  const kind = /^m=(\w+)/m.exec(sdp)?.[1] ?? '';
  const payloadType = /^m=.* (\d+)\s*$/m.exec(sdp)?.[1];
  const [, name = payloadType === '8' ? 'PCMA' : 'PCMU', rate = '8000', channels] =
    /^a=rtpmap:\d+ ([\w-]+)\/(\d+)(?:\/(\d+))?/m.exec(sdp) ?? [];
  const fmtp = /^a=fmtp:\d+ (.*)$/m.exec(sdp)?.[1] ?? '';
  const parameters: Record<string, string> = {};
  for (const part of fmtp.split(';')) {
    const at = part.indexOf('=');
    if (at > 0) parameters[part.slice(0, at).trim()] = part.slice(at + 1).trim();
  }
  return { mimeType: `${kind}/${name}`, clockRate: Number(rate), channels: channels ? Number(channels) : null, parameters };
}
