import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { Socket, type SocketConstructorOpts } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { types } from 'mediasoup';

/** A packet lies in `bytes` from `start` to `end`, and only until the sink returns: the memory is used for the next ones. */
export type PacketSink = (bytes: Buffer, start: number, end: number) => void;

type ChannelOptions = { consumerSocket: Socket };
type ChannelClass = new (options: ChannelOptions) => object;
type ChannelModule = { Channel: ChannelClass };
/** Numbers of the union member and of the event, in mediasoup's FlatBuffers schema. */
type Kinds = { notification: number; rtpEvent: number };

/** Places in the vtables of `Message`, `Notification` and `Consumer.RtpNotification` (worker/fbs, FlatBuffers' rule 4 + 2 n). */
const MESSAGE = { type: 4, data: 6 };
const NOTIFICATION = { handlerId: 4, event: 6, body: 10 };
const RTP = { data: 4 };
/** A worker's message is no longer than this (mediasoup's own bound); more is noise, which mediasoup shall judge. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
/** What is read at once: a socket's buffer holds less. */
const READ_BYTES = 256 * 1024;

/**
 * The shortest way of a recorded packet from a mediasoup worker. As mediasoup's Node side hands it out, each packet is
 * wrapped in five objects, its consumer id is decoded as text, an immediate is scheduled, two emitters are asked for
 * their listeners and the bytes are copied once more: of what the recorder costs that is the larger part, and none of it
 * is needed to tell whose a packet is. Here the messages of a worker are looked at where they arrive, in one buffer that
 * is read into over and over; packets of tapped consumers are handed on as they lie, everything else goes to mediasoup
 * as it came. Where its insides are not as they are known here, `tapPackets` uses the event it documents.
 */
const sinks = new Map<number, { rest: Int32Array; sink: PacketSink }>();
const known = install();

/** Whether packets take the short way. */
export const tapsDirectly = known !== null;

/** Hand every packet of this consumer (on a DirectTransport) to `sink` until the consumer is closed. */
export function tapPackets(consumer: types.Consumer, sink: PacketSink): void {
  const id = Buffer.from(consumer.id, 'latin1');
  const key = keyOf(id, 0);
  if (!known || sinks.has(key)) {
    consumer.on('rtp', (packet) => sink(packet, 0, packet.length));
    return;
  }
  sinks.set(key, { rest: Int32Array.from({ length: 7 }, (_, i) => int32(id, 8 + 4 * i)), sink });
  consumer.observer.once('close', () => sinks.delete(key));
}

/** Make every channel that mediasoup opens from now on one that leaves tapped packets out. Null where that cannot be done. */
function install(): Kinds | null {
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
function withoutPackets(socket: Socket, kinds: Kinds): Socket {
  const others = Object.assign(new EventEmitter(), { destroy: () => socket.destroy() });
  const messages = new Messages(kinds, (message) => others.emit('data', message));
  const reader = readInto(socket, messages);
  reader.on('end', () => {
    others.emit('end');
    socket.destroy();
  });
  reader.on('error', (error) => others.emit('error', error));
  return others as unknown as Socket;
}

/**
 * Read a socket into memory that stays the same, as `net.Socket` does when it is made with `onread`; one that exists already gives its handle to
 * a second one. Where that cannot be done its chunks are copied.
 */
function readInto(socket: Socket, messages: Messages): Socket {
  const { _handle: handle } = socket as unknown as { _handle?: { useUserBuffer?: unknown } };
  if (typeof handle?.useUserBuffer !== 'function') {
    return socket.on('data', (chunk: Buffer) => {
      for (let at = 0; at < chunk.length;) {
        const read = chunk.copy(messages.room, 0, at);
        messages.read(read);
        at += read;
      }
    });
  }
  const onread = { buffer: () => messages.room, callback: (read: number) => messages.read(read) };
  const options = { handle, onread, allowHalfOpen: true };
  return new Socket(options as unknown as SocketConstructorOpts).resume();
}

/** Finds the messages in what is read: each has its length before it (four bytes, low ones first). */
class Messages {
  readonly #kinds: Kinds;
  readonly #other: (message: Buffer) => void;
  #bytes: Buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  /** Of a message that is not whole yet, so much lies at the front. */
  #held = 0;

  constructor(kinds: Kinds, other: (message: Buffer) => void) {
    this.#kinds = kinds;
    this.#other = other;
  }

  /** Where the next bytes belong. */
  get room(): Buffer {
    return this.#held === 0 ? this.#bytes : this.#bytes.subarray(this.#held);
  }

  /** So many bytes have been put into `room`. */
  read(count: number): true {
    const bytes = this.#bytes;
    const filled = this.#held + count;
    let at = 0;
    while (filled - at >= 4) {
      const end = at + 4 + uint32(bytes, at);
      if (end - at > MAX_MESSAGE_BYTES) {
        this.#other(Buffer.from(bytes.subarray(at, filled)));
        at = filled;
        break;
      }
      if (end > filled) break;
      if (!handOn(bytes, at + 4, this.#kinds)) this.#other(Buffer.from(bytes.subarray(at, end)));
      at = end;
    }
    this.#keep(at, filled);
    return true;
  }

  /** The beginning of a message stays; one that is longer than the buffer gets a longer one. */
  #keep(at: number, filled: number): void {
    this.#held = filled - at;
    if (this.#held === 0) return;
    const whole = this.#held < 4 ? 0 : 4 + uint32(this.#bytes, at);
    if (whole <= this.#bytes.length) {
      this.#bytes.copyWithin(0, at, filled);
      return;
    }
    const longer = Buffer.allocUnsafeSlow(whole);
    this.#bytes.copy(longer, 0, at, filled);
    this.#bytes = longer;
  }
}

/** False for everything that is not a packet of a consumer tapped here. */
function handOn(bytes: Buffer, start: number, { notification, rtpEvent }: Kinds): boolean {
  const message = start + int32(bytes, start);
  const type = field(bytes, message, MESSAGE.type);
  if (type === 0 || bytes[type] !== notification) return false;
  const told = target(bytes, field(bytes, message, MESSAGE.data));
  const event = field(bytes, told, NOTIFICATION.event);
  if (event === 0 || bytes[event] !== rtpEvent) return false;
  const name = target(bytes, field(bytes, told, NOTIFICATION.handlerId)) + 4;
  const tapped = sinks.get(keyOf(bytes, name));
  if (!tapped) return false;
  for (let i = 0; i < 7; i += 1) if (tapped.rest[i] !== int32(bytes, name + 8 + 4 * i)) return false;
  const packet = target(bytes, field(bytes, target(bytes, field(bytes, told, NOTIFICATION.body)), RTP.data));
  tapped.sink(bytes, packet + 4, packet + 4 + int32(bytes, packet));
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
const uint32 = (bytes: Buffer, at: number): number => int32(bytes, at) >>> 0;
const int32 = (bytes: Buffer, at: number): number => uint16(bytes, at) | (uint16(bytes, at + 2) << 16);

/** The first eight of a consumer id's 36 characters (RFC 9562, random) as one number, the rest being compared; who shares one goes the long way. */
function keyOf(bytes: Buffer, at: number): number {
  let key = 0;
  for (let i = at; i < at + 8; i += 1) {
    const code = bytes[i] as number;
    key = key * 16 + (code & 0x0f) + (code > 0x39 ? 9 : 0);
  }
  return key;
}
