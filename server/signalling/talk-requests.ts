import type { Context } from '../context.ts';
import type { ConsoleRequests } from '../protocol/socket.ts';
import type { HandlersOf } from './reply.ts';
import type { Membership } from './media-requests.ts';

export function consoleTalk({ hub }: Context, membership: Membership): Pick<HandlersOf<ConsoleRequests>, 'startTalk' | 'stopTalk'> {
  return {
    startTalk: (params) => hub.media.request('startTalk', { peerId: membership.get().peerId, ...params }),
    stopTalk: () => hub.media.request('stopTalk', { peerId: membership.get().peerId, reason: 'released' }),
  };
}
