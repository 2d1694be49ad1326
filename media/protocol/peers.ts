import { z } from 'zod';
import { Id } from './ids.ts';

const Empty = z.object({});
export const PeerId = z.string().regex(/^[A-Za-z0-9_-]{8,64}$/);
/** By what right a peer is here. */
export const Owner = z.string().min(1).max(128);

/** What becomes of a client's side of an operation. */
export const peerRequests = {
  /** Does the media plane still hold this peer's transports? Asked when a phone's signalling comes back. */
  peerState: {
    params: z.object({ peerId: PeerId }),
    result: z.object({
      exists: z.boolean(),
      transports: z.array(z.string()),
      producers: z.array(z.string()),
      consumers: z.array(z.string()),
      operationId: Id.nullable(),
      owner: z.string().nullable(),
      /** The hub's ICE username fragment of each transport: new with each restart. */
      iceUfrags: z.array(z.string()),
    }),
  },
  /** `stopped-by-operator` when the officer pressed stop; anything else is a loss. */
  closePeer: {
    params: z.object({ peerId: PeerId, reason: z.enum(['stopped-by-operator', 'connection-lost', 'replaced']) }),
    result: Empty,
  },
  /** Close every peer of this owner, whose right is gone: in this operation, or in all. */
  closeOwned: { params: z.object({ owner: Owner, operationId: Id.optional() }), result: z.object({ closed: z.int() }) },
  /** By what rights peers are here, each once an operation. */
  owners: { params: Empty, result: z.object({ owners: z.array(z.object({ operationId: Id, owner: Owner })) }) },
} as const;
