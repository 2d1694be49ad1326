import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { byClockLines, percentile, stamp } from '../support/alignment.ts';
import { readTake } from '../support/clock-picture.ts';
import { GatewayHub } from '../support/gateway-hub.ts';
import { descendantsOf } from '../support/gateways.ts';
import { alive, freePort, signal, until } from '../support/hub.ts';
import { journalsOf, segmentLines } from '../support/playback.ts';
import { PASSWORD, type RtspCamera, rtspCamera } from '../support/rtsp-camera.ts';

const FPS = 30;
const picture = (encoder: string): string => `videotestsrc is-live=true ! video/x-raw,width=320,height=180,framerate=${FPS}/1 ! ${encoder}`;
const X264 = 'x264enc key-int-max=30 speed-preset=ultrafast';
const CLOCK = 'appsrc name=clock caps=video/x-raw,format=I420,width=320,height=192,framerate=30/1';
const AAC = 'audiotestsrc is-live=true ! audio/x-raw,rate=48000,channels=1 ! voaacenc ! rtpmp4gpay name=pay1 pt=97';
const PCMA = 'audiotestsrc is-live=true ! audio/x-raw,rate=8000,channels=1 ! alawenc ! rtppcmapay name=pay1 pt=8';
const STREAMS = {
  b: `${picture(`${X264} bframes=3 b-adapt=false ! video/x-h264,profile=main`)} ! rtph264pay name=pay0 pt=96 ${AAC}`,
  plain: `${picture(`${X264} tune=zerolatency ! video/x-h264,profile=main`)} ! rtph264pay name=pay0 pt=96 config-interval=0`,
  h265: `${picture('x265enc key-int-max=30 speed-preset=ultrafast tune=zerolatency')} ! rtph265pay name=pay0 pt=96 ${PCMA}`,
  clock: `${CLOCK} ! ${X264} tune=zerolatency ! video/x-h264,profile=main ! rtph264pay name=pay0 pt=96`,
  'clock-b': `${CLOCK} ! ${X264} bframes=3 b-adapt=false ! video/x-h264,profile=main ! rtph264pay name=pay0 pt=96`,
  theora: `${picture('theoraenc')} ! rtptheorapay name=pay0 pt=96`,
};

let hub: GatewayHub;
let camera: RtspCamera;
let own: RtspCamera | null = null;
const secrets = [PASSWORD, encodeURIComponent(PASSWORD), 'geh3im'];

beforeAll(async () => {
  camera = await rtspCamera(STREAMS);
  hub = await GatewayHub.start('gateway', { CAMERA_NETWORKS: '127.0.0.0/8,10.0.0.0/8' }, secrets);
});
afterAll(async () => {
  await hub.stop();
  await camera.stop();
  await own?.stop();
});

const pull = (path: string, password?: string): object => ({ url: camera.url(path, password) });

describe('a camera fetched by RTSP', () => {
  it.each([
    ['b', { video: { codec: 'H.264', bFrames: true, live: 'transcoded' }, audio: { codec: 'AAC', recorded: true } }, /^avc3\..*,mp4a/],
    ['plain', { video: { codec: 'H.264', bFrames: false, live: 'copied' }, audio: null, notes: [] }, /^avc3/],
    ['h265', { video: { codec: 'H.265', width: 320, height: 180, live: 'transcoded' }, audio: { codec: 'G.711 A-law' } }, /^hev1\..*,alaw/],
  ])('%s: recorded as it came, watched as browsers can', async (path, facts, codecs) => {
    const { operation } = hub;
    const { angleId, created } = await operation.add(path, pull(path));
    expect(created.address).toBe(`rtsp://127.0.0.1:${camera.port}`);
    await operation.recording(angleId);
    const state = await operation.source(angleId);
    expect(state).toMatchObject({ phase: 'running', reason: null, ...facts, model: 'GStreamer RTSP server' });
    await until('its packets are counted', async () => (await operation.source(angleId)).loss?.percent === 0);
    const { roundTripMs, loss } = await operation.source(angleId);
    expect(roundTripMs).toBeGreaterThan(0);
    expect(roundTripMs).toBeLessThan(1000);
    expect(loss).toEqual({ percent: 0, packets: 0 });
    if (path === 'h265') expect(state.notes).toMatchObject([{ code: 'transcoding-live', facts: { codec: 'H.265', cores: 1 } }]);
    const { producers } = await operation.angle(angleId);
    expect(producers.map(({ kind }) => kind).toSorted()).toEqual(state.audio ? ['audio', 'video'] : ['video']);
    expect(hub.ffmpegs()).toHaveLength(1);
    await hub.expectUntold(angleId);
    await operation.segments(angleId, 4);
    expect((await operation.source(angleId)).clock).toMatchObject({ method: 'sender-report' });
    await operation.remove(angleId);
    expect(hub.ffmpegs()).toEqual([]);
    await expect(operation.source(angleId)).rejects.toThrow(/no camera/);
    const take = await hub.expectWhole(angleId, { codecs, fps: FPS, offS: 0.5 / FPS });
    expect(take.ended.reason).toBe('source-removed');
    expect(take.ended.frames).toBeGreaterThan(6 * FPS);
    const lines = segmentLines(take.lines);
    for (const line of lines.slice(0, -1)) expect(line).toMatchObject({ withheld: 0, missing: 0 });
    expect(Number(lines.at(-1)?.['withheld'])).toBeLessThanOrEqual(1); // the picture that was under way when it was removed
    expect(lines.at(-1)).toMatchObject({ method: 'sender-report' });
  });
});

describe('when its pictures were taken', () => {
  it.each(['clock', 'clock-b'])('%s: is known as well as the journal says', async (path) => {
    const { operation } = hub;
    const { angleId } = await operation.add(path, pull(path));
    await operation.segments(angleId, 6);
    await operation.remove(angleId);
    const [take] = journalsOf(operation.dir, angleId);
    const lines = take?.lines ?? [];
    const pictures = stamp(readTake(join(take?.dir ?? '', 'journal.ndjson')), byClockLines(lines));
    expect(pictures.length).toBeGreaterThan(8 * FPS);
    const errors = pictures.map(({ errorMs }) => errorMs);
    const saidMs = Number(lines.findLast(({ type }) => type === 'clock')?.['errorMs']);
    expect(percentile(errors, 5)).toBeGreaterThan(-saidMs);
    expect(percentile(errors, 95)).toBeLessThan(saidMs);
    // only what the encoder holds back is not seen: 0.4 ms at the median, and 198 ms with B-frames, when it was measured
    expect(percentile(errors, 50)).toBeLessThan(path === 'clock' ? 20 : 250);
  });
});

describe('a camera that cannot be had', () => {
  it.each([
    ['wrong password', () => camera.url('b', 'wrong-pass'), 'password-refused'],
    ['no such stream', () => camera.url('nowhere'), 'no-such-stream'],
    ['a codec that is not recorded', () => camera.url('theora'), 'codec-not-recorded'],
    ['a name that is not known', () => 'rtsp://camera.invalid/x', 'name-not-found'],
  ])('%s', async (_, url, code) => {
    const { operation } = hub;
    const { angleId } = await operation.add('failing', { url: url() });
    const reason = await operation.failed(angleId);
    expect(reason).toMatchObject({ code });
    for (const secret of [...secrets, 'wrong-pass']) expect(JSON.stringify(await operation.source(angleId))).not.toContain(secret);
    await operation.remove(angleId);
    expect(hub.ffmpegs()).toEqual([]);
  });

  it.each([
    ['accepts and says nothing', (socket: Socket) => socket.resume(), 'timed-out'],
    ['speaks another language', (socket: Socket) => socket.on('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')), 'no-camera'],
    ['hangs up', (socket: Socket) => socket.end(), 'connection-lost'],
  ])('one that %s', async (_, answer, code) => {
    const { operation } = hub;
    const server = createServer((socket) => void answer(socket.on('error', () => undefined))).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { angleId } = await operation.add('half', { url: `rtsp://127.0.0.1:${(server.address() as AddressInfo).port}/x` });
    expect(await operation.failed(angleId)).toMatchObject({ code });
    await operation.remove(angleId);
    await new Promise((resolve) => server.close(resolve)); // when nobody is connected any more
  });

  it('nothing listens there: tried again, ever more slowly', async () => {
    const { operation } = hub;
    const { angleId } = await operation.add('closed', { url: `rtsp://127.0.0.1:${await freePort()}/x` });
    expect(await operation.failed(angleId)).toMatchObject({ code: 'connection-refused' });
    await until('the third attempt has failed too', async () => {
      const { attempts, phase } = await operation.source(angleId);
      return attempts >= 3 && phase === 'retrying';
    });
    await operation.remove(angleId);
  });

  it.each([
    ['http://10.0.0.1/x', 400],
    ['file:///etc/passwd', 400],
    ['rtsp://', 400],
    ['rtsp://169.254.169.254/latest', 403],
    ['rtsp://[::1]/x', 403],
    ['rtsp://[::ffff:169.254.169.254]/x', 403],
    ['rtsp://0.0.0.0/x', 403],
    ['rtsp://8.8.8.8/x', 403],
    ['srt://10.0.0.1', 400],
    ['srt://10.0.0.1:9000?passphrase=short', 400],
    ['srt://8.8.8.8:9000', 403],
    ['rtmp://10.0.0.1', 400],
    ['rtmp://10.0.0.1/live/', 400],
    ['rtmp://8.8.8.8/live/key', 403],
    ['rtmps://169.254.169.254/live/key', 403],
    ['rtsp://localhost.:0/x', 400],
  ])('%s is refused at once', async (url, status) => {
    const { operation } = hub;
    await expect(operation.add('refused', { url })).rejects.toThrow(status === 403 ? /CAMERA_NETWORKS/ : /url/);
  });
});

describe('a camera that goes away', () => {
  it('stands still, or its ffmpeg is killed: an interruption, said as it is, and a new take', async () => {
    const { operation } = hub;
    own = await rtspCamera({ cam: STREAMS.plain });
    const { angleId } = await operation.add('stands still', { url: own.url('cam', ''), password: PASSWORD });
    await operation.recording(angleId);
    own.signal('SIGSTOP');
    await operation.interrupted(angleId);
    expect((await operation.failed(angleId)).code).toBe('stalled');
    own.signal('SIGCONT');
    await operation.take(angleId, '0002', 60_000);
    const running = hub.ffmpegs().find(({ command }) => command.startsWith('ffmpeg'));
    process.kill(running?.pid ?? 0, 'SIGKILL');
    expect(await operation.failed(angleId)).toMatchObject({ code: 'reader-killed' });
    await operation.take(angleId, '0003', 60_000);
    await operation.remove(angleId);
    await own.stop();
    expect(operation.endings(angleId)).toEqual(['connection-lost', 'connection-lost', 'source-removed']);
  });

  it('is recorded on, and watched again, when the SFU’s worker dies', async () => {
    const { operation } = hub;
    const { angleId } = await operation.add('worker', pull('plain'));
    await operation.recording(angleId);
    const [watched] = (await operation.angle(angleId)).producers;
    for (const { pid, command } of descendantsOf(hub.media)) if (/mediasoup-worker/.test(command)) signal(pid, 'SIGKILL');
    await until('it is watched again', async () => {
      const [producer] = (await operation.angle(angleId)).producers;
      return producer !== undefined && producer.producerId !== watched?.producerId;
    });
    await operation.segments(angleId, 5);
    expect(await operation.angle(angleId)).toMatchObject({ takeId: '0001', interruption: null, missingFrames: 0 });
    expect((await operation.source(angleId)).phase).toBe('running');
    await operation.remove(angleId);
  });

  it('has left no process, no port and no connection of the hub’s behind', () => hub.expectNothingLeft());

  it('comes back by itself in a new take, with the interruption between; a killed hub leaves nothing behind and takes it up again', async () => {
    let { operation } = hub;
    const port = await freePort();
    own = await rtspCamera({ cam: STREAMS.plain }, port);
    const { angleId } = await operation.add('comes back', { url: own.url('cam') });
    await operation.recording(angleId);
    await operation.segments(angleId, 2);
    await own.stop();
    await operation.interrupted(angleId);
    expect((await operation.failed(angleId)).code).toMatch(/^connection-(lost|refused)$/);
    own = await rtspCamera({ cam: STREAMS.plain }, port);
    await operation.recording(angleId);
    const angle = await operation.angle(angleId);
    expect(angle).toMatchObject({ takeId: '0002', interruption: null, sourceKind: 'camera' });
    await operation.segments(angleId, angle.segments + 2);

    const left = descendantsOf(hub.media).filter(({ command }) => command.includes('ffmpeg'));
    expect(left).toHaveLength(1);
    await hub.kill();
    await until('ffmpeg has ended', () => left.every(({ pid }) => !alive(pid)), 5000);
    await hub.startAgain();
    operation = hub.operation;
    await operation.recording(angleId);
    expect((await operation.angle(angleId)).takeId).toBe('0003');
    await operation.segments(angleId, 6);
    const { ports } = hub.holdings;
    await operation.end();
    expect(hub.ffmpegs()).toEqual([]);
    expect(hub.holdings.ports.length).toBeLessThan(ports.length);
    await own.stop();
    expect(operation.endings(angleId)).toEqual(['connection-lost', 'hub-crashed', 'operation-ended']);
    await hub.expectVerified();
  });

  it('has left its password nowhere but in the hub’s database, which only the hub’s user reads', () => hub.expectSecretsKept());
});
