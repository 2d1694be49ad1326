import type { Socket } from 'node:net';
import { type Amf, decodeAmf, encodeAmf } from './amf0.ts';
import { ChunkReader, RTMP, rtmpChunk, type RtmpMessage, u32, WINDOW_BYTES } from './chunks.ts';
import { greeting, HANDSHAKE_BYTES, VERSION } from './handshake.ts';

/** Why a publisher is refused, as its own log shows it. */
export type Refusal = 'unknown-key' | 'taken';
const REFUSALS: Record<Refusal, string> = {
  'unknown-key': 'this stream key is not valid on this hub (any more)',
  taken: 'another encoder publishes with this stream key',
};

const CHUNK_BYTES = 65_536;
/** Commands are small; media are let in once the key is known. */
const COMMAND_BYTES = 16 * 1024;
/** So long it may take until it has said what it publishes. */
const HELLO_MS = 8000;

/** One connection of an encoder that publishes by RTMP (Adobe's RTMP 1.0, 5.2 and 7). Whatever it sends, nothing is thrown out of here. */
export class RtmpSession {
  readonly #socket: Socket;
  readonly #admit: (key: string, session: RtmpSession) => Refusal | null;
  readonly #reader: ChunkReader;
  readonly #closed: (() => void)[] = [];
  #media: ((message: RtmpMessage) => void) | null = null;
  #state: 'version' | 'echo' | 'commands' | 'publishing' | 'closed' = 'version';
  #handshake = Buffer.alloc(0);
  #received = 0;
  #acknowledged = 0;
  #heardMs = performance.now();

  /** `admit` is asked once, with the stream's name: null lets it publish. Its socket then waits until `read` is called. */
  constructor(socket: Socket, admit: (key: string, session: RtmpSession) => Refusal | null) {
    this.#socket = socket;
    this.#admit = admit;
    this.#reader = new ChunkReader((message) => this.#message(message), COMMAND_BYTES);
    const late = setTimeout(() => this.#state !== 'publishing' && this.close(), HELLO_MS);
    socket.setNoDelay(true).setKeepAlive(true, 10_000);
    socket.on('error', () => this.close());
    socket.once('close', () => {
      clearTimeout(late);
      this.#end();
    });
    socket.on('data', (chunk) => {
      try {
        this.#take(chunk);
      } catch {
        this.close(); // no RTMP
      }
    });
  }

  /** How long nothing has come. */
  get silentMs(): number {
    return performance.now() - this.#heardMs;
  }

  /** Its audio and video messages from now on. */
  read(media: (message: RtmpMessage) => void): void {
    this.#media = media;
    this.#socket.resume();
  }

  /** Calls back when the connection is over; at once if it is. */
  onClose(listener: () => void): void {
    if (this.#state === 'closed') listener();
    else this.#closed.push(listener);
  }

  close(): void {
    this.#end();
    this.#socket.destroySoon();
    this.#socket.resume(); // nobody reads it any more, and it must see the end
  }

  #end(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    for (const listener of this.#closed.splice(0)) listener();
  }

  #take(chunk: Buffer): void {
    if (this.#state === 'closed') return;
    this.#heardMs = performance.now();
    this.#received += chunk.length;
    if (this.#received - this.#acknowledged > WINDOW_BYTES / 2) this.#acknowledge();
    if (this.#state === 'commands' || this.#state === 'publishing') this.#reader.push(chunk);
    else this.#greet(chunk);
  }

  /** C0 and C1, then C2 (RTMP 1.0, 5.2): what is sent back is not looked at. */
  #greet(chunk: Buffer): void {
    this.#handshake = Buffer.concat([this.#handshake, chunk]);
    if (this.#handshake[0] !== VERSION && this.#state === 'version') throw new RangeError('no RTMP');
    if (this.#state === 'version' && this.#handshake.length > HANDSHAKE_BYTES) {
      this.#socket.write(Buffer.concat([greeting(), this.#handshake.subarray(1, 1 + HANDSHAKE_BYTES)]));
      this.#handshake = this.#handshake.subarray(1 + HANDSHAKE_BYTES);
      this.#state = 'echo';
    }
    if (this.#state === 'echo' && this.#handshake.length >= HANDSHAKE_BYTES) {
      const rest = this.#handshake.subarray(HANDSHAKE_BYTES);
      this.#handshake = Buffer.alloc(0);
      this.#state = 'commands';
      this.#reader.push(rest);
    }
  }

  #message(message: RtmpMessage): void {
    const { type, streamId, payload } = message;
    if (this.#state === 'closed') return;
    if (type === RTMP.command) this.#command(decodeAmf(payload), streamId);
    else if (type === RTMP.commandAmf3) this.#command(decodeAmf(payload.subarray(1)), streamId);
    else if (this.#state === 'publishing' && (type === RTMP.audio || type === RTMP.video)) this.#media?.(message);
  }

  #command([name, transaction = 0, , streamName]: Amf[], streamId: number): void {
    if (name === 'connect') this.#connect(transaction);
    else if (name === 'createStream') this.#send(RTMP.command, encodeAmf('_result', transaction, null, 1));
    else if (name === 'publish') this.#publish(typeof streamName === 'string' ? streamName : '', streamId);
    else if (name === 'play') this.#refuse('NetStream.Play.Failed', 'this hub gives nothing out by RTMP', streamId);
    else if (name === 'FCUnpublish' || name === 'deleteStream' || name === 'closeStream') this.close();
    else if (name === 'releaseStream' || name === 'FCPublish' || name === '_checkbw')
      this.#send(RTMP.command, encodeAmf('_result', transaction, null, null));
  }

  #connect(transaction: Amf): void {
    this.#send(RTMP.windowSize, u32(WINDOW_BYTES));
    this.#send(RTMP.peerBandwidth, Buffer.concat([u32(WINDOW_BYTES), Buffer.from([2])]));
    this.#send(RTMP.chunkSize, u32(CHUNK_BYTES));
    const facts = { level: 'status', code: 'NetConnection.Connect.Success', description: 'connected', objectEncoding: 0 };
    this.#send(RTMP.command, encodeAmf('_result', transaction, { fmsVer: 'FMS/3,0,1,123', capabilities: 31 }, facts));
  }

  #publish(streamName: string, streamId: number): void {
    if (this.#state !== 'commands') return this.close();
    const refusal = this.#admit(streamName.split('?')[0] ?? '', this);
    if (refusal) return this.#refuse('NetStream.Publish.BadName', REFUSALS[refusal], streamId);
    this.#state = 'publishing';
    this.#reader.trust();
    const facts = { level: 'status', code: 'NetStream.Publish.Start', description: 'publishing' };
    this.#send(RTMP.command, encodeAmf('onStatus', 0, null, facts), streamId);
    if (!this.#media) this.#socket.pause(); // until it is read, the sender waits
  }

  #refuse(code: string, description: string, streamId: number): void {
    this.#send(RTMP.command, encodeAmf('onStatus', 0, null, { level: 'error', code, description }), streamId);
    this.close();
  }

  #acknowledge(): void {
    this.#acknowledged = this.#received;
    this.#send(RTMP.acknowledgement, u32(this.#received % 2 ** 32));
  }

  #send(type: number, payload: Buffer, streamId = 0): void {
    // an encoder that reads nothing is sent nothing more
    if (this.#socket.writableLength < 2 ** 20) this.#socket.write(rtmpChunk(type, streamId, payload));
  }
}
