import { createHash } from 'node:crypto';
import { HubError } from '../../media/errors.ts';
import type { Context } from '../context.ts';
import type { CaptureRequests, ConsoleRequests } from '../protocol/socket.ts';
import type { HandlersOf } from './reply.ts';

type Shared = Pick<HandlersOf<CaptureRequests & ConsoleRequests>, 'createTransport' | 'connectTransport' | 'restartIce' | 'clock'>;

/**
 * The media plane's name for a client's peer. The client has a part of it only: with the name of another's, or of its own in
 * another operation, it gets a peer of its own.
 */
export const peerName = (owner: string, ...parts: string[]): string =>
  createHash('sha256')
    .update([owner, ...parts].join(' '))
    .digest('base64url')
    .slice(0, 32);

/** A client's side of one operation: who it is once it has joined. */
export class Membership {
  peerId: string | null = null;
  operationId: string | null = null;
  readonly owner: string;

  /** `owner`: by what right it is here. */
  constructor(owner: string) {
    this.owner = owner;
  }

  /** The operation that was joined; of one that is over there is no peer. Throws `conflict` before `join`. */
  joined(): string {
    if (this.operationId === null) throw new HubError('conflict', 'join first');
    return this.operationId;
  }

  /** It is of no operation any more. Its peer, as `get`. */
  leave(): string {
    const { peerId } = this.get();
    [this.peerId, this.operationId] = [null, null];
    return peerId;
  }

  /** Throws `conflict` before `join`, and where that was of an operation that is over. */
  get(): { peerId: string; operationId: string; owner: string } {
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

/** Note who joined, as a peer of this name, and say what of it still lives in the media plane. */
export async function joinPeer(context: Context, membership: Membership, peerId: string, operationId: string) {
  const { media } = context.hub;
  const { rtpCapabilities } = await media.request('routerCapabilities', { operationId });
  const { exists, transports, producers, consumers } = await media.request('peerState', { peerId });
  membership.peerId = peerId;
  membership.operationId = operationId;
  return { rtpCapabilities, peerExists: exists, transports, producers, consumers };
}
