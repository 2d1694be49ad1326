import type { types } from 'mediasoup';
import { beforeAll, describe, expect, it } from 'vitest';
import { HubError } from '../../../media/errors.ts';
import { receiving, writeAnswer } from '../../../server/sdp/answer.ts';
import { parseSdp } from '../../../server/sdp/parse.ts';
import { readOffer } from '../../../server/sdp/offer.ts';
import { type PublishedTrack, publishedTracks } from '../../../server/sdp/publish.ts';
import { routerCapabilities, transport } from '../../support/answering.ts';
import { ffmpegOffer, gstreamerOffer, obsOffer, obsSimulcastOffer, playerOffer } from '../../support/sdp-offers.ts';

let router: types.RtpCapabilities;
beforeAll(async () => {
  router = await routerCapabilities();
});

const published = (text: string): PublishedTrack[] => publishedTracks(readOffer(text, 'sends'), router);
const answerTo = (text: string): string => writeAnswer(readOffer(text, 'sends'), transport, published(text).map(receiving), 'recvonly');
const refusal = (text: string): string => {
  try {
    published(text);
  } catch (error) {
    if (error instanceof HubError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'taken';
};

describe('offers of real encoders', () => {
  it('OBS: H.264 and Opus, its SSRCs and CNAME, feedback that both know', () => {
    const [audio, video] = published(obsOffer);
    expect(audio?.rtpParameters).toMatchObject({
      mid: '0',
      codecs: [{ mimeType: 'audio/opus', payloadType: 111, channels: 2 }],
      encodings: [{ ssrc: 1111 }],
    });
    expect(video?.rtpParameters).toMatchObject({
      mid: '1',
      codecs: [
        {
          mimeType: 'video/H264',
          payloadType: 96,
          rtcpFeedback: [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }, { type: 'goog-remb' }],
        },
      ],
      encodings: [{ ssrc: 1112 }],
      rtcp: { cname: 'kQ8s' },
    });
  });

  it('OBS with layers: by RID, the best last, whatever the order of the list', () => {
    const [, video] = published(obsSimulcastOffer);
    expect(video?.rtpParameters.encodings).toEqual([{ rid: '2' }, { rid: '1' }, { rid: '0' }]);
    const answer = answerTo(obsSimulcastOffer);
    expect(answer).toContain('a=simulcast:recv 0;1;2');
    expect(answer).toContain('a=rid:0 recv');
  });

  it('ffmpeg: the hub begins DTLS where the client only waits; constrained High is High', () => {
    expect(readOffer(ffmpegOffer, 'sends').dtls.role).toBe('server');
    const answer = answerTo(ffmpegOffer);
    expect(answer.match(/^a=setup:active\r$/gm)).toHaveLength(2);
    expect(answer).toContain('profile-level-id=64401f');
    expect(published(ffmpegOffer)[1]?.rtpParameters.codecs[0]?.parameters).toMatchObject({ 'profile-level-id': '64001f' });
    // its parser (parse_answer of whip.c) reads from the first "udp" of a candidate's line
    expect(answer.match(/^a=candidate:(.*)$/m)?.[1]?.replace(/^.*?(?=udp)/i, '')).toMatch(/^udp 2 192\.0\.2\.1 44000 typ host/);
  });

  it('GStreamer: bundled sections with port 0, retransmissions, parameter sets kept for the recorder and out of the answer', () => {
    const [video, audio] = published(gstreamerOffer);
    expect(video?.rtpParameters).toMatchObject({
      codecs: [{ payloadType: 96 }, { mimeType: 'video/rtx', payloadType: 97, parameters: { apt: 96 } }],
      encodings: [{ ssrc: 3333, rtx: { ssrc: 3334 } }],
    });
    expect(video?.rtpParameters.codecs[0]?.parameters?.['sprop-parameter-sets']).toMatch(/^Z0LA/);
    expect(audio?.rtpParameters.codecs[0]?.mimeType).toBe('audio/opus');
    const answer = answerTo(gstreamerOffer);
    expect(answer).not.toContain('sprop-parameter-sets');
    expect(answer).toContain('a=rtpmap:98 OPUS/48000/2');
  });
});

describe('the answer', () => {
  it('has the offered sections in their order, ice-lite, every candidate, one BUNDLE of what is taken', () => {
    const answer = answerTo(gstreamerOffer);
    const session = parseSdp(answer, 'answer');
    expect(session.media.map(({ type, port }) => [type, port])).toEqual([
      ['video', 9],
      ['audio', 9],
      ['application', 0],
    ]);
    expect(session.groups).toEqual([{ type: 'BUNDLE', mids: 'video0 audio1' }]);
    expect(session.icelite).toBe('ice-lite');
    for (const section of session.media.slice(0, 2)) {
      expect(section).toMatchObject({
        direction: 'recvonly',
        setup: 'passive',
        iceUfrag: 'hub-ufrag',
        rtcpMux: 'rtcp-mux',
        endOfCandidates: 'end-of-candidates',
      });
      expect(section.candidates?.map((candidate) => [candidate.transport, candidate.tcptype])).toEqual([
        ['udp', undefined],
        ['tcp', 'passive'],
      ]);
    }
  });

  it('takes the capture time where it is offered, and never the rotation', () => {
    const more = 'a=extmap:7 http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time\r\na=extmap:13 urn:3gpp:video-orientation\r\n';
    const answer = answerTo(obsOffer.replace('a=mid:1\r\n', `a=mid:1\r\n${more}`));
    expect(answer).toContain('a=extmap:7 http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time');
    expect(answer).not.toContain('video-orientation');
  });

  it('prefers H.264 over what stands before it in the offer, whole-stream packets, and the router’s own profile', () => {
    const many = obsOffer.replace(
      'm=video 9 UDP/TLS/RTP/SAVPF 96\r\n',
      'm=video 9 UDP/TLS/RTP/SAVPF 98 99 100 96\r\na=rtpmap:98 VP8/90000\r\na=rtpmap:99 H264/90000\r\na=fmtp:99 packetization-mode=0;profile-level-id=42e01f\r\na=rtpmap:100 H264/90000\r\na=fmtp:100 packetization-mode=1;profile-level-id=42001f\r\n',
    );
    expect(published(many)[1]?.rtpParameters.codecs.map(({ payloadType }) => payloadType)).toEqual([96]);
    expect(
      published(
        many
          .replace('m=video 9 UDP/TLS/RTP/SAVPF 98 99 100 96', 'm=video 9 UDP/TLS/RTP/SAVPF 98')
          .replaceAll(/a=(rtpmap|fmtp):(99|100|96).*\r\n/g, ''),
      )[1]?.rtpParameters.codecs[0]?.mimeType,
    ).toBe('video/VP8');
  });
});

describe('offers that are refused, each with its reason', () => {
  const without = (pattern: RegExp): string => obsOffer.replaceAll(pattern, '');
  it.each([
    ['nothing', '', 'bad_request: SDP offer: it must begin with v=0'],
    ['no SDP', 'hello', 'bad_request: SDP offer: it must begin with v=0'],
    ['a line that is none', obsOffer.replace('s=-', '<script>'), 'bad_request: SDP offer: line 3 is no SDP'],
    ['no media', 'v=0\r\ns=-\r\n', 'bad_request: SDP offer: there is no m-line'],
    ['no mid', without(/a=mid:1\r\n/g), 'bad_request: SDP offer: every m-line needs an a=mid'],
    ['one mid twice', obsOffer.replace('a=mid:1', 'a=mid:0'), 'bad_request: SDP offer: two m-lines have the same a=mid'],
    ['no fingerprint', without(/a=fingerprint.*\r\n/g), 'bad_request: SDP offer: there is no a=fingerprint'],
    [
      'an odd fingerprint',
      obsOffer.replaceAll(/a=fingerprint.*/g, 'a=fingerprint:sha-256 AA'),
      'bad_request: SDP offer: a=fingerprint is not understood',
    ],
    ['no ICE', without(/a=ice-pwd.*\r\n/g), 'bad_request: SDP offer: a=mid:0 has no a=ice-ufrag and a=ice-pwd'],
    ['no BUNDLE', without(/a=group.*\r\n/g), 'unprocessable: SDP offer: all media must be in one a=group:BUNDLE'],
    ['no rtcp-mux', without(/a=rtcp-mux\r\n/g), 'unprocessable: SDP offer: a=mid:0 has no a=rtcp-mux'],
    ['no encryption', obsOffer.replaceAll('UDP/TLS/RTP/SAVPF', 'RTP/AVP'), 'unprocessable: SDP offer: a=mid:0 is not DTLS-SRTP (RTP/AVP)'],
    ['no setup', without(/a=setup.*\r\n/g), 'unprocessable: SDP offer: there is no a=setup'],
    ['a player', playerOffer, 'unprocessable: SDP offer: no audio or video that the client sends is offered (a=sendonly)'],
    [
      'nothing to tell streams by',
      without(/a=(ssrc|extmap).*\r\n/g),
      'unprocessable: SDP offer: a=mid:0 has neither a=ssrc nor the header extension urn:ietf:params:rtp-hdrext:sdes:mid',
    ],
    [
      'layers that packets do not name',
      obsSimulcastOffer.replaceAll(/a=extmap:2.*\r\n/g, ''),
      'unprocessable: SDP offer: a=mid:1 has neither a=ssrc nor the header extension urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id',
    ],
    ['two pictures', obsOffer.replace('m=audio', 'm=video'), 'not_acceptable: SDP offer: only one video track is taken'],
    [
      'H.265',
      obsOffer.replace('H264/90000', 'H265/90000'),
      'not_acceptable: SDP offer: no video codec in common (offered: H265; taken: H264, VP9, AV1, VP8)',
    ],
    ['simulcast without RIDs', `${obsOffer}a=simulcast:send 0;1\r\n`, 'bad_request: SDP offer: a=simulcast and a=rid do not fit together'],
    [
      'a codec of digits',
      obsOffer.replace('H264/90000', '264/90000'),
      'not_acceptable: SDP offer: no video codec in common (offered: 264; taken: H264, VP9, AV1, VP8)',
    ],
  ])('%s', (_, text, reason) => {
    expect(refusal(text)).toBe(reason);
  });
});
