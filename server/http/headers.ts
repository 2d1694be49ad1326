import type { Context } from '../context.ts';

/** For every answer, and of them only `connect-src` is not the same for all. */
const HEADERS = {
  'referrer-policy': 'no-referrer',
  // the model of the phone, where its browser gives it: the console shows what films
  'accept-ch': 'Sec-CH-UA-Model',
  'x-content-type-options': 'nosniff',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(self), microphone=(self), screen-wake-lock=(self), geolocation=(self)',
};
/** Two years; a browser that has reached the hub without a warning once goes there by no other way (RFC 6797). */
const HTTPS_ONLY = { 'strict-transport-security': 'max-age=63072000; includeSubDomains' };
/** A browser keeps the app and nothing that was asked of the hub: the next at that machine finds none of it. */
const KEEP_NOTHING = { 'cache-control': 'no-store' };
/** An address as a policy can name it (CSP Level 3, 2.3.1); of IPv6 it knows none. */
const SOCKETS = /^wss?:\/\/[a-z\d.-]{1,253}(?::\d{1,5})?$/i;

/**
 * What every answer says of itself to a browser. `host`: as the request names the hub, by which its pages find the sockets:
 * Safari before 15.4 does not count them as `'self'`, and any other host is no business of theirs.
 */
export function securityHeaders({ publicUrl }: Pick<Context, 'publicUrl'>, https: boolean, host = ''): Record<string, string> {
  const own = [`${https ? 'wss' : 'ws'}://${host}`, publicUrl().replace(/^http/, 'ws')];
  const sockets = [...new Set(own)].filter((each) => SOCKETS.test(each));
  const policy = `default-src 'self'; connect-src ${["'self'", ...sockets].join(' ')}; media-src 'self' blob: data:; worker-src 'self' blob:; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'`;
  return { 'content-security-policy': policy, ...HEADERS, ...KEEP_NOTHING, ...(https ? HTTPS_ONLY : {}) };
}
