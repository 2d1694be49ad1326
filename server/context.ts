import type { Logger } from 'pino';
import type { Attempts } from './auth/attempts.ts';
import type { SocketTokens } from './auth/socket-tokens.ts';
import type { ControlSettings } from './control-settings.ts';
import type { IceServer } from './protocol/socket.ts';
import type { Hub } from './live/hub.ts';
import type { Store } from './store/database.ts';

/** What every route and every socket handler works with. */
export type Context = {
  settings: ControlSettings;
  store: Store;
  hub: Hub;
  tokens: SocketTokens;
  /** Wrong secrets of late, by address. */
  attempts: Attempts;
  log: Logger;
  /** Start of the addresses given to people, without a slash at its end. */
  publicUrl: () => string;
  /** STUN and TURN servers for this client, where there are any, with credentials made for it now. */
  iceServers: (id: string) => IceServer[];
  /** Ask for an ended operation to be packed; harmless when that has been done. */
  requestPackage: (operationId: string) => Promise<void>;
};
