import type { FastifyInstance } from 'fastify';
import { HubError, messageOf } from '../../media/errors.ts';
import { encoderProduct } from '../auth/device-name.ts';
import { requirePublisher } from '../auth/gate.ts';
import type { Context } from '../context.ts';
import { byLink } from '../permission/rules.ts';
import { receiving, writeAnswer } from '../sdp/answer.ts';
import { readOffer } from '../sdp/offer.ts';
import { publishedTracks } from '../sdp/publish.ts';
import { revokedOwners } from '../store/sessions.ts';
import { type OfAngle, type StartedSession, webRtcResource } from './webrtc-resource.ts';

const BEARER = 'the secret of a capture link as Bearer token';

/** Encoders film an angle by WHIP (RFC 9725), with the secret of its capture link as Bearer token. */
export function whipRoutes(app: FastifyInstance, context: Context): void {
  const { hub, store, log } = context;
  webRtcResource(app, context, {
    name: 'whip',
    rules: { start: byLink(BEARER), session: byLink(BEARER) },
    admit: async (request, angle) => (await requirePublisher(context, request, angle)).sessionHash,
    start: (angle, peer, offer) => publish(context, angle, peer, offer),
  });
  const closeRevoked = (): void => {
    revokedOwners(store)
      .then((owners) => Promise.all(owners.map((owner) => hub.media.request('closeOwned', { owner }))))
      .catch((error: unknown) => log.warn({ reason: messageOf(error) }, 'devices of revoked links were not closed'));
  };
  hub.on('revoked', closeRevoked);
  hub.on('shutOut', closeRevoked);
  // what could not be done before the control plane, or the way to the media plane, broke down
  hub.on('synced', closeRevoked);
}

/** Nothing is made before the offer has been understood as a whole. */
async function publish(
  { hub: { media, takeovers }, store }: Context,
  { operationId, angleId }: OfAngle,
  { peerId, owner, userAgent }: { peerId: string; owner: string; userAgent: string | undefined },
  text: string,
): Promise<StartedSession> {
  if (takeovers.keptFromOthers(owner, angleId))
    throw new HubError('conflict', 'a commander has given this angle to another device', { field: 'angleId' });
  const offer = readOffer(text, 'sends');
  const device = encoderProduct(userAgent);
  const { rtpCapabilities } = await media.request('routerCapabilities', { operationId });
  const tracks = publishedTracks(offer, rtpCapabilities);
  const transport = await media.request('createTransport', { operationId, peerId, direction: 'send', owner });
  try {
    await media.request('connectTransport', { peerId, transportId: transport.id, dtlsParameters: offer.dtls });
    for (const { kind, rtpParameters } of tracks)
      await media.request('produce', {
        peerId,
        transportId: transport.id,
        angleId,
        kind,
        rtpParameters,
        sourceKind: 'whip',
        ...(device ? { device } : {}),
      });
    // revoked while this went on: whoever closes a revoked link's devices may have come before there was one
    if ((await revokedOwners(store)).includes(owner))
      throw new HubError('unauthorized', 'this capture link was revoked', { field: 'revoked' });
  } catch (error) {
    const { exists } = await media.request('peerState', { peerId });
    if (!exists) throw new HubError('conflict', 'a newer session took over this angle', { field: 'angleId', cause: error });
    throw error;
  }
  return { transport, answer: writeAnswer(offer, transport, tracks.map(receiving), 'recvonly') };
}
