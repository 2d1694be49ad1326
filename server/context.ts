import type { Logger } from 'pino';
import type { SocketTokens } from './auth/socket-tokens.ts';
import type { ControlSettings } from './control-settings.ts';
import type { Hub } from './live/hub.ts';
import type { Store } from './store/database.ts';

/** What every route and every socket handler works with. */
export type Context = {
  settings: ControlSettings;
  store: Store;
  hub: Hub;
  tokens: SocketTokens;
  log: Logger;
  /** Start of the addresses given to people, without a slash at its end. */
  publicUrl: () => string;
  /** Ask for an ended operation to be packed; harmless when that has been done. */
  requestPackage: (operationId: string) => Promise<void>;
};
