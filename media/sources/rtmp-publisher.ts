import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { type Amf, decodeAmf, encodeAmf } from './amf0.ts';
import { ByteTape } from './byte-tape.ts';
import { ChunkReader, RTMP, rtmpChunk, type RtmpMessage } from './rtmp-chunks.ts';

const HANDSHAKE_BYTES = 1536;
const VERSION = 3;
const CHUNK_BYTES = 65_536;
const WINDOW_BYTES = 2_500_000;
/** So long it may take until it has said what it publishes. */
const HELLO_MS = 10_000;
const FLV_HEADER = Buffer.from([0x46, 0x4c, 0x56, 1, 5, 0, 0, 0, 9, 0, 0, 0, 0]);

/** One connection of an encoder that publishes by RTMP (RTMP 1.0, 7): what it sends, as FLV. */
export class RtmpPublisher {
  readonly tape: ByteTape;
  readonly #socket: Socket;
  readonly #admit: (key: string, publisher: RtmpPublisher) => boolean;
  readonly #reader: ChunkReader;
  readonly #closed: (() => void)[] = [];
  #state: 'version' | 'echo' | 'commands' | 'publishing' | 'closed' = 'version';
  #rest = Buffer.alloc(0);
  #received = 0;
  #acknowledged = 0;

  /** `admit`: is asked once, with the stream's name. */
  constructor(socket: Socket, admit: (key: string, publisher: RtmpPublisher) => boolean) {
    this.#socket = socket;
    this.#admit = admit;
    this.tape = new ByteTape((flows) => (flows ? socket.resume() : socket.pause()));
    this.#reader = new ChunkReader((message) => this.#message(message));
    const late = setTimeout(() => this.#state !== 'publishing' && this.close(), HELLO_MS);
    socket.setNoDelay(true).setKeepAlive(true, 10_000);
    socket.on('error', () => this.close());
    socket.once('close', () => {
      clearTimeout(late);
      this.#ended();
    });
    socket.on('data', (chunk) => {
      try {
        this.#take(chunk);
      } catch {
        this.close(); // no RTMP
      }
    });
  }

  /** Calls back when the connection is over; at once if it is. */
  onClose(listener: () => void): void {
    if (this.#state === 'closed') listener();
    else this.#closed.push(listener);
  }

  close(): void {
    this.#socket.destroySoon();
    this.#ended();
  }

  #ended(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.tape.end();
    for (const listener of this.#closed.splice(0)) listener();
  }

  #take(chunk: Buffer): void {
    this.#received += chunk.length;
    if (this.#received - this.#acknowledged > WINDOW_BYTES / 2) this.#acknowledge();
    if (this.#state === 'commands' || this.#state === 'publishing') return this.#reader.push(chunk);
    if (this.#state === 'closed') return;
    this.#rest = Buffer.concat([this.#rest, chunk]);
    if (this.#state === 'version' && this.#rest.length > HANDSHAKE_BYTES) {
      if (this.#rest[0] !== VERSION) throw new RangeError('no RTMP');
      const own = randomBytes(HANDSHAKE_BYTES);
      own.fill(0, 0, 8);
      this.#socket.write(Buffer.concat([Buffer.from([VERSION]), own, this.#rest.subarray(1, 1 + HANDSHAKE_BYTES)]));
      this.#rest = this.#rest.subarray(1 + HANDSHAKE_BYTES);
      this.#state = 'echo';
    }
    if (this.#state === 'echo' && this.#rest.length >= HANDSHAKE_BYTES) {
      this.#state = 'commands';
      this.#reader.push(this.#rest.subarray(HANDSHAKE_BYTES));
      this.#rest = Buffer.alloc(0);
    }
  }

  #message({ type, streamId, timestampMs, payload }: RtmpMessage): void {
    if (type === RTMP.command) this.#command(decodeAmf(payload), streamId);
    else if (this.#state !== 'publishing') return;
    else if (type === RTMP.audio || type === RTMP.video) this.#tag(type, timestampMs, payload);
    else if (type === RTMP.data) {
      const named = encodeAmf('@setDataFrame');
      const wrapped = payload.subarray(0, named.length).equals(named);
      this.#tag(type, timestampMs, wrapped ? payload.subarray(named.length) : payload);
    }
  }

  #command([name, transaction = 0, , streamName]: Amf[], streamId: number): void {
    if (name === 'connect') {
      const size = (bytes: number, ...more: number[]): Buffer => {
        const buffer = Buffer.alloc(4 + more.length);
        buffer.writeUInt32BE(bytes, 0);
        more.forEach((each, i) => (buffer[4 + i] = each));
        return buffer;
      };
      this.#send(RTMP.windowSize, size(WINDOW_BYTES));
      this.#send(RTMP.peerBandwidth, size(WINDOW_BYTES, 2));
      this.#send(RTMP.chunkSize, size(CHUNK_BYTES));
      const facts = { level: 'status', code: 'NetConnection.Connect.Success', description: 'connected', objectEncoding: 0 };
      this.#send(RTMP.command, encodeAmf('_result', transaction, { fmsVer: 'FMS/3,0,1,123', capabilities: 31 }, facts));
    } else if (name === 'createStream') this.#send(RTMP.command, encodeAmf('_result', transaction, null, 1));
    else if (name === 'publish') this.#publish(typeof streamName === 'string' ? streamName : '', streamId);
    else if (name === 'FCUnpublish' || name === 'deleteStream' || name === 'closeStream') this.close();
    else if (name === 'releaseStream' || name === 'FCPublish') this.#send(RTMP.command, encodeAmf('_result', transaction, null, null));
  }

  #publish(streamName: string, streamId: number): void {
    if (this.#state !== 'commands') throw new RangeError('publishes twice');
    const key = streamName.split('?')[0] ?? '';
    if (!this.#admit(key, this)) {
      const facts = { level: 'error', code: 'NetStream.Publish.BadName', description: 'not a stream key of this hub' };
      this.#send(RTMP.command, encodeAmf('onStatus', 0, null, facts), streamId);
      return this.close();
    }
    this.#state = 'publishing';
    this.tape.push(FLV_HEADER);
    const facts = { level: 'status', code: 'NetStream.Publish.Start', description: 'publishing' };
    this.#send(RTMP.command, encodeAmf('onStatus', 0, null, facts), streamId);
  }

  /** An FLV tag (Adobe's FLV 10.1, E.4.1). */
  #tag(type: number, timestampMs: number, payload: Buffer): void {
    const head = Buffer.alloc(11);
    head[0] = type;
    head.writeUIntBE(payload.length, 1, 3);
    head.writeUIntBE(timestampMs & 0xffffff, 4, 3);
    head[7] = (timestampMs >>> 24) & 0xff;
    const size = Buffer.alloc(4);
    size.writeUInt32BE(head.length + payload.length);
    this.tape.push(Buffer.concat([head, payload, size]));
  }

  #acknowledge(): void {
    this.#acknowledged = this.#received;
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(this.#received >>> 0);
    this.#send(RTMP.acknowledgement, bytes);
  }

  #send(type: number, payload: Buffer, streamId = 0): void {
    this.#socket.write(rtmpChunk(type, streamId, payload));
  }
}
