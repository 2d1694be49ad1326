import { readFileSync } from 'node:fs';
import { ChunkReader, type RtmpMessage } from '../../media/sources/rtmp/chunks.ts';
import { FlvItems } from '../../media/sources/rtmp/flv-items.ts';
import type { StreamItem } from '../../media/sources/stream/items.ts';

/** What a real encoder has sent after its handshake, see test/fixtures/README.md. */
export const pushed = readFileSync(new URL('../fixtures/rtmp-push.bin', import.meta.url)).subarray(1 + 2 * 1536);

/** The messages in these bytes, which come in pieces of these sizes, over and over. */
export function messagesOf(bytes: Buffer, sizes: number[] = [bytes.length]): RtmpMessage[] {
  const messages: RtmpMessage[] = [];
  const reader = new ChunkReader((message) => messages.push(message));
  for (let at = 0, i = 0; at < bytes.length; i += 1) {
    const size = sizes[i % sizes.length] ?? 1;
    reader.push(bytes.subarray(at, at + size));
    at += size;
  }
  return messages;
}

/** The parts of the stream in these messages. */
export function itemsOf(messages: RtmpMessage[]): StreamItem[] {
  const items: StreamItem[] = [];
  const reader = new FlvItems((item) => items.push(item));
  for (const message of messages) reader.message(message);
  return items;
}
