import type { Context } from '../context.ts';
import type { CaptureRequests } from '../protocol/socket.ts';
import type { HandlersOf } from './reply.ts';

type WayRequests = Extract<keyof CaptureRequests, `${'way' | 'ear' | 'mirror'}${string}`>;

/** What a phone is sent comes to peers of their own: should one's way break, what the phone films goes on. */
const wayPeer = (wayId: string): string => `way-${wayId}`;

/** What a phone hears of commanders and sees of itself: of its own angle, and no other. */
export function captureWays(
  { hub, iceServers }: Context,
  { operationId, angleId }: { operationId: string; angleId: string },
): Pick<HandlersOf<CaptureRequests>, WayRequests> {
  return {
    wayTransport: async ({ wayId }) => {
      const peerId = wayPeer(wayId);
      const info = await hub.media.request('createTransport', { operationId, peerId, direction: 'recv', owner: null });
      return { ...info, iceServers: iceServers(peerId) };
    },
    wayConnect: ({ wayId, ...params }) => hub.media.request('connectTransport', { peerId: wayPeer(wayId), ...params }),
    wayClose: ({ wayId }) => hub.media.request('closePeer', { peerId: wayPeer(wayId), reason: 'stopped-by-operator' }),
    earConsume: ({ wayId, ...params }) => hub.media.request('consumeTalk', { peerId: wayPeer(wayId), angleId, ...params }),
    earResume: ({ wayId, consumerId }) => hub.media.request('resumeTalk', { peerId: wayPeer(wayId), angleId, consumerId }),
    mirrorConsume: ({ wayId, ...params }) => hub.media.request('consume', { peerId: wayPeer(wayId), angleId, ...params }),
    mirrorShow: ({ wayId, ...params }) => hub.media.request('showConsumer', { peerId: wayPeer(wayId), ...params }),
  };
}
