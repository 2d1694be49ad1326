import { mkdirSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { HubError, messageOf } from '../media/errors.ts';
import { Signer } from '../media/recordings/signer.ts';
import { Packing } from './archive/packing.ts';
import { Attempts } from './auth/attempts.ts';
import { SocketTokens } from './auth/socket-tokens.ts';
import { localCertificate, type ServerCertificate } from './auth/tls.ts';
import { iceServers } from './auth/turn.ts';
import type { Context } from './context.ts';
import { ControlSettings } from './control-settings.ts';
import { custodyAlarms } from './custody/alarms.ts';
import { LiveViews } from './custody/live-views.ts';
import { IndexFollower } from './custody/index-follower.ts';
import { CustodyLog } from './custody/log.ts';
import { logFile } from './custody/open-log.ts';
import { RecordingViews } from './custody/recording-views.ts';
import { recordSettings } from './custody/settings-line.ts';
import { buildApp } from './http/app.ts';
import { LiveRights } from './live/live-rights.ts';
import { Hub } from './live/hub.ts';
import { Presence } from './live/presence.ts';
import { firstAdministrator } from './people/sign-in.ts';
import { attachSignalling } from './signalling/attach.ts';
import { DEFAULT_LISTS } from './shots/default-lists.ts';
import { openStore } from './store/database.ts';
import { catchUpIndex } from './store/operation-index.ts';
import { putFirstEditions } from './store/shot-lists.ts';
import { hubSecret } from './store/sessions.ts';

/** The control process: knows who may do what and what happened. Settings come from the supervisor as JSON. */
const settings = ControlSettings.parse(JSON.parse(process.env['FIELDHUB_CONTROL_SETTINGS'] ?? '{}'));
const log = pino({ level: settings.logLevel, base: { plane: 'control' } }, pino.destination({ dest: 2, sync: true }));
/** So long it waits, when it stops, for those who are still being answered or do not hang up: what they have seen is to be written down after that. */
const LET_GO_MS = 1000;
/** And so long for all, where there is no supervisor to insist. */
const STOP_MS = 8000;
const hubVersion = String((JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version?: string }).version);

process.on('unhandledRejection', (error) => log.error({ err: error }, 'a promise was not looked after'));

try {
  await start();
} catch (error) {
  log.fatal(error instanceof HubError ? { reason: error.message } : { err: error }, 'control plane cannot start');
  process.send?.({
    type: 'failed',
    message: messageOf(error),
    fatal: error instanceof HubError,
  });
  process.exitCode = 1;
  setTimeout(() => process.exit(1), 100);
}

async function start(): Promise<void> {
  mkdirSync(settings.dataDir, { recursive: true, mode: 0o750 });
  const store = openStore(join(settings.dataDir, 'fieldhub.sqlite'));
  await catchUpIndex(store, log);
  await putFirstEditions(store, DEFAULT_LISTS, Date.now());
  const hub = new Hub({ store, mediaSocket: settings.mediaSocket, dataDir: settings.dataDir, log });
  const packing = new Packing({ settings, store, hub, hubVersion, log });
  const presence = new Presence(settings.redis, hub, log);
  const certificate = await certificateOf(settings);
  const nowMs = (): number => hub.nowMs();
  const signer = await Signer.load(join(settings.dataDir, 'keys'), 'custody-ed25519');
  const custodyDir = join(settings.dataDir, 'custody');
  const custodyIndex = new IndexFollower(store, log);
  const onHealth = custodyAlarms({ standing: hub.standing, nowMs });
  const custody = await CustodyLog.open(custodyDir, { signer, nowMs, log, onLine: (line) => custodyIndex.add(line), onHealth });
  custodyIndex.catchUp(logFile(custodyDir)).catch((error: unknown) => log.error({ err: error }, 'the custody log could not be indexed'));
  recordSettings(store, custody, settings.told, nowMs).catch((error: unknown) => log.error({ err: error }, 'settings were not told'));
  const recordingViews = new RecordingViews(custody, nowMs);
  const liveRights = new LiveRights({ store, hub, log, custody });
  const liveViews = new LiveViews(custody, nowMs);
  let url = '';
  const context: Context & { redisUp: () => boolean } = {
    settings,
    store,
    hub,
    log,
    tokens: new SocketTokens(await hubSecret(store, 'socket-tokens')),
    attempts: new Attempts(),
    signIns: new Attempts(60),
    custody,
    custodyIndex,
    recordingViews,
    liveViews,
    iceServers: (id) => iceServers(settings.turn, id, Date.now()),
    publicUrl: () => settings.publicUrl ?? url,
    requestPackage: (operationId) => packing.request(operationId),
    redisUp: () => presence.up,
  };
  hub.on('media', (event) => {
    if (event.type === 'operation.ended')
      packing.request(event.operationId).catch((error: unknown) => log.error({ err: error }, 'packing was not asked for'));
  });

  const first = await firstAdministrator(context);
  const { app } = await buildApp(context, certificate);
  const io = attachSignalling(app.server, context);
  await app.listen({ host: settings.listen, port: settings.port }).catch(refuseAddress);
  const { port } = app.server.address() as AddressInfo;
  const host = settings.beyondLoopback ? settings.announcedAddress : settings.listen;
  url = `${certificate ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  hub.start();

  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(0), STOP_MS).unref();
    const over = async (): Promise<void> => {
      await io.close();
      await app.close();
    };
    await Promise.race([over().catch((error: unknown) => log.warn({ err: error }, 'not all was let go of')), delay(LET_GO_MS)]);
    await Promise.all([packing.close(), liveRights.close()]);
    presence.close();
    recordingViews.close();
    liveViews.endAll();
    await custody.close();
    await custodyIndex.flush();
    await hub.close();
    await store.destroy();
    process.exit(0);
  };
  process.on('SIGTERM', () => void stop());
  process.on('SIGINT', () => undefined); // the supervisor decides
  process.on('disconnect', () => void stop());
  hub.once('synced', () => process.send?.({ type: 'ready', url: context.publicUrl(), port, firstAdministrator: first }));
}

/** What the operating system says of LISTEN and PORT, as an error that names the setting. */
function refuseAddress(error: NodeJS.ErrnoException): never {
  const { listen, port } = settings;
  const [field, why] =
    error.code === 'EADDRINUSE'
      ? ['PORT', 'is used by another program']
      : error.code === 'EACCES'
        ? ['PORT', 'needs rights that this user does not have']
        : ['LISTEN', `cannot be listened on: ${error.message}`];
  throw new HubError('bad_request', `${field}=${field === 'PORT' ? port : JSON.stringify(listen)} ${why}`, { cause: error, field });
}

async function certificateOf({
  beyondLoopback,
  tls,
  dataDir,
  announcedAddress,
  listen,
}: ControlSettings): Promise<ServerCertificate | null> {
  if (tls) return { cert: readPem('TLS_CERT', tls.certPath), key: readPem('TLS_KEY', tls.keyPath), caPath: null };
  if (!beyondLoopback) return null;
  return localCertificate(dataDir, [announcedAddress, ...(listen === '0.0.0.0' || listen === '::' ? [] : [listen])], Date.now());
}

function readPem(setting: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new HubError('bad_request', `${setting}=${JSON.stringify(path)} cannot be read: ${messageOf(error)}`, { field: setting });
  }
}
