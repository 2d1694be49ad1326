import { createHash } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { messageOf } from '../../media/errors.ts';
import { MEDIA_NODE_FLAGS, type MediaSettings } from '../../media/protocol/settings.ts';
import { type Config, helpText, readConfig } from '../config.ts';
import type { ControlSettings } from '../control-settings.ts';
import { SupervisedChild } from './child.ts';
import { lockDataFolder } from './lock.ts';
import { OwnRedis } from './redis.ts';

/** `npm start`: starts Redis, the media process and the control process, starts again what dies, stops them in order. */
if (process.argv.includes('--help')) {
  process.stdout.write(helpText());
  process.exit(0);
}

const root = fileURLToPath(new URL('../../', import.meta.url));
const config = await orExit(async () => readConfig(process.env));
const log = pino({ level: config.logLevel, base: { plane: 'supervisor' } }, pino.destination({ dest: 2, sync: true }));
const unlock = await orExit(() => lockDataFolder(config.dataDir));

/** A machine that is busy closes takes and writes its log slowly; what stops services by itself waits for ten seconds or more. */
const PATIENCE_MS = 8000;
let stopping = false;
/** Where the control process serves the pages, once it does. Started again, it takes the same port. */
let served: { url: string; port: number } | null = null;

const redis: OwnRedis | null =
  config.redisUrl === null
    ? new OwnRedis(config.dataDir, { started: writeState, died: (why) => log.warn({ why }, 'redis died, it is started again') })
    : null;
const runDir = redis?.runDir ?? mkdtempSync('/tmp/fh-');
const mediaSocket = join(runDir, 'media.sock');

const media = new SupervisedChild({
  name: 'media',
  command: process.execPath,
  args: [...MEDIA_NODE_FLAGS, join(root, 'media/main.ts')],
  env: () => ({ ...process.env, FIELDHUB_MEDIA_SETTINGS: JSON.stringify(mediaSettings(config)) }),
  ipc: true,
  started: writeState,
  died: (why) => log.error({ why }, 'media process died, it is started again'),
  fatal: (message) => void fail(message),
});
const control = new SupervisedChild({
  name: 'control',
  command: process.execPath,
  args: [join(root, 'server/main.ts')],
  env: () => ({ ...process.env, FIELDHUB_CONTROL_SETTINGS: JSON.stringify(controlSettings(config)) }),
  ipc: true,
  started: writeState,
  ready: (message) => {
    const first = served === null;
    served = { url: String(message['url']), port: Number(message['port']) };
    writeState();
    if (first) greet(served.url, message['firstAdministrator'] as FirstAdministrator | null);
  },
  died: (why) => log.error({ why }, 'control process died, it is started again'),
  fatal: (message) => void fail(message),
});

process.on('SIGTERM', () => void stop(0));
process.on('SIGINT', () => void stop(0));
await orExit(async () => redis?.start());
media.start();
control.start();

async function stop(code: number): Promise<void> {
  if (stopping) return;
  stopping = true;
  log.info({}, 'hub stops');
  await Promise.all([control.stop(PATIENCE_MS), media.stop(PATIENCE_MS)]);
  await redis?.stop();
  rmSync(join(config.dataDir, 'hub.json'), { force: true });
  rmSync(runDir, { recursive: true, force: true });
  unlock();
  process.exit(code);
}

async function fail(message: string): Promise<void> {
  process.stderr.write(`fieldhub cannot start: ${message}\n`);
  await stop(1);
}

async function orExit<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    process.stderr.write(`fieldhub cannot start: ${messageOf(error)}\n`);
    process.exit(1);
  }
}

/** `hub.json` tells other programs on this machine where the hub is, once it answers. */
function writeState(): void {
  if (stopping || served === null) return;
  const path = join(config.dataDir, 'hub.json');
  const { dataDir, archiveDir } = config;
  const state = {
    url: served.url,
    pid: process.pid,
    media: media.pid,
    control: control.pid,
    redis: redis?.pid ?? null,
    dataDir,
    archiveDir,
  };
  writeFileSync(`${path}.new`, JSON.stringify(state));
  renameSync(`${path}.new`, path);
}

type FirstAdministrator = { login: string; password: string };
function greet(address: string, first: FirstAdministrator | null): void {
  const lines = [`fieldhub is ready: ${address}`];
  if (first) lines.push(`first administrator: sign in as ${first.login} with the one-time password ${first.password}`);
  if (config.beyondLoopback && config.tls === null) lines.push(`phones must trust this hub once: ${address}/ca.crt`);
  process.stdout.write(`${lines.join('\n')}\n`);
}

function mediaSettings(c: Config): MediaSettings {
  return {
    dataDir: c.dataDir,
    socketPath: mediaSocket,
    segmentMs: c.segmentMs,
    workers: c.rtcWorkers,
    rtcListenIp: c.beyondLoopback ? c.listen : '127.0.0.1',
    rtcPort: c.rtcPort,
    rtcAnnouncedAddress: c.announcedAddress,
    ingestIp: c.ingestAddress,
    rtmpPort: c.rtmpPort,
    srtPorts: c.srtPorts,
    cameraNetworks: c.cameraNetworks,
    silenceMs: c.silenceMs,
    diskReserveBytes: c.diskReserveBytes,
    writeBufferBytes: c.writeBufferBytes,
    logLevel: c.logLevel,
  };
}

/** For the custody log: a secret that is another one is seen by its hash. */
function toldSettings({ turn, redisUrl, ...rest }: Config): ControlSettings['told'] {
  const hashed = (secret: string | null): string | null => (secret === null ? null : createHash('sha256').update(secret).digest('hex'));
  const told = { ...rest, turnUrls: turn.urls, turnSecret: hashed(turn.secret), redisUrl: hashed(redisUrl) };
  return JSON.parse(JSON.stringify(told)) as ControlSettings['told'];
}

function controlSettings(c: Config): ControlSettings {
  return {
    dataDir: c.dataDir,
    archiveDir: c.archiveDir,
    mediaSocket,
    redis: redis ? { socketPath: redis.socketPath } : { url: c.redisUrl ?? '' },
    listen: c.listen,
    port: served?.port ?? c.port,
    publicUrl: c.publicUrl,
    announcedAddress: c.announcedAddress,
    tls: c.tls,
    beyondLoopback: c.beyondLoopback,
    turn: c.turn,
    linkHours: c.linkHours,
    told: toldSettings(c),
    logLevel: c.logLevel,
  };
}
