import type { Context } from '../context.ts';
import type { CaptureRequests, ConsoleRequests } from '../protocol/socket.ts';
import type { HandlersOf } from './reply.ts';
import type { Membership } from './media-requests.ts';

/** A phone listens through peers of their own: should one's way break, what the phone films goes on. */
const earPeer = (earId: string): string => `ear-${earId}`;

export function captureTalk(
  { hub, iceServers }: Context,
  { operationId, angleId }: { operationId: string; angleId: string },
): Pick<HandlersOf<CaptureRequests>, 'earTransport' | 'earConnect' | 'earConsume' | 'earResume'> {
  return {
    earTransport: async ({ earId }) => {
      const peerId = earPeer(earId);
      const info = await hub.media.request('createTransport', { operationId, peerId, direction: 'recv', owner: null });
      return { ...info, iceServers: iceServers(peerId) };
    },
    earConnect: ({ earId, ...params }) => hub.media.request('connectTransport', { peerId: earPeer(earId), ...params }),
    earConsume: ({ earId, ...params }) => hub.media.request('consumeTalk', { peerId: earPeer(earId), angleId, ...params }),
    earResume: ({ earId, consumerId }) => hub.media.request('resumeTalk', { peerId: earPeer(earId), angleId, consumerId }),
  };
}

export function consoleTalk({ hub }: Context, membership: Membership): Pick<HandlersOf<ConsoleRequests>, 'startTalk' | 'stopTalk'> {
  return {
    startTalk: (params) => hub.media.request('startTalk', { peerId: membership.get().peerId, ...params }),
    stopTalk: () => hub.media.request('stopTalk', { peerId: membership.get().peerId, reason: 'released' }),
  };
}
