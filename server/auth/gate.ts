import type { FastifyRequest } from 'fastify';
import { HubError } from '../../media/errors.ts';
import { encoderName } from './device-name.ts';
import { isLoopback } from '../config.ts';
import type { Context } from '../context.ts';
import type { Actor } from '../permission/decide.ts';
import { linkWho } from '../store/capture-links.ts';
import { angleName, operationRow } from '../store/operations.ts';
import { actorOfToken } from '../store/access-tokens.ts';
import { actorOfCookie } from '../store/person-sessions.ts';
import { type CaptureGrant, publishGrant, publishLink } from '../store/sessions.ts';

/** With HTTPS a name that no page without it can set; `__Host-` would give the cookie to every path (RFC 6265bis, 4.1.3). */
export const captureCookie = ({ settings }: Pick<Context, 'settings'>): string =>
  settings.beyondLoopback ? '__Secure-fh_capture' : 'fh_capture';
/** Nor any other host (4.1.3.2). */
export const sessionCookie = ({ settings }: Pick<Context, 'settings'>): string =>
  settings.beyondLoopback ? '__Host-fh_session' : 'fh_session';

/**
 * Who makes this request: a machine with an access token as Bearer token, or a person by the session's cookie, which no page of
 * another site gets anything by. Null for nobody. Throws `too_many` after wrong tokens from this address.
 */
export async function identify(context: Context, request: FastifyRequest): Promise<Actor | null> {
  const token = bearerOf(request);
  if (token !== null) {
    const actor = await actorOfToken(context.store, token, context.hub.nowMs());
    if (actor === null) {
      const who = { kind: 'token', id: null, name: null, address: request.ip } as const;
      const tell = (why: string): void => context.custody.note({ what: 'sign-in', who, outcome: 'refused', detail: { why } });
      context.attempts.note(`token ${request.ip}`, Date.now(), () => tell('too many attempts'));
      tell('wrong token');
    }
    return actor;
  }
  if (!originAllowed(context, request.headers.origin, request.headers.host)) return null;
  // pictures and the like that another site, or another port of this machine, embeds come without an Origin
  if (/^(cross|same)-site$/.test(request.headers['sec-fetch-site'] ?? '')) return null;
  return actorOfCookie(context.store, request.cookies[sessionCookie(context)], context.hub.nowMs());
}

/**
 * May this request film this angle by WHIP? With the secret of one of its capture links, or of one of the whole operation's, as
 * Bearer token. Throws `unauthorized`, `too_many`, `not_found`, `forbidden` for another angle's token, `gone` when the operation
 * has ended, `conflict` when the link is another device's.
 */
export async function requirePublisher(
  context: Context,
  request: FastifyRequest,
  { operationId, angleId }: { operationId: string; angleId: string },
): Promise<CaptureGrant> {
  const { store, hub, attempts } = context;
  const token = bearerOf(request);
  if (token === null) throw new HubError('unauthorized', "the secret of the angle's capture link is needed as Bearer token");
  const link = await publishLink(store, token).catch((error: unknown) => {
    // an encoder that goes on with a token gone bad must lock out nobody behind the same address who has a good one
    attempts.note(`token ${request.ip}`, Date.now());
    throw error;
  });
  const { status } = await operationRow(store, operationId);
  await angleName(store, operationId, angleId);
  if (link.operation_id !== operationId || (link.angle_id !== null && link.angle_id !== angleId))
    throw new HubError('forbidden', 'this token is for another angle', { field: 'angleId' });
  if (status === 'ended') throw new HubError('gone', 'the operation has ended', { field: 'operationId' });
  const who = { angleId, device: encoderName(request.headers['user-agent']), address: request.ip };
  const { grant, fresh } = await publishGrant(store, link, who, hub.nowMs());
  if (fresh) await noteOpened(context, grant, who);
  return grant;
}

/** A device has come by a link for the first time. Never waits for the custody log. */
export async function noteOpened(
  { store, custody }: Context,
  { operationId, angleId, linkHash }: CaptureGrant,
  { device, address }: { device: string; address: string },
): Promise<void> {
  custody.note({ what: 'link.used', who: await linkWho(store, linkHash, address), operationId, angleId, detail: { device } });
}

/** The token of `Authorization: Bearer …` (RFC 6750, 2.1), or null. */
function bearerOf({ headers }: FastifyRequest): string | null {
  return /^Bearer +(\S.{0,500}?) *$/i.exec(headers.authorization ?? '')?.[1] ?? null;
}

/** Pages of other sites may use what asks for a token that no browser sends by itself. */
export function openToOtherSites(url: string): boolean {
  return url.startsWith('/whip/') || url.startsWith('/whep/');
}

/**
 * Requests that another site's page could have made a browser send are refused: a Host that is not ours (DNS rebinding)
 * on loopback, and a foreign Origin on anything that changes something.
 */
export function checkOrigin(context: Context, { headers, method, url }: Pick<FastifyRequest, 'headers' | 'method' | 'url'>): void {
  const hostname = (headers.host ?? '').replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  if (!context.settings.beyondLoopback && !isLoopback(hostname))
    throw new HubError('forbidden', 'this hub answers on loopback only', { field: 'host' });
  if (method === 'GET' || method === 'HEAD' || headers.origin === undefined || openToOtherSites(url)) return;
  if (!originAllowed(context, headers.origin, headers.host))
    throw new HubError('forbidden', 'requests from other sites are refused', { field: 'origin' });
}

/**
 * A page of this hub's own: at the address given to people (PUBLIC_URL, where a proxy stands before the hub), or at the one that the
 * request names, by the hub's own scheme. Who can answer in the hub's name without HTTPS is another site.
 */
export function originAllowed(
  { settings, publicUrl }: Pick<Context, 'settings' | 'publicUrl'>,
  origin: string | undefined,
  host: string | undefined,
): boolean {
  if (origin === undefined) return true; // not a browser
  const scheme = settings.beyondLoopback || settings.tls !== null ? 'https' : 'http';
  return [publicUrl(), `${scheme}://${host ?? ''}`].some((url) => URL.canParse(url) && new URL(url).origin === origin);
}
