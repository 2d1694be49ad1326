import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { RtmpListener } from '../../../media/sources/rtmp/listener.ts';

it('an encoder that is not expected any more is let go of, even while another program has the port', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void other.close());
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const listener = new RtmpListener({ ip: '127.0.0.1', port, log: pino({ level: 'silent' }) });
  const [first, second] = [listener.expect('the-first-stream-key'), listener.expect('the-second-stream-key')];
  const { signal } = new AbortController();
  await expect(first.connect(signal, () => undefined)).rejects.toMatchObject({ reason: { code: 'port-taken', facts: { port } } });
  await first.close();
  await expect(second.connect(signal, () => undefined)).rejects.toMatchObject({ reason: { code: 'port-taken' } });
  await second.close();
});
