import { describe, expect, it } from 'vitest';
import { CHALLENGE_MS, Challenges } from '../../../server/people/challenges.ts';
import { passkeyHost, passkeyOrigins } from '../../../server/people/passkeys.ts';

describe('a challenge', () => {
  it('is taken once, in time, by whom it was given to', () => {
    const challenges = new Challenges();
    challenges.add('one', 'anna', 1000);
    expect(challenges.take('one', 'berta', 1001)).toBe(false);
    expect(challenges.take('one', 'anna', 1001)).toBe(true);
    expect(challenges.take('one', 'anna', 1002)).toBe(false);
    challenges.add('two', 'anna', 1000);
    expect(challenges.take('two', 'anna', 1000 + CHALLENGE_MS)).toBe(false);
    expect(challenges.take('never', 'anna', 1000)).toBe(false);
  });

  it('is forgotten when too many come after it', () => {
    const challenges = new Challenges(2);
    for (const each of ['one', 'two', 'three']) challenges.add(each, 'anna', 1000);
    expect(['one', 'two', 'three'].map((each) => challenges.take(each, 'anna', 1001))).toEqual([false, true, true]);
  });
});

describe('what passkeys are bound to', () => {
  it('is the name of the hub, and never an IP address', () => {
    expect(passkeyHost('https://Hub.example:8443')).toBe('hub.example');
    expect(passkeyHost('http://localhost:3000')).toBe('localhost');
    for (const url of ['http://127.0.0.1:3000', 'https://192.168.1.5', 'https://[fd00::1]:3000', 'http://0x7f000001', 'https://:3000'])
      expect(passkeyHost(url), url).toBeNull();
  });

  it('holds at its public address, and at the port it listens on itself', () => {
    expect(passkeyOrigins('https://hub.example', true, 3000)).toEqual(['https://hub.example', 'https://hub.example:3000']);
    expect(passkeyOrigins('http://localhost:3000', false, 3000)).toEqual(['http://localhost:3000', 'http://localhost:3000']);
    expect(passkeyOrigins('https://HUB.example:443', true, undefined)).toEqual(['https://hub.example']);
  });
});
