import { describe, expect, it } from 'vitest';
import { iceServerLinks } from '../../../server/http/ice-servers.ts';
import { readFragment, writeFragment } from '../../../server/sdp/fragment.ts';

describe('ICE fragments (RFC 8840)', () => {
  it('are read with or without an m-line, digits as text', () => {
    expect(readFragment('a=ice-ufrag:1234\r\na=ice-pwd:5678\r\n')).toEqual({ ufrag: '1234', pwd: '5678', mid: '0' });
    const full =
      'a=ice-ufrag:EsAw\r\na=ice-pwd:P2uY\r\nm=audio 9 RTP/AVP 0\r\na=mid:a1\r\na=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host\r\na=end-of-candidates\r\n';
    expect(readFragment(full)).toEqual({ ufrag: 'EsAw', pwd: 'P2uY', mid: 'a1' });
    expect(readFragment('a=end-of-candidates\r\n')).toMatchObject({ ufrag: null });
  });

  it('are refused when they are none', () => {
    for (const text of ['hello', 'v=0\r\n', 'a=ice-ufrag:only\r\n', '{"candidate":1}'])
      expect(() => readFragment(text)).toThrow(expect.objectContaining({ code: 'bad_request' }));
  });

  it('answer a restart with new credentials and all candidates', () => {
    const text = writeFragment('a1', {
      iceParameters: { usernameFragment: 'new', password: 'secret', iceLite: true },
      iceCandidates: [
        { foundation: 't', priority: 1, address: '192.0.2.1', protocol: 'tcp', port: 44000, type: 'host', tcpType: 'passive' },
      ],
    });
    expect(text).toMatch(/^a=ice-lite\r\na=ice-ufrag:new\r\na=ice-pwd:secret\r\n/);
    expect(text).toContain('a=mid:a1\r\na=candidate:1 1 tcp 1 192.0.2.1 44000 typ host tcptype passive\r\n');
    expect(readFragment(text)).toEqual({ ufrag: 'new', pwd: 'secret', mid: 'a1' });
  });
});

it('ICE servers are told in Link headers', () => {
  expect(
    iceServerLinks([{ urls: 'stun:stun.example.net' }, { urls: 'turn:turn.example.net?transport=udp', username: 'u"1', credential: 'p' }]),
  ).toEqual([
    '<stun:stun.example.net>; rel="ice-server"',
    '<turn:turn.example.net?transport=udp>; rel="ice-server"; username="u\\"1"; credential="p"; credential-type="password"',
  ]);
});
