import fc from 'fast-check';

/** What stands in place of a number, a name or a value. */
const ODD = [
  '',
  ' ',
  '0',
  '-1',
  '15',
  '96',
  '111',
  '128',
  '255',
  '256',
  '65536',
  '4294967295',
  '4294967296',
  '99999999999999999999',
  '1e3',
  '0x10',
  '*',
  '~0',
  '0;1;2;3;4;5;6;7;8',
  '__proto__',
  'constructor',
  'toString=1;__proto__=2',
  'recvonly',
  'inactive',
  'H264/90000',
  'opus/48000/2',
  'rtx/90000',
  'A'.repeat(300),
  '\u0000',
  '行动',
];
/** Lines that belong somewhere else, or nowhere. */
const STRAY = [
  'a=simulcast:send 0;1;2',
  'a=simulcast:recv 0',
  'a=simulcast:send ~0,1;2',
  'a=rid:0 send pt=96;max-width=0',
  'a=ssrc-group:FID 1 2 3',
  'a=ssrc-group:SIM 1112 1111 1113',
  'a=ssrc-group:FID 4294967296 -1',
  'a=extmap:0 urn:ietf:params:rtp-hdrext:sdes:mid',
  'a=extmap:1/sendonly urn:ietf:params:rtp-hdrext:encrypt urn:ietf:params:rtp-hdrext:sdes:mid x',
  'a=fmtp:96 apt=96',
  'a=fmtp:97 apt=96',
  'a=rtpmap:97 rtx/90000',
  'a=rtpmap:96 H264/90000',
  'a=rtpmap:300 H264/90000',
  'a=rtcp-fb:* nack',
  'a=fingerprint:sha-256 AA:BB',
  'a=group:BUNDLE',
  'a=group:BUNDLE 0',
  'a=mid:1',
  'a=bundle-only',
  'a=ice-lite',
  'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA',
  'm=video 0 UDP/TLS/RTP/SAVPF 96',
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'm=',
  'a=',
  'v=0',
  'c=IN IP6 ::1',
];

type Change = { kind: 'drop' | 'twice' | 'swap' | 'odd' | 'stray' | 'cut'; at: number; to: number; odd: string; stray: string };
const changes: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom('drop', 'twice', 'swap', 'odd', 'odd', 'odd', 'stray', 'cut'),
  at: fc.nat(),
  to: fc.nat(),
  odd: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...ODD) }, { weight: 1, arbitrary: fc.string({ maxLength: 20 }) }),
  stray: fc.constantFrom(...STRAY),
});

/** Offers of these encoders with one to six faults each: lines lost, doubled, moved, out of place, and odd values in them. */
export function spoiltOffers(offers: string[]): fc.Arbitrary<string> {
  return fc
    .tuple(fc.constantFrom(...offers), fc.array(changes, { minLength: 1, maxLength: 6 }))
    .map(([offer, all]) => `${all.reduce(spoil, offer.trimEnd().split('\r\n')).join('\r\n')}\r\n`);
}

function spoil(lines: string[], { kind, at, to, odd, stray }: Change): string[] {
  const from = at % lines.length;
  const line = lines[from] ?? '';
  const other = to % lines.length;
  if (kind === 'drop') return lines.toSpliced(from, 1);
  if (kind === 'twice') return lines.toSpliced(other, 0, line);
  if (kind === 'swap') return lines.with(from, lines[other] ?? '').with(other, line);
  if (kind === 'stray') return lines.toSpliced(from, 0, stray);
  if (kind === 'cut') return lines.with(from, line.slice(0, to % (line.length + 1)));
  const words = line.split(/(?<=[ :;=/])/);
  return lines.with(from, words.with(to % words.length, odd).join(''));
}
