import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { types } from 'mediasoup';

export type PacketSink = (packet: Buffer) => void;

type ChannelOptions = { consumerSocket: Socket };
type ChannelClass = new (options: ChannelOptions) => object;
type ChannelModule = { Channel: ChannelClass };

/** Places in the vtables of `Message`, `Notification` and `Consumer.RtpNotification` (worker/fbs, FlatBuffers' rule 4 + 2 n). */
const MESSAGE = { type: 4, data: 6 };
const NOTIFICATION = { handlerId: 4, event: 6, body: 10 };
const RTP = { data: 4 };
/** A worker's message is no longer than this (mediasoup's own bound); more is noise, which mediasoup shall judge. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/**
 * The shortest way of a recorded packet from a mediasoup worker. As mediasoup's Node side hands it out, each packet is
 * wrapped in five objects, its consumer id is decoded as text, an immediate is scheduled, two emitters are asked for
 * their listeners and the bytes are copied once more: of what the recorder costs that is the larger part, and none of it
 * is needed to tell whose a packet is. Here the messages of a worker are looked at where they arrive; packets of tapped
 * consumers are handed on as they lie, everything else goes to mediasoup as it came. Where its insides are not as they
 * are known here, `tapPackets` uses the event it documents.
 */
const sinks = new Map<number, { id: Buffer; sink: PacketSink }>();
const known = install();

/** Whether packets take the short way. */
export const tapsDirectly = known !== null;

/** Hand every packet of this consumer (on a DirectTransport) to `sink`, which may keep it, until the consumer is closed. */
export function tapPackets(consumer: types.Consumer, sink: PacketSink): void {
  const id = Buffer.from(consumer.id, 'latin1');
  const key = keyOf(id, 0);
  if (!known || sinks.has(key)) {
    consumer.on('rtp', sink);
    return;
  }
  sinks.set(key, { id, sink });
  consumer.observer.once('close', () => sinks.delete(key));
}

/** Make every channel that mediasoup opens from now on one that leaves tapped packets out. Null where that cannot be done. */
function install(): { notification: number; rtpEvent: number } | null {
  try {
    const require = createRequire(import.meta.url);
    const inside = (path: string): unknown => require(fileURLToPath(new URL(path, import.meta.resolve('mediasoup'))));
    const module = inside('./Channel.js') as ChannelModule;
    const { Event } = inside('./fbs/notification/event.js') as { Event: Record<string, number> };
    const { Body } = inside('./fbs/message/body.js') as { Body: Record<string, number> };
    const [rtpEvent, notification] = [Event['CONSUMER_RTP'], Body['Notification']];
    const { Channel } = module;
    if (typeof Channel !== 'function' || rtpEvent === undefined || notification === undefined) return null;
    const kinds = { notification, rtpEvent };
    module.Channel = class extends Channel {
      constructor(options: ChannelOptions) {
        super({ ...options, consumerSocket: withoutPackets(options.consumerSocket, kinds) });
      }
    };
    return kinds;
  } catch {
    return null; // another version with other insides
  }
}

/** Stands for a worker's socket towards mediasoup: the same messages, one a chunk, but for the packets that are tapped. */
function withoutPackets(socket: Socket, kinds: { notification: number; rtpEvent: number }): Socket {
  const others = Object.assign(new EventEmitter(), { destroy: () => socket.destroy() });
  let rest: Buffer | null = null;
  socket.on('data', (chunk: Buffer) => {
    let bytes = rest ? Buffer.concat([rest, chunk]) : chunk;
    let at = 0;
    while (bytes.length - at >= 4) {
      const end = at + 4 + bytes.readUInt32LE(at);
      if (end - at > MAX_MESSAGE_BYTES) {
        others.emit('data', bytes.subarray(at));
        bytes = bytes.subarray(bytes.length);
        at = 0;
        break;
      }
      if (end > bytes.length) break;
      if (!handOn(bytes, at + 4, kinds)) others.emit('data', bytes.subarray(at, end));
      at = end;
    }
    rest = at < bytes.length ? bytes.subarray(at) : null;
  });
  socket.on('end', () => others.emit('end'));
  socket.on('error', (error) => others.emit('error', error));
  return others as unknown as Socket;
}

/** False for everything that is not a packet of a consumer tapped here. */
function handOn(bytes: Buffer, start: number, { notification, rtpEvent }: { notification: number; rtpEvent: number }): boolean {
  const message = start + int32(bytes, start);
  const type = field(bytes, message, MESSAGE.type);
  if (type === 0 || bytes[type] !== notification) return false;
  const told = target(bytes, field(bytes, message, MESSAGE.data));
  const event = field(bytes, told, NOTIFICATION.event);
  if (event === 0 || bytes[event] !== rtpEvent) return false;
  const name = target(bytes, field(bytes, told, NOTIFICATION.handlerId)) + 4;
  const tapped = sinks.get(keyOf(bytes, name));
  if (!tapped || bytes.compare(tapped.id, 0, tapped.id.length, name, name + tapped.id.length) !== 0) return false;
  const packet = target(bytes, field(bytes, target(bytes, field(bytes, told, NOTIFICATION.body)), RTP.data));
  tapped.sink(bytes.subarray(packet + 4, packet + 4 + int32(bytes, packet)));
  return true;
}

/** Where a table's field lies; 0 when it is not there (FlatBuffers internals: a table begins with the way back to its vtable). */
function field(bytes: Buffer, table: number, slot: number): number {
  const vtable = table - int32(bytes, table);
  const offset = slot < uint16(bytes, vtable) ? uint16(bytes, vtable + slot) : 0;
  return offset === 0 ? 0 : table + offset;
}

/** Where a reference points: a table, a vector or a string, the last two beginning with their length. */
const target = (bytes: Buffer, at: number): number => at + int32(bytes, at);

const uint16 = (bytes: Buffer, at: number): number => (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
const int32 = (bytes: Buffer, at: number): number => uint16(bytes, at) | (uint16(bytes, at + 2) << 16);

/** The first eight of a consumer id's 36 characters (RFC 9562, random) as one number; who shares one goes the long way. */
function keyOf(bytes: Buffer, at: number): number {
  let key = 0;
  for (let i = at; i < at + 8; i += 1) {
    const code = bytes[i] as number;
    key = key * 16 + (code & 0x0f) + (code > 0x39 ? 9 : 0);
  }
  return key;
}
