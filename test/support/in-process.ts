import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import type { Server } from 'socket.io';
import { Signer } from '../../media/recordings/signer.ts';
import { Attempts } from '../../server/auth/attempts.ts';
import { SocketTokens } from '../../server/auth/socket-tokens.ts';
import type { Context } from '../../server/context.ts';
import { ControlSettings } from '../../server/control-settings.ts';
import { custodyAlarms } from '../../server/custody/alarms.ts';
import { IndexFollower } from '../../server/custody/index-follower.ts';
import { LiveViews } from '../../server/custody/live-views.ts';
import { CustodyLog } from '../../server/custody/log.ts';
import { RecordingViews } from '../../server/custody/recording-views.ts';
import { buildApp } from '../../server/http/app.ts';
import type { RuledRoute } from '../../server/http/permit.ts';
import { Hub } from '../../server/live/hub.ts';
import { attachSignalling } from '../../server/signalling/attach.ts';
import { requestPackage } from '../../server/store/archive-jobs.ts';
import { openStore } from '../../server/store/database.ts';
import { hubSecret } from '../../server/store/sessions.ts';

export type ControlPlane = {
  context: Context;
  app: FastifyInstance;
  routes: RuledRoute[];
  io: Server;
  url: string;
  close: () => Promise<void>;
};

/**
 * The control plane in this process, its media plane away: for what is decided before that is asked for anything.
 * `custodyDisk`: mounts a disk on the folder of the custody log before that is opened.
 */
export async function controlPlane(custodyDisk?: (path: string) => { unmount: () => void }): Promise<ControlPlane> {
  const dataDir = mkdtempSync(join(tmpdir(), 'fieldhub-control-'));
  const disk = custodyDisk?.(join(dataDir, 'custody'));
  const settings = ControlSettings.parse({
    dataDir,
    archiveDir: join(dataDir, 'archive'),
    mediaSocket: join(dataDir, 'media.sock'),
    redis: { socketPath: join(dataDir, 'redis.sock') },
    listen: '127.0.0.1',
    port: 0,
    publicUrl: null,
    announcedAddress: '127.0.0.1',
    tls: null,
    beyondLoopback: false,
    turn: { urls: [], secret: null },
    linkHours: 24,
    logLevel: 'error',
  });
  const log = pino({ level: 'silent' });
  const store = openStore(':memory:');
  const hub = new Hub({ store, mediaSocket: settings.mediaSocket, dataDir, log });
  const nowMs = (): number => hub.nowMs();
  const custodyIndex = new IndexFollower(store, log);
  const signer = await Signer.load(join(dataDir, 'keys'), 'custody-ed25519');
  const onHealth = custodyAlarms({ standing: hub.standing, nowMs });
  const custody = await CustodyLog.open(join(dataDir, 'custody'), {
    signer,
    nowMs,
    log,
    onLine: (line) => custodyIndex.add(line),
    onHealth,
  });
  const recordingViews = new RecordingViews(custody, nowMs);
  const liveViews = new LiveViews(custody, nowMs);
  let url = '';
  const context: Context = {
    settings,
    store,
    hub,
    log,
    custody,
    custodyIndex,
    recordingViews,
    liveViews,
    tokens: new SocketTokens(await hubSecret(store, 'socket-tokens')),
    attempts: new Attempts(),
    signIns: new Attempts(60),
    iceServers: () => [],
    publicUrl: () => url,
    requestPackage: (operationId) => requestPackage(store, operationId, hub.nowMs()),
  };
  const { app, routes } = await buildApp(context, null);
  const io = attachSignalling(app.server, context);
  await app.listen({ host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  return {
    context,
    app,
    routes,
    io,
    url,
    close: async () => {
      await io.close();
      await app.close();
      recordingViews.close();
      liveViews.endAll();
      await custody.close();
      await custodyIndex.flush();
      await hub.close();
      await store.destroy();
      disk?.unmount();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
