import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { HubError } from '../../media/errors.ts';
import { isLoopback } from '../config.ts';
import type { Context } from '../context.ts';
import { isConsoleSession } from '../store/sessions.ts';

export const CONSOLE_COOKIE = 'fh_console';
export const CAPTURE_COOKIE = 'fh_capture';
const CONSOLE_LIFE_MS = 12 * 3600_000;
const TRIES = 10;
const TRIES_WINDOW_MS = 60_000;

/** May this request use console, review and API? Always on loopback; beyond it with a session. Throws `unauthorized`. */
export async function requireConsole(context: Context, request: FastifyRequest): Promise<void> {
  if (!context.settings.beyondLoopback) return;
  if (await isConsoleSession(context.store, request.cookies[CONSOLE_COOKIE], Date.now(), CONSOLE_LIFE_MS)) return;
  throw new HubError('unauthorized', 'sign in with the start-up secret');
}

/**
 * Requests that another site's page could have made a browser send are refused: a Host that is not ours (DNS rebinding)
 * on loopback, and a foreign Origin on anything that changes something.
 */
export function checkOrigin(context: Context, headers: { host?: string | undefined; origin?: string | undefined }, method: string): void {
  const hostname = (headers.host ?? '').replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  if (!context.settings.beyondLoopback && !isLoopback(hostname))
    throw new HubError('forbidden', 'this hub answers on loopback only', { field: 'host' });
  if (method === 'GET' || method === 'HEAD' || headers.origin === undefined) return;
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

/** Counts wrong secrets an address has tried, and refuses more than ten a minute. */
export class Attempts {
  readonly #tries = new Map<string, { count: number; sinceMs: number }>();

  /** Throws `too_many`. */
  note(address: string, nowMs: number): void {
    const known = this.#tries.get(address);
    if (!known || nowMs - known.sinceMs > TRIES_WINDOW_MS) {
      if (this.#tries.size > 10_000) this.#tries.clear();
      this.#tries.set(address, { count: 1, sinceMs: nowMs });
      return;
    }
    known.count += 1;
    if (known.count > TRIES) throw new HubError('too_many', 'too many attempts, wait a minute');
  }

  clear(address: string): void {
    this.#tries.delete(address);
  }
}

export function sameSecret(given: string, right: string): boolean {
  const digest = (value: string): Buffer => createHash('sha256').update(value).digest();
  return timingSafeEqual(digest(given), digest(right));
}
