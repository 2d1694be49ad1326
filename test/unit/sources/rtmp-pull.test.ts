import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { GatewayReason } from '../../../media/protocol/gateway.ts';
import { FlvItems } from '../../../media/sources/rtmp/flv-items.ts';
import { parseAddress } from '../../../media/sources/gateway/address.ts';
import { SourceRefusal } from '../../../media/sources/gateway/reasons.ts';
import { RTMP, rtmpChunks, u32 } from '../../../media/sources/rtmp/chunks.ts';
import { playTarget, rtmpConnect } from '../../../media/sources/rtmp/pull.ts';
import type { StreamSource } from '../../../media/sources/stream/way.ts';
import type { StreamItem } from '../../../media/sources/stream/items.ts';
import { itemsOf, messagesOf, pushed } from '../../support/pushed-rtmp.ts';
import { command, GRANTED, HELLO, type RtmpAnswers, type RtmpServer, rtmpServer, status, STREAM_ID } from '../../support/rtmp-server.ts';

/** What an encoder has sent: its commands mean nothing to a player, its audio and video are what a server hands on. */
const given = itemsOf(messagesOf(pushed));

async function serving(answers: RtmpAnswers, raw?: (socket: Socket) => void): Promise<RtmpServer> {
  const server = await rtmpServer(answers, raw);
  onTestFinished(() => server.close());
  return server;
}
const connectTo = (url: string, signal = new AbortController().signal, user?: string, password?: string): Promise<StreamSource> =>
  rtmpConnect(parseAddress({ url, ...(user && { user }), ...(password && { password }) }), { resolve: async (host) => host })(
    signal,
    () => undefined,
  );
const refusalOf = async (connecting: Promise<StreamSource>): Promise<string> =>
  connecting.then(
    () => 'played',
    (error: unknown) => (error instanceof SourceRefusal ? error.reason.code : String(error)),
  );

describe('an address of RTMP', () => {
  const asked = (url: string, more: object = {}): object => playTarget(parseAddress({ url, ...more }));

  it.each([
    ['rtmp://cam.local/live/key', { app: 'live', stream: 'key', tcUrl: 'rtmp://cam.local:1935/live' }],
    ['rtmps://10.0.0.1:8443/a/b/键?token=x%2F/y&z', { app: 'a/b', stream: '键?token=x%2F/y&z', tcUrl: 'rtmps://10.0.0.1:8443/a/b' }],
    ['rtmp://[fd00::1]/live/k', { app: 'live', stream: 'k', tcUrl: 'rtmp://[fd00::1]:1935/live' }],
    ['rtmp://h/cam?x=1', { app: 'cam?x=1', stream: '', tcUrl: 'rtmp://h:1935/cam?x=1' }],
    ['rtmp://a%40b:c%26d@h/live/k', { app: 'live', stream: 'k?user=a%40b&pass=c%26d', tcUrl: 'rtmp://h:1935/live' }],
  ])('%s is asked for as servers expect it', (url, expected) => {
    expect(asked(url)).toEqual(expected);
  });

  it('takes user and password beside it, behind what is asked for already', () => {
    expect(asked('rtmp://h/live/k?v=1', { user: 'u', password: 'p&?' })).toMatchObject({ stream: 'k?v=1&user=u&pass=p%26%3F' });
  });

  it.each(['rtmp://h', 'rtmp://h/', 'rtmp://h/live/', 'rtmp://h//x', 'rtmp://h/?x', 'rtmps://h'])('%s lacks what to ask for', (url) => {
    expect(() => parseAddress({ url })).toThrow(/application and a stream/);
  });
});

describe('a stream that is fetched by RTMP', () => {
  it('is asked for, its pings answered and its bytes acknowledged, and read with its own times', async () => {
    const server = await serving({
      play: (peer) => {
        peer.write(rtmpChunks(RTMP.windowSize, 0, u32(2000)));
        peer.write(rtmpChunks(RTMP.peerBandwidth, 0, Buffer.concat([u32(5000), Buffer.from([2])])));
        peer.write(rtmpChunks(RTMP.control, 0, Buffer.from([0, 6, 1, 2, 3, 4])));
        peer.write(Buffer.concat([GRANTED.play, pushed]));
        peer.write(rtmpChunks(RTMP.chunkSize, 0, u32(128))); // the encoder had chosen another
        peer.write(status('NetStream.Play.UnpublishNotify'));
      },
    });
    const source = await connectTo(`${server.url}/live/key`, undefined, 'u', 'p');
    const items: StreamItem[] = [];
    const reason = await new Promise<GatewayReason | null>((ended) =>
      source.open({ item: (item) => items.push(item), ended, nowMs: () => 1 }),
    );
    expect(reason).toMatchObject({ code: 'connection-lost' });
    expect(items).toEqual(given);
    await source.close();
    const [peer] = server.peers;
    if (!peer) throw new Error('nobody came');
    if (!peer.socket.closed) await once(peer.socket, 'close');
    expect(peer.echoes).toBe(true);
    expect(peer.commands).toMatchObject([
      ['connect', 1, { app: 'live', tcUrl: `${server.url}/live`, objectEncoding: 0, fourCcList: ['hvc1'] }],
      ['createStream', 2, null],
      ['play', 3, null, 'key?user=u&pass=p', -2000],
    ]);
    expect(peer.messages.find(({ payload }) => payload.includes('-2000') || payload.includes('key?'))?.streamId).toBe(STREAM_ID);
    const controls = peer.messages.filter(({ type }) => type === RTMP.control).map(({ payload }) => payload.toString('hex'));
    expect(controls).toEqual(['000300000007000003e8', '000701020304']);
    const acknowledged = peer.messages.filter(({ type }) => type === RTMP.acknowledgement).map(({ payload }) => payload.readUInt32BE(0));
    expect(acknowledged.length).toBeGreaterThan(0);
    expect(acknowledged.at(-1)).toBeLessThanOrEqual(2 * 1536 + 1 + 2000 + pushed.length);
    expect(peer.messages.filter(({ type }) => type === RTMP.windowSize)).toHaveLength(2);
  });

  it('in aggregates has the times of its parts', () => {
    const tag = (type: number, timeMs: number, body: number[]): Buffer =>
      Buffer.from([
        type,
        0,
        0,
        body.length,
        (timeMs >> 16) & 255,
        (timeMs >> 8) & 255,
        timeMs & 255,
        timeMs >>> 24,
        0,
        0,
        0,
        ...body,
        0,
        0,
        0,
        0,
      ]);
    const payload = Buffer.concat([
      tag(8, 0x01000010, [0xaf, 0, 0x12, 0x10]),
      tag(18, 0x01000011, [1, 2]),
      tag(8, 0x01000024, [0xaf, 1, 9, 9]),
      tag(9, 0x01000038, [0x17, 1, 0, 0, 10, 0, 0, 0, 2, 0x65, 1]),
      Buffer.from([9, 0, 1, 0]), // cut off
    ]);
    const items: StreamItem[] = [];
    new FlvItems((item) => items.push(item)).aggregate({ type: RTMP.aggregate, streamId: 1, timestampMs: 5000, payload });
    expect(items.map(({ kind, ...rest }) => [kind, 'ticks' in rest && rest.ticks / 90])).toEqual([
      ['audio', 5020],
      ['video', 5050],
    ]);
  });
});

describe('a server that does not give it', () => {
  const refuse = (name: string, code: string, description: string, more: object = {}): Buffer =>
    command(name, name === '_error' ? 1 : 0, null, { level: 'error', code, description, ...more });

  it.each<[string, string, RtmpAnswers]>([
    ['the stream is not known', 'no-such-stream', { play: (peer) => peer.write(status('NetStream.Play.StreamNotFound', 'error')) }],
    ['not known, not called an error', 'no-such-stream', { play: (peer) => peer.write(status('NetStream.Play.StreamNotFound')) }],
    ['the key is refused', 'stream-refused', { play: (peer) => peer.write(status('NetStream.Play.Failed', 'error')) }],
    ['closed when it is asked', 'stream-refused', { play: (peer) => peer.socket.destroy() }],
    ['closed when it is connected', 'stream-refused', { connect: (peer) => peer.socket.end() }],
    [
      'rejected',
      'stream-refused',
      { connect: (peer) => peer.write(refuse('_error', 'NetConnection.Connect.Rejected', '[ Server.Reject ] : geh3im')) },
    ],
    ['another application', 'no-such-stream', { connect: (peer) => peer.write(refuse('_error', 'NetConnection.Connect.InvalidApp', '')) }],
    [
      'user and password wanted',
      'password-refused',
      { connect: (peer) => peer.write(refuse('_error', 'NetConnection.Connect.Rejected', 'code=403 need auth; authmod=adobe')) },
    ],
    ['a refused password', 'password-refused', { play: (peer) => peer.write(refuse('onStatus', 'NetStream.Play.BadAuth', '')) }],
    [
      'sent elsewhere',
      'redirected',
      {
        connect: (peer) =>
          peer.write(refuse('_error', 'NetConnection.Connect.Rejected', '', { ex: { code: 302, redirect: 'rtmp://127.0.0.1' } })),
      },
    ],
  ])('%s: %s', async (_, code, answers) => {
    const server = await serving(answers);
    expect(await refusalOf(connectTo(`${server.url}/live/geh3im`))).toBe(code);
    await expect.poll(() => server.open()).toBe(0);
  });

  it.each<[string, string, (socket: Socket) => void]>([
    ['is one of the web', 'no-camera', (socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))],
    ['greets at once in another language', 'no-camera', (socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n')],
    ['hangs up', 'connection-lost', (socket) => socket.end()],
    [
      'promises a message larger than any',
      'no-camera',
      (socket) => socket.write(Buffer.concat([HELLO, HELLO.subarray(1), Buffer.from('03000000ffffff1400000000', 'hex')])),
    ],
  ])('%s: %s', async (_, code, raw) => {
    const server = await serving({}, raw);
    expect(await refusalOf(connectTo(`${server.url}/live/key`))).toBe(code);
    await expect.poll(() => server.open()).toBe(0);
  });

  it('is let go of at once when nobody wants it any more', async () => {
    const server = await serving({}, (socket) => socket.resume());
    const stop = new AbortController();
    const refused = refusalOf(connectTo(`${server.url}/live/key`, stop.signal));
    await expect.poll(() => server.open()).toBe(1);
    stop.abort();
    expect(await refused).toBe('connection-lost');
    await expect.poll(() => server.open()).toBe(0);
  });

  it('answers in mutated bytes: nothing is thrown, and every connection ends', async () => {
    const whole = Buffer.concat([HELLO, HELLO.subarray(1), GRANTED.connect, GRANTED.createStream, GRANTED.play, pushed]);
    const commandsAt = 1 + 2 * 1536;
    let round = 0;
    const server = await serving({}, (socket) => {
      const bytes = Buffer.from(whole);
      // commands in every other round, media in the others, where most is read
      const [from, size] = round % 2 ? [commandsAt, 600] : [commandsAt + 600, bytes.length - commandsAt - 600];
      for (let i = 0; i < 1 + (round % 25); i += 1) bytes[from + ((round * 7919 + i * 104_729) % size)] = (round * 31 + i * 17) & 0xff;
      socket.once('data', () => socket.end(round % 3 ? bytes : bytes.subarray(0, (round * 7919) % bytes.length))).resume();
    });
    const outcomes = new Map<string, number>();
    for (; round < 400; round += 1) {
      const outcome = await connectTo(`${server.url}/live/key`).then(
        async (source) => {
          const reason = await new Promise<GatewayReason | null>((ended) => source.open({ item: () => undefined, ended, nowMs: () => 1 }));
          await source.close();
          return `played, ${reason?.code}`;
        },
        (error: unknown) => {
          if (!(error instanceof SourceRefusal)) throw error;
          return error.reason.code;
        },
      );
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    await expect.poll(() => server.open()).toBe(0);
    expect(outcomes.get('played, connection-lost')).toBeGreaterThan(50);
    expect(outcomes.get('no-camera') ?? outcomes.get('played, no-camera')).toBeGreaterThan(0);
  });
});
