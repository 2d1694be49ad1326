import { HubError } from '../../errors.ts';
import type { PullSpec } from '../../protocol/gateway.ts';

/**
 * Where a camera is fetched from. `path` begins with a slash and keeps its query; it may hold secrets, as may user and
 * password, which of SRT are the stream's id and the passphrase.
 */
export type SourceAddress = {
  scheme: 'rtsp' | 'rtsps' | 'rtmp' | 'rtmps' | 'srt';
  host: string;
  port: number;
  path: string;
  user: string | null;
  password: string | null;
};

/** SRT has none of its own. */
const PORTS = { rtsp: 554, rtsps: 322, rtmp: 1935, rtmps: 443, srt: 0 } as const;
/** libsrt takes no others. */
const PASSPHRASE = { least: 10, most: 79 };
const isScheme = (name: string): name is keyof typeof PORTS => Object.hasOwn(PORTS, name);

const wrong = (why: string): HubError => new HubError('bad_request', `url: ${why}`, { field: 'url' });

/** Read an address. Throws `bad_request`, which does not repeat it. */
export function parseAddress({ url: text, user, password }: PullSpec): SourceAddress {
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u0020\u007f]/.test(text)) throw wrong('no spaces or control characters');
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw wrong('not an address');
  }
  const scheme = url.protocol.slice(0, -1);
  if (!isScheme(scheme)) throw wrong('only rtsp, rtsps, rtmp, rtmps and srt');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (!/^[0-9A-Za-z._:-]{1,253}$/.test(host)) throw wrong('no host is named');
  const port = url.port === '' ? PORTS[scheme] : Number(url.port);
  if (port < 1) throw wrong('no such port');
  const path = `${url.pathname || '/'}${url.search}`;
  if (scheme === 'srt') return { scheme, host, port, path, ...srtSecrets(url.search, user, password) };
  const named = { scheme, host, port, user: user || decode(url.username), password: password || decode(url.password) };
  return { ...named, path: scheme === 'rtmp' || scheme === 'rtmps' ? rtmpPath(text) : path };
}

/** Stream id and passphrase: beside the address, or in its query. */
function srtSecrets(query: string, user?: string, password?: string): Pick<SourceAddress, 'user' | 'password'> {
  const passphrase = password || parameter(query, 'passphrase');
  const fits = passphrase === null || (passphrase.length >= PASSPHRASE.least && passphrase.length <= PASSPHRASE.most);
  const streamId = user || parameter(query, 'streamid');
  // eslint-disable-next-line no-control-regex
  if (!fits || /[\u0000-\u001f]/.test(`${passphrase ?? ''}${streamId ?? ''}`)) throw wrong('an SRT passphrase has 10 to 79 characters');
  return { user: streamId, password: passphrase };
}

/** As it is written: servers compare names byte by byte, and URL would encode some of them. */
function rtmpPath(text: string): string {
  const path = /^[^:]*:\/\/[^/?#]*(.*)$/.exec(text)?.[1] ?? '';
  if (!/^\/[^/?]+(\/[^?]*[^/?])?(\?.*)?$/.test(path)) throw wrong('an RTMP address names an application and a stream');
  return path;
}

/** As addresses have them; IPv6 in brackets (RFC 3986, 3.2.2). */
export function hostPort(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** `rtsp://10.1.2.3:554`, for people. */
export function shownAddress({ scheme, host, port }: Pick<SourceAddress, 'scheme' | 'host' | 'port'>): string {
  return `${scheme}://${hostPort(host, port)}`;
}

/** A parameter of a query, as libsrt's addresses have them: a plus is a plus. */
function parameter(query: string, name: string): string | null {
  const found = query
    .slice(1)
    .split('&')
    .find((part) => part.startsWith(`${name}=`));
  return found === undefined ? null : decode(found.slice(name.length + 1));
}

function decode(part: string): string | null {
  if (part === '') return null;
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
