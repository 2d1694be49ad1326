import type { FastifyInstance } from 'fastify';
import { HubError, messageOf } from '../../media/errors.ts';
import { requirePublisher } from '../auth/gate.ts';
import type { Context } from '../context.ts';
import { receiving, writeAnswer } from '../sdp/answer.ts';
import { readOffer } from '../sdp/offer.ts';
import { publishedTracks } from '../sdp/publish.ts';
import { revokedLinks } from '../store/sessions.ts';
import { type OfAngle, type StartedSession, webRtcResource } from './webrtc-resource.ts';

/** Encoders film an angle by WHIP (RFC 9725), with the secret of its capture link as Bearer token. */
export function whipRoutes(app: FastifyInstance, context: Context): void {
  const { hub, store, log } = context;
  webRtcResource(app, context, {
    name: 'whip',
    admit: async (request, angle) => (await requirePublisher(context, request, angle)).linkHash,
    start: (angle, peer, offer) => publish(context, angle, peer, offer),
  });
  hub.on('revoked', (operationId, angleId) => {
    revokedLinks(store, operationId, angleId)
      .then((owners) => Promise.all(owners.map((owner) => hub.media.request('closeOwned', { owner }))))
      .catch((error: unknown) => log.warn({ operationId, angleId, reason: messageOf(error) }, 'devices of revoked links were not closed'));
  });
}

/** Nothing is made before the offer has been understood as a whole. */
async function publish(
  { hub: { media } }: Context,
  { operationId, angleId }: OfAngle,
  { peerId, owner }: { peerId: string; owner: string },
  text: string,
): Promise<StartedSession> {
  const offer = readOffer(text, 'sends');
  const { rtpCapabilities } = await media.request('routerCapabilities', { operationId });
  const tracks = publishedTracks(offer, rtpCapabilities);
  const transport = await media.request('createTransport', { operationId, peerId, direction: 'send', owner });
  try {
    await media.request('connectTransport', { peerId, transportId: transport.id, dtlsParameters: offer.dtls });
    for (const { kind, rtpParameters } of tracks)
      await media.request('produce', { peerId, transportId: transport.id, angleId, kind, rtpParameters, sourceKind: 'whip' });
  } catch (error) {
    const { exists } = await media.request('peerState', { peerId });
    if (!exists) throw new HubError('conflict', 'a newer session took over this angle', { field: 'angleId', cause: error });
    throw error;
  }
  return { transport, answer: writeAnswer(offer, transport, tracks.map(receiving), 'recvonly') };
}
