import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import type { SenderTrack } from './sender-order.ts';

/**
 * A process between sender and recorder, as a bad network: media packets are lost and overtake one another, RTCP passes
 * untouched both ways. Loss begins a second after a track's first packet (of a frame lost before the recorder has seen
 * the first one, nobody can know) and ends when told to be calm.
 */
export type RelayOrder = {
  ip: string;
  reportPath: string;
  targets: RelayTarget[];
  /** Share of media packets lost, 0 to 1, in runs of `burst` packets. */
  loss: number;
  burst: number;
  /** One media packet in twenty is held back for 2 to 40 ms. */
  reorder: boolean;
};
export type RelayTarget = { video: SenderTrack; audio: SenderTrack };
/** Of one stream, both tracks. */
export type RelayReport = { passed: number; dropped: number; held: number };

const QUIET_MS = 1000;
const HOLD_SHARE = 0.05;
const SOCKET = { type: 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 } as const;
let calm = false;

if (process.send) process.once('message', (value) => void run(value as RelayOrder));

async function run(order: RelayOrder): Promise<void> {
  const reports: RelayReport[] = [];
  const targets: RelayTarget[] = [];
  for (const { video, audio } of order.targets) {
    const report: RelayReport = { passed: 0, dropped: 0, held: 0 };
    reports.push(report);
    const through = async (track: SenderTrack): Promise<SenderTrack> => ({
      ...track,
      port: await leg(order, track.port, spoiler(order, report)),
      rtcpPort: await leg(order, track.rtcpPort, (forward) => forward()),
    });
    targets.push({ video: await through(video), audio: await through(audio) });
  }
  process.on('message', () => (calm = true));
  process.once('SIGTERM', () => {
    writeFileSync(order.reportPath, JSON.stringify(reports));
    process.exit(0);
  });
  process.once('disconnect', () => process.exit());
  process.send?.(targets);
}

/** Lose it, hold it back, or let it pass. */
function spoiler({ loss, burst, reorder }: RelayOrder, report: RelayReport): (forward: () => void) => void {
  let firstMs: number | null = null;
  let toDrop = 0;
  return (forward) => {
    firstMs ??= performance.now();
    const bad = !calm && performance.now() - firstMs > QUIET_MS;
    if (bad && toDrop === 0 && Math.random() < loss / burst) toDrop = burst;
    if (toDrop > 0) {
      toDrop -= 1;
      report.dropped += 1;
      return;
    }
    report.passed += 1;
    if (bad && reorder && Math.random() < HOLD_SHARE) {
      report.held += 1;
      setTimeout(forward, 2 + Math.random() * 38);
    } else forward();
  };
}

/** A socket for the sender and one for the recorder; resolves with the port that the sender shall use instead. */
async function leg(order: RelayOrder, port: number, pass: (forward: () => void) => void): Promise<number> {
  const front = createSocket(SOCKET);
  const back = createSocket(SOCKET);
  let sender: RemoteInfo | null = null;
  await new Promise<void>((resolve) => front.bind(0, order.ip, resolve));
  await new Promise<void>((resolve) => back.connect(port, order.ip, () => resolve()));
  front.on('message', (packet, from) => {
    sender = from;
    pass(() => back.send(packet));
  });
  back.on('message', (packet) => {
    if (sender) front.send(packet, sender.port, sender.address);
  });
  for (const socket of [front, back]) ignoreRefusal(socket);
  return front.address().port;
}

function ignoreRefusal(socket: Socket): void {
  socket.on('error', () => undefined);
}
