import { HubError } from '../../media/errors.ts';
import type { Context } from '../context.ts';
import type { CaptureRequests, ConsoleRequests } from '../protocol/socket.ts';
import type { HandlersOf } from './reply.ts';

type Shared = Pick<HandlersOf<CaptureRequests & ConsoleRequests>, 'createTransport' | 'connectTransport' | 'restartIce' | 'clock'>;

/** A client's side of one operation: who it is once it has joined. */
export class Membership {
  peerId: string | null = null;
  operationId: string | null = null;
  readonly owner: string | null;

  /** `owner`: by what right it may film; null for one who only watches. */
  constructor(owner: string | null) {
    this.owner = owner;
  }

  /** Throws `conflict` before `join`. */
  get(): { peerId: string; operationId: string; owner: string | null } {
    if (this.peerId === null || this.operationId === null) throw new HubError('conflict', 'join first');
    return { peerId: this.peerId, operationId: this.operationId, owner: this.owner };
  }
}

/** The requests that capture and console have in common. */
export function sharedRequests(context: Context, membership: Membership): Shared {
  const { hub } = context;
  return {
    createTransport: async ({ direction }) => {
      const info = await hub.media.request('createTransport', { ...membership.get(), direction });
      return { ...info, iceServers: context.iceServers(membership.get().peerId) };
    },
    connectTransport: ({ transportId, dtlsParameters }) =>
      hub.media.request('connectTransport', { peerId: membership.get().peerId, transportId, dtlsParameters }),
    restartIce: async ({ transportId }) => {
      const { peerId } = membership.get();
      const { iceParameters } = await hub.media.request('restartIce', { peerId, transportId });
      return { iceParameters, iceServers: context.iceServers(peerId) };
    },
    clock: async ({ t0 }) => {
      const t1 = hub.nowMs();
      return { t0, t1, t2: hub.nowMs() };
    },
  };
}

/** Note who joined, and say what of it still lives in the media plane. */
export async function joinPeer(context: Context, membership: Membership, peerId: string, operationId: string) {
  const { media } = context.hub;
  const { rtpCapabilities } = await media.request('routerCapabilities', { operationId });
  const { exists, transports, producers, consumers } = await media.request('peerState', { peerId });
  membership.peerId = peerId;
  membership.operationId = operationId;
  return { rtpCapabilities, peerExists: exists, transports, producers, consumers };
}
