import { HubError } from '../errors.ts';
import { Peer } from './peer.ts';

/** Peers of one owner in one operation: whoever has a right to be here may not fill the worker with what he never uses. */
const MAX_OWNED = 64;

/** The peers of one operation, by their names. */
export class Peers extends Map<string, Peer> {
  readonly #operationId: string;
  readonly #lost: (peerId: string, reason: string) => void;

  /** `lost`: a peer's way is gone, and it with it. */
  constructor(operationId: string, lost: (peerId: string, reason: string) => void) {
    super();
    this.#operationId = operationId;
    this.#lost = lost;
  }

  /** The peer of this name, made when there is none. Throws `too_many`. */
  have(peerId: string, owner: string): Peer {
    const present = this.get(peerId);
    if (present) return present;
    if (this.owned(owner).length >= MAX_OWNED) throw new HubError('too_many', `${MAX_OWNED} peers are here by this right already`);
    const peer = new Peer(peerId, this.#operationId, owner, (reason) => this.#lost(peerId, reason));
    this.set(peerId, peer);
    return peer;
  }

  /** The names of those that are here by this right. */
  owned(owner: string): string[] {
    return [...this.values()].filter((peer) => peer.owner === owner).map(({ peerId }) => peerId);
  }

  /** By what rights peers are here. */
  owners(): string[] {
    return [...new Set([...this.values()].map(({ owner }) => owner))];
  }
}
