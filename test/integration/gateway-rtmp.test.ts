import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { verifyOperation } from '../../media/recordings/verify.ts';
import { descendantsOf, ffmpegsOf, filesWith, gatewayOperation, type GatewayOperation, holdingsOf, takeUp } from '../support/gateways.ts';
import { freePort, type RunningHub, startHub, until } from '../support/hub.ts';
import { complaints, journalsOf, packetTimes, playTake, segmentLines } from '../support/playback.ts';
import { FPS, push, type Pusher, STREAMS } from '../support/pushers.ts';

let root = '';
let hub: RunningHub;
let operation: GatewayOperation;
let port = 0;
let before: ReturnType<typeof holdingsOf>;
const keys: string[] = [];
const settings = (): Record<string, string> => ({ RTMP_PORT: String(port), SEGMENT_SECONDS: '2', LOG_LEVEL: 'debug' });

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-rtmp-'));
  port = await freePort();
  hub = await startHub(join(root, 'data'), settings());
  operation = await gatewayOperation(hub);
  before = holdingsOf(hub);
});
afterAll(async () => {
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

/** An angle that waits for an encoder; `url` is what OBS makes of address and key. */
async function waiting(name: string): Promise<{ angleId: string; key: string; url: string }> {
  const { angleId, created } = await operation.add(name, { listen: 'rtmp' });
  const { key, address } = created;
  if (key === null) throw new Error('no key');
  keys.push(key);
  expect(created).toMatchObject({
    protocol: 'rtmp',
    mode: 'push',
    phase: 'waiting',
    reason: null,
    address: `rtmp://127.0.0.1:${port}/live`,
  });
  return { angleId, key, url: `${address}/${key}` };
}
function pushing(stream: string[], url: string): Pusher {
  const pusher = push(stream, 'flv', url);
  onTestFinished(() => pusher.signal('SIGKILL'));
  return pusher;
}
const segments = (angleId: string, count: number): Promise<void> =>
  until(`${count} segments`, async () => (await operation.angle(angleId)).segments >= count);
const phase = async (angleId: string): Promise<string> => (await operation.source(angleId)).phase;

describe('an encoder that pushes by RTMP', () => {
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
    const { angleId, url } = await waiting(name);
    const pusher = pushing([...stream], url);
    await operation.recording(angleId);
    expect(await operation.source(angleId)).toMatchObject({ phase: 'running', reason: null, ...facts });
    const { producers } = await operation.angle(angleId);
    expect(producers.map(({ kind }) => kind).toSorted()).toEqual(name === 'b' ? ['audio', 'video'] : ['video']);
    expect(ffmpegsOf(hub.state().media)).toHaveLength(1);
    for (const { command } of descendantsOf(hub.process.pid ?? 0)) for (const key of keys) expect(command).not.toContain(key);
    await segments(angleId, 4);
    await pusher.stop();
    await until('its end', async () => (await phase(angleId)) === 'waiting');
    expect((await operation.source(angleId)).reason).toMatchObject({ code: 'connection-lost' });
    expect(ffmpegsOf(hub.state().media)).toEqual([]);
    await operation.remove(angleId);
    await expect(operation.source(angleId)).rejects.toThrow(/no camera/);
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
    const { status, said } = await playTake(operation.dir, angleId, '0001');
    expect({ status, said }).toEqual({ status: 0, said: '' });
  });

  it('killed, comes back into the same angle: a new take, and the interruption in the journal', async () => {
    const { angleId, url } = await waiting('comes back');
    const first = pushing(STREAMS.plain, url);
    await operation.recording(angleId);
    await segments(angleId, 2);
    first.signal('SIGKILL');
    await until('the interruption', async () => (await operation.angle(angleId)).interruption !== null);
    await until('it is waited for', async () => (await phase(angleId)) === 'waiting');
    const second = pushing(STREAMS.plain, url);
    await until('a new take', async () => (await operation.angle(angleId)).takeId === '0002');
    await operation.recording(angleId);
    expect(await operation.angle(angleId)).toMatchObject({ interruption: null, sourceKind: 'camera' });
    await second.stop();
    await operation.remove(angleId);
    expect(journalsOf(operation.dir, angleId).map(({ lines }) => lines.at(-1)?.['reason'])).toEqual(['connection-lost', 'connection-lost']);
  });

  it('with another’s key is refused with words while that one lives; a frozen one is replaced', async () => {
    const { angleId, url } = await waiting('two');
    const first = pushing(STREAMS.plain, url);
    await operation.recording(angleId);
    const second = pushing(STREAMS.plain, url);
    expect(await second.exited).not.toBe(0);
    expect(second.words()).toContain('another encoder publishes with this stream key');
    expect(await operation.angle(angleId)).toMatchObject({ takeId: '0001', interruption: null });
    first.signal('SIGSTOP');
    await until('the interruption', async () => (await operation.angle(angleId)).interruption !== null);
    let third = pushing(STREAMS.plain, url);
    await until('it is let in', async () => {
      if ((await operation.angle(angleId)).takeId === '0002') return true;
      if (third.words() !== '') third = pushing(STREAMS.plain, url); // the first is not given up yet
      return false;
    });
    await operation.recording(angleId);
    await third.stop();
    await operation.remove(angleId);
  });

  it('loses its right with the key: it is cut off, and refused when it comes again', async () => {
    const { angleId, url, key } = await waiting('revoked');
    const pusher = pushing(STREAMS.plain, url);
    await operation.recording(angleId);
    await operation.remove(angleId);
    expect(await pusher.exited).not.toBe(0);
    const { url: next, angleId: other } = await waiting('another');
    const again = pushing(STREAMS.plain, `rtmp://127.0.0.1:${port}/live/${key}`);
    expect(await again.exited).not.toBe(0);
    expect(again.words()).toContain('not valid on this hub');
    expect(next).not.toContain(key);
    expect(journalsOf(operation.dir, angleId).at(-1)?.lines.at(-1)).toMatchObject({ reason: 'source-removed' });
    await operation.remove(other);
  });

  it('sends what is not recorded: told so, tried again', async () => {
    const { angleId, url } = await waiting('flv1');
    pushing(STREAMS.flv1, url);
    expect(await operation.failed(angleId)).toMatchObject({
      code: 'codec-not-recorded',
      facts: { codec: expect.stringContaining('H.263') as string },
    });
    await operation.remove(angleId);
  });
});

describe('connections that are no encoder’s', () => {
  const open = async (): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    return socket;
  };
  const closed = async (socket: Socket): Promise<void> => {
    socket.resume();
    await once(socket, 'close');
  };

  it('silent, stopped in the handshake, or speaking another language: closed, and nothing else disturbed', async () => {
    const { angleId, url } = await waiting('disturbed');
    pushing(STREAMS.plain, url);
    await operation.recording(angleId);
    const silent = await open();
    const half = await open();
    half.write(Buffer.concat([Buffer.from([3]), Buffer.alloc(900)]));
    const other = await open();
    other.write('GET / HTTP/1.1\r\n\r\n');
    await closed(other);
    await Promise.all([closed(silent), closed(half)]);
    expect(await operation.angle(angleId)).toMatchObject({ takeId: '0001', interruption: null, missingFrames: 0 });
    await operation.remove(angleId);
  });

  it('however many, lock no encoder out', async () => {
    const { angleId, url } = await waiting('crowd');
    const crowd = await Promise.all(Array.from({ length: 100 }, open));
    pushing(STREAMS.plain, url);
    await operation.recording(angleId);
    await operation.remove(angleId);
    for (const socket of crowd) socket.destroy();
  });

  it('of real bytes, mutated: none is let in or disturbs anybody, and no memory is kept', async () => {
    const { angleId, url } = await waiting('mutated');
    pushing(STREAMS.plain, url);
    await operation.recording(angleId);
    const real = readFileSync(new URL('../fixtures/rtmp-push.bin', import.meta.url));
    const { media } = hub.state();
    const residentKb = (): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${media}/status`, 'utf8'))?.[1]);
    let startKb = 0;
    for (let round = 0; round < 300; round += 1) {
      if (round === 50) startKb = residentKb();
      const bytes = Buffer.from(real);
      for (let i = 0; i < 1 + (round % 30); i += 1) bytes[3073 + ((round * 7919 + i * 104_729) % 12_000)] = (round * 31 + i * 17) & 0xff;
      const socket = await open();
      socket.end(bytes);
      await closed(socket);
    }
    expect(residentKb() - startKb).toBeLessThan(60_000);
    expect(hub.state().media).toBe(media);
    expect(await operation.angle(angleId)).toMatchObject({ takeId: '0001', interruption: null, missingFrames: 0 });
    await operation.remove(angleId);
  });

  it('have left no process, no port and no connection behind', async () => {
    expect(ffmpegsOf(hub.state().media)).toEqual([]);
    await until('all is as before', () => JSON.stringify(holdingsOf(hub)) === JSON.stringify(before));
  });
});

describe('the key', () => {
  it('outlives the hub, and ends with the operation; what was recorded verifies', async () => {
    const { angleId, url } = await waiting('hub');
    await hub.killAll();
    hub = await startHub(join(root, 'data'), settings());
    operation = takeUp(hub, operation.operationId);
    await until('it is waited for', async () => (await operation.source(angleId).catch(() => null))?.phase === 'waiting');
    const pusher = pushing(STREAMS.b, url);
    await operation.recording(angleId);
    await segments(angleId, 2);
    await operation.end();
    await pusher.exited;
    const again = pushing(STREAMS.plain, url);
    expect(await again.exited).not.toBe(0);
    expect(again.words()).toContain('Connection refused');
    const { problems } = await verifyOperation(operation.dir);
    expect(problems).toEqual([]);
  });

  it('stands nowhere but in the hub’s database, which only the hub’s user reads', () => {
    const found = filesWith(join(root, 'data'), keys).filter((path) => !/fieldhub\.sqlite(-wal|-shm)?$/.test(path));
    expect(found).toEqual([]);
    for (const key of keys) expect(hub.output()).not.toContain(key);
  });
});
