import type { TrackSink } from '../../media/recorder/input.ts';
import { HubClock } from '../../media/time/hub-clock.ts';

/** A packet and when it comes, milliseconds after the first. */
export type Sent = { bytes: Buffer; atMs: number };

/** How a stream numbers its packets. */
export type Numbering = { sequence: number; timestamp: number; ssrc: number };

const timestampOf = (packet: Buffer): number => packet.readUInt32BE(4);
const isVideo = ({ mimeType }: { mimeType: string }): boolean => mimeType.startsWith('video/');

/** Timestamps less the first packet's, ascending. */
function timesOf(packets: Buffer[]): number[] {
  const first = timestampOf(packets[0] as Buffer);
  return [...new Set(packets.map((packet) => (timestampOf(packet) - first) | 0))].toSorted((a, b) => a - b);
}

/** How long captured packets last, in their clock rate: the last frame as long as most do. */
function ticksOf(packets: Buffer[]): number {
  const times = timesOf(packets);
  const steps = times.slice(1).map((time, i) => time - (times[i] as number));
  const usual = steps.toSorted((a, b) => a - b)[steps.length >> 1] as number;
  return (times.at(-1) as number) - (times[0] as number) + usual;
}

/** Packets up to the last one that ends a picture. */
function wholePictures(packets: Buffer[]): Buffer[] {
  return packets.slice(0, packets.findLastIndex((packet) => ((packet[1] as number) & 0x80) !== 0) + 1);
}

/** Captured packets numbered anew from `numbering` on, which they move on, each when the newest timestamp so far is due. `atMs`: when the first comes. */
export function renumbered(packets: Buffer[], clockRate: number, numbering: Numbering, atMs = 0): Sent[] {
  const first = timestampOf(packets[0] as Buffer);
  let dueTicks = 0;
  const sent = packets.map((packet) => {
    const bytes = Buffer.from(packet);
    const ticks = (timestampOf(packet) - first) | 0;
    dueTicks = Math.max(dueTicks, ticks);
    bytes.writeUInt16BE(numbering.sequence & 0xffff, 2);
    bytes.writeUInt32BE((numbering.timestamp + ticks) >>> 0, 4);
    bytes.writeUInt32BE(numbering.ssrc, 8);
    numbering.sequence += 1;
    return { bytes, atMs: atMs + (dueTicks * 1000) / clockRate };
  });
  numbering.timestamp += ticksOf(packets);
  return sent;
}

/** A captured track sent over and over for at least so long, as one stream, and how many frames (of sound, packets) that are. */
export function repeated(
  captured: { track: { mimeType: string; clockRate: number }; packets: Buffer[] },
  leastMs: number,
): { sent: Sent[]; frames: number } {
  const { track } = captured;
  const packets = isVideo(track) ? wholePictures(captured.packets) : captured.packets;
  const ms = (ticksOf(packets) * 1000) / track.clockRate;
  const numbering = { sequence: 65_500, timestamp: 2 ** 32 - track.clockRate, ssrc: 7 };
  const times = Math.ceil(leastMs / ms);
  const sent = Array.from({ length: times }, (_, i) => renumbered(packets, track.clockRate, numbering, i * ms)).flat();
  return { sent, frames: times * timesOf(packets).length };
}

/** A hub clock that stands still until it is told to go on. */
export class MadeUpTime {
  nowMs: number;
  readonly clock: HubClock;

  constructor(startMs: number) {
    this.nowMs = startMs;
    this.clock = new HubClock(
      () => this.nowMs,
      () => this.nowMs,
    );
  }

  /** Everything that was sent arrives at its time, counted from now, without waiting for it. */
  receive(tracks: { sink: TrackSink; sent: Sent[] }[]): void {
    const startMs = this.nowMs;
    const all = tracks.flatMap(({ sink, sent }) => sent.map((packet) => ({ sink, ...packet })));
    for (const { sink, bytes, atMs } of all.toSorted((a, b) => a.atMs - b.atMs)) {
      this.nowMs = startMs + atMs;
      sink.rtp(bytes, this.nowMs);
    }
  }
}
