import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { descendantsOf, ffmpegsOf, filesWith, gatewayOperation, type GatewayOperation, portsOf, takeUp } from '../support/gateways.ts';
import { alive, freePort, type RunningHub, startHub, until } from '../support/hub.ts';
import { complaints, journalsOf, packetTimes, playTake, segmentLines } from '../support/playback.ts';
import { PASSWORD, type RtspCamera, rtspCamera } from '../support/rtsp-camera.ts';

const FPS = 30;
const picture = (encoder: string): string => `videotestsrc is-live=true ! video/x-raw,width=320,height=180,framerate=${FPS}/1 ! ${encoder}`;
const X264 = 'x264enc key-int-max=30 speed-preset=ultrafast';
const AAC = 'audiotestsrc is-live=true ! audio/x-raw,rate=48000,channels=1 ! voaacenc ! rtpmp4gpay name=pay1 pt=97';
const PCMA = 'audiotestsrc is-live=true ! audio/x-raw,rate=8000,channels=1 ! alawenc ! rtppcmapay name=pay1 pt=8';
const STREAMS = {
  b: `${picture(`${X264} bframes=3 b-adapt=false ! video/x-h264,profile=main`)} ! rtph264pay name=pay0 pt=96 ${AAC}`,
  plain: `${picture(`${X264} tune=zerolatency ! video/x-h264,profile=main`)} ! rtph264pay name=pay0 pt=96 config-interval=0`,
  h265: `${picture('x265enc key-int-max=30 speed-preset=ultrafast tune=zerolatency')} ! rtph265pay name=pay0 pt=96 ${PCMA}`,
  theora: `${picture('theoraenc')} ! rtptheorapay name=pay0 pt=96`,
};

let root = '';
let hub: RunningHub;
let camera: RtspCamera;
let operation: GatewayOperation;
let own: RtspCamera | null = null;
const secrets = [PASSWORD, encodeURIComponent(PASSWORD), 'geh3im'];

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-gateway-'));
  camera = await rtspCamera(STREAMS);
  hub = await startHub(join(root, 'data'), { CAMERA_NETWORKS: '127.0.0.0/8,10.0.0.0/8', SEGMENT_SECONDS: '2', LOG_LEVEL: 'debug' });
  operation = await gatewayOperation(hub);
});
afterAll(async () => {
  await hub.stop();
  await camera.stop();
  await own?.stop();
  rmSync(root, { recursive: true, force: true });
});

const pull = (path: string, password?: string): object => ({ kind: 'pull', url: camera.url(path, password) });
const segments = (angleId: string, count: number): Promise<void> =>
  until(`${count} segments`, async () => (await operation.angle(angleId)).segments >= count);

/** Of one take: nothing lost, pictures as far apart as the camera took them, and ffmpeg content. */
async function expectWhole(angleId: string, frames: number): Promise<void> {
  const [take] = journalsOf(operation.dir, angleId);
  if (!take) throw new Error('no take');
  const ended = take.lines.at(-1) as { type: string; frames: number; withheld: number; missing: number };
  expect(ended).toMatchObject({ type: 'take.ended', missing: 0 });
  expect(ended.frames).toBeGreaterThan(frames);
  const shown = packetTimes(take.dir, 'video').toSorted((a, b) => a - b);
  expect(shown).toHaveLength(ended.frames);
  const steps = shown.slice(1).map((time, i) => time - (shown[i] ?? 0));
  expect(Math.max(...steps)).toBeLessThan(1.5 / FPS);
  expect(complaints(operation.dir, angleId)).toEqual([]);
  const { status, said } = await playTake(operation.dir, angleId, '0001');
  expect({ status, said }).toEqual({ status: 0, said: '' });
}

describe('a camera fetched by RTSP', () => {
  it.each([
    ['b', { video: { codec: 'H.264', bFrames: true, live: 'transcoded' }, audio: { codec: 'AAC', recorded: true } }, /^avc3\..*,mp4a/],
    ['plain', { video: { codec: 'H.264', bFrames: false, live: 'copied' }, audio: null, notes: [] }, /^avc3/],
    ['h265', { video: { codec: 'H.265', width: 320, height: 180, live: 'transcoded' }, audio: { codec: 'G.711 A-law' } }, /^hev1\..*,alaw/],
  ])('%s: recorded as it came, watched as browsers can', async (path, facts, codecs) => {
    const { angleId, created } = await operation.add(path, pull(path));
    expect(created.push).toBeNull();
    expect(created.address).toBe(`rtsp://127.0.0.1:${camera.port}`);
    await operation.recording(angleId);
    const state = await operation.source(angleId);
    expect(state).toMatchObject({ phase: 'running', reason: null, ...facts, model: null });
    if (path === 'h265') expect(state.notes).toMatchObject([{ code: 'transcoding-live', facts: { codec: 'H.265', cores: 1 } }]);
    const { producers } = await operation.angle(angleId);
    expect(producers.map(({ kind }) => kind).toSorted()).toEqual(state.audio ? ['audio', 'video'] : ['video']);
    const running = ffmpegsOf(hub.state().media);
    expect(running).toHaveLength(1);
    for (const { command } of descendantsOf(hub.process.pid ?? 0)) for (const secret of secrets) expect(command).not.toContain(secret);
    await segments(angleId, 4);
    expect((await operation.source(angleId)).clock).toMatchObject({ method: 'gateway' });
    await operation.remove(angleId);
    expect(ffmpegsOf(hub.state().media)).toEqual([]);
    await expect(operation.source(angleId)).rejects.toThrow(/no camera/);
    const [take] = journalsOf(operation.dir, angleId);
    expect(take?.lines.at(-1)).toMatchObject({ type: 'take.ended', reason: 'source-removed' });
    const [init] = (take?.lines.filter(({ type }) => type === 'init') ?? []) as unknown as { tracks: { codec: string }[] }[];
    expect(init?.tracks.map(({ codec }) => codec).join(',')).toMatch(codecs);
    for (const line of segmentLines(take?.lines ?? [])) expect(line).toMatchObject({ method: 'gateway', withheld: 0, missing: 0 });
    await expectWhole(angleId, 6 * FPS);
  });
});

describe('a camera that cannot be had', () => {
  it.each([
    ['wrong password', () => camera.url('b', 'wrong-pass'), 'password-refused'],
    ['no such stream', () => camera.url('nowhere'), 'no-such-stream'],
    ['a codec that is not recorded', () => camera.url('theora'), 'codec-not-recorded'],
    ['a name that is not known', () => 'rtsp://camera.invalid/x', 'name-not-found'],
  ])('%s', async (_, url, code) => {
    const { angleId } = await operation.add('failing', { kind: 'pull', url: url() });
    const reason = await operation.failed(angleId);
    expect(reason).toMatchObject({ code });
    for (const secret of [...secrets, 'wrong-pass']) expect(JSON.stringify(await operation.source(angleId))).not.toContain(secret);
    await operation.remove(angleId);
    expect(ffmpegsOf(hub.state().media)).toEqual([]);
  });

  it('nothing listens there: tried again, ever more slowly', async () => {
    const { angleId } = await operation.add('closed', { kind: 'pull', url: `rtsp://127.0.0.1:${await freePort()}/x` });
    expect(await operation.failed(angleId)).toMatchObject({ code: 'connection-refused' });
    await until('the third attempt', async () => (await operation.source(angleId)).attempts >= 3);
    expect((await operation.source(angleId)).phase).toBe('retrying');
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
    ['srt://8.8.8.8:9000', 403],
  ])('%s is refused at once', async (url, status) => {
    await expect(operation.add('refused', { kind: 'pull', url })).rejects.toThrow(status === 403 ? /CAMERA_NETWORKS/ : /url/);
  });
});

describe('a camera that goes away', () => {
  it('comes back by itself in a new take, with the interruption between; a killed hub leaves nothing behind and takes it up again', async () => {
    const port = await freePort();
    own = await rtspCamera({ cam: STREAMS.plain }, port);
    const { angleId } = await operation.add('comes back', { kind: 'pull', url: own.url('cam') });
    await operation.recording(angleId);
    await segments(angleId, 2);
    await own.stop();
    await until('the interruption', async () => (await operation.angle(angleId)).interruption !== null);
    expect((await operation.failed(angleId)).code).toMatch(/^connection-(lost|refused)$/);
    own = await rtspCamera({ cam: STREAMS.plain }, port);
    await operation.recording(angleId);
    const angle = await operation.angle(angleId);
    expect(angle).toMatchObject({ takeId: '0002', interruption: null, sourceKind: 'camera' });
    await segments(angleId, angle.segments + 2);

    const { media } = hub.state();
    const left = descendantsOf(media).filter(({ command }) => command.includes('ffmpeg'));
    expect(left).toHaveLength(1);
    await hub.killAll();
    await until('ffmpeg has ended', () => left.every(({ pid }) => !alive(pid)), 5000);
    hub = await startHub(join(root, 'data'), { CAMERA_NETWORKS: '127.0.0.0/8', SEGMENT_SECONDS: '2', LOG_LEVEL: 'debug' });
    const after = hub;
    operation = takeUp(after, operation.operationId);
    await operation.recording(angleId);
    expect((await operation.angle(angleId)).takeId).toBe('0003');
    await segments(angleId, 6);
    const before = portsOf([after.state().media, ...descendantsOf(after.state().media).map(({ pid }) => pid)]).length;
    await operation.end();
    expect(ffmpegsOf(after.state().media)).toEqual([]);
    const open = portsOf([after.state().media, ...descendantsOf(after.state().media).map(({ pid }) => pid)]);
    expect(open.length).toBeLessThan(before);
    await own.stop();
    const reasons = journalsOf(operation.dir, angleId).map(({ lines }) => lines.at(-1)?.['reason']);
    expect(reasons).toEqual(['connection-lost', 'hub-crashed', 'operation-ended']);
    const { problems } = await verifyOperation(operation.dir);
    expect(problems).toEqual([]);
  });

  it('has left its password nowhere but in the hub’s database, which only the hub’s user reads', () => {
    const found = filesWith(join(root, 'data'), secrets).filter((path) => !/fieldhub\.sqlite(-wal|-shm)?$/.test(path));
    expect(found).toEqual([]);
    for (const secret of secrets) expect(hub.output()).not.toContain(secret);
  });
});
