import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { HubError } from '../../media/errors.ts';
import { encoderName } from './device-name.ts';
import { isLoopback } from '../config.ts';
import type { Context } from '../context.ts';
import { angleName, operationRow } from '../store/operations.ts';
import { type CaptureGrant, isConsoleSession, publishGrant, publishLink } from '../store/sessions.ts';

export const CONSOLE_COOKIE = 'fh_console';
export const CAPTURE_COOKIE = 'fh_capture';
const CONSOLE_LIFE_MS = 12 * 3600_000;

/**
 * May this request use console, review and API? Always on loopback; beyond it with a session, or with the start-up secret as
 * Bearer token. Throws `unauthorized`, `too_many`.
 */
export async function requireConsole(context: Context, request: FastifyRequest): Promise<void> {
  if (!context.settings.beyondLoopback) return;
  const secret = bearerOf(request);
  if (secret !== null) {
    checkSecret(context, request.ip, secret);
    return;
  }
  if (await isConsoleSession(context.store, request.cookies[CONSOLE_COOKIE], Date.now(), CONSOLE_LIFE_MS)) return;
  throw new HubError('unauthorized', 'sign in with the start-up secret');
}

/** The start-up secret, or what somebody takes for it. Throws `unauthorized`, `too_many` after wrong ones from this address. */
export function checkSecret(context: Context, address: string, given: string): void {
  const { startupSecret } = context.settings;
  if (startupSecret === null) return; // on loopback nobody is asked
  context.attempts.note(address, Date.now());
  if (!sameSecret(given, startupSecret)) throw new HubError('unauthorized', 'this is not the start-up secret', { field: 'secret' });
  context.attempts.clear(address);
}

/**
 * May this request watch an angle by WHEP? Who may use the console may; a page of another site only by Bearer token, so
 * that nobody's cookie is used by it. Throws `unauthorized`, `too_many`.
 */
export async function requireViewer(context: Context, request: FastifyRequest): Promise<void> {
  if (bearerOf(request) === null && !originAllowed(context, request.headers.origin, request.headers.host))
    throw new HubError('unauthorized', 'another site needs the start-up secret as Bearer token');
  await requireConsole(context, request);
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
  return publishGrant(store, link, who, hub.nowMs());
}

/** The token of `Authorization: Bearer …` (RFC 6750, 2.1), or null. */
function bearerOf({ headers }: FastifyRequest): string | null {
  return /^Bearer +(\S.{0,500}?) *$/i.exec(headers.authorization ?? '')?.[1] ?? null;
}

/** Pages of other sites may use what asks for a token that no browser sends by itself. */
export function openToOtherSites(context: Context, url: string): boolean {
  return url.startsWith('/whip/') || (context.settings.beyondLoopback && url.startsWith('/whep/'));
}

/**
 * Requests that another site's page could have made a browser send are refused: a Host that is not ours (DNS rebinding)
 * on loopback, and a foreign Origin on anything that changes something.
 */
export function checkOrigin(context: Context, { headers, method, url }: Pick<FastifyRequest, 'headers' | 'method' | 'url'>): void {
  const hostname = (headers.host ?? '').replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  if (!context.settings.beyondLoopback && !isLoopback(hostname))
    throw new HubError('forbidden', 'this hub answers on loopback only', { field: 'host' });
  if (method === 'GET' || method === 'HEAD' || headers.origin === undefined || openToOtherSites(context, url)) return;
  if (!originAllowed(context, headers.origin, headers.host))
    throw new HubError('forbidden', 'requests from other sites are refused', { field: 'origin' });
}

export function originAllowed(context: Context, origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined) return true; // not a browser
  if (origin === context.publicUrl()) return true;
  try {
    return new URL(origin).host === host;
  } catch {
    return false; // "null" and other nonsense
  }
}

function sameSecret(given: string, right: string): boolean {
  const digest = (value: string): Buffer => createHash('sha256').update(value).digest();
  return timingSafeEqual(digest(given), digest(right));
}
