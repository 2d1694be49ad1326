import { describe, expect, it } from 'vitest';
import { HubError } from '../../../media/errors.ts';
import { iceServers } from '../../../server/auth/turn.ts';
import { readConfig } from '../../../server/config.ts';

const SECRET = 'a-secret-of-enough-letters';

describe('credentials for TURN', () => {
  it('end after twelve hours and are whose they are; STUN has none', () => {
    const servers = iceServers(
      { urls: ['stun:s.example', 'turn:t.example:3478?transport=tcp'], secret: SECRET },
      'peer-1',
      1_800_000_000_900,
    );
    expect(servers).toEqual([
      { urls: 'stun:s.example' },
      // printf 1800043200:peer-1 | openssl dgst -sha1 -hmac a-secret-of-enough-letters -binary | base64
      { urls: 'turn:t.example:3478?transport=tcp', username: '1800043200:peer-1', credential: 'QmpY2YPDf2tHqNaCxVpJPKIqiuk=' },
    ]);
    expect(iceServers({ urls: [], secret: null }, 'peer-1', 0)).toEqual([]);
  });
});

describe('their settings', () => {
  it('take several addresses', () => {
    const urls = [
      'stun:192.0.2.1',
      'turn:turn.example.net:3478',
      'turn:[2001:db8::1]:3478?transport=tcp',
      'turns:turn.example.net:443?transport=tcp',
    ];
    expect(readConfig({ TURN_URLS: urls.join(', '), TURN_SECRET: SECRET }).turn).toEqual({ urls, secret: SECRET });
    expect(readConfig({ TURN_URLS: 'stun:192.0.2.1' }).turn).toEqual({ urls: ['stun:192.0.2.1'], secret: null });
    expect(readConfig({ TURN_URLS: '', TURN_SECRET: '' }).turn).toEqual({ urls: [], secret: null });
  });

  it.each([
    [{ TURN_URLS: 'http://turn.example.net', TURN_SECRET: SECRET }, 'TURN_URLS', 'TURN_URLS="http://turn.example.net" is not allowed'],
    [{ TURN_URLS: 'turn:user:password@turn.example.net', TURN_SECRET: SECRET }, 'TURN_URLS', 'is not allowed'],
    [{ TURN_URLS: 'turn:a?transport=sctp', TURN_SECRET: SECRET }, 'TURN_URLS', 'is not allowed'],
    [{ TURN_URLS: 'turn:turn.example.net' }, 'TURN_SECRET', 'need TURN_SECRET'],
    [{ TURN_SECRET: SECRET }, 'TURN_URLS', 'only allowed with TURN servers'],
    [{ TURN_URLS: 'stun:s.example', TURN_SECRET: SECRET }, 'TURN_URLS', 'only allowed with TURN servers'],
    [{ TURN_URLS: 'turn:turn.example.net', TURN_SECRET: 'short' }, 'TURN_SECRET', 'TURN_SECRET=*** is not allowed'],
  ])('%j names %s', (env, field, message) => {
    try {
      readConfig(env);
      expect.unreachable('it was taken');
    } catch (error) {
      expect(error).toBeInstanceOf(HubError);
      expect((error as HubError).field).toBe(field);
      expect((error as HubError).message).toContain(message);
      expect((error as HubError).message).not.toContain(SECRET);
    }
  });
});
