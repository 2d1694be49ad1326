import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { availableParallelism, networkInterfaces } from 'node:os';
import { join, resolve } from 'node:path';
import { HubError, messageOf } from '../media/errors.ts';

/** One setting: its environment variable, what it means, what it may be. */
type Setting<T> = { help: string; shown: string; allowed: string; parse: (text: string) => T | null; secret?: boolean };

const whole = (min: number, max: number) => (text: string) =>
  /^[0-9]+$/.test(text) && Number(text) >= min && Number(text) <= max ? Number(text) : null;
const text = (value: string): string | null => (value.trim() === '' ? null : value.trim());
const oneOf =
  <T extends string>(...values: T[]) =>
  (value: string): T | null =>
    values.find((allowed) => allowed === value) ?? null;
const address = (value: string): string | null => (/^[0-9a-zA-Z.:-]{1,253}$/.test(value) ? value : null);

/** Cameras stand in the brigade's own networks: private ranges, carriers' (RFC 6598), IPv6 unique local. */
const PRIVATE_NETWORKS = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'];
const networks = (value: string): string[] | null => {
  const list = value.split(',').map((entry) => entry.trim());
  const isNetwork = (entry: string): boolean => {
    const [ip = '', bits = '0', ...rest] = entry.split('/');
    return isIP(ip) !== 0 && rest.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (isIP(ip) === 4 ? 32 : 128);
  };
  return list.every(isNetwork) ? list : null;
};

const MAX_SRT_PORTS = 200;
const portRange = (value: string): { first: number; last: number } | null => {
  const [, first, last] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(value) ?? [];
  const range = { first: Number(first), last: Number(last ?? first) };
  if (range.first === 0 && range.last === 0) return range;
  const fits = range.first >= 1024 && range.last <= 65_535 && range.last >= range.first && range.last - range.first < MAX_SRT_PORTS;
  return fits ? range : null;
};

const MAX_TURN_URLS = 8;
/** Each as RFC 7064 and RFC 7065 have it. */
const turnUrls = (value: string): string[] | null => {
  const urls = value.split(',').map((url) => url.trim());
  const host = String.raw`(?:[0-9a-zA-Z.-]{1,253}|\[[0-9a-fA-F:.]{2,45}\])(?::\d{1,5})?`;
  const known = new RegExp(`^(?:stuns?:${host}|turns?:${host}(?:\\?transport=(?:udp|tcp))?)$`);
  return urls.length <= MAX_TURN_URLS && urls.every((url) => known.test(url)) ? urls : null;
};

const settings = {
  LISTEN: {
    help: 'address the pages are served on; beyond loopback they need HTTPS',
    shown: '127.0.0.1',
    allowed: 'an IP address or host name',
    parse: address,
  },
  PORT: {
    help: 'port of the pages',
    shown: '3000',
    allowed: 'a whole number from 0 to 65535, 0 for any free port',
    parse: whole(0, 65_535),
  },
  DATA: { help: 'folder of everything the hub keeps', shown: './data', allowed: 'a path', parse: text },
  ARCHIVE: { help: 'folder of the finished packages', shown: '<DATA>/archive', allowed: 'a path', parse: text },
  SEGMENT_SECONDS: { help: 'length of the cells of the grid', shown: '4', allowed: 'a whole number from 2 to 10', parse: whole(2, 10) },
  SILENCE_MS: {
    help: 'no media for so long opens an interruption',
    shown: '1500',
    allowed: 'a whole number from 500 to 10000',
    parse: whole(500, 10_000),
  },
  DISK_RESERVE_MB: {
    help: 'new takes are refused when less is free; at a quarter of it running ones are closed',
    shown: '2048',
    allowed: 'a whole number from 0 to 10000000',
    parse: whole(0, 10_000_000),
  },
  WRITE_BUFFER_MB: {
    help: 'memory for pictures that wait for a slow disk',
    shown: '128',
    allowed: 'a whole number from 1 to 100000',
    parse: whole(1, 100_000),
  },
  REDIS_URL: {
    help: 'an existing Redis; without it the hub runs its own',
    shown: '',
    allowed: 'redis://… or rediss://…',
    parse: (v: string) => (/^rediss?:\/\/\S+$/.test(v) ? v : null),
    secret: true,
  },
  RTC_PORT: {
    help: 'port of WebRTC, UDP and TCP; with several workers the ones after it too',
    shown: '44000',
    allowed: 'a whole number from 1024 to 65000',
    parse: whole(1024, 65_000),
  },
  RTC_WORKERS: {
    help: 'mediasoup workers',
    shown: 'cores less one, at least 1',
    allowed: 'a whole number from 1 to 64',
    parse: whole(1, 64),
  },
  ANNOUNCED_ADDRESS: {
    help: 'address at which phones and consoles reach WebRTC',
    shown: "LISTEN, or this machine's first LAN address",
    allowed: 'an IP address or host name',
    parse: address,
  },
  INGEST_ADDRESS: {
    help: 'address on which RTP from cameras is received, and encoders that push are listened for; 0.0.0.0 for all of this machine',
    shown: '127.0.0.1',
    allowed: 'an IP address',
    parse: address,
  },
  RTMP_PORT: {
    help: 'TCP port on which encoders push by RTMP, open while a stream key is valid',
    shown: '1935',
    allowed: 'a whole number from 0 to 65535, 0 for never',
    parse: whole(0, 65_535),
  },
  SRT_PORTS: {
    help: 'UDP ports for encoders that push by SRT, one each, open while a passphrase is valid',
    shown: '9000-9019',
    allowed: 'a port or a range such as 9000-9019, of 200 at most; 0 for none',
    parse: portRange,
  },
  CAMERA_NETWORKS: {
    help: 'networks that cameras are fetched from; this machine itself only when a loopback network is named',
    shown: PRIVATE_NETWORKS.join(','),
    allowed: 'networks such as 10.0.0.0/8, with commas between them',
    parse: networks,
  },
  PUBLIC_URL: {
    help: 'start of the links given to phones',
    shown: 'made from ANNOUNCED_ADDRESS and PORT',
    allowed: 'https://host[:port] or http://host[:port]',
    parse: (v: string) => (/^https?:\/\/[^/\s]+$/.test(v) ? v : null),
  },
  TLS_CERT: { help: 'certificate chain, PEM; with TLS_KEY', shown: 'made by a local authority of its own', allowed: 'a path', parse: text },
  TLS_KEY: { help: 'private key of TLS_CERT, PEM', shown: '', allowed: 'a path', parse: text },
  TURN_URLS: {
    help: 'STUN and TURN servers for phones and consoles that cannot reach RTC_PORT',
    shown: '',
    allowed: `up to ${MAX_TURN_URLS} of stun:host[:port], turn:host[:port][?transport=udp|tcp], turns:…, with commas between them`,
    parse: turnUrls,
  },
  TURN_SECRET: {
    help: "secret shared with the TURN servers (coturn's static-auth-secret); with TURN_URLS",
    shown: '',
    allowed: '16 to 200 characters',
    parse: (v: string) => (v.length >= 16 && v.length <= 200 ? v : null),
    secret: true,
  },
  LINK_HOURS: {
    help: 'how long a capture link can be opened',
    shown: '72',
    allowed: 'a whole number from 1 to 8760',
    parse: whole(1, 8760),
  },
  LOG_LEVEL: {
    help: 'how much is logged',
    shown: 'info',
    allowed: 'debug, info, warn or error',
    parse: oneOf('debug', 'info', 'warn', 'error'),
  },
} satisfies Record<string, Setting<unknown>>;

type Settings = typeof settings;
type Given = { [K in keyof Settings]?: NonNullable<ReturnType<Settings[K]['parse']>> };

export type Config = {
  listen: string;
  port: number;
  dataDir: string;
  archiveDir: string;
  segmentMs: number;
  silenceMs: number;
  diskReserveBytes: number;
  writeBufferBytes: number;
  redisUrl: string | null;
  rtcPort: number;
  rtcWorkers: number;
  announcedAddress: string;
  ingestAddress: string;
  rtmpPort: number;
  srtPorts: { first: number; last: number };
  cameraNetworks: string[];
  publicUrl: string | null;
  tls: { certPath: string; keyPath: string } | null;
  turn: { urls: string[]; secret: string | null };
  linkHours: number;
  logLevel: 'debug' | 'info' | 'warn' | 'error';
  /** Pages are reachable from other machines. */
  beyondLoopback: boolean;
};

/**
 * Read the settings from the environment and, below it, from the JSON file that `FIELDHUB_CONFIG` names. Throws
 * `bad_request` naming the setting, its value (secrets masked) and what is allowed.
 */
export function readConfig(env: Record<string, string | undefined>): Config {
  const file = readFile(env['FIELDHUB_CONFIG']);
  const given: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(settings) as [string, Setting<unknown>][]) {
    const value = env[name] ?? file[name];
    if (value === undefined || value === '') continue;
    const parsed = setting.parse(value);
    if (parsed === null)
      throw new HubError('bad_request', `${name}=${setting.secret ? '***' : JSON.stringify(value)} is not allowed: ${setting.allowed}`, {
        field: name,
      });
    given[name] = parsed;
  }
  return complete(given);
}

/** All settings with defaults and meanings, for `--help`. */
export function helpText(): string {
  const rows = Object.entries(settings).map(
    ([name, { help, shown, allowed }]) => `  ${name.padEnd(18)} ${help}\n${' '.repeat(21)}default: ${shown || 'none'}; allowed: ${allowed}`,
  );
  return ['fieldhub: settings, from the environment or from the JSON file named by FIELDHUB_CONFIG', '', ...rows, ''].join('\n');
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

function complete(given: Given): Config {
  const listen = given.LISTEN ?? '127.0.0.1';
  const beyondLoopback = !isLoopback(listen);
  if ((given.TLS_CERT === undefined) !== (given.TLS_KEY === undefined))
    throw new HubError('bad_request', 'TLS_CERT and TLS_KEY are only allowed together', { field: 'TLS_KEY' });
  const turn = { urls: given.TURN_URLS ?? [], secret: given.TURN_SECRET ?? null };
  const relays = turn.urls.some((url) => url.startsWith('turn'));
  if (relays && turn.secret === null)
    throw new HubError('bad_request', 'TURN_URLS names TURN servers, which need TURN_SECRET', { field: 'TURN_SECRET' });
  if (!relays && turn.secret !== null)
    throw new HubError('bad_request', 'TURN_SECRET is only allowed with TURN servers in TURN_URLS', { field: 'TURN_URLS' });
  const dataDir = resolve(given.DATA ?? 'data');
  return {
    listen,
    port: given.PORT ?? 3000,
    dataDir,
    archiveDir: resolve(given.ARCHIVE ?? join(dataDir, 'archive')),
    segmentMs: (given.SEGMENT_SECONDS ?? 4) * 1000,
    silenceMs: given.SILENCE_MS ?? 1500,
    diskReserveBytes: (given.DISK_RESERVE_MB ?? 2048) * 1024 * 1024,
    writeBufferBytes: (given.WRITE_BUFFER_MB ?? 128) * 1024 * 1024,
    redisUrl: given.REDIS_URL ?? null,
    rtcPort: given.RTC_PORT ?? 44_000,
    rtcWorkers: given.RTC_WORKERS ?? Math.max(1, availableParallelism() - 1),
    announcedAddress: given.ANNOUNCED_ADDRESS ?? (listen === '0.0.0.0' || listen === '::' ? lanAddress() : listen),
    ingestAddress: given.INGEST_ADDRESS ?? '127.0.0.1',
    rtmpPort: given.RTMP_PORT ?? 1935,
    srtPorts: given.SRT_PORTS ?? { first: 9000, last: 9019 },
    cameraNetworks: given.CAMERA_NETWORKS ?? PRIVATE_NETWORKS,
    publicUrl: given.PUBLIC_URL ?? null,
    tls: given.TLS_CERT && given.TLS_KEY ? { certPath: resolve(given.TLS_CERT), keyPath: resolve(given.TLS_KEY) } : null,
    turn,
    linkHours: given.LINK_HOURS ?? 72,
    logLevel: given.LOG_LEVEL ?? 'info',
    beyondLoopback,
  };
}

/** This machine's first IPv4 address that others can reach. */
function lanAddress(): string {
  for (const entries of Object.values(networkInterfaces()))
    for (const entry of entries ?? []) if (entry.family === 'IPv4' && !entry.internal) return entry.address;
  return '127.0.0.1';
}

function readFile(path: string | undefined): Record<string, string | undefined> {
  if (path === undefined) return {};
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new HubError('bad_request', `FIELDHUB_CONFIG=${JSON.stringify(path)} cannot be read: ${messageOf(error)}`, {
      field: 'FIELDHUB_CONFIG',
    });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new HubError('bad_request', `FIELDHUB_CONFIG=${JSON.stringify(path)} must hold one JSON object`, { field: 'FIELDHUB_CONFIG' });
  const unknown = Object.keys(value).find((key) => !(key in settings));
  if (unknown)
    throw new HubError('bad_request', `FIELDHUB_CONFIG: ${JSON.stringify(unknown)} is no setting; see --help`, { field: unknown });
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, String(entry)]));
}
