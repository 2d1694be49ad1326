import type { Claims } from '../auth/socket-tokens.ts';
import type { Context } from '../context.ts';
import type { CaptureRequests } from '../protocol/socket.ts';
import { peerName } from './media-requests.ts';
import type { HandlersOf } from './reply.ts';

type WayRequests = Extract<keyof CaptureRequests, `${'way' | 'ear' | 'mirror'}${string}`>;
type CaptureClaims = Extract<Claims, { kind: 'capture' }>;

/** A page has two at most; one that is made anew may come before the hub has heard that the other is gone. */
const WAYS_MOST = 4;

/**
 * What a phone is sent comes to peers of their own: should one's way break, what the phone films goes on. They are here by the
 * phone's own right, and end with it.
 */
export class CaptureWays {
  readonly #context: Context;
  /** The names of a session's ways, the newest last. */
  readonly #ways = new Map<string, string[]>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** What a phone hears of commanders, of its own angle, and sees of itself: of what it films, and nothing of others. */
  requests({ operationId, angleId, sessionHash: owner }: CaptureClaims): Pick<HandlersOf<CaptureRequests>, WayRequests> {
    const { hub, iceServers } = this.#context;
    const { media } = hub;
    const of = (wayId: string): string => peerName(owner, operationId, angleId, wayId);
    return {
      wayTransport: async ({ wayId }) => {
        const peerId = of(wayId);
        await this.#only(owner, peerId);
        const info = await media.request('createTransport', { operationId, peerId, direction: 'recv', owner });
        return { ...info, iceServers: iceServers(peerId) };
      },
      wayConnect: ({ wayId, ...params }) => media.request('connectTransport', { peerId: of(wayId), ...params }),
      wayClose: ({ wayId }) => media.request('closePeer', { peerId: of(wayId), reason: 'stopped-by-operator' }),
      earConsume: ({ wayId, ...params }) => media.request('consumeTalk', { peerId: of(wayId), angleId, ...params }),
      earResume: ({ wayId, consumerId }) => media.request('resumeTalk', { peerId: of(wayId), angleId, consumerId }),
      mirrorConsume: ({ wayId, ...params }) => media.request('consume', { peerId: of(wayId), angleId, ...params, own: true }),
      mirrorShow: ({ wayId, ...params }) => media.request('showConsumer', { peerId: of(wayId), ...params }),
    };
  }

  /** No page of this session is here any more. */
  forget(sessionHash: string): void {
    this.#ways.delete(sessionHash);
  }

  /** Its oldest ways are closed where it has too many. */
  async #only(sessionHash: string, peerId: string): Promise<void> {
    const ways = [...(this.#ways.get(sessionHash) ?? []).filter((each) => each !== peerId), peerId];
    this.#ways.set(sessionHash, ways.slice(-WAYS_MOST));
    for (const old of ways.slice(0, -WAYS_MOST)) await this.#context.hub.media.request('closePeer', { peerId: old, reason: 'replaced' });
  }
}
