import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { GatewayHub } from '../support/gateway-hub.ts';
import { freePort, until } from '../support/hub.ts';
import { idleTcp } from '../support/idle-sockets.ts';
import { segmentLines } from '../support/playback.ts';
import { FPS, push, type Pusher, RECORDED, STREAMS } from '../support/pushers.ts';

let hub: GatewayHub;
let port = 0;

beforeAll(async () => {
  port = await freePort();
  hub = await GatewayHub.start('rtmp', { RTMP_PORT: String(port) });
});
afterAll(() => hub.stop());

/** An angle that waits for an encoder; `url` is what OBS makes of address and key. */
async function waiting(name: string): Promise<{ angleId: string; key: string; url: string }> {
  const { angleId, created } = await hub.operation.add(name, { listen: 'rtmp' });
  const { key, address } = created;
  if (key === null) throw new Error('no key');
  hub.secrets.push(key);
  expect(created).toMatchObject({
    protocol: 'rtmp',
    mode: 'push',
    phase: 'waiting',
    reason: null,
    address: `rtmp://127.0.0.1:${port}/live`,
  });
  return { angleId, key, url: `${address}/${key}` };
}
const pushing = (stream: string[], url: string): Pusher => push(stream, 'flv', url);

describe('an encoder that pushes by RTMP', () => {
  it.each(['b', 'plain', 'mp3'] as const)('%s: recorded as it came with its own timestamps, watched as browsers can', async (name) => {
    const { operation } = hub;
    const { facts, watched, codecs } = RECORDED[name];
    const { angleId, url } = await waiting(name);
    const pusher = pushing(STREAMS[name], url);
    await operation.recording(angleId);
    expect(await operation.source(angleId)).toMatchObject({ phase: 'running', reason: null, ...facts });
    const { producers } = await operation.angle(angleId);
    expect(producers.map(({ kind }) => kind).toSorted()).toEqual(watched);
    expect(hub.ffmpegs()).toHaveLength(1);
    await hub.expectUntold(angleId);
    await operation.segments(angleId, 4);
    await pusher.stop();
    await until('its end', async () => (await operation.phase(angleId)) === 'waiting');
    expect((await operation.source(angleId)).reason).toMatchObject({ code: 'connection-lost' });
    expect(hub.ffmpegs()).toEqual([]);
    await operation.remove(angleId);
    await expect(operation.source(angleId)).rejects.toThrow(/no camera/);
    // RTMP counts in milliseconds: a thirtieth of a second is 33 or 34 of them
    const { lines, ended } = await hub.expectWhole(angleId, { codecs, fps: FPS, offS: 0.0012 });
    for (const line of segmentLines(lines)) expect(line).toMatchObject({ withheld: 0, missing: 0 });
    expect(ended.reason).toBe('connection-lost');
  });

  it('killed, comes back into the same angle: a new take, and the interruption in the journal', async () => {
    const { operation } = hub;
    const { angleId, url } = await waiting('comes back');
    const first = pushing(STREAMS.plain, url);
    await operation.recording(angleId);
    await operation.segments(angleId, 2);
    first.signal('SIGKILL');
    await operation.interrupted(angleId);
    await until('it is waited for', async () => (await operation.phase(angleId)) === 'waiting');
    const second = pushing(STREAMS.plain, url);
    await operation.take(angleId, '0002');
    expect(await operation.angle(angleId)).toMatchObject({ interruption: null, sourceKind: 'camera' });
    await second.stop();
    await until('its end', async () => (await operation.phase(angleId)) === 'waiting');
    await operation.remove(angleId);
    expect(operation.endings(angleId)).toEqual(['connection-lost', 'connection-lost']);
  });

  it('with another’s key is refused with words while that one lives; a frozen one is replaced', async () => {
    const { operation } = hub;
    const { angleId, url } = await waiting('two');
    const first = pushing(STREAMS.plain, url);
    await operation.recording(angleId);
    const second = pushing(STREAMS.plain, url);
    expect(await second.exited).not.toBe(0);
    expect(second.words()).toContain('another encoder publishes with this stream key');
    expect(await operation.angle(angleId)).toMatchObject({ takeId: '0001', interruption: null });
    first.signal('SIGSTOP');
    await operation.interrupted(angleId);
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
    const { operation } = hub;
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
    expect(operation.endings(angleId).at(-1)).toBe('source-removed');
    await operation.remove(other);
  });

  it('sends what is not recorded: told so, tried again', async () => {
    const { operation } = hub;
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
  const open = async (bytes?: string | Uint8Array): ReturnType<typeof idleTcp> => {
    const socket = await idleTcp(new URL(`rtmp://127.0.0.1:${port}`), bytes);
    onTestFinished(socket.close);
    return socket;
  };

  it('silent, stopped in the handshake, or speaking another language: closed, and nothing else disturbed', async () => {
    const { operation } = hub;
    const { angleId, url } = await waiting('disturbed');
    pushing(STREAMS.plain, url);
    await operation.recording(angleId);
    const silent = await open();
    const half = await open(Buffer.concat([Buffer.from([3]), Buffer.alloc(900)]));
    const other = await open('GET / HTTP/1.1\r\n\r\n');
    await other.closed;
    await Promise.all([silent.closed, half.closed]);
    expect(await operation.angle(angleId)).toMatchObject({ takeId: '0001', interruption: null, missingFrames: 0 });
    await operation.remove(angleId);
  });

  it('however many, lock no encoder out', async () => {
    const { operation } = hub;
    const { angleId, url } = await waiting('crowd');
    const crowd = await Promise.all(Array.from({ length: 100 }, () => open()));
    pushing(STREAMS.plain, url);
    await operation.recording(angleId);
    await operation.remove(angleId);
    for (const socket of crowd) socket.close();
  });

  it('of real bytes, mutated: none is let in or disturbs anybody, and no memory is kept', async () => {
    const { operation } = hub;
    const { angleId, url } = await waiting('mutated');
    pushing(STREAMS.plain, url);
    await operation.recording(angleId);
    const real = readFileSync(new URL('../fixtures/rtmp-push.bin', import.meta.url));
    const { media } = hub;
    const residentKb = (): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${media}/status`, 'utf8'))?.[1]);
    let startKb = 0;
    for (let round = 0; round < 300; round += 1) {
      if (round === 50) startKb = residentKb();
      const bytes = Buffer.from(real);
      for (let i = 0; i < 1 + (round % 30); i += 1) bytes[3073 + ((round * 7919 + i * 104_729) % 12_000)] = (round * 31 + i * 17) & 0xff;
      const socket = await open(bytes);
      socket.end();
      await socket.closed;
    }
    expect(residentKb() - startKb).toBeLessThan(60_000);
    expect(hub.media).toBe(media);
    expect(await operation.angle(angleId)).toMatchObject({ takeId: '0001', interruption: null, missingFrames: 0 });
    await operation.remove(angleId);
  });

  it('have left no process, no port and no connection behind', () => hub.expectNothingLeft());
});

describe('the key', () => {
  it('outlives the hub, and ends with the operation; what was recorded verifies', async () => {
    const { angleId, url } = await waiting('hub');
    await hub.kill();
    await hub.startAgain();
    const { operation } = hub;
    await until('it is waited for', async () => (await operation.source(angleId).catch(() => null))?.phase === 'waiting');
    const pusher = pushing(STREAMS.b, url);
    await operation.recording(angleId);
    await operation.segments(angleId, 2);
    await operation.end();
    await pusher.exited;
    const again = pushing(STREAMS.plain, url);
    expect(await again.exited).not.toBe(0);
    expect(again.words()).toContain('Connection refused');
    await hub.expectVerified();
  });

  it('stands nowhere but in the hub’s database, which only the hub’s user reads', () => hub.expectSecretsKept());
});
