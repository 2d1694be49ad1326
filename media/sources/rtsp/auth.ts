import { createHash, randomBytes } from 'node:crypto';

export type Challenge =
  { scheme: 'basic' } | { scheme: 'digest'; realm: string; nonce: string; opaque: string | null; qop: boolean; hash: Hash };
type Hash = { name: string; algorithm: 'md5' | 'sha256' };
const HASHES: Record<string, Hash['algorithm']> = { MD5: 'md5', 'SHA-256': 'sha256' };

/** The best of the `WWW-Authenticate` headers: digest (RFC 7616) before basic (RFC 7617), SHA-256 before MD5. */
export function challengeOf(headers: string[]): Challenge | null {
  const digests = headers.flatMap((header) => {
    if (!/^digest /i.test(header)) return [];
    const part = (name: string): string | null => {
      const found = new RegExp(`[ ,]${name}=(?:"([^"]*)"|([^ ,]+))`, 'i').exec(header);
      return found?.[1] ?? found?.[2] ?? null;
    };
    const name = (part('algorithm') ?? 'MD5').toUpperCase();
    const algorithm = HASHES[name];
    if (!algorithm) return [];
    const qop = (part('qop') ?? '').split(/[ ,]+/).includes('auth');
    return [
      {
        scheme: 'digest' as const,
        realm: part('realm') ?? '',
        nonce: part('nonce') ?? '',
        opaque: part('opaque'),
        qop,
        hash: { name, algorithm },
      },
    ];
  });
  const best = digests.find(({ hash }) => hash.algorithm === 'sha256') ?? digests[0];
  if (best) return best;
  return headers.some((header) => /^basic\b/i.test(header)) ? { scheme: 'basic' } : null;
}

/** Answers one camera's challenges. */
export class Authorizer {
  readonly #user: string;
  readonly #password: string;
  #challenge: Challenge | null = null;
  #uses = 0;

  constructor(user: string, password: string) {
    this.#user = user;
    this.#password = password;
  }

  /** Whether it is worth answering: a challenge that was answered already is not, unless its nonce is a new one. */
  take(headers: string[]): boolean {
    const next = challengeOf(headers);
    const before = this.#challenge;
    if (!next) return false;
    const stale = headers.some((header) => /stale="?true/i.test(header));
    if (before && !(next.scheme === 'digest' && stale)) return false;
    this.#challenge = next;
    this.#uses = 0;
    return true;
  }

  /** The `Authorization` header of a request; null before the first challenge. */
  header(method: string, uri: string): string | null {
    const challenge = this.#challenge;
    if (!challenge) return null;
    if (challenge.scheme === 'basic') return `Basic ${Buffer.from(`${this.#user}:${this.#password}`).toString('base64')}`;
    const { realm, nonce, opaque, qop, hash } = challenge;
    const digest = (text: string): string => createHash(hash.algorithm).update(text).digest('hex');
    const secret = digest(`${this.#user}:${realm}:${this.#password}`);
    this.#uses += 1;
    const count = this.#uses.toString(16).padStart(8, '0');
    const own = randomBytes(8).toString('hex');
    const asked = digest(`${method}:${uri}`);
    const response = digest(qop ? `${secret}:${nonce}:${count}:${own}:auth:${asked}` : `${secret}:${nonce}:${asked}`);
    const parts = [`username="${this.#user}"`, `realm="${realm}"`, `nonce="${nonce}"`, `uri="${uri}"`, `response="${response}"`];
    if (hash.name !== 'MD5') parts.push(`algorithm=${hash.name}`);
    if (opaque !== null) parts.push(`opaque="${opaque}"`);
    if (qop) parts.push('qop=auth', `nc=${count}`, `cnonce="${own}"`);
    return `Digest ${parts.join(', ')}`;
  }
}
