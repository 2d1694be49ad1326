import type { types } from 'mediasoup';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { HubError } from '../../../media/errors.ts';
import { DtlsParameters, RtpParameters } from '../../../media/protocol/requests.ts';
import { receiving, sending, writeAnswer } from '../../../server/sdp/answer.ts';
import { chooseCodec } from '../../../server/sdp/codecs.ts';
import { readFragment, writeFragment } from '../../../server/sdp/fragment.ts';
import { type Offer, readOffer } from '../../../server/sdp/offer.ts';
import { parseSdp } from '../../../server/sdp/parse.ts';
import { publishedTracks } from '../../../server/sdp/publish.ts';
import { routerCapabilities, transport } from '../../support/answering.ts';
import { ffmpegOffer, gstreamerOffer, obsOffer, obsSimulcastOffer, playerOffer } from '../../support/sdp-offers.ts';
import { spoiltOffers } from '../../support/spoilt-sdp.ts';

const RUNS = 20_000;
/** The client's fault, said so. */
const REFUSALS = new Set(['bad_request', 'unprocessable', 'not_acceptable']);
let router: types.RtpCapabilities;
beforeAll(async () => {
  router = await routerCapabilities();
});

/** What came of it; an exception that is no refusal of ours goes on. */
function outcome(work: () => void): 'taken' | 'refused' {
  try {
    work();
    return 'taken';
  } catch (error) {
    if (!(error instanceof HubError) || !REFUSALS.has(error.code)) throw error;
    expect(error.field).toBe('sdp');
    expect(error.message.length).toBeLessThan(1000);
    return 'refused';
  }
}

/** An answer is SDP again, section by section of the offer's, and holds no line that somebody smuggled in. */
function checkAnswer(offer: Offer, answer: string): void {
  const session = parseSdp(answer, 'answer');
  expect(session.media.map(({ type, mid }) => [type, mid])).toEqual(offer.session.media.map(({ type, mid }) => [type, mid]));
  const taken = session.media.filter(({ port }) => port !== 0);
  expect(taken).toHaveLength(offer.tracks.length);
  for (const section of taken) expect(section).toMatchObject({ iceUfrag: 'hub-ufrag', rtcpMux: 'rtcp-mux' });
  expect(answer).not.toMatch(/undefined|NaN|\[object/);
}

describe('offers with faults', () => {
  it('of encoders are answered, or refused with a reason; what reaches the SFU has the shape it asks for', () => {
    const counts = { taken: 0, refused: 0 };
    fc.assert(
      fc.property(spoiltOffers([obsOffer, obsSimulcastOffer, ffmpegOffer, gstreamerOffer]), (text) => {
        counts[
          outcome(() => {
            const offer = readOffer(text, 'sends');
            const tracks = publishedTracks(offer, router);
            DtlsParameters.parse(offer.dtls);
            for (const { rtpParameters } of tracks) RtpParameters.parse(rtpParameters);
            checkAnswer(offer, writeAnswer(offer, transport, tracks.map(receiving), 'recvonly'));
          })
        ] += 1;
      }),
      { numRuns: RUNS },
    );
    // else it would not be these rules that are tried
    expect(Math.min(counts.taken, counts.refused)).toBeGreaterThan(RUNS / 10);
  });

  it('of players too', () => {
    const counts = { taken: 0, refused: 0 };
    fc.assert(
      fc.property(spoiltOffers([playerOffer, gstreamerOffer.replaceAll('a=sendonly', 'a=recvonly')]), (text) => {
        counts[
          outcome(() => {
            const offer = readOffer(text, 'receives');
            const answered = offer.tracks.map((track) => {
              const codec = chooseCodec(track, router);
              if (!codec) throw new HubError('not_acceptable', 'not offered', { field: 'sdp' });
              const { mid, kind } = track;
              return sending(codec, { mid, kind, ssrc: 1, rtxSsrc: 2, cname: 'c', feedback: [] });
            });
            checkAnswer(offer, writeAnswer(offer, transport, answered, 'sendonly'));
          })
        ] += 1;
      }),
      { numRuns: RUNS },
    );
    expect(Math.min(counts.taken, counts.refused)).toBeGreaterThan(RUNS / 10);
  });

  it('as arbitrary text are refused', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200, unit: 'binary' }), fc.constantFrom('', 'v=0\r\n', 'a=ice-ufrag:abcd\r\n'), (text, head) => {
        expect(outcome(() => readOffer(head + text, 'sends'))).toBe('refused');
      }),
      { numRuns: RUNS },
    );
  });
});

it('fragments with faults are read, or refused with a reason', () => {
  const whole =
    'a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host\r\na=end-of-candidates\r\n';
  fc.assert(
    fc.property(spoiltOffers([whole]), (text) => {
      outcome(() => {
        const { mid } = readFragment(text);
        const answer = writeFragment(mid, transport);
        expect(parseSdp(answer, 'fragment').media[0]?.mid).toBe(mid);
      });
    }),
    { numRuns: RUNS },
  );
});
