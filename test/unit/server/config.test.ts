import { describe, expect, it } from 'vitest';
import { HubError } from '../../../media/errors.ts';
import { helpText, readConfig } from '../../../server/config.ts';

describe('readConfig', () => {
  it('has a default for everything', () => {
    const config = readConfig({});
    expect(config).toMatchObject({ listen: '127.0.0.1', port: 3000, segmentMs: 4000, beyondLoopback: false, redisUrl: null });
    expect(config.rtcWorkers).toBeGreaterThanOrEqual(1);
  });

  it('names the setting, its value and what is allowed', () => {
    const wrong = {
      PORT: '-1',
      CAMERA_NETWORKS: '10.0.0.0/8,10/8',
      SEGMENT_SECONDS: '60',
      LOG_LEVEL: 'loud',
      REDIS_URL: 'http://x',
      PUBLIC_URL: 'ftp://x',
      RTC_PORT: '80',
      LISTEN: 'a b',
    };
    for (const [name, value] of Object.entries(wrong)) {
      try {
        readConfig({ [name]: value });
        expect.unreachable(`${name}=${value} was taken`);
      } catch (error) {
        expect(error).toBeInstanceOf(HubError);
        expect((error as HubError).field).toBe(name);
        expect((error as HubError).message).toMatch(new RegExp(`^${name}=.+ is not allowed: .+`));
      }
    }
  });

  it('keeps secrets out of its errors', () => {
    for (const [name, value] of [['REDIS_URL', 'user:password@host']] as const)
      expect(() => readConfig({ [name]: value })).toThrow(new RegExp(`^${name}=\\*\\*\\* is not allowed`));
  });

  it('knows what reaches beyond this machine', () => {
    expect(readConfig({ LISTEN: '127.evil.example' }).beyondLoopback).toBe(true);
    for (const listen of ['127.0.0.1', 'localhost', '::1']) expect(readConfig({ LISTEN: listen }).beyondLoopback).toBe(false);
    expect(readConfig({ LISTEN: '0.0.0.0' }).beyondLoopback).toBe(true);
    expect(readConfig({ LISTEN: '0.0.0.0' }).announcedAddress).not.toBe('0.0.0.0');
    expect(readConfig({ LISTEN: '192.0.2.7' }).announcedAddress).toBe('192.0.2.7');
  });

  it('lists in its help what it reads', () => {
    for (const name of ['LISTEN', 'TLS_CERT', 'TLS_KEY', 'LINK_HOURS', 'FIELDHUB_CONFIG']) expect(helpText()).toContain(name);
  });
});
