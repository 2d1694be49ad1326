import { constants } from 'node:fs';
import { access, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { pino } from 'pino';
import { HubError, messageOf } from './errors.ts';
import { Alarms } from './operations/alarms.ts';
import { ClockWatch } from './operations/clock-watch.ts';
import { DiskWatch } from './operations/disk-watch.ts';
import { machineSynchronised } from './operations/clock-sync.ts';
import { Figures } from './operations/figures.ts';
import { mediaHandlers } from './operations/handlers.ts';
import { Registry } from './operations/registry.ts';
import { EventLog, serveMedia } from './protocol/channel.ts';
import type { MediaEvent } from './protocol/events.ts';
import { MediaSettings } from './protocol/settings.ts';
import { WriteBudget } from './recorder/write-budget.ts';
import { recordingsDir } from './recordings/paths.ts';
import { Signer } from './recordings/signer.ts';
import { WorkerPool } from './sfu/workers.ts';
import { CameraWays } from './sources/camera-ways.ts';
import { AllowedNetworks } from './sources/gateway/networks.ts';
import { systemHubClock } from './time/hub-clock.ts';

/** The media process: receives, records, forwards. Settings come from the supervisor as JSON. */
const settings = MediaSettings.parse(JSON.parse(process.env['FIELDHUB_MEDIA_SETTINGS'] ?? '{}'));
const log = pino({ level: settings.logLevel, base: { plane: 'media' } }, pino.destination({ dest: 2, sync: true }));

const clock = systemHubClock();
const events = new EventLog();
const figures = new Figures();
const loop = monitorEventLoopDelay({ resolution: 10 });
loop.enable();

const emit = (event: MediaEvent): void => {
  figures.note(event);
  events.publish(event);
};

const alarms = new Alarms(() => clock.nowMs(), emit);
const signer = await makeFolders();
const workers = new WorkerPool({
  count: settings.workers,
  listenIp: settings.rtcListenIp,
  port: settings.rtcPort,
  announcedAddress: settings.rtcAnnouncedAddress,
  log,
  died: (slot, reason) => {
    emit({ type: 'worker.died', pid: slot.worker.pid, reason });
    registry.workerDied(slot).catch((error: unknown) => log.error({ err: error }, 'operations could not be moved to another worker'));
  },
});
const clockWatch = new ClockWatch({ clock, alarms, log, stepped: (atMs, stepMs) => registry.noteClockStep(atMs, stepMs) });
const diskWatch = new DiskWatch({
  recordingsDir: recordingsDir(settings.dataDir),
  reserveBytes: settings.diskReserveBytes,
  folders: () => registry.folders(),
  closeTakes: (operationDirs) => registry.closeTakes(operationDirs),
  alarms,
  log,
});
const registry = new Registry({
  workers,
  clock,
  signer,
  log,
  emit,
  alarms,
  budget: new WriteBudget(settings.writeBufferBytes),
  dataDir: settings.dataDir,
  ingestIp: settings.ingestIp,
  ways: new CameraWays({
    networks: new AllowedNetworks(settings.cameraNetworks),
    listenIp: settings.ingestIp,
    shownHost: anyAddress(settings.ingestIp) ? settings.rtcAnnouncedAddress : settings.ingestIp,
    rtmpPort: settings.rtmpPort,
    srtPorts: settings.srtPorts,
    log,
  }),
  segmentMs: settings.segmentMs,
  silenceMs: settings.silenceMs,
  hubVersion: await version(),
  clockSynchronised: await machineSynchronised(),
  refuse: (dir) => diskWatch.refusal(dir),
});

let stopping: Promise<void> | null = null;
const stop = (why: string, code: number): void => {
  stopping ??= (async () => {
    log.info({ why }, 'media plane stops');
    try {
      await registry.close();
      await channel?.close();
      workers.close();
      diskWatch.close();
      clockWatch.close();
    } finally {
      process.exit(code);
    }
  })();
};
process.on('SIGTERM', () => stop('SIGTERM', 0));
process.on('SIGINT', () => undefined); // the supervisor decides when this process stops
process.on('disconnect', () => stop('supervisor gone', 0));
process.on('uncaughtException', (error) => {
  log.fatal({ err: error }, 'media plane failed');
  stop(messageOf(error), 1);
});

let channel: { close: () => Promise<void> } | null = null;
try {
  await diskWatch.start();
  clockWatch.start();
  await workers.start();
  await registry.resume();
  channel = await serveMedia({
    socketPath: settings.socketPath,
    handlers: mediaHandlers({ registry, alarms, events, clock, workers, figures, loop, dataDir: settings.dataDir }),
    events,
    warn: (message) => log.warn({}, message),
  });
  log.info({ pid: process.pid }, 'media plane ready');
  process.send?.({ type: 'ready' });
} catch (error) {
  log.fatal(error instanceof HubError ? { reason: error.message } : { err: error }, 'media plane cannot start');
  process.send?.({ type: 'failed', message: messageOf(error), fatal: error instanceof HubError });
  stop(messageOf(error), 1);
}

function anyAddress(ip: string): boolean {
  return ip === '0.0.0.0' || ip === '::';
}

/** The folders of recordings and keys. A fault here is told and ends the hub: a restart would not mend it. */
async function makeFolders(): Promise<Signer> {
  const { dataDir } = settings;
  try {
    await mkdir(recordingsDir(dataDir), { recursive: true, mode: 0o750 });
    await access(recordingsDir(dataDir), constants.W_OK | constants.X_OK);
    return await Signer.load(join(dataDir, 'keys'));
  } catch (error) {
    const why = error instanceof HubError ? error.message : `${messageOf(error)}: give the hub's user the right to write there`;
    log.fatal({ reason: why }, 'media plane cannot start');
    const told = { type: 'failed', message: `DATA=${JSON.stringify(dataDir)} cannot be used: ${why}`, fatal: true };
    await new Promise<void>((resolve) => (process.send ? process.send(told, () => resolve()) : resolve()));
    process.exit(1);
  }
}

async function version(): Promise<string> {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  return String((JSON.parse(text) as { version?: string }).version);
}
