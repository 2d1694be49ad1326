import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { createServer } from 'node:tls';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { localCertificate } from '../../server/auth/tls.ts';
import { GatewayHub } from '../support/gateway-hub.ts';
import { portsOf } from '../support/gateways.ts';
import { freePort, until } from '../support/hub.ts';
import { segmentLines } from '../support/playback.ts';
import { FPS, push, type Pusher, RECORDED, STREAMS } from '../support/pushers.ts';
import { rtmpServer, status } from '../support/rtmp-server.ts';

let hub: GatewayHub;
/** Where encoders push to the hub: a real server that gives nothing out. */
let listens = 0;
const KEY = 'geh3imer-Schluessel';
const PASSWORD = 'pa&ss=w0rt ?';

beforeAll(async () => {
  listens = await freePort();
  const settings = { RTMP_PORT: String(listens), CAMERA_NETWORKS: '127.0.0.0/8' };
  hub = await GatewayHub.start('rtmp-pull', settings, [KEY, PASSWORD, encodeURIComponent(PASSWORD)]);
});
afterAll(() => hub.stop());

/** ffmpeg as a server of RTMP: it gives its stream to the one player that comes. */
async function serving(stream: string[], port: number): Promise<Pusher> {
  const server = push([...stream, '-listen', '1'], 'flv', addressOf(port));
  await until('the server listens', () => portsOf([server.pid]).includes(`tcp:${port}`));
  return server;
}
const addressOf = (port: number): string => `rtmp://127.0.0.1:${port}/live/${KEY}`;

describe('a stream that is fetched by RTMP', () => {
  it.each(['b', 'plain', 'mp3'] as const)('%s: recorded as it came with its own timestamps, watched as browsers can', async (name) => {
    const { operation } = hub;
    const { facts, watched, codecs } = RECORDED[name];
    const port = await freePort();
    const server = await serving(STREAMS[name], port);
    const { angleId, created } = await operation.add(name, { url: addressOf(port), user: 'viewer', password: PASSWORD });
    expect(created).toMatchObject({ protocol: 'rtmp', mode: 'pull', address: `rtmp://127.0.0.1:${port}`, key: null });
    await operation.recording(angleId);
    expect(await operation.source(angleId)).toMatchObject({ phase: 'running', reason: null, ...facts });
    const { producers } = await operation.angle(angleId);
    expect(producers.map(({ kind }) => kind).toSorted()).toEqual(watched);
    expect(hub.ffmpegs()).toHaveLength(1);
    await hub.expectUntold(angleId);
    await operation.segments(angleId, 4);
    await server.stop();
    expect((await operation.failed(angleId)).code).toMatch(/^connection-(lost|refused)$/);
    await until('nothing of it runs', () => hub.ffmpegs().length === 0);
    await operation.remove(angleId);
    // RTMP counts in milliseconds: a thirtieth of a second is 33 or 34 of them
    const { lines, ended } = await hub.expectWhole(angleId, { codecs, fps: FPS, offS: 0.0012 });
    for (const line of segmentLines(lines)) expect(line).toMatchObject({ withheld: 0, missing: 0 });
    expect(ended.reason).toBe('connection-lost');
  });

  it('whose server dies is fetched again into the same angle: a new take, and the interruption in the journal', async () => {
    const { operation } = hub;
    const port = await freePort();
    const first = await serving(STREAMS.plain, port);
    const { angleId } = await operation.add('dies', { url: addressOf(port) });
    await operation.recording(angleId);
    await operation.segments(angleId, 2);
    first.signal('SIGKILL');
    await operation.interrupted(angleId);
    await serving(STREAMS.plain, port);
    await operation.take(angleId, '0002', 60_000);
    expect(await operation.angle(angleId)).toMatchObject({ interruption: null, sourceKind: 'camera' });
    await operation.remove(angleId);
    expect(operation.endings(angleId)).toEqual(['connection-lost', 'source-removed']);
  });

  it('that stands still is given up, and said so', async () => {
    const { operation } = hub;
    const port = await freePort();
    const server = await serving(STREAMS.plain, port);
    const { angleId } = await operation.add('still', { url: addressOf(port) });
    await operation.recording(angleId);
    server.signal('SIGSTOP');
    expect(await operation.failed(angleId)).toMatchObject({ code: 'stalled' });
    await operation.remove(angleId);
  });

  it('is encrypted by rtmps', async () => {
    const { operation } = hub;
    const port = await freePort();
    await serving(STREAMS.plain, port);
    const { cert, key } = await localCertificate(join(hub.root, 'tls'), [], Date.now());
    const tls = createServer({ cert, key }, (near) => {
      const far: Socket = connect(port, '127.0.0.1').on('error', () => near.destroy());
      near.on('error', () => far.destroy()).on('close', () => far.destroy());
      near.pipe(far).pipe(near);
    });
    onTestFinished(() => void tls.close());
    tls.listen(0, '127.0.0.1');
    await once(tls, 'listening');
    const { port: outer } = tls.address() as AddressInfo;
    const { angleId, created } = await operation.add('tls', { url: `rtmps://127.0.0.1:${outer}/live/${KEY}` });
    expect(created).toMatchObject({ protocol: 'rtmps', mode: 'pull', address: `rtmps://127.0.0.1:${outer}` });
    await operation.recording(angleId);
    await operation.segments(angleId, 2);
    await operation.remove(angleId);
  });

  it('in what is not recorded: said, tried again', async () => {
    const { operation } = hub;
    const port = await freePort();
    await serving(STREAMS.flv1, port);
    const { angleId } = await operation.add('flv1', { url: addressOf(port) });
    expect(await operation.failed(angleId)).toMatchObject({
      code: 'codec-not-recorded',
      facts: { codec: expect.stringContaining('H.263') as string },
    });
    await operation.remove(angleId);
  });
});

describe('a server that gives nothing', () => {
  const reasonAt = async (url: string): Promise<string> => {
    const { operation } = hub;
    const { angleId } = await operation.add('nothing', { url });
    const { code } = await operation.failed(angleId);
    await until('it is tried again', async () => (await operation.source(angleId)).attempts >= 2, 45_000);
    await operation.remove(angleId);
    return code;
  };

  it('is not there', async () => {
    expect(await reasonAt(addressOf(await freePort()))).toBe('connection-refused');
    expect(await reasonAt(`rtmp://camera.invalid/live/${KEY}`)).toBe('name-not-found');
  });

  it('does not know the stream, refuses the key, or speaks HTTP', async () => {
    const { operation } = hub;
    const unknown = await rtmpServer({ play: (peer) => peer.write(status('NetStream.Play.StreamNotFound', 'error')) });
    onTestFinished(() => unknown.close());
    expect(await reasonAt(`${unknown.url}/live/${KEY}`)).toBe('no-such-stream');
    const { angleId } = await operation.add('listens', { listen: 'rtmp' });
    expect(await reasonAt(addressOf(listens))).toBe('stream-refused');
    await operation.remove(angleId);
    expect(await reasonAt(`rtmp://127.0.0.1:${new URL(hub.url).port}/live/${KEY}`)).toBe('no-camera');
  });

  it('accepts and is silent, or gives a stream that nobody publishes: given up in time', async () => {
    const silent = await rtmpServer({}, () => undefined);
    onTestFinished(() => silent.close());
    const idle = await rtmpServer({});
    onTestFinished(() => idle.close());
    expect(await Promise.all([reasonAt(`${silent.url}/live/${KEY}`), reasonAt(`${idle.url}/live/${KEY}`)])).toEqual([
      'timed-out',
      'no-media',
    ]);
    await until('both are let go of', async () => (await silent.open()) + (await idle.open()) === 0);
  });

  it('has left no process, no port and no connection behind', () => hub.expectNothingLeft());
});

describe('what is known of it', () => {
  it('outlives the hub, and ends with the operation; what was recorded verifies, and its key stands nowhere but in the database', async () => {
    const port = await freePort();
    const { angleId } = await hub.operation.add('hub', { url: addressOf(port), user: 'viewer', password: PASSWORD });
    await hub.kill();
    await hub.startAgain();
    const { operation } = hub;
    await serving(STREAMS.b, port);
    await operation.recording(angleId);
    await operation.segments(angleId, 2);
    await operation.end();
    expect(hub.ffmpegs()).toEqual([]);
    await hub.expectVerified();
    hub.expectSecretsKept();
  });
});
