import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { HubError } from '../../media/errors.ts';
import type { CaptureGrant } from '../store/sessions.ts';

const Claims = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('console'), sessionHash: z.string(), expiresMs: z.number() }),
  z.object({
    kind: z.literal('capture'),
    operationId: z.string(),
    angleId: z.string(),
    linkHash: z.string(),
    sessionHash: z.string(),
    wide: z.boolean(),
    expiresMs: z.number(),
  }),
]);
export type Claims = z.infer<typeof Claims>;
type Unstamped = { kind: 'console'; sessionHash: string } | ({ kind: 'capture' } & CaptureGrant & { angleId: string });

const LIFE_MS = 10 * 60_000;

/** Short-lived tokens for the sockets, bound to one purpose: claims and their HMAC-SHA-256 (RFC 2104). */
export class SocketTokens {
  readonly #key: string;

  constructor(key: string) {
    this.#key = key;
  }

  issue(claims: Unstamped, nowMs: number): string {
    const body = Buffer.from(JSON.stringify({ ...claims, expiresMs: nowMs + LIFE_MS })).toString('base64url');
    return `${body}.${this.#mac(body).toString('base64url')}`;
  }

  /** Throws `unauthorized` for anything but a token of ours, of this kind, in time. */
  check(token: unknown, kind: Claims['kind'], nowMs: number): Claims {
    const [body = '', mac = ''] = typeof token === 'string' && token.length < 2000 ? token.split('.') : [];
    const given = Buffer.from(mac, 'base64url');
    const right = this.#mac(body);
    if (given.length !== right.length || !timingSafeEqual(given, right))
      throw new HubError('unauthorized', 'the socket token is not valid');
    const claims = Claims.safeParse(JSON.parse(Buffer.from(body, 'base64url').toString('utf8')));
    if (!claims.success || claims.data.kind !== kind) throw new HubError('unauthorized', 'the socket token is for something else');
    if (claims.data.expiresMs < nowMs) throw new HubError('unauthorized', 'the socket token has expired');
    return claims.data;
  }

  #mac(body: string): Buffer {
    return createHmac('sha256', this.#key).update(body).digest();
  }
}
