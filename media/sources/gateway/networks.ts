import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { HubError } from '../../errors.ts';
import { refusalOfConnect, SourceRefusal } from './reasons.ts';

/** Whatever is allowed, never these: this host, link-local with the clouds' metadata services, multicast, broadcast. */
const NEVER = ['0.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3', '::/128', 'fe80::/10', 'ff00::/8'];

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
