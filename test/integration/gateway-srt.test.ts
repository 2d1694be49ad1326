import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { verifyOperation } from '../../media/recordings/verify.ts';
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

let root = '';
let hub: RunningHub;
let operation: GatewayOperation;
/** The only one, so that it must be given back each time. */
let port = 0;
let before: ReturnType<typeof holdingsOf>;
const keys: string[] = [];
const settings = (): Record<string, string> => ({
  SRT_PORTS: String(port),
  CAMERA_NETWORKS: '127.0.0.0/8',
  SEGMENT_SECONDS: '2',
  LOG_LEVEL: 'debug',
});

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'fieldhub-srt-'));
  port = await freePort();
  hub = await startHub(join(root, 'data'), settings());
  operation = await gatewayOperation(hub);
  before = holdingsOf(hub);
});
afterAll(async () => {
  await hub.stop();
  rmSync(root, { recursive: true, force: true });
});

async function waiting(name: string): Promise<{ angleId: string; url: string }> {
  const { angleId, created } = await operation.add(name, { listen: 'srt' });
  const { key, address } = created;
  if (key === null) throw new Error('no key');
  keys.push(key);
  expect(created).toMatchObject({
    protocol: 'srt',
    mode: 'push',
    phase: 'waiting',
    reason: null,
    address: `srt://127.0.0.1:${port}`,
    port,
  });
  await listening();
  return { angleId, url: `${address}?mode=caller&passphrase=${key}` };
}
/** libsrt has bound the port. */
const listening = (): Promise<void> =>
  until('the port is listened on', () => portsOf(descendantsOf(hub.state().media).map(({ pid }) => pid)).includes(`udp:${port}`));
function pushing(stream: string[], url: string): Pusher {
  const pusher = push(stream, 'mpegts', url);
  onTestFinished(() => pusher.signal('SIGKILL'));
  return pusher;
}
const segments = (angleId: string, count: number): Promise<void> =>
  until(`${count} segments`, async () => (await operation.angle(angleId)).segments >= count);
const phase = async (angleId: string): Promise<string> => (await operation.source(angleId)).phase;

describe('an encoder that pushes by SRT', () => {
  it.each([
    [
      'b',
      STREAMS.b,
      { video: { codec: 'H.264', profile: 'Main', width: 320, height: 180, fps: 30, bFrames: true, live: 'transcoded' } },
      /^avc3\..*,mp4a/,
    ],
    [
      'h265',
      STREAMS.h265,
      { video: { codec: 'H.265', width: 320, height: 180, live: 'transcoded' }, audio: { codec: 'AAC', sampleRate: 44_100 } },
      /^hev1\..*,mp4a/,
    ],
  ] as const)(
    '%s: recorded as it came, watched as browsers can, its passphrase on no command line',
    async (name, stream, facts, codecs) => {
      const { angleId, url } = await waiting(name);
      const pusher = pushing([...stream], url);
      await operation.recording(angleId);
      expect(await operation.source(angleId)).toMatchObject({ phase: 'running', reason: null, ...facts });
      expect((await operation.angle(angleId)).producers.map(({ kind }) => kind).toSorted()).toEqual(['audio', 'video']);
      expect(ffmpegsOf(hub.state().media)).toHaveLength(2); // one speaks SRT, one makes what consoles show
      for (const { command } of descendantsOf(hub.process.pid ?? 0)) for (const key of keys) expect(command).not.toContain(key);
      await segments(angleId, 4);
      await pusher.stop();
      await until('its end', async () => (await phase(angleId)) === 'waiting');
      await operation.remove(angleId);
      expect(ffmpegsOf(hub.state().media)).toEqual([]);
      const [take] = journalsOf(operation.dir, angleId);
      if (!take) throw new Error('no take');
      const [init] = take.lines.filter(({ type }) => type === 'init') as unknown as { tracks: { codec: string }[] }[];
      expect(init?.tracks.map(({ codec }) => codec).join(',')).toMatch(codecs);
      for (const line of segmentLines(take.lines)) expect(line).toMatchObject({ missing: 0 });
      const ended = take.lines.at(-1) as { frames: number; missing: number };
      expect(ended).toMatchObject({ type: 'take.ended', missing: 0, reason: 'connection-lost' });
      const shown = packetTimes(take.dir, 'video').toSorted((a, b) => a - b);
      expect(shown).toHaveLength(ended.frames);
      const steps = shown.slice(1, -5).map((time, i) => time - (shown[i] ?? 0));
      for (const step of steps) expect(Math.abs(step - 1 / FPS)).toBeLessThan(0.0005);
      expect(complaints(operation.dir, angleId)).toEqual([]);
      const { status, said } = await playTake(operation.dir, angleId, '0001');
      expect({ status, said }).toEqual({ status: 0, said: '' });
    },
  );

  it('killed, comes back into the same angle: a new take, and the interruption in the journal', async () => {
    const { angleId, url } = await waiting('comes back');
    const first = pushing(STREAMS.plain, url);
    await operation.recording(angleId);
    await segments(angleId, 2);
    first.signal('SIGKILL');
    await until('the interruption', async () => (await operation.angle(angleId)).interruption !== null);
    await until('it is waited for', async () => (await phase(angleId)) === 'waiting');
    await listening();
    pushing(STREAMS.plain, url);
    await until('a new take', async () => (await operation.angle(angleId)).takeId === '0002');
    await operation.recording(angleId);
    expect(await operation.angle(angleId)).toMatchObject({ interruption: null, sourceKind: 'camera' });
    await operation.remove(angleId);
    expect(journalsOf(operation.dir, angleId).map(({ lines }) => lines.at(-1)?.['reason'])).toEqual(['connection-lost', 'source-removed']);
  });

  it('with a wrong passphrase is refused and told of; the right one is let in then, and a second beside it is not', async () => {
    const { angleId, url } = await waiting('wrong');
    const wrong = pushing(STREAMS.plain, `${url}x`);
    expect(await wrong.exited).not.toBe(0);
    expect(wrong.words()).toContain('Incorrect passphrase');
    expect(await operation.failed(angleId)).toMatchObject({ code: 'key-wrong' });
    expect(await phase(angleId)).toBe('waiting');
    pushing(STREAMS.plain, url);
    await operation.recording(angleId);
    expect((await operation.source(angleId)).reason).toBeNull();
    expect(await pushing(STREAMS.plain, url).exited).not.toBe(0);
    expect(await operation.angle(angleId)).toMatchObject({ takeId: '0001', interruption: null });
    await operation.remove(angleId);
  });

  it('finds its port taken by another program: said, and tried again', async () => {
    const other = createSocket('udp4');
    onTestFinished(() => void other.close());
    other.bind({ port, address: '127.0.0.1' });
    await once(other, 'listening');
    const { angleId } = await operation.add('taken', { listen: 'srt' });
    expect(await operation.failed(angleId)).toMatchObject({ code: 'port-taken', facts: { port } });
    const { angleId: second } = await operation.add('second', { listen: 'srt' });
    expect(await operation.failed(second)).toMatchObject({ code: 'ports-taken' });
    await operation.remove(second);
    await operation.remove(angleId);
  });

  it('fetched by address: with its passphrase, after refusals in plain words, and again when it is back', async () => {
    const from = await freePort();
    const key = "it's a secret 100%";
    const asked = { url: `srt://127.0.0.1:${from}?streamid=cam%2F1`, password: key };
    keys.push(key);
    const serve = (): Pusher => pushing(STREAMS.b, `srt://127.0.0.1:${from}?mode=listener&passphrase=${key.replaceAll(' ', '+')}`);
    const { angleId, created } = await operation.add('pull', asked);
    expect(created).toMatchObject({ protocol: 'srt', mode: 'pull', address: `srt://127.0.0.1:${from}`, key: null });
    expect(await operation.failed(angleId)).toMatchObject({ code: 'timed-out' });
    await operation.remove(angleId);
    const first = serve();
    await until('the other side listens', () => portsOf([first.pid]).includes(`udp:${from}`));
    const wrong = await operation.add('wrong', { ...asked, password: 'not the secret' });
    expect(await operation.failed(wrong.angleId)).toMatchObject({ code: 'key-refused' });
    await operation.remove(wrong.angleId);
    const right = await operation.add('right', asked);
    await operation.recording(right.angleId);
    await segments(right.angleId, 2);
    for (const { command } of descendantsOf(hub.state().media)) expect(command).not.toContain(key);
    first.signal('SIGKILL');
    await until('the interruption', async () => (await operation.angle(right.angleId)).interruption !== null);
    serve();
    await until('a new take', async () => (await operation.angle(right.angleId)).takeId === '0002', 60_000);
    await operation.recording(right.angleId);
    await operation.remove(right.angleId);
  });

  it('has left no process, no port and no connection behind', async () => {
    expect(ffmpegsOf(hub.state().media)).toEqual([]);
    await until('all is as before', () => JSON.stringify(holdingsOf(hub)) === JSON.stringify(before));
  });

  it('finds its port and passphrase again after a restart of the hub, until the operation ends; what was recorded verifies', async () => {
    const { angleId, url } = await waiting('hub');
    await hub.killAll();
    hub = await startHub(join(root, 'data'), settings());
    operation = takeUp(hub, operation.operationId);
    await listening();
    pushing(STREAMS.b, url);
    await operation.recording(angleId);
    await segments(angleId, 2);
    await operation.end();
    expect(ffmpegsOf(hub.state().media)).toEqual([]);
    const { problems } = await verifyOperation(operation.dir);
    expect(problems).toEqual([]);
    const found = filesWith(join(root, 'data'), keys).filter((path) => !/fieldhub\.sqlite(-wal|-shm)?$/.test(path));
    expect(found).toEqual([]);
    for (const key of keys) expect(hub.output()).not.toContain(key);
  });
});
