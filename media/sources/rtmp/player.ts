import type { Socket } from 'node:net';
import type { GatewayReason } from '../../protocol/gateway.ts';
import { type Amf, decodeAmf, encodeAmf, membersOf } from './amf0.ts';
import { reasonOf } from '../gateway/reasons.ts';
import { ChunkReader, RTMP, rtmpChunks, type RtmpMessage, u32, WINDOW_BYTES } from './chunks.ts';
import { greeting, HANDSHAKE_BYTES, VERSION } from './handshake.ts';
import { refusalOfRtmp } from './refusals.ts';

/** What is asked of a server, in its own words; all of them may hold secrets. */
export type PlayTarget = { app: string; stream: string; tcUrl: string };

export type PlayerListener = {
  /** The server gives the stream; its messages follow. */
  playing: () => void;
  /** Audio, video and aggregates of them. */
  media: (message: RtmpMessage) => void;
  /** Once, unless it was closed from here. */
  ended: (reason: GatewayReason) => void;
};

/** Until the stream is given: commands, and what is known of the stream. */
const COMMAND_BYTES = 64 * 1024;
/** A server that reads nothing is sent nothing more. */
const UNREAD_BYTES = 64 * 1024;
/** Live only where there is live, as players say it. */
const LIVE = -2000;
const BUFFER_MS = 1000;
const CONNECT = 1;
const CREATE = 2;
const PLAY = 3;
/** User control messages (RTMP 1.0, 7.1.7). */
const EVENT = { streamEof: 1, bufferLength: 3, pingRequest: 6, pingResponse: 7 };
const ENDS = new Set(['NetStream.Play.UnpublishNotify', 'NetStream.Play.Stop', 'NetStream.Play.Complete']);

/**
 * The player's end of one connection (Adobe's RTMP 1.0, 5.2 and 7.2): it asks for one stream, and hands on what it is given.
 * Whatever the server sends, nothing is thrown out of here, and no more is held than the chunk reader does.
 */
export class RtmpPlayer {
  readonly #socket: Socket;
  readonly #target: PlayTarget;
  readonly #listener: PlayerListener;
  readonly #reader: ChunkReader;
  #state: 'greeting' | 'echo' | 'commands' | 'asked' | 'playing' | 'closed' = 'greeting';
  #handshake = Buffer.alloc(0);
  #streamId = 0;
  /** Audio or video has come. */
  #heard = false;
  #received = 0;
  #acknowledged = 0;
  /** How many bytes the server lets out before it wants to hear that they came. */
  #windowBytes = WINDOW_BYTES;

  /** `socket`: connected, and nothing read of it. */
  constructor(socket: Socket, target: PlayTarget, listener: PlayerListener) {
    this.#socket = socket;
    this.#target = target;
    this.#listener = listener;
    this.#reader = new ChunkReader((message) => this.#message(message), COMMAND_BYTES);
    socket.once('close', () => this.#end(this.#lost()));
    socket.on('data', (chunk) => {
      try {
        this.#take(chunk);
      } catch {
        this.#end(reasonOf('no-camera')); // no RTMP
      }
    });
    socket.write(greeting());
  }

  /** Resolves when the connection is no more. */
  async close(): Promise<void> {
    this.#state = 'closed';
    if (this.#socket.closed) return;
    const gone = new Promise<void>((resolve) => this.#socket.once('close', () => resolve()));
    this.#socket.destroy();
    await gone;
  }

  #end(reason: GatewayReason): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#socket.destroy();
    this.#listener.ended(reason);
  }

  /** What it means that the connection has ended: many servers say in no other way that they do not give a stream, some after they said that they do. */
  #lost(): GatewayReason {
    return reasonOf(this.#state === 'greeting' || this.#state === 'echo' || this.#heard ? 'connection-lost' : 'stream-refused');
  }

  #take(chunk: Buffer): void {
    if (this.#state === 'closed') return;
    this.#received += chunk.length;
    if (this.#state === 'greeting' || this.#state === 'echo') this.#greet(chunk);
    else this.#reader.push(chunk);
    if (this.#received - this.#acknowledged >= this.#windowBytes / 2) this.#acknowledge();
  }

  /** S0 and S1, answered by C2, then S2 (RTMP 1.0, 5.2), which is not looked at. */
  #greet(chunk: Buffer): void {
    this.#handshake = Buffer.concat([this.#handshake, chunk]);
    if (this.#state === 'greeting') {
      if (this.#handshake[0] !== VERSION) throw new RangeError('no RTMP');
      if (this.#handshake.length < 1 + HANDSHAKE_BYTES) return;
      this.#write(this.#handshake.subarray(1, 1 + HANDSHAKE_BYTES));
      this.#state = 'echo';
    }
    if (this.#handshake.length < 1 + 2 * HANDSHAKE_BYTES) return;
    const rest = this.#handshake.subarray(1 + 2 * HANDSHAKE_BYTES);
    this.#handshake = Buffer.alloc(0);
    this.#state = 'commands';
    this.#connect();
    this.#reader.push(rest);
  }

  #connect(): void {
    const { app, tcUrl } = this.#target;
    const about = { app, type: 'nonprivate', flashVer: 'LNX 9,0,124,2', tcUrl, fpad: false, capabilities: 15 };
    // what players say: all there are, so that what cannot be recorded is seen; and H.265 by enhanced RTMP
    const takes = { audioCodecs: 0x0fff, videoCodecs: 0x00ff, videoFunction: 1, objectEncoding: 0, fourCcList: ['hvc1'] };
    this.#command(CONNECT, 'connect', { ...about, ...takes });
  }

  #message(message: RtmpMessage): void {
    const { type, payload } = message;
    if (this.#state === 'closed') return;
    if (type === RTMP.command) this.#answer(decodeAmf(payload));
    else if (type === RTMP.commandAmf3) this.#answer(decodeAmf(payload.subarray(1)));
    else if (type === RTMP.control) this.#control(payload);
    else if (type === RTMP.windowSize && payload.length >= 4) this.#windowBytes = Math.max(1, payload.readUInt32BE(0));
    else if (type === RTMP.peerBandwidth) this.#send(RTMP.windowSize, u32(WINDOW_BYTES));
    else if (type === RTMP.audio || type === RTMP.video || type === RTMP.aggregate) this.#media(message);
  }

  #media(message: RtmpMessage): void {
    if (this.#state === 'asked') this.#play(); // some servers send before they say so, or say nothing
    if (this.#state !== 'playing') return;
    this.#heard = true;
    this.#listener.media(message);
  }

  #answer([name, transaction, , about]: Amf[]): void {
    const { level = '', code = '' } = membersOf(about);
    if (name === '_error' || (name === '_result' && level === 'error')) {
      if (transaction === CONNECT || transaction === CREATE || transaction === PLAY) this.#end(refusalOfRtmp(about));
    } else if (name === '_result') this.#next(transaction, about);
    else if (name === 'close' || code === 'NetConnection.Connect.Closed') this.#end(this.#lost());
    else if (name !== 'onStatus' || typeof code !== 'string') return;
    else if (level === 'error' || code === 'NetStream.Play.StreamNotFound') this.#end(refusalOfRtmp(about));
    else if (ENDS.has(code)) this.#end(reasonOf('connection-lost'));
    else if (code === 'NetStream.Play.Start' && this.#state === 'asked') this.#play();
  }

  /** What was asked for is granted: the next thing is asked for. */
  #next(transaction: Amf | undefined, about: Amf | undefined): void {
    if (this.#state !== 'commands') return;
    if (transaction === CONNECT) {
      this.#send(RTMP.windowSize, u32(WINDOW_BYTES));
      this.#command(CREATE, 'createStream', null);
    } else if (transaction === CREATE && typeof about === 'number') {
      this.#streamId = about >>> 0;
      this.#state = 'asked';
      this.#reader.trust();
      this.#command(PLAY, 'play', null, this.#target.stream, LIVE);
      this.#event(EVENT.bufferLength, this.#streamId, BUFFER_MS);
    }
  }

  #play(): void {
    this.#state = 'playing';
    this.#listener.playing();
  }

  #control(payload: Buffer): void {
    if (payload.length < 6) return;
    const event = payload.readUInt16BE(0);
    if (event === EVENT.pingRequest) this.#event(EVENT.pingResponse, payload.readUInt32BE(2));
    else if (event === EVENT.streamEof && this.#state === 'playing' && payload.readUInt32BE(2) === this.#streamId) this.#end(this.#lost());
  }

  #acknowledge(): void {
    this.#acknowledged = this.#received;
    if (this.#state !== 'greeting' && this.#state !== 'echo') this.#send(RTMP.acknowledgement, u32(this.#received % 2 ** 32));
  }

  #event(event: number, ...values: number[]): void {
    this.#send(RTMP.control, Buffer.concat([Buffer.from([0, event]), u32(...values)]));
  }

  #command(transaction: number, name: string, ...values: Amf[]): void {
    this.#send(RTMP.command, encodeAmf(name, transaction, ...values), name === 'play' ? this.#streamId : 0);
  }

  #send(type: number, payload: Buffer, streamId = 0): void {
    this.#write(rtmpChunks(type, streamId, payload));
  }

  #write(bytes: Buffer): void {
    if (this.#socket.writable && this.#socket.writableLength < UNREAD_BYTES) this.#socket.write(bytes);
  }
}
