import { createHash, createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { attribute } from '../../scripts/bench/live/stun.ts';

export type TurnCredentials = { username: string; credential: string };
/** What TURN said: success, or the error's number (RFC 8489, 14.8; RFC 8656, 19). */
export type TurnReply = 'success' | number;

const COOKIE = 0x2112a442;
const METHOD = { allocate: 0x0003, createPermission: 0x0008 } as const;
const ATTRIBUTE = {
  username: 0x0006,
  integrity: 0x0008,
  error: 0x0009,
  peer: 0x0012,
  realm: 0x0014,
  nonce: 0x0015,
  transport: 0x0019,
} as const;
const UDP = 17;

/** As much of TURN (RFC 8656) over TCP as it takes to ask for an allocation and for peers, with a server on loopback. */
export class TurnClient {
  readonly #socket: Socket;
  readonly #credentials: TurnCredentials;
  #realm = '';
  #nonce = '';
  #bytes = Buffer.alloc(0);

  private constructor(socket: Socket, credentials: TurnCredentials) {
    this.#socket = socket;
    this.#credentials = credentials;
    socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      socket.emit('more');
    });
  }

  static async open(port: number, credentials: TurnCredentials): Promise<TurnClient> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new TurnClient(socket, credentials);
  }

  /** The first request is always refused, with the realm and the nonce that the second one needs (RFC 8489, 9.2). */
  async allocate(): Promise<TurnReply> {
    const transport = attribute(ATTRIBUTE.transport, Buffer.from([UDP, 0, 0, 0]));
    const refused = await this.#ask(METHOD.allocate, transport, false);
    if (refused !== 401) throw new Error(`without credentials TURN said ${refused}`);
    return this.#ask(METHOD.allocate, transport, true);
  }

  /** May packets be relayed to this IPv4 address? */
  permit(peer: string): Promise<TurnReply> {
    const value = Buffer.alloc(8);
    value.writeUInt8(1, 1);
    value.writeUInt16BE(9 ^ (COOKIE >>> 16), 2);
    const address = peer.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
    value.writeUInt32BE((address ^ COOKIE) >>> 0, 4);
    return this.#ask(METHOD.createPermission, attribute(ATTRIBUTE.peer, value), true);
  }

  close(): void {
    this.#socket.destroy();
  }

  async #ask(method: number, attributes: Buffer, authenticated: boolean): Promise<TurnReply> {
    const { username, credential } = this.#credentials;
    const all = authenticated
      ? [
          attributes,
          attribute(ATTRIBUTE.username, Buffer.from(username)),
          attribute(ATTRIBUTE.realm, Buffer.from(this.#realm)),
          attribute(ATTRIBUTE.nonce, Buffer.from(this.#nonce)),
        ]
      : [attributes];
    const body = Buffer.concat(all);
    const id = randomBytes(12);
    const head = (length: number): Buffer => {
      const bytes = Buffer.alloc(20);
      bytes.writeUInt16BE(method, 0);
      bytes.writeUInt16BE(length, 2);
      bytes.writeUInt32BE(COOKIE, 4);
      id.copy(bytes, 8);
      return bytes;
    };
    if (!authenticated) this.#socket.write(Buffer.concat([head(body.length), body]));
    else {
      // its length counts the integrity that follows (RFC 8489, 14.5)
      const signed = Buffer.concat([head(body.length + 24), body]);
      const key = createHash('md5').update(`${username}:${this.#realm}:${credential}`).digest();
      this.#socket.write(Buffer.concat([signed, attribute(ATTRIBUTE.integrity, createHmac('sha1', key).update(signed).digest())]));
    }
    return this.#read(method, id);
  }

  async #read(method: number, id: Buffer): Promise<TurnReply> {
    while (this.#bytes.length < 20 || this.#bytes.length < 20 + this.#bytes.readUInt16BE(2)) await once(this.#socket, 'more');
    const end = 20 + this.#bytes.readUInt16BE(2);
    const message = this.#bytes.subarray(0, end);
    this.#bytes = this.#bytes.subarray(end);
    if (!message.subarray(8, 20).equals(id)) throw new Error('TURN answered something else');
    const type = message.readUInt16BE(0);
    const found = read(message);
    this.#realm = found.get(ATTRIBUTE.realm)?.toString() ?? this.#realm;
    this.#nonce = found.get(ATTRIBUTE.nonce)?.toString() ?? this.#nonce;
    if (type === (method | 0x0100)) return 'success';
    const error = found.get(ATTRIBUTE.error);
    if (type !== (method | 0x0110) || !error) throw new Error(`TURN answered with type ${type}`);
    return (error[2] ?? 0) * 100 + (error[3] ?? 0);
  }
}

function read(message: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 20; at + 4 <= message.length;) {
    const length = message.readUInt16BE(at + 2);
    found.set(message.readUInt16BE(at), message.subarray(at + 4, at + 4 + length));
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return found;
}
