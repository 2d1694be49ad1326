import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TrackSink } from '../../../media/recorder/input.ts';
import { Authorizer, challengeOf } from '../../../media/sources/rtsp/auth.ts';
import { type RtspMessage, RtspReader, rtspBytes } from '../../../media/sources/rtsp/messages.ts';
import { CameraMeter } from '../../../media/sources/gateway/camera-meter.ts';
import { RtspTap } from '../../../media/sources/rtsp/tap.ts';
import type { DescribedTrack } from '../../../media/sources/gateway/recording.ts';
import { tracksOfSdp } from '../../../media/sources/rtsp/sdp.ts';

const frame = (channel: number, ...bytes: number[]): Buffer => Buffer.from([0x24, channel, bytes.length >> 8, bytes.length, ...bytes]);
const ANSWER = 'RTSP/1.0 200 OK\r\nCSeq: 3\r\nContent-Length: 4\r\n\r\nv=0\n';

function read(chunks: Buffer[]): { messages: RtspMessage[]; packets: [number, string][] } {
  const messages: RtspMessage[] = [];
  const packets: [number, string][] = [];
  const packet = (channel: number, bytes: Buffer): void => void packets.push([channel, bytes.toString('hex')]);
  const reader = new RtspReader({ message: (message) => messages.push(message), packet });
  for (const chunk of chunks) reader.push(chunk);
  return { messages, packets };
}

describe('what comes over an RTSP connection', () => {
  const bytes = Buffer.concat([frame(0, 1, 2, 3), Buffer.from(ANSWER), Buffer.from('\r\n'), frame(1), Buffer.from([0, 7]), frame(2, 9)]);
  const whole = read([bytes]);

  it('is cut into messages and packets, rubbish between them left out', () => {
    expect(whole.packets).toEqual([
      [0, '24000003010203'],
      [1, '24010000'],
      [2, '2402000109'],
    ]);
    expect(whole.messages).toMatchObject([
      {
        first: 'RTSP/1.0 200 OK',
        headers: [
          ['CSeq', '3'],
          ['Content-Length', '4'],
        ],
      },
    ]);
    expect(whole.messages.map(rtspBytes)).toEqual([Buffer.from(ANSWER)]);
  });

  it('is the same however it is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
        expect(read(at.slice(1).map((end, i) => bytes.subarray(at[i], end)))).toEqual(whole);
      }),
    );
  });

  it('may be anything: it is read, or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(bytes.length), (noise, at) => {
        try {
          read([bytes.subarray(0, at), Buffer.from(noise), bytes]);
        } catch (error) {
          expect((error as Error).message).toBe('no RTSP');
        }
      }),
    );
    expect(() => read([Buffer.from(`RTSP/1.0 200 OK\r\nX: ${'x'.repeat(20_000)}`)])).toThrow('no RTSP');
    expect(() => read([Buffer.from('RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n')])).toThrow('no RTSP');
  });
});

describe('a camera’s challenge', () => {
  it('is answered as RFC 7616, 3.9.1 has it', () => {
    const realm = 'http-auth@example.org';
    const basis = `Digest realm="${realm}", qop="auth, auth-int", nonce="7ypf", opaque="FQhe"`;
    for (const [algorithm, hash] of [
      ['MD5', 'md5'],
      ['SHA-256', 'sha256'],
    ] as const) {
      const authorizer = new Authorizer('Mufasa', 'Circle of Life');
      expect(authorizer.header('PLAY', 'rtsp://c/x')).toBeNull();
      expect(authorizer.take([`${basis}, algorithm=${algorithm}`])).toBe(true);
      const header = authorizer.header('PLAY', 'rtsp://c/x') ?? '';
      const digest = (text: string): string => createHash(hash).update(text).digest('hex');
      const cnonce = /cnonce="(\w+)"/.exec(header)?.[1];
      const parts = [digest(`Mufasa:${realm}:Circle of Life`), '7ypf', '00000001', cnonce, 'auth', digest('PLAY:rtsp://c/x')];
      expect(header).toContain(`response="${digest(parts.join(':'))}"`);
      expect(header).toContain('opaque="FQhe"');
    }
  });

  it('is answered once, and again for a stale nonce; the best is taken', () => {
    const authorizer = new Authorizer('u', 'p');
    expect(authorizer.take(['Digest realm="r", nonce="1"', 'Basic realm="r"'])).toBe(true);
    expect(authorizer.take(['Digest realm="r", nonce="2"'])).toBe(false);
    expect(authorizer.take(['Digest realm="r", nonce="3", stale=TRUE'])).toBe(true);
    expect(authorizer.header('OPTIONS', '*')).toMatch(/^Digest .*nonce="3"/);
    expect(challengeOf(['Basic realm="x"'])).toEqual({ scheme: 'basic' });
    expect(challengeOf(['Negotiate', 'Digest realm="r", nonce="n", algorithm=SHA-512'])).toBeNull();
  });
});

const SDP = [
  'v=0',
  'm=application 0 RTP/AVP 107',
  'a=rtpmap:107 vnd.onvif.metadata/90000',
  'm=video 0 RTP/AVP 96',
  'a=control:trackID=1',
  'a=rtpmap:96 H265/90000',
  'a=fmtp:96 sprop-vps=QAE=; sprop-sps=QgE=;sprop-pps=RAE=',
  'm=audio 0 RTP/AVP 8',
  'm=audio 0 RTP/AVP 97',
  'a=rtpmap:97 mpeg4-generic/48000/2',
].join('\r\n');

describe('an SDP', () => {
  it('gives its tracks in order, G.711 without rtpmap too', () => {
    const tracks = tracksOfSdp(SDP);
    expect(tracks.map(({ mimeType, clockRate, channels, payloadType }) => [mimeType, clockRate, channels, payloadType])).toEqual([
      ['video/H265', 90_000, null, 96],
      ['audio/PCMA', 8000, null, 8],
      ['audio/mpeg4-generic', 48_000, 2, 97],
    ]);
    expect(tracks[0]?.parameters).toEqual({ 'sprop-vps': 'QAE=', 'sprop-sps': 'QgE=', 'sprop-pps': 'RAE=' });
    expect(tracksOfSdp('v=0')).toEqual([]);
  });
});

describe('the tap', () => {
  it('hands the first track of each kind to the recorder, with the camera’s reports', () => {
    const heard: unknown[] = [];
    const sink = (track: DescribedTrack): TrackSink => ({
      rtp: (bytes, arrivalMs) => heard.push([track.kind, bytes.length, arrivalMs]),
      senderReport: (report) => heard.push([track.kind, report]),
      roundTrip: () => undefined,
      setPaused: () => undefined,
      close: () => heard.push([track.kind, 'closed']),
    });
    const tap = new RtspTap({ nowMs: () => 5 } as never, new CameraMeter(), (track) => (track.kind === 'video' ? sink(track) : null));
    tap.described(SDP);
    for (const range of ['0-1', '2-3', '4-5']) tap.setUp(`RTP/AVP/TCP;unicast;interleaved=${range};ssrc=1`);
    const report = Buffer.alloc(28);
    report[1] = 200;
    report.writeUInt32BE(7, 4);
    report.writeUInt32BE(2_208_988_800 + 10, 8);
    report.writeUInt32BE(2 ** 31, 12);
    report.writeUInt32BE(99, 16);
    tap.packet(0, Buffer.alloc(20));
    tap.packet(1, report);
    tap.packet(1, Buffer.alloc(28, 202)); // another kind of report
    for (const channel of [2, 3, 4, 9]) tap.packet(channel, Buffer.alloc(30));
    tap.close();
    tap.packet(0, Buffer.alloc(20));
    expect(heard).toEqual([
      ['video', 20, 5],
      ['video', { ssrc: 7, senderMs: 10_500, rtpTimestamp: 99 }],
      ['video', 'closed'],
    ]);
  });
});
