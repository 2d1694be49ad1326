import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { types } from 'mediasoup';

/** What is used of a FlatBuffers buffer and of mediasoup's notification in one (flatbuffers 25, generated accessors). */
type ByteBuffer = {
  bytes: () => Uint8Array;
  readInt32: (at: number) => number;
  readUint32: (at: number) => number;
  __offset: (table: number, field: number) => number;
  __vector: (at: number) => number;
  __vector_len: (at: number) => number;
};
type Notification = { bb: ByteBuffer | null; bb_pos: number; event: () => number };
type ChannelClass = { prototype: { processNotification?: (notification: Notification) => void } };

export type PacketSink = (packet: Buffer) => void;

/** Fields of `Notification` (fbs/notification.fbs) and of `Consumer.RtpNotification`, as places in their vtables. */
const HANDLER_ID = 4;
const BODY = 10;
const DATA = 4;

/**
 * The shortest way of a recorded packet through mediasoup's Node side. As mediasoup hands it out, each packet's consumer
 * id is decoded as text, an immediate is scheduled, two emitters are asked for their listeners and the bytes are copied
 * once more: of what the recorder costs that is the larger part, and none of it is needed to tell whose a packet is. Here
 * the message is looked at where it is parsed, and its bytes are handed on as they lie. Everything else mediasoup has to
 * say goes its own way. Where its insides are not as they are known here, `tapPackets` uses the event it documents.
 */
const fast = install();
const sinks = new Map<number, PacketSink>();

/** Whether packets take the short way. */
export const tapsDirectly = fast !== null;

/** Hand every packet of this consumer (on a DirectTransport) to `sink`, which may keep it, until the consumer is closed. */
export function tapPackets(consumer: types.Consumer, sink: PacketSink): void {
  const key = keyOf(Buffer.from(consumer.id, 'latin1'), 0);
  if (!fast || sinks.has(key)) {
    consumer.on('rtp', sink);
    return;
  }
  sinks.set(key, sink);
  consumer.observer.once('close', () => sinks.delete(key));
}

/** The first eight of a consumer id's 36 characters (RFC 9562, random) as one number; who shares one goes the long way. */
function keyOf(bytes: Uint8Array, at: number): number {
  let key = 0;
  for (let i = at; i < at + 8; i += 1) {
    const code = bytes[i] as number;
    key = key * 16 + (code & 0x0f) + (code > 0x39 ? 9 : 0);
  }
  return key;
}

function install(): { rtpEvent: number } | null {
  try {
    const require = createRequire(import.meta.url);
    const inside = (path: string): string => fileURLToPath(new URL(path, import.meta.resolve('mediasoup')));
    const { Channel } = require(inside('./Channel.js')) as { Channel: ChannelClass };
    const { Event } = require(inside('./fbs/notification/event.js')) as { Event: Record<string, number> };
    const { processNotification } = Channel.prototype;
    const rtpEvent = Event['CONSUMER_RTP'];
    if (typeof processNotification !== 'function' || typeof rtpEvent !== 'number') return null;
    Channel.prototype.processNotification = function (this: unknown, notification: Notification): void {
      if (notification.event() !== rtpEvent || !handOn(notification)) processNotification.call(this, notification);
    };
    return { rtpEvent };
  } catch {
    return null; // another version with other insides
  }
}

/** False when nobody taps this consumer here. */
function handOn({ bb, bb_pos: table }: Notification): boolean {
  if (!bb) return false;
  const bytes = bb.bytes();
  const sink = sinks.get(keyOf(bytes, bb.__vector(table + bb.__offset(table, HANDLER_ID))));
  if (!sink) return false;
  const union = table + bb.__offset(table, BODY);
  const body = union + bb.readInt32(union);
  const field = body + bb.__offset(body, DATA);
  sink(Buffer.from(bytes.buffer, bytes.byteOffset + bb.__vector(field), bb.__vector_len(field)));
  return true;
}
