import { expect, it } from 'vitest';
import { originAllowed } from '../../../server/auth/gate.ts';

type Hub = Parameters<typeof originAllowed>[0];
const hub = (publicUrl: string, more: Partial<Hub['settings']> = {}): Hub => ({
  settings: { beyondLoopback: false, tls: null, ...more } as Hub['settings'],
  publicUrl: () => publicUrl,
});
const beyond = hub('https://hub.example', { beyondLoopback: true });
const onLoopback = hub('http://127.0.0.1:3000');
const pem = { certPath: 'cert.pem', keyPath: 'key.pem' };

it.each([
  // a page without HTTPS can be anybody's who is on the way, whatever its name
  [beyond, 'http://hub.example', 'hub.example', false],
  [beyond, 'https://hub.example', 'hub.example', true],
  [beyond, 'https://hub.example:8443', 'hub.example:8443', true],
  [beyond, 'http://10.0.0.5:3000', '10.0.0.5:3000', false],
  [beyond, 'https://10.0.0.5:3000', '10.0.0.5:3000', true],
  [beyond, 'https://hub.example:8443', 'hub.example', false],
  [beyond, 'https://evil.example', 'hub.example', false],
  [onLoopback, 'http://127.0.0.1:3000', '127.0.0.1:3000', true],
  [onLoopback, 'http://localhost:3000', 'localhost:3000', true],
  [onLoopback, 'https://127.0.0.1:3000', '127.0.0.1:3000', false],
  [hub('https://localhost:3000', { tls: pem }), 'https://127.0.0.1:3000', '127.0.0.1:3000', true],
  [hub('https://localhost:3000', { tls: pem }), 'http://127.0.0.1:3000', '127.0.0.1:3000', false],
  // behind a proxy that has the certificate, and names the hub as it likes
  [hub('https://FIELD.example:443', { beyondLoopback: true }), 'https://field.example', 'inner:3000', true],
  [hub('https://field.example'), 'https://field.example', '127.0.0.1:3000', true],
  [beyond, 'null', 'hub.example', false],
  [beyond, 'https://x@hub.example', 'hub.example', false],
  [beyond, 'https://hub.example', undefined, true],
  [hub(''), 'null', undefined, false],
  [beyond, undefined, 'hub.example', true],
] as const)('%#: a page at %s asks a hub at %s', (of, origin, host, allowed) => {
  expect(originAllowed(of, origin, host)).toBe(allowed);
});
