import type { Logger } from 'pino';
import type { Attempts } from './auth/attempts.ts';
import type { SocketTokens } from './auth/socket-tokens.ts';
import type { IndexFollower } from './custody/index-follower.ts';
import type { LiveViews } from './custody/live-views.ts';
import type { CustodyLog } from './custody/log.ts';
import type { RecordingViews } from './custody/recording-views.ts';
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
  /** What was decided and what was shown. */
  custody: CustodyLog;
  custodyIndex: IndexFollower;
  recordingViews: RecordingViews;
  liveViews: LiveViews;
  /** Wrong passwords and secrets of late, by login or token. */
  attempts: Attempts;
  /** Tries to sign in, by address. */
  signIns: Attempts;
  log: Logger;
  /** Start of the addresses given to people, without a slash at its end. */
  publicUrl: () => string;
  /** STUN and TURN servers for this client, where there are any, with credentials made for it now. */
  iceServers: (id: string) => IceServer[];
  /** Ask for an ended operation to be packed; harmless when that has been done. */
  requestPackage: (operationId: string) => Promise<void>;
};
