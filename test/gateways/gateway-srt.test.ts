import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { GatewayHub } from '../support/gateway-hub.ts';
import { descendantsOf, portsOf } from '../support/gateways.ts';
import { freePort, until } from '../support/hub.ts';
import { segmentLines } from '../support/playback.ts';
import { FPS, push, type Pusher, RECORDED, STREAMS } from '../support/pushers.ts';

let hub: GatewayHub;
/** The only one, so that it must be given back each time. */
let port = 0;

beforeAll(async () => {
  port = await freePort();
  hub = await GatewayHub.start('srt', { SRT_PORTS: String(port), CAMERA_NETWORKS: '127.0.0.0/8' });
});
afterAll(() => hub.stop());

async function waiting(name: string): Promise<{ angleId: string; url: string }> {
  const { angleId, created } = await hub.operation.add(name, { listen: 'srt' });
  const { key, address } = created;
  if (key === null) throw new Error('no key');
  hub.secrets.push(key);
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
  until('the port is listened on', () => portsOf(descendantsOf(hub.media).map(({ pid }) => pid)).includes(`udp:${port}`));
const pushing = (stream: string[], url: string): Pusher => push(stream, 'mpegts', url);

describe('an encoder that pushes by SRT', () => {
  it.each(['b', 'h265'] as const)('%s: recorded as it came, watched as browsers can, its passphrase on no command line', async (name) => {
    const { operation } = hub;
    const { facts, watched, codecs } = RECORDED[name];
    const { angleId, url } = await waiting(name);
    const pusher = pushing(STREAMS[name], url);
    await operation.recording(angleId);
    expect(await operation.source(angleId)).toMatchObject({ phase: 'running', reason: null, ...facts });
    expect((await operation.angle(angleId)).producers.map(({ kind }) => kind).toSorted()).toEqual(watched);
    expect(hub.ffmpegs()).toHaveLength(2); // one speaks SRT, one makes what consoles show
    await hub.expectUntold(angleId);
    await operation.segments(angleId, 4);
    await pusher.stop();
    await until('its end', async () => (await operation.phase(angleId)) === 'waiting');
    await operation.remove(angleId);
    expect(hub.ffmpegs()).toEqual([]);
    const { lines, ended } = await hub.expectWhole(angleId, { codecs, fps: FPS, offS: 0.0005, tail: 5 });
    for (const line of segmentLines(lines)) expect(line).toMatchObject({ missing: 0 });
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
    await listening();
    pushing(STREAMS.plain, url);
    await operation.take(angleId, '0002');
    expect(await operation.angle(angleId)).toMatchObject({ interruption: null, sourceKind: 'camera' });
    await operation.remove(angleId);
    expect(operation.endings(angleId)).toEqual(['connection-lost', 'source-removed']);
  });

  it('with a wrong passphrase is refused and told of; the right one is let in then, and a second beside it is not', async () => {
    const { operation } = hub;
    const { angleId, url } = await waiting('wrong');
    const wrong = pushing(STREAMS.plain, `${url}x`);
    expect(await wrong.exited).not.toBe(0);
    expect(wrong.words()).toContain('Incorrect passphrase');
    expect(await operation.failed(angleId)).toMatchObject({ code: 'key-wrong' });
    expect(await operation.phase(angleId)).toBe('waiting');
    pushing(STREAMS.plain, url);
    await operation.recording(angleId);
    expect((await operation.source(angleId)).reason).toBeNull();
    expect(await pushing(STREAMS.plain, url).exited).not.toBe(0);
    expect(await operation.angle(angleId)).toMatchObject({ takeId: '0001', interruption: null });
    await operation.remove(angleId);
  });

  it('finds its port taken by another program: said, and tried again', async () => {
    const { operation } = hub;
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
    const { operation } = hub;
    const from = await freePort();
    const key = "it's a secret 100%";
    const asked = { url: `srt://127.0.0.1:${from}?streamid=cam%2F1`, password: key };
    hub.secrets.push(key);
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
    await operation.segments(right.angleId, 2);
    await hub.expectUntold(right.angleId);
    first.signal('SIGKILL');
    await operation.interrupted(right.angleId);
    serve();
    await operation.take(right.angleId, '0002', 60_000);
    await operation.remove(right.angleId);
  });

  it('has left no process, no port and no connection behind', () => hub.expectNothingLeft());

  it('finds its port and passphrase again after a restart of the hub, until the operation ends; what was recorded verifies', async () => {
    const { angleId, url } = await waiting('hub');
    await hub.kill();
    await hub.startAgain();
    const { operation } = hub;
    await listening();
    pushing(STREAMS.b, url);
    await operation.recording(angleId);
    await operation.segments(angleId, 2);
    await operation.end();
    expect(hub.ffmpegs()).toEqual([]);
    await hub.expectVerified();
    hub.expectSecretsKept();
  });
});
