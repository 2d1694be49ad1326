import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type Amf, decodeAmf, encodeAmf } from '../../media/sources/rtmp/amf0.ts';
import { ChunkReader, RTMP, rtmpChunks, type RtmpMessage } from '../../media/sources/rtmp/chunks.ts';

/** One player that has come, and what it has said. */
export type RtmpPeer = {
  socket: Socket;
  /** Its C2 gives back S1. */
  echoes: boolean;
  messages: RtmpMessage[];
  commands: Amf[][];
  write: (bytes: Buffer) => void;
};
/** What is done about a command; what is not named is granted. */
export type RtmpAnswers = Partial<Record<'connect' | 'createStream' | 'play', (peer: RtmpPeer) => void>>;
export type RtmpServer = { port: number; url: string; peers: RtmpPeer[]; open: () => Promise<number>; close: () => void };

const SIZE = 1536;
export const STREAM_ID = 7;
const facts = (code: string, level = 'status'): Amf => ({ level, code, description: `asked for ${code}` });
export const command = (...values: Amf[]): Buffer => rtmpChunks(RTMP.command, 0, encodeAmf(...values));
export const status = (code: string, level = 'status'): Buffer =>
  rtmpChunks(RTMP.command, STREAM_ID, encodeAmf('onStatus', 0, null, facts(code, level)));
export const GRANTED = {
  connect: command('_result', 1, { fmsVer: 'FMS/3,0,1,123' }, facts('NetConnection.Connect.Success')),
  createStream: command('_result', 2, null, STREAM_ID),
  play: Buffer.concat([status('NetStream.Play.Reset'), status('NetStream.Play.Start')]),
};
/** S0 and S1. */
export const HELLO = Buffer.concat([Buffer.from([3]), Buffer.alloc(SIZE, 0x5a)]);

/** The far end of a pull that refuses, or answers, as it is told to; `raw` takes the connection as it is. */
export async function rtmpServer(answers: RtmpAnswers, raw?: (socket: Socket) => void): Promise<RtmpServer> {
  const peers: RtmpPeer[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    if (raw) raw(socket.resume());
    else peers.push(greet(socket, answers));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `rtmp://127.0.0.1:${port}`,
    peers,
    open: () => new Promise((resolve, reject) => server.getConnections((error, count) => (error ? reject(error) : resolve(count)))),
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

function greet(socket: Socket, answers: RtmpAnswers): RtmpPeer {
  const peer: RtmpPeer = { socket, echoes: false, messages: [], commands: [], write: (bytes) => void socket.write(bytes) };
  const reader = new ChunkReader((message) => {
    peer.messages.push(message);
    if (message.type !== RTMP.command) return;
    const values = decodeAmf(message.payload);
    peer.commands.push(values);
    const [name] = values;
    if (name !== 'connect' && name !== 'createStream' && name !== 'play') return;
    const answer = answers[name];
    if (answer) answer(peer);
    else peer.write(GRANTED[name]);
  });
  let held: Buffer | null = Buffer.alloc(0);
  let greeted = false;
  socket.on('data', (chunk: Buffer) => {
    if (!held) return reader.push(chunk);
    held = Buffer.concat([held, chunk]);
    if (!greeted && held.length > SIZE) {
      greeted = true;
      peer.write(Buffer.concat([HELLO, held.subarray(1, 1 + SIZE)]));
    }
    if (held.length < 1 + 2 * SIZE) return;
    peer.echoes = held.subarray(1 + SIZE, 1 + 2 * SIZE).equals(HELLO.subarray(1));
    const rest = held.subarray(1 + 2 * SIZE);
    held = null;
    reader.push(rest);
  });
  return peer;
}
