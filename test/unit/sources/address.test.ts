import { describe, expect, it } from 'vitest';
import { parseAddress, shownAddress } from '../../../media/sources/gateway/address.ts';
import { AllowedNetworks, parseNetwork } from '../../../media/sources/gateway/networks.ts';
import { reasonOfExit, refusalOfConnect, refusalOfStatus } from '../../../media/sources/gateway/reasons.ts';
import { retryDelayMs } from '../../../media/sources/gateway/retry.ts';

const refused = (url: string): string => {
  try {
    parseAddress({ url });
    return 'taken';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('the address of a camera', () => {
  it('is read with what is secret in it, and shown without', () => {
    const address = parseAddress({ url: 'rtsp://ad%40min:p%3Aw@Cam.local:8554/Streaming/Channels/101?x=1' });
    const path = '/Streaming/Channels/101?x=1';
    expect(address).toEqual({ scheme: 'rtsp', host: 'Cam.local', port: 8554, path, user: 'ad@min', password: 'p:w' });
    expect(shownAddress(address)).toBe('rtsp://Cam.local:8554');
    expect(shownAddress(parseAddress({ url: 'rtsps://[fd00::1]' }))).toBe('rtsps://[fd00::1]:322');
    expect(parseAddress({ url: 'rtsp://10.0.0.1', user: 'u', password: 'a/b@c' })).toMatchObject({
      port: 554,
      user: 'u',
      password: 'a/b@c',
    });
  });

  it('is refused without being repeated', () => {
    for (const url of [
      '',
      'x',
      'http://10.0.0.1',
      'file:///etc/passwd',
      'rtsp://',
      'rtsp://a b/',
      'rtsp://10.0.0.1/\r\nX: y',
      'rtsp://h:0/x',
    ]) {
      expect(refused(url)).toMatch(/^url: /);
      if (url.length > 4) expect(refused(url)).not.toContain(url);
    }
  });
});

describe('allowed networks', () => {
  it('let in what they name, and never this machine, link-local or multicast', () => {
    const all = new AllowedNetworks(['0.0.0.0/0', '::/0']);
    const own = new AllowedNetworks(['10.0.0.0/8', '127.0.0.0/8']);
    const allowed = ['8.8.8.8', '2001:db8::1', '127.0.0.1', '::1', '0.0.0.0', '169.254.169.254', '224.0.0.1', '255.255.255.255', 'fe80::1'];
    expect(allowed.filter((ip) => all.allows(ip))).toEqual(['8.8.8.8', '2001:db8::1']);
    expect(['10.1.2.3', '127.0.0.1', '11.0.0.1', '::1'].filter((ip) => own.allows(ip))).toEqual(['10.1.2.3', '127.0.0.1']);
    expect(['::ffff:169.254.169.254', '::ffff:127.0.0.1', '::ffff:7f00:1'].filter((ip) => all.allows(ip))).toEqual([]);
    expect(new AllowedNetworks([]).allows('10.0.0.1')).toBe(false);
  });

  it('are checked after the name is looked up', async () => {
    const networks = new AllowedNetworks(['10.0.0.0/8']);
    await expect(networks.resolve('localhost')).rejects.toMatchObject({ reason: { code: 'address-not-allowed' } });
    await expect(networks.refuseForbidden('localhost')).rejects.toMatchObject({ code: 'forbidden' });
    await expect(networks.resolve('camera.invalid')).rejects.toMatchObject({ reason: { code: 'name-not-found' } });
    await expect(networks.refuseForbidden('camera.invalid')).resolves.toBeUndefined();
  });

  it('are read as they are written', () => {
    expect(parseNetwork('10.0.0.0/8')).toEqual({ address: '10.0.0.0', prefix: 8, family: 'ipv4' });
    expect(parseNetwork('::1')).toEqual({ address: '::1', prefix: 128, family: 'ipv6' });
    expect(['10.0.0.0/33', '10/8', 'x', '', '10.0.0.0/8/8', '10.0.0.0/-1'].map(parseNetwork)).toEqual([null, null, null, null, null, null]);
  });
});

describe('why a camera is not there', () => {
  it('is told apart', () => {
    const code = (errno: string): string => refusalOfConnect(Object.assign(new Error('x'), { code: errno })).reason.code;
    expect(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'ETIMEDOUT', 'ECONNRESET', 'EPROTO'].map(code)).toEqual([
      'connection-refused',
      'no-route',
      'no-route',
      'name-not-found',
      'timed-out',
      'connection-lost',
      'failed',
    ]);
    expect([302, 401, 403, 404, 453, 500].map((status) => refusalOfStatus(status).reason.code)).toEqual([
      'redirected',
      'password-refused',
      'forbidden',
      'no-such-stream',
      'camera-busy',
      'failed',
    ]);
  });

  it('never repeats what ffmpeg said', () => {
    const said = 'rtsp://admin:geheim@10.0.0.1/x: Connection timed out';
    for (const code of [null, 0, 1, 127]) expect(JSON.stringify(reasonOfExit(code, said))).not.toContain('geheim');
    expect(reasonOfExit(1, said).code).toBe('timed-out');
    expect(reasonOfExit(null, '').code).toBe('reader-killed');
    expect([reasonOfExit(null, 'spawn ffmpeg ENOENT').code, reasonOfExit(127, '').code]).toEqual(['reader-missing', 'reader-missing']);
  });

  it('is tried again ever more slowly, but at least twice a minute', () => {
    expect([0, 1, 2, 3, 5, 6, 1000].map((failures) => retryDelayMs(failures, 0.5))).toEqual([
      1000, 1000, 2000, 4000, 16_000, 30_000, 30_000,
    ]);
    expect([retryDelayMs(1, 0), Math.round(retryDelayMs(1, 1))]).toEqual([800, 1200]);
  });
});
