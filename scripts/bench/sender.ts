import { readFileSync, writeFileSync } from 'node:fs';
import { clockOf } from './clock.ts';
import type { SenderOrder } from './sender-order.ts';
import { prepared, Stream } from './sender-stream.ts';
import type { RecordedSource } from './source.ts';

/**
 * A process that plays many synthetic cameras from one recording: copies with their own SSRC, sequence numbers and
 * clocks. It keeps a ground truth: when each frame was captured, when it was sent, how large it was.
 */
const TICK_MS = 4;
/** After the last frame, what is asked for again is still sent. */
const LINGER_MS = 1200;

if (process.send) process.once('message', (value) => void run(value as SenderOrder));

async function run(order: SenderOrder): Promise<void> {
  const sources = order.sourcePaths.map((path) => JSON.parse(readFileSync(path, 'utf8')) as RecordedSource);
  const [first] = sources as [RecordedSource];
  const pictures = sources.map((source) => prepared(source.video));
  const media = { pictures, sound: prepared(first.audio), loopMs: first.video.loopTicks / 90 };
  const now = clockOf(order.anchorMs);
  const beginMs = now() + 300;
  // starts are spread over a second, so that key frames are
  const streams = order.streams.map((each, i) => new Stream(each, order, media, now, beginMs + (i * 1000) / order.streams.length));
  await Promise.all(streams.map((stream) => stream.connect()));
  const timer = setInterval(() => {
    const nowMs = now();
    for (const stream of streams) stream.due(nowMs);
  }, TICK_MS);
  const finish = (): void => {
    writeFileSync(order.truthPath, JSON.stringify(streams.map((stream) => stream.truth)));
    process.exit(0);
  };
  const stop = (): void => {
    clearInterval(timer);
    if (order.nack) setTimeout(finish, LINGER_MS);
    else finish();
  };
  process.once('SIGTERM', stop);
  process.once('disconnect', finish);
  process.send?.('started');
}
