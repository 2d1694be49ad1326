import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { types } from 'mediasoup';
import { HubError } from '../../media/errors.ts';
import type { Context } from '../context.ts';
import { viewerOwner } from '../live/live-rights.ts';
import { onOperation } from '../permission/rules.ts';
import { sending, writeAnswer } from '../sdp/answer.ts';
import { type Agreed, chooseCodec, commonFeedback } from '../sdp/codecs.ts';
import { readOffer } from '../sdp/offer.ts';
import { angleName, operationRow } from '../store/operations.ts';
import { actorOf, requirePermission, whoIs } from './permit.ts';
import { type OfAngle, type StartedSession, webRtcResource } from './webrtc-resource.ts';

/** Players watch an angle by WHEP (draft-ietf-wish-whep); whoever may watch it on the console may, a page of another site only with an access token. */
export function whepRoutes(app: FastifyInstance, context: Context): void {
  webRtcResource(app, context, {
    name: 'whep',
    rules: { start: onOperation('live.watch', 'view.live', { how: 'route' }), session: onOperation('live.watch') },
    admit: async (request, { operationId, angleId }) => {
      const actor = await requirePermission(context, request, 'live.watch', operationId);
      const { status } = await operationRow(context.store, operationId);
      await angleName(context.store, operationId, angleId);
      if (status === 'ended') throw new HubError('gone', 'the operation has ended', { field: 'operationId' });
      return viewerOwner(actor.tokenId ?? actor.sessionHash ?? '');
    },
    start: (angle, peer, offer) => watch(context, angle, peer, offer),
  });
}

/**
 * What the angle sends now, as far as the player asks for it. An angle from which nothing comes is a `conflict` with
 * Retry-After, as the draft has it (4.2): the player is expected to try again.
 */
async function watch(
  { hub: { media }, liveViews }: Context,
  { operationId, angleId }: OfAngle,
  { peerId, owner, request }: { peerId: string; owner: string; request: FastifyRequest },
  text: string,
): Promise<StartedSession> {
  const offer = readOffer(text, 'receives');
  const { tracks: present } = await media.request('angleTracks', { operationId, angleId });
  const wanted = offer.tracks.flatMap((track) => {
    const source = present.find(({ kind }) => kind === track.kind);
    return source ? [{ ...track, producerId: source.producerId, source: source.codec as unknown as types.RtpCodecCapability }] : [];
  });
  if (wanted.length === 0) throw new HubError('conflict', 'nothing comes from this angle at the moment', { field: 'angleId' });
  const agreed = new Map<string, Agreed>();
  for (const track of wanted) {
    const codec = chooseCodec(track, { codecs: [track.source] });
    if (!codec)
      throw new HubError('not_acceptable', `SDP offer: this angle sends ${track.source.mimeType}, which is not offered`, { field: 'sdp' });
    agreed.set(track.mid, codec);
  }
  const tracks = wanted.flatMap(({ mid, producerId }) => {
    const codec = agreed.get(mid);
    if (!codec) return [];
    const { payloadType, rtxPayloadType } = codec.offered;
    const feedback = commonFeedback(codec).map(({ type, parameter }) => ({ type, ...(parameter ? { parameter } : {}) }));
    return [{ mid, producerId, payloadType, rtxPayloadType, feedback }];
  });
  const who = whoIs(actorOf(request), request.ip);
  const { transport, tracks: sent } = await liveViews.watch({ peerId, who, operationId }, angleId, () =>
    media.request('watch', { operationId, angleId, peerId, owner, dtlsParameters: offer.dtls, tracks }),
  );
  const answered = sent.flatMap((track) => {
    const codec = agreed.get(track.mid);
    return codec ? [sending(codec, track)] : [];
  });
  return { transport, answer: writeAnswer(offer, transport, answered, 'sendonly') };
}
