import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { HubError } from '../../errors.ts';
import type { PullSpec } from '../../protocol/gateway.ts';
import { refusalOfConnect, SourceRefusal } from './reasons.ts';

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

/** Whatever is allowed, never these: this host, link-local with the clouds' metadata services, multicast, broadcast. */
const NEVER = ['0.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3', '::/128', 'fe80::/10', 'ff00::/8'];

/** Read an address. Throws `bad_request`, which does not repeat it. */
export function parseAddress({ url: text, user, password }: PullSpec): SourceAddress {
  const wrong = (why: string): HubError => new HubError('bad_request', `url: ${why}`, { field: 'url' });
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
  if (scheme === 'srt') {
    const passphrase = password || parameter(url.search, 'passphrase');
    const fits = passphrase === null || (passphrase.length >= PASSPHRASE.least && passphrase.length <= PASSPHRASE.most);
    const streamId = user || parameter(url.search, 'streamid');
    // eslint-disable-next-line no-control-regex
    if (!fits || /[\u0000-\u001f]/.test(`${passphrase ?? ''}${streamId ?? ''}`)) throw wrong('an SRT passphrase has 10 to 79 characters');
    return { scheme, host, port, path, user: streamId, password: passphrase };
  }
  const named = { scheme, host, port, user: user || decode(url.username), password: password || decode(url.password) };
  if (scheme !== 'rtmp' && scheme !== 'rtmps') return { ...named, path };
  // as it is written: servers compare names byte by byte, and URL would encode some of them
  const raw = /^[^:]*:\/\/[^/?#]*(.*)$/.exec(text)?.[1] ?? '';
  if (!/^\/[^/?]+(\/[^?]*[^/?])?(\?.*)?$/.test(raw)) throw wrong('an RTMP address names an application and a stream');
  return { ...named, path: raw };
}

/** `rtsp://10.1.2.3:554`, for people. */
export function shownAddress({ scheme, host, port }: SourceAddress): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
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

/** A network as `10.0.0.0/8` or a single address; null when it is none. */
export function parseNetwork(text: string): { address: string; prefix: number; family: 'ipv4' | 'ipv6' } | null {
  const [address = '', bits, ...rest] = text.trim().split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits))) return null;
  const most = version === 4 ? 32 : 128;
  const prefix = bits === undefined ? most : Number(bits);
  return prefix <= most ? { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' } : null;
}

/** Which addresses the hub fetches from. */
export class AllowedNetworks {
  readonly #allowed: BlockList;
  readonly #never = listOf(NEVER);
  readonly #loopback = listOf(['127.0.0.0/8', '::1/128']);
  readonly #ownAllowed: boolean;

  /** `networks`: as in CAMERA_NETWORKS. This machine itself is allowed only where a network of it is named: no wider one includes it. */
  constructor(networks: string[]) {
    this.#allowed = listOf(networks);
    this.#ownAllowed = networks.some((text) => {
      const network = parseNetwork(text);
      return network !== null && network.prefix >= 8 && this.#loopback.check(network.address, network.family);
    });
  }

  allows(address: string): boolean {
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (this.#never.check(address, family)) return false;
    if (this.#loopback.check(address, family)) return this.#ownAllowed && this.#allowed.check(address, family);
    if (!this.#ownAllowed && ownAddresses().check(address, family)) return false;
    return this.#allowed.check(address, family);
  }

  /** Throws `forbidden` for a host that is not allowed; a name that is not found today, a network that is down, may be there later. */
  async refuseForbidden(host: string): Promise<void> {
    try {
      await this.resolve(host);
    } catch (error) {
      if (error instanceof SourceRefusal && error.reason.code === 'address-not-allowed')
        throw new HubError('forbidden', error.message, { field: 'url', cause: error });
    }
  }

  /** Look a name up once, check every address it has, and give the one to connect to. Throws `SourceRefusal`. */
  async resolve(host: string): Promise<string> {
    let found: { address: string }[];
    try {
      found = isIP(host) ? [{ address: host }] : await lookup(host, { all: true, verbatim: true });
    } catch (error) {
      throw refusalOfConnect(error as NodeJS.ErrnoException);
    }
    const refused = found.find(({ address }) => !this.allows(address));
    if (refused) throw new SourceRefusal('address-not-allowed', { address: refused.address });
    const [first] = found;
    if (!first) throw new SourceRefusal('name-not-found');
    return first.address;
  }
}

function listOf(networks: string[]): BlockList {
  const list = new BlockList();
  for (const text of networks) {
    const network = parseNetwork(text);
    if (network) list.addSubnet(network.address, network.prefix, network.family);
  }
  return list;
}

/** This machine's own addresses: another way to its insides. They may change, so they are asked for each time. */
function ownAddresses(): BlockList {
  const list = new BlockList();
  for (const entry of Object.values(networkInterfaces()).flat())
    if (entry) list.addAddress(entry.address, entry.family === 'IPv4' ? 'ipv4' : 'ipv6');
  return list;
}
