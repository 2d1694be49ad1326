import { mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { createServer } from 'node:tls';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { localCertificate } from '../../server/auth/tls.ts';
import {
  descendantsOf,
  ffmpegsOf,
  filesWith,
  gatewayOperation,
  type GatewayOperation,
  holdingsOf,
  portsOf,
  takeUp,
} from '../support/gateways.ts';
import { freePort, type RunningHub, startHub, until } from '../support/hub.ts';
import { complaints, journalsOf, packetTimes, playTake, segmentLines } from '../support/playback.ts';
import { FPS, push, type Pusher, STREAMS } from '../support/pushers.ts';
import { rtmpServer, status } from '../support/rtmp-server.ts';

let root = '';
let hub: RunningHub;
let operation: GatewayOperation;
let before: ReturnType<typeof holdingsOf>;
/** Where encoders push to the hub: a real server that gives nothing out. */
let listens = 0;
const KEY = 'geh3imer-Schluessel';
const PASSWORD = 'pa&ss=w0rt ?';
const secrets = [KEY, PASSWORD, encodeURIComponent(PASSWORD)];
const settings = (): Record<string, string> => ({
  RTMP_PORT: String(listens),
  CAMERA_NETWORKS: '127.0.0.0/8',
  SEGMENT_SECONDS: '2',
  LOG_LEVEL: 'debug',
});

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-rtmp-pull-'));
  listens = await freePort();
  hub = await startHub(join(root, 'data'), settings());
  operation = await gatewayOperation(hub);
  before = holdingsOf(hub);
});
afterAll(async () => {
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

/** ffmpeg as a server of RTMP: it gives its stream to the one player that comes. */
async function serving(stream: string[], port: number): Promise<Pusher> {
  const server = push([...stream, '-listen', '1'], 'flv', `rtmp://127.0.0.1:${port}/live/${KEY}`);
  onTestFinished(() => server.signal('SIGKILL'));
  await until('the server listens', () => portsOf([server.pid]).includes(`tcp:${port}`));
  return server;
}
const addressOf = (port: number): string => `rtmp://127.0.0.1:${port}/live/${KEY}`;
const segments = (angleId: string, count: number): Promise<void> =>
  until(`${count} segments`, async () => (await operation.angle(angleId)).segments >= count);

describe('a stream that is fetched by RTMP', () => {
  it.each([
    [
      'b',
      STREAMS.b,
      {
        video: { codec: 'H.264', profile: 'Main', width: 320, height: 180, fps: 30, bFrames: true, live: 'transcoded' },
        audio: { codec: 'AAC', sampleRate: 44_100, recorded: true },
      },
      /^avc3\..*,mp4a/,
    ],
    [
      'plain',
      STREAMS.plain,
      { video: { codec: 'H.264', profile: 'Constrained Baseline', bFrames: false, live: 'copied' }, audio: null, notes: [] },
      /^avc3/,
    ],
    ['mp3', STREAMS.mp3, { video: { codec: 'H.264' }, audio: { codec: 'MP3', recorded: false } }, /^avc3[^,]*$/],
  ] as const)('%s: recorded as it came with its own timestamps, watched as browsers can', async (name, stream, facts, codecs) => {
    const port = await freePort();
    const server = await serving([...stream], port);
    const { angleId, created } = await operation.add(name, { url: addressOf(port), user: 'viewer', password: PASSWORD });
    expect(created).toMatchObject({ protocol: 'rtmp', mode: 'pull', address: `rtmp://127.0.0.1:${port}`, key: null });
    await operation.recording(angleId);
    expect(await operation.source(angleId)).toMatchObject({ phase: 'running', reason: null, ...facts });
    const { producers } = await operation.angle(angleId);
    expect(producers.map(({ kind }) => kind).toSorted()).toEqual(name === 'b' ? ['audio', 'video'] : ['video']);
    expect(ffmpegsOf(hub.state().media)).toHaveLength(1);
    for (const { command } of descendantsOf(hub.process.pid ?? 0)) for (const secret of secrets) expect(command).not.toContain(secret);
    const listed = JSON.stringify([await operation.source(angleId), await operation.angle(angleId)]);
    for (const secret of secrets) expect(listed).not.toContain(secret);
    await segments(angleId, 4);
    await server.stop();
    expect((await operation.failed(angleId)).code).toMatch(/^connection-(lost|refused)$/);
    await until('nothing of it runs', () => ffmpegsOf(hub.state().media).length === 0);
    await operation.remove(angleId);
    const [take] = journalsOf(operation.dir, angleId);
    if (!take) throw new Error('no take');
    const [init] = take.lines.filter(({ type }) => type === 'init') as unknown as { tracks: { codec: string }[] }[];
    expect(init?.tracks.map(({ codec }) => codec).join(',')).toMatch(codecs);
    for (const line of segmentLines(take.lines)) expect(line).toMatchObject({ withheld: 0, missing: 0 });
    const ended = take.lines.at(-1) as { type: string; frames: number; missing: number };
    expect(ended).toMatchObject({ type: 'take.ended', missing: 0, reason: 'connection-lost' });
    const shown = packetTimes(take.dir, 'video').toSorted((a, b) => a - b);
    expect(shown).toHaveLength(ended.frames);
    // RTMP counts in milliseconds: a thirtieth of a second is 33 or 34 of them
    const steps = shown.slice(1, -4).map((time, i) => time - (shown[i] ?? 0));
    for (const step of steps) expect(Math.abs(step - 1 / FPS)).toBeLessThan(0.0012);
    expect(complaints(operation.dir, angleId)).toEqual([]);
    const { status: code, said } = await playTake(operation.dir, angleId, '0001');
    expect({ code, said }).toEqual({ code: 0, said: '' });
  });

  it('whose server dies is fetched again into the same angle: a new take, and the interruption in the journal', async () => {
    const port = await freePort();
    const first = await serving(STREAMS.plain, port);
    const { angleId } = await operation.add('dies', { url: addressOf(port) });
    await operation.recording(angleId);
    await segments(angleId, 2);
    first.signal('SIGKILL');
    await until('the interruption', async () => (await operation.angle(angleId)).interruption !== null);
    await serving(STREAMS.plain, port);
    await until('a new take', async () => (await operation.angle(angleId)).takeId === '0002', 60_000);
    await operation.recording(angleId);
    expect(await operation.angle(angleId)).toMatchObject({ interruption: null, sourceKind: 'camera' });
    await operation.remove(angleId);
    expect(journalsOf(operation.dir, angleId).map(({ lines }) => lines.at(-1)?.['reason'])).toEqual(['connection-lost', 'source-removed']);
  });

  it('that stands still is given up, and said so', async () => {
    const port = await freePort();
    const server = await serving(STREAMS.plain, port);
    const { angleId } = await operation.add('still', { url: addressOf(port) });
    await operation.recording(angleId);
    server.signal('SIGSTOP');
    expect(await operation.failed(angleId)).toMatchObject({ code: 'stalled' });
    await operation.remove(angleId);
  });

  it('is encrypted by rtmps', async () => {
    const port = await freePort();
    await serving(STREAMS.plain, port);
    const { cert, key } = await localCertificate(join(root, 'tls'), [], Date.now());
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
    await segments(angleId, 2);
    await operation.remove(angleId);
  });

  it('in what is not recorded: said, tried again', async () => {
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

  it('has left no process, no port and no connection behind', async () => {
    expect(ffmpegsOf(hub.state().media)).toEqual([]);
    await until('all is as before', () => JSON.stringify(holdingsOf(hub)) === JSON.stringify(before));
  });
});

describe('what is known of it', () => {
  it('outlives the hub, and ends with the operation; what was recorded verifies, and its key stands nowhere but in the database', async () => {
    const port = await freePort();
    const { angleId } = await operation.add('hub', { url: addressOf(port), user: 'viewer', password: PASSWORD });
    const outputs = [hub.output()];
    await hub.killAll();
    hub = await startHub(join(root, 'data'), settings());
    operation = takeUp(hub, operation.operationId);
    await serving(STREAMS.b, port);
    await operation.recording(angleId);
    await segments(angleId, 2);
    await operation.end();
    expect(ffmpegsOf(hub.state().media)).toEqual([]);
    const { problems } = await verifyOperation(operation.dir);
    expect(problems).toEqual([]);
    const found = filesWith(join(root, 'data'), secrets).filter((path) => !/fieldhub\.sqlite(-wal|-shm)?$/.test(path));
    expect(found).toEqual([]);
    outputs.push(hub.output());
    for (const secret of secrets) for (const output of outputs) expect(output).not.toContain(secret);
  });
});
