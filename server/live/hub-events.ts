import type { Alarm } from '../../media/protocol/alarms.ts';
import type { MediaEvent } from '../../media/protocol/events.ts';
import type { TakeoverDecision } from '../../media/protocol/takeover.ts';
import type { OperationShots } from '../protocol/shots.ts';
import type { Asking } from './takeovers.ts';

/** What the hub tells the rest of the control plane. */
export type HubEvents = {
  /** An event of the media plane that has been applied to the store. */
  media: [MediaEvent];
  /** Raised, or raised anew. Told at once, also when the store is not to be had. */
  alarm: [Alarm];
  alarmCleared: [Alarm];
  /** A device's wish for an angle has been decided, or is over. */
  takeover: [Asking, TakeoverDecision];
  /** Something about the operation changed that its angles' states do not say. */
  operation: [string];
  /** An operation's shot list, or what of it is filmed. */
  shots: [operationId: string, OperationShots];
  /** The capture links with these hashes were revoked. */
  revoked: [linkHashes: string[]];
  /** These sessions of people, by their hashes, and access tokens, by their ids, are over, or open less than before. */
  signedOut: [keys: string[]];
  /** Somebody's roles, or what of an operation says who may see it, changed; or, every ten seconds, may have without a word. */
  rights: [];
  /** One device of a link was. */
  shutOut: [sessionHash: string];
  /**
   * The store knows all that the media plane had to tell. `anew`: who watches this process does not know, since it was just
   * started, or has missed events.
   */
  synced: [anew: boolean];
};
